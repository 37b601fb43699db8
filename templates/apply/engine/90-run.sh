# --- the run ----------------------------------------------------------------------------------

whole_bundle
# shellcheck source=/dev/null
. "$bundle/host.sh"
step=listed
resources
state=$root/var/lib/clustergen/$cluster
right_host
same_host
missing='' refused='' started='' left='' locked='' undoing='' lost=0
if [ "$mode" = apply ]; then
    [ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "only root can install; --dry-run and --check need root only for files that others may not read"
    (umask 022 && mkdir -p "$root/var/lib")
    mkdir -p "$state"
    lock
    work=$state/run
else
    # filled secrets lie in it, so it is in memory where that can be
    place=${TMPDIR:-/tmp}
    if [ "$(id -u)" = 0 ] && [ -d /run ]; then place=/run; fi
    work=$(mktemp -d "$place/clustergen.XXXXXX")
fi
trap at_exit EXIT
trap 'exit 130' HUP INT PIPE TERM
if [ "$mode" = apply ]; then leftovers; fi
mkdir -p "$work/scratch"
for list in changed record back probe; do : >"$work/$list"; done

step=tools
[ -n "$root" ] || resources
[ -z "$missing" ] || fail "these packages are not installed:$missing"
step=stage
resources
stage_rest

if [ "$mode" != apply ]; then
    differences=$(tell)
    if [ -n "$differences" ]; then say "$differences"; else unless_check "$host: nothing to change"; fi
    [ "$mode" = dry ] || [ -z "$differences" ] || exit 2
    exit 0
fi
if [ ! -s "$work/changed" ]; then
    enter 'done'
    finish
    say "$host: nothing to change"
    exit 0
fi

[ -n "$root" ] || remember_active
enter installing
install_all
if [ -z "$root" ]; then
    step=check
    resources
    [ -z "$refused" ] || fail "these say that the new files are wrong, so nothing was reloaded:$refused"
    reload_systemd
    step=units
    resources
    act_on_units
fi
count=$(wc -l <"$work/changed" | tr -d ' ')
enter 'done'
finish
say "$host: $count changed"
