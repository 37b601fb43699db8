# --- is this the right place? ---------------------------------------------------------------

# programs_here: what the engine calls; a host that lacks one is told before anything changes.
programs_here() {
    absent=''
    for program in awk cat chmod chown cmp cp cut date diff find grep head id ln mkdir mktemp mv readlink rm rmdir \
        sed sha256sum sleep sort stat tail tr uname wc xargs; do
        command -v "$program" >/dev/null 2>&1 || absent="$absent $program"
    done
    [ -z "$absent" ] || fail "these programs are not here:$absent (packages coreutils, findutils, diffutils, grep, sed, mawk or gawk)"
    [ -n "$root" ] || command -v systemctl >/dev/null 2>&1 || fail "systemctl is not here (package systemd): only --root works without it"
    [ -n "$root" ] || command -v getent >/dev/null 2>&1 || fail "getent is not here (package libc-bin or glibc-common): only --root works without it"
}

right_host() {
    [ -z "$root" ] || return 0
    [ -z "$me" ] || { [ "$me" = "$host" ] || fail "this bundle is for $host, not for $me"; return 0; }
    here=$(uname -n)
    for name in $names; do [ "$here" != "$name" ] || return 0; done
    mine=" $(ip -o addr show 2>/dev/null | awk '{ sub("/.*", "", $4); printf "%s ", $4 }')"
    for address in $addresses; do case $mine in *" $address "*) return 0 ;; esac; done
    fail "this bundle is for $host, and this host is $here; if it is $host all the same, say --i-am $host"
}

# only_root: who else may look, but sees neither what is recorded nor what was there before.
only_root() {
    [ -n "$root" ] || [ -z "$changes$instead" ] || [ "$uid" = 0 ] ||
        fail "only root can install or undo; --dry-run and --check need root only for files that others may not read"
}

# same_host: the bundle that was here last was for the same host.
same_host() {
    [ -f "$state/host" ] && [ "$me" != "$host" ] || return 0
    last=$(cat "$state/host")
    [ "$last" = "$host" ] || fail "this machine is $last of $cluster, and this bundle is for $host; if it is $host from now on, say --i-am $host"
}

# right_platform: paths and directives are those of a release (os-release(5)). A minor release does.
right_platform() {
    [ -z "$root" ] && [ -n "$releases" ] || return 0
    [ -f /etc/os-release ] || fail "this bundle is for $platform, and this host has no /etc/os-release that tells what it is: put that back first"
    # shellcheck source=/dev/null
    runs=$(. /etc/os-release && printf '%s %s\n' "${ID:-}" "${VERSION_ID:-}") ||
        fail "this bundle is for $platform, and /etc/os-release cannot be read to tell what this host is: put that right first"
    for release in $releases; do
        case $runs in "${release%:*} ${release#*:}" | "${release%:*} ${release#*:}".*) return 0 ;; esac
    done
    fail "this bundle is for $platform, and this host runs $runs: say platform for it in the description, and build again"
}

whole_bundle() {
    [ -f "$bundle/host.sh" ] || fail "host.sh is not beside apply.sh: the bundle is not whole"
    wrong=$(cd "$bundle" && sha256sum -c SHA256SUMS 2>&1 | grep -v ': OK$') || :
    [ -z "$wrong" ] || fail "the bundle is not as it was built, so copy it here again:
$wrong"
    listed printf '%s\n' apply.sh host.sh
}

# listed COMMAND...: each path that it prints is one whose sum was compared.
listed() {
    absent=$("$@" | awk 'FILENAME == ARGV[1] { sum[substr($0, 67)]; next } !($0 in sum) { printf " %s", $0 }' "$bundle/SHA256SUMS" -)
    [ -z "$absent" ] || fail "the bundle is not as it was built: SHA256SUMS does not list$absent. Copy it here again"
}

# lock: one run at a time; a lock that ends with the process, however it ends.
lock() {
    doing="taking the lock $lock"
    if command -v flock >/dev/null 2>&1; then
        exec 9>>"$lock"
        flock -n 9 || refuse_second
        return 0
    fi
    if ! mkdir "$lock.d" 2>/dev/null; then
        ! held || refuse_second
        rm -rf "$lock.d"
        mkdir "$lock.d" 2>/dev/null || refuse_second
    fi
    locked=$lock.d
    printf '%s\n' "$$" >"$locked/pid"
}

# held: another run has the lock, so what lies there is neither the old nor the new.
held() {
    if [ ! -d "$lock.d" ]; then
        [ -f "$lock" ] && command -v flock >/dev/null 2>&1 && ! flock -n -s "$lock" true
        return
    fi
    holder=$(cat "$lock.d/pid" 2>/dev/null) && kill -0 "$holder" 2>/dev/null
}

refuse_second() { fail "another apply.sh is at work${holder:+: process $holder}: ask again when it is through"; }
