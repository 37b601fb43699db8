# Gluu's applications believe their directory by a store of their own, and each other's pages by Java's:
# the cluster's authority goes into both, beside what is there.
cp "$authority" "$work/authority"
fingerprint() { openssl x509 -noout -fingerprint -sha256; }

# trusts STORE PASSWORD-FILE
trusts() {
    "$run" /opt/jre/bin/keytool -exportcert -rfc -alias "$alias" -keystore "$1" -storepass:file "$2" \
        >"$work/held" 2>/dev/null && [ "$(fingerprint <"$work/held")" = "$(fingerprint <"$work/authority")" ]
}

# seen_to STORE PASSWORD-FILE
seen_to() {
    if trusts "$@"; then return; fi
    [ "$to" = change ] || { echo "$root$1 does not have the cluster's authority as $alias"; exit 1; }
    "$run" /opt/jre/bin/keytool -delete -alias "$alias" -keystore "$1" -storepass:file "$2" >/dev/null 2>&1 || :
    "$run" /opt/jre/bin/keytool -importcert -noprompt -alias "$alias" -file "$inside/authority" \
        -keystore "$1" -storepass:file "$2" >"$work/said" 2>&1 || { cat "$work/said"; exit 1; }
    changed=1
}

changed=''
decoded ssl.trustStorePin >"$work/pin"
seen_to "$(of ssl.trustStoreFile)" "$inside/pin"
# Java's own password for what is no secret
echo changeit >"$work/changeit"
for store in /opt/jre/lib/security/cacerts /opt/jre/jre/lib/security/cacerts; do
    if "$run" test -e "$store"; then seen_to "$store" "$inside/changeit"; fi
done
[ -z "$changed" ] || restart_readers_of_stores
