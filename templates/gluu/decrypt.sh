# The answers as setup.py encrypts them; openssl hashes the password with sha256 from 1.1.0 on, with
# md5 before.
base64 -d <"$files/answers" >"$files/encrypted"
for digest in sha256 md5; do
    if openssl enc -d -aes-256-cbc -md "$digest" -pass "file:$files/admin" \
        -in "$files/encrypted" -out "$files/plain" 2>/dev/null &&
        grep -q '^hostname *[=:]' "$files/plain"; then break; fi
    rm -f "$files/plain"
done
[ -f "$files/plain" ] || { echo "the answers of $first are not encrypted with the password that the secret $admin is"; exit 1; }
