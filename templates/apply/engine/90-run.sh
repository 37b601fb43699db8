# --- the run ----------------------------------------------------------------------------------

engine=$bundle/apply.sh releases='' state='' work='' newest='' host='' cluster='' planned='' doing='' error=''
missing='' accounts='' owners=' ' waiting='' waits='' needed='' refused='' rehearsed='' started='' left='' locked='' holder='' undoing='' signer='' lost=0
[ -z "$json" ] || exec 3>&1 1>&2
if [ "$mode" = rehearse ]; then
    bundle=$rehearsed_bundle
else
    trap at_exit EXIT
    trap 'exit 130' HUP INT PIPE TERM
fi

programs_here
uid=$(id -u)
secrets=${secrets:-$bundle/secrets}
# who has it rehearsed has judged it
[ "$mode" = rehearse ] || { signed_bundle; whole_bundle; }
if [ "$mode" = judge ]; then
    [ -n "$signer" ] || fail "$bundle is whole, and there is no $signers here to judge by who signed it"
    say "$bundle is whole, and $signer signed it"
    exit 0
fi
# shellcheck source=/dev/null
. "$bundle/host.sh"
state=$root/var/lib/clustergen/$cluster lock=$root/var/lib/clustergen/.lock
if [ "$mode" = rehearse ]; then
    on_stage
    exit 0
fi
at=listed
listed resources
case $mode in apply | bootstrap | mark-done | mark-undone) changes=1 ;; *) changes='' ;; esac
only_root
right_host
same_host
right_platform
if [ -n "$changes" ]; then
    open_way "${state#"$root"}"
    doing="making $state"
    [ -d "$root/var/lib" ] || (umask 022 && mkdir -p "$root/var/lib")
    [ -d "$state" ] || mkdir -p "$state"
    lock
    doing='looking for what an interrupted run left'
    work=$state/run
    [ -n "$root" ] || scraps
    leftovers
elif [ "$uid" = 0 ] && [ -d /run ]; then
    # filled secrets lie in it, so it is in memory where that can be
    work=/run/clustergen.$$
    doing="making $work"
    rm -rf "$work"
else
    doing="making a folder in ${TMPDIR:-/tmp}"
    work=$(mktemp -d "${TMPDIR:-/tmp}/clustergen.XXXXXX")
fi
look_back
[ "$mode" != apply ] || not_replaced
case $instead in
    rollback) go_back ;;
    # a bundle with nothing in it
    uninstall) resources() { :; } ;;
esac
doing="making $work"
mkdir -p "$work/scratch" "$work/sealed" "$work/secrets"
for list in changed record keys back accounts probe steps proofs births recipients host_keys; do : >"$work/$list"; done

case $mode in
    verify | list | bootstrap | mark-done | mark-undone | host-key)
        doing=''
        # not in a condition: there no command of a step would stop it
        without_change
        [ "$broken" = 0 ] || exit 2
        exit 0
        ;;
esac

at=tools
[ -n "$root" ] || resources
[ -z "$packages" ] || [ "$mode" != apply ] || install_packages
[ -z "$missing" ] || fail "these packages are not installed:$missing; --install-packages installs them"
at=stage
doing='comparing with what was installed last'
remember
resources
doing='looking for what is no longer needed'
complete_record
stage_rest
remember_changes

if [ "$mode" != apply ]; then
    doing=''
    [ ! -f "$state/run/phase" ] || ! held || refuse_second
    differences=$(tell)
    if [ -n "$differences" ]; then say "$differences"; else unless_check "$host: nothing to change"; fi
    [ "$mode" = check ] || { show_diffs; tell_lacking; }
    [ "$mode" = dry-run ] || [ -z "$differences" ] || exit 2
    exit 0
fi
doing='keeping a copy of the bundle'
stage_generation
doing='looking for steps that are no longer described'
stale_marks
printf '%s\n' "$host" >"$work/host"
case $instead in
    rollback) printf '%s\n' "$newest" >"$work/gone-back-from" ;;
    uninstall) : >"$work/uninstalled" ;;
esac
if [ ! -s "$work/changed" ]; then
    enter 'done'
    finish
    doing=''
    say "$host: nothing to change"
    nothing_waits || exit 5
    exit 0
fi

doing='beginning'
[ -n "$root" ] || remember_active
keep_log
all=$(($(wc -l <"$work/changed")))
note "apply.sh${instead:+ --$instead}: $all to change${signer:+, signed by $signer}"
enter installing
if [ -z "$root" ]; then
    doing='making groups and users'
    at=accounts
    resources
    doing='rehearsing the installation'
    rehearse || :
    [ -z "$refused" ] || fail "these say that the new files are wrong, so nothing was installed:$refused"
    leave_units
fi
install_files
if [ -z "$root" ]; then
    doing='making files'
    at='make'
    resources
    doing='checking what was installed'
    at=check
    [ -n "$rehearsed" ] || resources
    [ -z "$refused" ] || fail "these say that the new files are wrong, so nothing was reloaded:$refused"
    doing='starting and reloading units'
    reload_systemd
    at=units
    resources
    act_on_units
    doing='seeing to what comes last'
    at=last
    resources
    act_at_last
fi
doing='writing down what was installed'
enter 'done'
finish
doing=''
say "$host: $all changed"
nothing_waits || exit 5
