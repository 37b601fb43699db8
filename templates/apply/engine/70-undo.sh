# --- putting back, and the end of a run -------------------------------------------------------

# put_back PATH: the old file in one step, with its owner, mode and time. cp makes a new name
# exclusively, so what somebody puts there meanwhile is not followed. What was to be replaced may
# not have been: another file system is mounted on it, or the run was stopped before.
put_back() {
    ! alike "$work/old$1" "$root$1" || return 0
    temporary=$(beside "$root$1")
    rm -f "$temporary" && cp -pP "$work/old$1" "$temporary" && mv -fT "$temporary" "$root$1" && relabel "$root$1"
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
# discard FILE: where there is one. rm -f fails on a name that no file system takes.
discard() { if [ -e "$1" ] || [ -L "$1" ]; then rm -f "$1"; fi; }
remove() { discard "$root$1"; }
# remove_temporary PATH: a folder under that name is nobody's of us
remove_temporary() {
    temporary=$(beside "$root$1")
    if [ -L "$temporary" ] || [ ! -d "$temporary" ]; then discard "$temporary"; fi
}
remove_folder() { rmdir "$1" 2>/dev/null || :; }
# take_back LINE: a verb and a unit. One that failed too often starts only when that is forgotten; one
# that ended is not known any more when its file is gone, and what is left of it is forgotten.
take_back() {
    verb=${1%% *} unit=${1#* }
    if [ "$verb" = stop ]; then
        alone systemctl stop "$unit" 2>/dev/null || ! active "$unit" || return 1
    fi
    alone systemctl reset-failed "$unit" >/dev/null 2>&1 || :
    [ "$verb" = stop ] || alone systemctl "$verb" "$unit"
}
# remove_account WORDS: what made it was written down before it was done, so it may not be there
remove_account() {
    # shellcheck disable=SC2086  # a command in words
    alone $1 >/dev/null 2>&1 || :
}

# undo: files first, then the units that have taken them up. Fails where something is lost.
undo() {
    undoing=1 lost=0
    say "putting back what was there"
    # room for what follows, and no opened secrets where something is lost
    rm -rf "$work/new" "$work/generation" "$work/sealed"
    cut -f6 "$work/changed" | grep ^/ >"$work/paths"
    each_line "$work/paths" remove_temporary
    each_line "$work/none" remove
    each_line "$work/kept" put_back
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

# finish: what a run leaves; every line can be done again. On a full disk, too: it makes room first,
# and then moves and links.
finish() {
    rm -rf "$work/new"
    [ ! -d "$work/old" ] || rm -rf "$state/last"
    each_line "$work/first" keep_first
    each_line "$work/forgotten" forget
    # what steps proved is no longer so, and nobody goes back to where nothing is
    [ ! -e "$work/uninstalled" ] || rm -rf "$state/done" "$state/generations" "$state/export"
    keep_generation
    keep_list keys keys
    keep_list record installed
    keep_list host host
    [ ! -d "$work/old" ] || mv "$work/old" "$state/last"
    rm -rf "$work"
}

# keep_list FROM TO: a run that changes nothing leaves the state as it is, to the minute.
keep_list() {
    [ -f "$work/$1" ] && ! cmp -s "$work/$1" "$state/$2" || return 0
    mv -f "$work/$1" "$state/$2"
}

keep_first() {
    [ ! -e "$state/before$1" ] && [ ! -L "$state/before$1" ] && [ -d "$work/old" ] || return 0
    room_for "$state/before$1"
    ln -f "$work/old$1" "$state/before$1"
}

# leftovers: finishes or puts back what a killed run left, with every unit that may have seen it.
leftovers() {
    left_at=$(phase) went_back=''
    case $left_at in
        installing | done) ;;
        *)
            [ ! -d "$work" ] || rm -rf "$work"
            return 0
            ;;
    esac
    [ ! -f "$work/gone-back-from" ] || went_back=1
    keep_log
    say "an earlier run was interrupted"
    if [ "$left_at" = 'done' ]; then
        finish
    else
        # one that was still rehearsing has shown nothing to anybody
        if [ -z "$root" ] && { [ -s "$work/kept" ] || [ -s "$work/none" ]; }; then ask_again; fi
        undo || exit 4
        rm -rf "$work"
    fi
    undoing=''
    case $instead:$left_at:$went_back in
        rollback:installing: | rollback:done:1)
            say "$host: the bundle before the interrupted one is here again; to go back further, say --rollback once more"
            exit 0
            ;;
    esac
}

# ask_again: units that may have seen what is put back are asked to take it up.
ask_again() {
    actions all >"$work/actions"
    while read -r action unit; do
        if active "$unit"; then printf '%s %s\n' "$action" "$unit" >>"$work/back"; fi
    done <"$work/actions"
}

# scraps: rehearsals and looks, in memory, whose process is gone.
scraps() {
    for scrap in /run/clustergen.[0-9]*; do
        [ ! -d "$scrap" ] || kill -0 "${scrap##*.}" 2>/dev/null || rm -rf "$scrap"
    done
}

# full: says so where it is; a shell's own words may not.
full() {
    [ -d "$work" ] || return 0
    if ! printf '.\n' 2>/dev/null >"$work/room"; then printf ': nothing more can be written to %s' "$work"; fi
}

at_exit() {
    code=$?
    trap '' HUP INT PIPE TERM
    set +e
    # a program that failed has said why; where, only we know
    if [ "$code" != 0 ] && [ -z "$error" ] && [ -n "$doing" ]; then
        error="failed while $doing$(full)"
        [ "$code" = 130 ] || code=1
        note "$error"
        printf 'apply.sh: %s\n' "$error" >&2
    fi
    if [ "$(phase)" = installing ] && [ -z "$undoing" ] && ! undo; then code=4; fi
    [ -z "$json" ] || outcome "$code" >&3
    case $(phase) in installing | done) ;; *) [ ! -d "$work" ] || rm -rf "$work" ;; esac
    [ -z "$locked" ] || rm -rf "$locked"
    exit "$code"
}
