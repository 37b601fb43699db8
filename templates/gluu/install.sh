# The same answers with this node's address; nobody is asked, and what is said may have passwords in it. Where
# it fails it may end with 0: then it has kept no answers.
grep -q '^ip *[=:]' "$files/plain" || { echo "the answers of $first have no line ip="; exit 1; }
trap 'rm -f "$root$setup/setup.properties"' EXIT
(umask 077 && sed "s/^ip *[=:].*/ip=$(cat "$files/address")/" "$files/plain" >"$root$setup/setup.properties")
ran() {
    "$run" sh -c "cd $setup && ./setup.py -n -f setup.properties --listen_all_interfaces" \
        </dev/null >"$files/said" 2>&1 && "$run" test -s "$setup/$answers"
}
ran || { echo "setup.py failed: see setup.log and setup_error.log in $root$setup"; exit 1; }
