# This node's own directory, which shares its data with the others.
decoded bindPassword >"$work/bind"
tool() {
    program=$1
    shift
    # shellcheck disable=SC2086  # options
    "$run" "/opt/opendj/bin/$program" --noPropertiesFile --hostname localhost --port "$ldaps" --useSSL $trust \
        --bindDN "$(of bindDN)" --bindPasswordFile "$inside/bind" "$@"
}

configuration() {
    tool ldapsearch --baseDN ou=configuration,o=gluu --searchScope sub \
        '(|(objectClass=gluuConfiguration)(objectClass=oxAuthConfiguration))' \
        oxCacheConfiguration oxIDPAuthentication oxAuthConfDynamic oxRevision </dev/null >"$work/old.ldif" 2>"$work/said" ||
        { cat "$work/said"; echo "the directory of this node was not to be asked, on port $ldaps"; exit 1; }
}

configuration
