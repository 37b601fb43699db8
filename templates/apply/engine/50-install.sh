# --- installing -------------------------------------------------------------------------------

# enter PHASE: the journal's phase, in one step.
enter() { printf '%s\n' "$1" >"$work/phase.new" && mv -f "$work/phase.new" "$work/phase"; }
phase() {
    if [ -n "$work" ] && [ -f "$work/phase" ] && read -r phase <"$work/phase"; then printf '%s\n' "$phase"; fi
}

# open_folder PATH: makes it, and what is missing on the way, for everybody to pass: the modes of
# the files in it say who may read.
open_folder() {
    [ ! -d "$1" ] || return 0
    folder=$1
    while [ -n "$folder" ] && [ ! -d "$folder" ]; do
        printf '%s\n' "$folder" >>"$work/made"
        folder=${folder%/*}
    done
    (umask 022 && mkdir -p "$1")
}

# known PATH: the last run's record has something of it.
known() { case $installed in *"$line_end$1$line_end"*) return 0 ;; *) return 1 ;; esac; }

# keep PATH: what lies there goes where `undo` finds it; nobody undoes a rehearsal.
keep() {
    [ "$mode" != rehearse ] || return 0
    [ -e "$root$1" ] || [ -L "$root$1" ] || return 0
    room_for "$work/old$1"
    cp -pP "$root$1" "$work/old$1"
    known "$1" || printf '%s\n' "$1" >>"$work/first"
}

# journal PATH: from now on it is for `undo` to put back; its copy is whole.
journal() {
    if [ -e "$work/old$1" ] || [ -L "$work/old$1" ]; then list=kept; else list=none; fi
    printf '%s\n' "$1" >>"$work/$list"
}

# beside PATH: a name in the same folder that no *.d reader takes up.
beside() { printf '%s/.%s.dpkg-new\n' "${1%/*}" "${1##*/}"; }

# prepare_file MODE OWNER PATH: what lies under the other name, or where it leads, is not written to.
prepare_file() {
    target=$root$3
    (set -C && cat "$work/new$3" >"$temporary")
    bits=$1 owner=$2
    if [ "$1" = - ]; then
        # somebody else's file: its mode and owner stay
        bits=0644 owner=
        [ ! -e "$target" ] || { owner=$(stat -c '%a %u:%g' "$target"); bits=${owner% *} owner=${owner#* }; }
    fi
    [ -n "$root" ] || [ -z "$owner" ] || chown -h "$owner" "$temporary"
    chmod "$bits" "$temporary"
}

# replace PATH: in one step, whatever lies there.
replace() {
    journal "$1"
    mv -fT "$(beside "$root$1")" "$root$1"
    relabel "$root$1"
}

# make_group NAME, make_user NAME GROUP HOME SHELL system|person [GROUP...]: what is there already
# is not changed, but for the groups that a user must be in besides.
make_group() {
    ! have group "$1" || return 0
    printf 'groupdel %s\n' "$1" >>"$work/accounts"
    alone groupadd --system "$1" || fail "the group $1 could not be made"
}

make_user() {
    name=$1
    if ! have passwd "$name"; then
        set -- "$1" "$2" "$3" "$4" "$([ "$5" = person ] || echo --system)" "$@"
        printf 'userdel %s\n' "$name" >>"$work/accounts"
        # shellcheck disable=SC2086  # an option or nothing
        alone useradd $5 --gid "$2" --home-dir "$3" --shell "$4" --no-create-home "$name" || fail "the user $name could not be made"
        shift 5
    fi
    shift 5
    for more in "$@"; do
        ! in_group "$name" "$more" || continue
        printf 'gpasswd -d %s %s\n' "$name" "$more" >>"$work/accounts"
        alone usermod -a -G "$more" "$name" || fail "the user $name could not be put into $more"
    done
}

# make PATH ACTION UNIT PROBE COMMAND INPUT...: by the host's own program, out of what is installed.
make() {
    grep -Fqx -e "made$tab-$tab-$tab$2$tab$3$tab$1" "$work/changed" || return 0
    keep "$1"
    journal "$1"
    open_folder "${1%/*}"
    if ! quietly "$5" || ! quietly "$4"; then
        cat "$work/said" >&2
        fail "$1 could not be made"
    fi
    record made "$1" "$(sum "$1")" "$2" "$3"
}

# make_sure -|last KEY TITLE ACTION UNIT INPUT...: what is no file, by functions of host.sh.
make_sure() {
    grep -Fqx -e "ensure$tab$1$tab-$tab$4$tab$5$tab$3" "$work/changed" || return 0
    if ! quietly "$(word_of ensure "$2")" || ! quietly "$(word_of holds "$2")"; then
        cat "$work/said" >&2
        fail "this could not be made so: $3"
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

# install_files: the plan, in its order, twice: all that needs room is written first, each file beside
# its target. So a full disk is met before anything is replaced, and putting back finds the room that
# what it takes away has had.
install_files() {
    while IFS=$tab read -r kind bits owner action unit path; do
        doing="preparing $path"
        prepare
    done <"$work/changed"
    while IFS=$tab read -r kind bits owner action unit path; do
        doing="installing $path"
        case $kind in
            mode)
                printf '%s %s\n' "$(stat -L -c '%a %u:%g' "$root$path")" "$path" >>"$work/modes"
                set_mode "$bits" "$owner" "$path"
                ;;
            gone) journal "$path"; rm -f "$root$path" ;;
            back | link | file | cut | keys) replace "$path" ;;
        esac
    done <"$work/changed"
}

# prepare: a line of the plan.
prepare() {
    case $kind in
        directory)
            open_folder "$root$path"
            [ -n "$root" ] || chown "$owner" "$root$path"
            chmod "$bits" "$root$path"
            return
            ;;
        gone) keep "$path"; return ;;
        back | link | file | cut | keys) keep "$path" ;;
        *) return ;;
    esac
    open_folder "$root${path%/*}"
    temporary=$(beside "$root$path")
    if [ -e "$temporary" ] || [ -L "$temporary" ]; then rm -f "$temporary"; fi
    case $kind in
        back) cp -pP "$state/before$path" "$temporary" ;;
        link) ln -s "$(readlink "$work/new$path")" "$temporary" ;;
        *) prepare_file "$bits" "$owner" "$path" ;;
    esac
}
