# --- installing -------------------------------------------------------------------------------

# enter PHASE: the journal's phase, in one step.
enter() { printf '%s\n' "$1" >"$work/phase.new" && mv -f "$work/phase.new" "$work/phase"; }
phase() { [ -z "$work" ] || cat "$work/phase" 2>/dev/null || :; }

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

# known PATH: the last run's record has something of it.
known() { [ -f "$state/installed" ] && cut -f2 "$state/installed" | grep -Fqx -e "$1"; }

# keep PATH: what lies there goes where `undo` finds it; listed when the copy is whole.
keep() {
    if [ -e "$root$1" ] || [ -L "$root$1" ]; then
        mkdir -p "$work/old${1%/*}"
        cp -pP "$root$1" "$work/old$1"
        printf '%s\n' "$1" >>"$work/kept"
        known "$1" || printf '%s\n' "$1" >>"$work/first"
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

# install_link PATH: in one step, whatever lies there.
install_link() {
    open_folder "$root${1%/*}"
    temporary=$(beside "$root$1")
    rm -f "$temporary"
    ln -s "$(readlink "$work/new$1")" "$temporary"
    mv -fT "$temporary" "$root$1"
}

# come_back PATH: what was there before clustergen, with its owner, mode and time.
come_back() {
    temporary=$(beside "$root$1")
    rm -f "$temporary"
    cp -pP "$state/before$1" "$temporary"
    mv -fT "$temporary" "$root$1"
    relabel "$root$1"
}

# make_group NAME, make_user NAME GROUP HOME SHELL system|person [GROUP...]: what is there already
# is not changed, but for the groups that a user must be in besides.
make_group() {
    ! have group "$1" || return 0
    printf 'groupdel %s\n' "$1" >>"$work/accounts"
    groupadd --system "$1" 9>&- || fail "the group $1 could not be made"
}

make_user() {
    name=$1
    if ! have passwd "$name"; then
        set -- "$1" "$2" "$3" "$4" "$([ "$5" = person ] || echo --system)" "$@"
        printf 'userdel %s\n' "$name" >>"$work/accounts"
        # shellcheck disable=SC2086  # an option or nothing
        useradd $5 --gid "$2" --home-dir "$3" --shell "$4" --no-create-home "$name" 9>&- || fail "the user $name could not be made"
        shift 5
    fi
    shift 5
    for more in "$@"; do
        ! in_group "$name" "$more" || continue
        printf 'gpasswd -d %s %s\n' "$name" "$more" >>"$work/accounts"
        usermod -a -G "$more" "$name" 9>&- || fail "the user $name could not be put into $more"
    done
}

# make PATH ACTION UNIT PROBE COMMAND INPUT...: by the host's own program, out of what is installed.
make() {
    grep -Fqx -e "made$tab-$tab-$tab$2$tab$3$tab$1" "$work/changed" || return 0
    keep "$1"
    open_folder "${1%/*}"
    if ! quietly "$5" || ! quietly "$4"; then
        cat "$work/said" >&2
        fail "$1 could not be made"
    fi
    record made "$1" "$(sum "$1")" "$2" "$3"
}

# make_sure KEY TITLE ACTION UNIT: what is no file, by functions of host.sh.
make_sure() {
    grep -Fqx -e "ensure$tab-$tab-$tab$3$tab$4$tab$2" "$work/changed" || return 0
    if ! quietly "$(word_of ensure "$1")" || ! quietly "$(word_of holds "$1")"; then
        cat "$work/said" >&2
        fail "this could not be made so: $2"
    fi
}

relabel() {
    [ -z "$root" ] && [ "$mode" != rehearse ] && command -v restorecon >/dev/null 2>&1 || return 0
    restorecon "$1" || say "restorecon had something to say of $1"
}

# set_mode MODE OWNER FOLDER: five digits, because four leave a folder its set-group bit (chmod(1)).
set_mode() {
    [ -n "$root" ] || chown "$2" "$root$3"
    chmod "0$1" "$root$3"
}

# install_files: the plan, in its order.
install_files() {
    while IFS=$tab read -r kind bits owner action unit path; do
        doing="installing $path"
        case $kind in
            directory)
                open_folder "$root$path"
                [ -n "$root" ] || chown "$owner" "$root$path"
                chmod "$bits" "$root$path"
                ;;
            mode)
                printf '%s %s\n' "$(stat -L -c '%a %u:%g' "$root$path")" "$path" >>"$work/modes"
                set_mode "$bits" "$owner" "$path"
                ;;
            gone) keep "$path"; rm -f "$root$path" ;;
            back) keep "$path"; come_back "$path" ;;
            link) keep "$path"; install_link "$path" ;;
            file | cut | keys) keep "$path"; install_file "$bits" "$owner" "$path" ;;
        esac
    done <"$work/changed"
}
