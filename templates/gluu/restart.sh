# restart UNIT...: those of the container that are up.
restart() {
    for unit in "$@"; do
        if "$run" systemctl -q is-active "$unit" 2>/dev/null; then "$run" systemctl restart "$unit"; fi
    done
}

# Stores are read when an application starts.
restart_readers_of_stores() { restart oxauth identity idp scim fido2 passport casa; }
