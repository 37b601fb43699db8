# --- installing -------------------------------------------------------------------------------

# enter PHASE: the journal's phase, in one step.
enter() { printf '%s\n' "$1" >"$work/phase.new" && mv -f "$work/phase.new" "$work/phase"; }
phase() { cat "$work/phase" 2>/dev/null || :; }

# open_folder PATH: makes it, and what is missing on the way, for everybody to pass: the modes of
# the files in it say who may read.
open_folder() {
    folder=$1
    while [ -n "$folder" ] && [ ! -d "$folder" ]; do
        printf '%s\n' "$folder" >>"$work/made"
        folder=${folder%/*}
    done
    (umask 022 && mkdir -p "$1")
}

# keep PATH: what lies there goes where `undo` finds it; listed when the copy is whole.
keep() {
    if [ -e "$root$1" ] || [ -L "$root$1" ]; then
        mkdir -p "$work/old${1%/*}"
        cp -pP "$root$1" "$work/old$1"
        printf '%s\n' "$1" >>"$work/kept"
        recorded file "$1" >/dev/null || recorded block "$1" >/dev/null || printf '%s\n' "$1" >>"$work/first"
    else
        printf '%s\n' "$1" >>"$work/none"
    fi
}

# beside PATH: a name in the same folder that no *.d reader takes up.
beside() { printf '%s/.%s.dpkg-new\n' "${1%/*}" "${1##*/}"; }

# install_file MODE OWNER PATH: in one step; what lies under the other name, or where it leads, is
# not written to.
install_file() {
    target=$root$3
    open_folder "${target%/*}"
    temporary=$(beside "$target")
    rm -f "$temporary"
    (set -C && cat "$work/new$3" >"$temporary")
    bits=$1 owner=$2
    if [ "$1" = - ]; then
        # somebody else's file: its mode and owner stay
        bits=0644 owner=
        [ ! -e "$target" ] || { bits=$(stat -c %a "$target"); owner=$(stat -c %u:%g "$target"); }
    fi
    [ -n "$root" ] || [ -z "$owner" ] || chown -h "$owner" "$temporary"
    chmod "$bits" "$temporary"
    mv -f "$temporary" "$target"
    relabel "$target"
}

relabel() {
    [ -z "$root" ] && command -v restorecon >/dev/null 2>&1 || return 0
    restorecon "$1" || say "restorecon had something to say of $1"
}

# install_all: what is no longer shipped stops while its files are there; then the files.
install_all() {
    awk -F '\t' '$1 == "leave" { print $6 }' "$work/changed" >"$work/leaves"
    while read -r name; do leave_unit "$name"; done <"$work/leaves"
    while IFS=$tab read -r kind bits owner action unit path; do
        case $kind in
            directory)
                open_folder "$root$path"
                [ -n "$root" ] || chown "$owner" "$root$path"
                chmod "$bits" "$root$path"
                ;;
            gone) keep "$path"; rm -f "$root$path" ;;
            file | cut) keep "$path"; install_file "$bits" "$owner" "$path" ;;
        esac
    done <"$work/changed"
}

