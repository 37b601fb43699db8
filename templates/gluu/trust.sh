# Gluu's applications believe their directory by a store of their own, and each other's pages by Java's:
# the cluster's authority goes into both, beside what is there.
cp "$authority" "$work/authority"
fingerprint() { openssl x509 -noout -fingerprint -sha256; }

# sums: of all that the answer depends on.
sums() {
    # shellcheck disable=SC2086  # a path each
    "$run" sha256sum "$inside/trust" "$inside/authority" /etc/gluu/conf/gluu-ldap.properties "$own" $java | cut -c-64
}

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

own=$(of ssl.trustStoreFile) java='' changed=''
for store in /opt/jre/lib/security/cacerts /opt/jre/jre/lib/security/cacerts; do
    if "$run" test -e "$store"; then java="$java $store"; fi
done
# Java takes its time: what was found right is not looked into again for as long as no byte of it changes
if [ -f "$files/looked-into" ] && sums 2>/dev/null | cmp -s - "$files/looked-into"; then exit; fi
decoded ssl.trustStorePin >"$work/pin"
seen_to "$own" "$inside/pin"
# Java's own password for what is no secret
echo changeit >"$work/changeit"
for store in $java; do seen_to "$store" "$inside/changeit"; done
[ -z "$changed" ] || restart_readers_of_stores
[ "$to" = look ] || sums >"$files/looked-into"
