# --- the run ----------------------------------------------------------------------------------

whole_bundle
# shellcheck source=/dev/null
. "$bundle/host.sh"
state=$root/var/lib/clustergen/$cluster
missing='' accounts='' waiting='' waits='' refused='' started='' left='' locked='' undoing='' lost=0
at=listed
resources
right_host
same_host
case $mode:$uninstall in
    *:) ;;
    # a bundle with nothing in it
    apply:1 | dry:1) resources() { :; } ;;
    *) misused ;;
esac
case $mode in apply | bootstrap | mark-done) changes=1 ;; *) changes='' ;; esac
if [ -n "$changes" ]; then
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
[ -z "$changes" ] || leftovers
mkdir -p "$work/scratch"
for list in changed record keys back accounts probe; do : >"$work/$list"; done

case $mode in
    verify | list | bootstrap | mark-done)
        # not in a condition: there no command of a step would stop it
        without_change
        [ "$broken" = 0 ] || exit 2
        exit 0
        ;;
esac

at=tools
[ -n "$root" ] || resources
[ -z "$packages" ] || [ "$mode" != apply ] || install_packages
[ -z "$missing" ] || fail "these packages are not installed:$missing"
at=stage
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
    nothing_waits || exit 5
    exit 0
fi

[ -n "$root" ] || remember_active
enter installing
if [ -z "$root" ]; then
    at=accounts
    resources
fi
install_all
if [ -z "$root" ]; then
    at='make'
    resources
    at=check
    resources
    [ -z "$refused" ] || fail "these say that the new files are wrong, so nothing was reloaded:$refused"
    reload_systemd
    at=units
    resources
    act_on_units
fi
count=$(wc -l <"$work/changed" | tr -d ' ')
enter 'done'
finish
say "$host: $count changed"
nothing_waits || exit 5
