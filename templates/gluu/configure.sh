# What Gluu is told lies in its directory, once for all nodes: it is read, and only what is ours is
# changed. $to is `look`, which says what is not so yet, or `change`.
umask 077
work=$(mktemp -d "$root/root/clustergen-configure.XXXXXX")
trap 'rm -rf "$work"' EXIT
inside=${work#"$root"}
cp "$files/configure.py" "$files/admin" "$files/cache" "$work"

tool() {
    program=$1
    shift
    # shellcheck disable=SC2086  # options
    "$run" "/opt/opendj/bin/$program" --noPropertiesFile --hostname localhost --port "$ldaps" --useSSL $trust \
        --bindDN 'cn=directory manager' --bindPasswordFile "$inside/admin" "$@"
}

tool ldapsearch --baseDN ou=configuration,o=gluu --searchScope base '(objectClass=*)' \
    oxCacheConfiguration oxIDPAuthentication </dev/null >"$work/old.ldif"
python=$(sed -n '1s/^#!//p' "$root/opt/gluu/bin/encode.py")
# shellcheck disable=SC2086  # several servers
"$run" "$python" "$inside/configure.py" "$inside/old.ldif" "$inside/cache" "$cache" $servers >"$work/new.ldif"
[ -s "$work/new.ldif" ] || exit 0
[ "$to" = change ] || { echo 'Gluu is not told yet where its cache and its directories are'; exit 1; }
tool ldapmodify <"$work/new.ldif" >"$files/said"
