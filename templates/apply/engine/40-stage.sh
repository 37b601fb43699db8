# --- verbs of host.sh: what each step does with a resource ------------------------------------

package() { each package "$@"; }
directory() { each directory "$@"; }
block() { each block "$@"; }
file() { each file "$@"; }
check() { each check "$@"; }
unit() { each unit "$@"; }

each() {
    case $step:$1 in
        listed:file) listed "files$4" ;;
        listed:block) listed "edits$3.block" ;;
        tools:package) shift; want_package "$@" ;;
        stage:directory) shift; stage_directory "$@" ;;
        stage:file) shift; stage_file "$@" ;;
        stage:block) shift; stage_block "$@" ;;
        stage:unit) [ -n "$root" ] || { shift; stage_unit "$@"; } ;;
        check:check) shift; run_check "$@" ;;
        units:unit) shift; start_unit "$@" ;;
        *) ;;
    esac
}

want_package() {
    case $package_manager in
        apt) dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed' && return ;;
        *) rpm -q "$1" >/dev/null 2>&1 && return ;;
    esac
    missing="$missing $1"
}

# change KIND MODE OWNER ACTION UNIT PATH, record KIND PATH MARK-OR-SHA256 ACTION UNIT: lines
# between tabs, as there are paths with spaces.
change() { printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$@" >>"$work/changed"; }
record() { printf '%s\t%s\t%s\t%s\t%s\n' "$@" >>"$work/record"; }

# recorded KIND PATH [LIST]: its line of the last run, or of another list; fails without one.
recorded() {
    [ -f "${3:-$state/installed}" ] || return 1
    kind=$1 path=$2 awk -F '\t' '$1 == ENVIRON["kind"] && $2 == ENVIRON["path"] { print; found = 1 }
        END { exit !found }' "${3:-$state/installed}"
}

# fits OWNER PATH KIND: what chown would be asked can be done; found out before anything changes.
fits() {
    [ ! -d "$root$2" ] || [ "$3" = directory ] || fail "a folder lies where the file $2 goes"
    [ -d "$root$2" ] || [ ! -e "$root$2" ] || [ "$3" = file ] || fail "a file lies where the folder $2 goes"
    [ -z "$root" ] && [ "$(id -u)" = 0 ] && [ "$1" != - ] || return 0
    chown "$1" "$work/probe" 2>/dev/null || fail "$2 is to belong to $1: there is no such user or group here"
}

stage_directory() {
    fits "$2" "$3" directory
    [ -d "$root$3" ] || change directory "$1" "$2" none - "$3"
}

# differs MODE OWNER PATH: whether the staged file is not what lies there.
differs() {
    [ -f "$root$3" ] && [ ! -L "$root$3" ] && cmp -s "$work/new$3" "$root$3" || return 0
    [ "$1" != - ] || return 1
    bits=$(stat -c %a "$root$3")
    [ "$bits" = "${1#0}" ] || [ "$bits" = "$1" ] || return 0
    [ -z "$root" ] || return 1
    # an owner may be told in numbers
    case " $(stat -c '%U:%G %u:%g %U:%g %u:%G' "$root$3") " in *" $2 "*) return 1 ;; esac
}

stage_file() {
    fits "$2" "$3" file
    mkdir -p "$work/new${3%/*}"
    fill "$bundle/files$3" >"$work/new$3"
    record file "$3" "$(sum "$work/new$3")" "$4" "$5"
    ! differs "$1" "$2" "$3" || change file "$1" "$2" "$4" "$5" "$3"
}

stage_block() {
    fits - "$2" file
    mkdir -p "$work/new${2%/*}"
    current=$root$2
    [ -f "$current" ] || current=/dev/null
    # what was wholly ours until now goes; what was there before comes back under the block
    if [ "$current" != /dev/null ] && line=$(recorded file "$2") && unchanged "$2" "$line"; then
        current=$state/before$2
        [ -f "$current" ] || current=/dev/null
    fi
    with_block "$1" "$bundle/edits$2.block" "$current" >"$work/new$2"
    record block "$2" "$1" "$3" "$4"
    ! differs - - "$2" || change file - - "$3" "$4" "$2"
}

# unchanged PATH LINE: it is still the file that the record's line tells of.
unchanged() { [ ! -L "$root$1" ] && [ "$(sum "$root$1")" = "$(printf '%s\n' "$2" | cut -f3)" ]; }

enabled() { systemctl is-enabled -q "$1" </dev/null >/dev/null 2>&1 9>&-; }
active() { systemctl is-active -q "$1" </dev/null >/dev/null 2>&1 9>&-; }

# stage_unit NAME CONFLICT...: a unit is ours where its file is, or where clustergen enabled it.
stage_unit() {
    whose=theirs
    if ! enabled "$1" || recorded unit "$1" | grep -q "${tab}ours$tab" ||
        grep -Fq -e "/systemd/system/$1$tab" "$work/record"; then whose=ours; fi
    record unit "$1" "$whose" none -
    if ! enabled "$1" || ! active "$1"; then change unit - - none - "$1"; fi
    shift
    for other in "$@"; do
        if enabled "$other" || active "$other"; then change rival - - none - "$other"; fi
    done
}

# stage_rest: what the last run recorded and this bundle does not have.
stage_rest() {
    [ -f "$state/installed" ] || return 0
    while IFS=$tab read -r kind path was action unit; do
        ! recorded "$kind" "$path" "$work/record" >/dev/null || continue
        case $kind in
            unit) if [ "$was" = ours ] && { active "$path" || enabled "$path"; }; then change leave - - none - "$path"; fi ;;
            file) recorded block "$path" "$work/record" >/dev/null || stage_gone "$path" "$was" "$action" "$unit" ;;
            block) recorded file "$path" "$work/record" >/dev/null || stage_cut "$path" "$was" "$action" "$unit" ;;
        esac
    done <"$state/installed"
}

# stage_gone PATH SHA256 ACTION UNIT: a file goes where it is still as it was installed.
stage_gone() {
    [ -e "$root$1" ] || [ -L "$root$1" ] || return 0
    if [ -f "$root$1" ] && [ ! -L "$root$1" ] && [ "$(sum "$root$1")" = "$2" ]; then
        change gone - - "$3" "$4" "$1"
    else
        unless_check "$1 was changed by hand since it was installed: it is no longer needed, and stays"
    fi
}

# stage_cut PATH MARK ACTION UNIT: a file without our block; nothing is left of one that was only ours.
stage_cut() {
    [ -f "$root$1" ] || return 0
    marks "$2" "$root$1"
    [ -n "$first" ] || return 0
    mkdir -p "$work/new${1%/*}"
    { head -n "$first" "$root$1" | sed '$d'; tail -n "+$((last + 1))" "$root$1"; } >"$work/new$1"
    if [ -s "$work/new$1" ] || [ -e "$state/before$1" ]; then change cut - - "$3" "$4" "$1"; else change gone - - "$3" "$4" "$1"; fi
}

