# Each file of the first node is here, byte for byte.
base64 -d <"$files/certificates" >"$files/certificates.tar"
tar -tf "$files/certificates.tar" | while IFS= read -r name; do
    tar -xOf "$files/certificates.tar" "$name" | cmp -s - "$root/etc/certs/$name" ||
        { echo "$root/etc/certs/$name is not that of $first"; exit 1; }
done
