# --- putting back, and the end of a run -------------------------------------------------------

# put_back PATH: the old file in one step, with its owner, mode and time. cp makes a new name
# exclusively, so what somebody puts there meanwhile is not followed.
put_back() {
    temporary=$(beside "$root$1")
    [ ! -d "$root$1" ] && rm -f "$temporary" && cp -pP "$work/old$1" "$temporary" && mv -f "$temporary" "$root$1" && relabel "$root$1"
}

# each_line LIST COMMAND: runs COMMAND for every line of a list that may not be there.
each_line() {
    [ -f "$1" ] || return 0
    while IFS= read -r line; do
        "$2" "$line" || { lost=$((lost + 1)); say "  $line could not be put back"; }
    done <"$1"
}

# put_mode_back LINE: mode, owner, and the folder's path, in which a space may be
put_mode_back() { rest=${1#* } && set_mode "0${1%% *}" "${rest%% *}" "${rest#* }"; }
remove() { rm -f "$root$1"; }
remove_temporary() { rm -f "$(beside "$root$1")"; }
remove_folder() { rmdir "$1" 2>/dev/null || :; }
take_back() { systemctl "${1%% *}" "${1#* }" </dev/null 9>&-; }
# remove_account WORDS: what made it was written down before it was done, so it may not be there
remove_account() {
    # shellcheck disable=SC2086  # a command in words
    $1 >/dev/null 2>&1 9>&- || :
}

# undo: files first, then the units that have taken them up. Fails where something is lost.
undo() {
    undoing=1 lost=0
    say "putting back what was there"
    cut -f6 "$work/changed" | grep ^/ >"$work/paths"
    each_line "$work/paths" remove_temporary
    each_line "$work/kept" put_back
    each_line "$work/none" remove
    each_line "$work/modes" put_mode_back
    sort -r "$work/made" 2>/dev/null >"$work/folders"
    each_line "$work/folders" remove_folder
    if [ -z "$root" ]; then
        awk '{ line[NR] = $0 } END { for (i = NR; i; i--) print line[i] }' "$work/accounts" >"$work/leavers"
        each_line "$work/leavers" remove_account
        reload_systemd
        awk '{ line[NR] = $0 } END { for (i = NR; i; i--) if (!seen[line[i]]++) print line[i] }' "$work/back" >"$work/takes"
        each_line "$work/takes" take_back
    fi
    [ "$lost" = 0 ] || { say "$lost could not be put back: the backups are in $work/old, and the next run tries again"; return 1; }
    enter undone
}

# finish: what a run leaves; every line can be done again.
finish() {
    each_line "$work/first" keep_first
    # what steps proved is no longer so
    [ -z "$uninstall" ] || rm -rf "$state/done"
    [ ! -f "$work/keys" ] || mv -f "$work/keys" "$state/keys"
    [ ! -f "$work/record" ] || mv -f "$work/record" "$state/installed"
    printf '%s\n' "$host" >"$state/host.new"
    mv -f "$state/host.new" "$state/host"
    [ ! -d "$work/old" ] || { rm -rf "$state/last" && mv "$work/old" "$state/last"; }
    rm -rf "$work"
}

keep_first() {
    [ ! -e "$state/before$1" ] && [ ! -L "$state/before$1" ] && [ -d "$work/old" ] || return 0
    mkdir -p "$state/before${1%/*}"
    cp -pP "$work/old$1" "$state/before.new"
    mv -f "$state/before.new" "$state/before$1"
}

# leftovers: finishes or puts back what a killed run left, with every unit that may have seen it.
leftovers() {
    case $(phase) in
        installing)
            say "an earlier run was interrupted"
            actions >"$work/actions"
            while read -r action unit; do
                if [ -z "$root" ] && active "$unit"; then printf '%s %s\n' "$action" "$unit" >>"$work/back"; fi
            done <"$work/actions"
            undo || exit 1
            ;;
        done) finish ;;
    esac
    rm -rf "$work"
    undoing=''
}

at_exit() {
    code=$?
    trap '' HUP INT PIPE TERM
    set +e
    if [ "$(phase)" = installing ] && [ -z "$undoing" ]; then undo; fi
    case $(phase) in installing | done) ;; *) rm -rf "$work" ;; esac
    [ -z "$locked" ] || rm -rf "$locked"
    exit "$code"
}

# nothing_waits: fails where something waits for a step. A trial below a folder has no steps.
nothing_waits() {
    [ -z "$root" ] || return 0
    at=waits
    resources
    [ -n "$waiting" ] || return 0
    say "waits for a one-time step, see --list:$waiting"
    return 1
}

# tell: the plan, a line for each difference.
tell() {
    [ ! -f "$state/run/phase" ] || say "put right what an interrupted run left"
    while IFS=$tab read -r kind _ _ action unit path; do
        then=''
        [ "$action" = none ] || then=", then $action $unit"
        case $kind in
            directory | made) say "make $path$then" ;;
            group | user) say "make the $kind $path" ;;
            member) say "put the user $path" ;;
            mode) say "set mode and owner of $path" ;;
            link) say "link $path$then" ;;
            back) say "put back $path as it was before clustergen$then" ;;
            unit) say "enable and start $path" ;;
            rival | leave) say "stop and disable $path" ;;
            gone) say "remove $path$then" ;;
            keys) say "$(cat "$work/words$path") in $path$then" ;;
            cut) say "take our block out of $path$then" ;;
            *) say "change $path$then" ;;
        esac
    done <"$work/changed"
}

