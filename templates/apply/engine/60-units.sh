# --- checks and units -------------------------------------------------------------------------

# touched PATH...: one of them changed, or something went that nobody names any more.
touched() {
    ! grep -q "^gone$tab" "$work/changed" || return 0
    for path in "$@"; do
        ! cut -f6 "$work/changed" | grep -Fqx -e "$path" || return 0
    done
    return 1
}

# run_check GOOD-CODES COMMAND PATH...: as a daemon would see the files, so with its usual umask.
run_check() {
    good=$1 command=$2
    shift 2
    touched "$@" || return 0
    code=0
    (umask 022 && alone env scratch="$work/scratch" sh -c "$command") >"$work/said" 2>&1 || code=$?
    case " $good " in *" $code "*) return 0 ;; esac
    cat "$work/said" >&2
    refused="$refused
  $command"
}

# act VERB UNIT REVERSE...: asks systemd; what takes it back is written down before.
act() {
    verb=$1 asked=$2
    shift 2
    for back in "$@"; do printf '%s %s\n' "$back" "$asked" >>"$work/back"; done
    case $verb in
        disable) set -- disable --now ;;
        enable) set -- enable -q ;;
        *) set -- "$verb" ;;
    esac
    alone systemctl "$@" "$asked"
}

reload_systemd() { [ ! -d /run/systemd/system ] || alone systemctl daemon-reload; }

# leave_units: what is no longer shipped stops while its files are there.
leave_units() {
    awk -F '\t' '$1 == "leave" { print $6 }' "$work/changed" >"$work/leaves"
    while read -r name; do leave_unit "$name"; done <"$work/leaves"
}

# leave_unit NAME: stops it and takes it out of the boot.
leave_unit() {
    if active "$1"; then printf 'start %s\n' "$1" >>"$work/back"; fi
    if enabled "$1"; then printf 'enable %s\n' "$1" >>"$work/back"; fi
    left="$left $1"
    act disable "$1" || fail "$1 could not be stopped and disabled"
}

start_unit() {
    name=$1
    shift
    for other in "$@"; do
        if active "$other" || enabled "$other"; then leave_unit "$other"; fi
    done
    enabled "$name" || act enable "$name" disable || fail "$name could not be enabled"
    # two steps: enabling a SysV service with --now starts nothing on Debian
    active "$name" && return
    started="$started $name"
    act start "$name" stop || fail "$name could not start"
}

# actions all|now|last: ACTION UNIT of what changed, each once; a restart does for a reload. What is seen
# to when the units are up comes last.
actions() {
    which=$1 awk -F '\t' 'BEGIN { which = ENVIRON["which"] }
        $4 != "none" && (which == "all" || which == ($1 == "ensure" && $2 == "last" ? "last" : "now")) {
            if (!($5 in of)) order[++n] = $5
            if (of[$5] != "restart") of[$5] = $4
        }
        END { for (i = 1; i <= n; i++) print (of[order[i]] == "reload" ? "reload-or-restart" : of[order[i]]), order[i] }' "$work/changed"
}

# act_on_units: has the units that were not started just now take up what changed.
act_on_units() {
    actions now >"$work/actions"
    ask_units
    [ ! -s "$work/back" ] || stay_up
}

# act_at_last: those take up what they were told when all were up. Where none is to, nothing can fail any
# more: what was told stays so, and is not put back.
act_at_last() {
    started=''
    actions last >"$work/actions"
    ask_units
    [ ! -s "$work/actions" ] || stay_up
}

ask_units() {
    while read -r action unit; do
        case " $started $left " in *" $unit "*) continue ;; esac
        if ! active "$unit"; then
            say "$unit is not running, so it is not asked to ${action%%-*}"
            continue
        fi
        act "$action" "$unit" "$action" || fail "$unit could not ${action%%-*}"
    done <"$work/actions"
}

# stay_up: what ran before, or was started now, still runs after a moment; a service that its
# manager starts again and again does not.
stay_up() {
    asked=$(cut -d ' ' -f 2 "$work/actions")
    # also of one that is not active: it may be between two lives
    for unit in $started $asked; do
        printf '%s %s\n' "$unit" "$(restarts "$unit")"
    done >"$work/restarts"
    sleep 1
    for unit in $started; do active "$unit" || fail "$unit was started, and did not stay up: see journalctl -u $unit"; done
    while read -r unit; do
        case " $left " in *" $unit "*) continue ;; esac
        active "$unit" || fail "$unit was running before, and is not now: see journalctl -u $unit"
    done <"$work/active"
    while read -r unit count; do
        [ "$(restarts "$unit")" = "$count" ] || fail "$unit dies, and is started again and again: see journalctl -u $unit"
    done <"$work/restarts"
}

# restarts UNIT: how often its manager has started it again (systemd 235; nothing before).
restarts() {
    count=$(alone systemctl show -p NRestarts "$1" 2>/dev/null) || :
    printf '%s\n' "${count#*=}"
}

# remember_active: the units that must be running at the end, as they are now.
remember_active() {
    awk -F '\t' 'FILENAME == ARGV[1] { if ($4 != "none") print $5; next }
        $1 == "unit" { print $2 }' "$work/changed" "$work/record" | sort -u >"$work/units"
    while read -r unit; do
        if active "$unit"; then printf '%s\n' "$unit"; fi
    done <"$work/units" >"$work/active"
}
