# --- is this the right place? ---------------------------------------------------------------

right_host() {
    [ -z "$root" ] || return 0
    [ -z "$me" ] || { [ "$me" = "$host" ] || fail "this bundle is for $host, not for $me"; return 0; }
    here=$(uname -n)
    for name in $names; do [ "$here" != "$name" ] || return 0; done
    mine=" $(ip -o addr show 2>/dev/null | awk '{ sub("/.*", "", $4); printf "%s ", $4 }')"
    for address in $addresses; do case $mine in *" $address "*) return 0 ;; esac; done
    fail "this bundle is for $host, and this host is $here; if it is $host all the same, say --i-am $host"
}

# same_host: the bundle that was here last was for the same host.
same_host() {
    [ -f "$state/host" ] && [ "$me" != "$host" ] || return 0
    last=$(cat "$state/host")
    [ "$last" = "$host" ] || fail "this machine is $last of $cluster, and this bundle is for $host; if it is $host from now on, say --i-am $host"
}

whole_bundle() {
    command -v sha256sum >/dev/null 2>&1 || fail "sha256sum is not here (package coreutils)"
    wrong=$(cd "$bundle" && sha256sum -c SHA256SUMS 2>&1 | grep -v ': OK$') || :
    [ -z "$wrong" ] || fail "the bundle is not as it was built:
$wrong"
    listed apply.sh
    listed host.sh
}

# listed PATH: its sum was compared with the others.
listed() {
    cut -c67- "$bundle/SHA256SUMS" | grep -Fqx -e "$1" || fail "the bundle is not as it was built: SHA256SUMS does not list $1"
}

# lock: one run at a time; a lock that ends with the process, however it ends.
lock() {
    lock=$root/var/lib/clustergen/.lock
    if command -v flock >/dev/null 2>&1; then
        exec 9>"$lock"
        flock -n 9 || fail "another apply.sh is at work"
        return 0
    fi
    if ! mkdir "$lock.d" 2>/dev/null; then
        holder=$(cat "$lock.d/pid" 2>/dev/null) || :
        if [ -n "$holder" ] && kill -0 "$holder" 2>/dev/null; then fail "another apply.sh is at work: process $holder"; fi
        rm -rf "$lock.d"
        mkdir "$lock.d" 2>/dev/null || fail "another apply.sh is at work"
    fi
    locked=$lock.d
    printf '%s\n' "$$" >"$locked/pid"
}

