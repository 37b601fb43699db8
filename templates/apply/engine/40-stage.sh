# --- verbs of host.sh: what each step does with a resource ------------------------------------

package() { each package "$@"; }
group() { each group "$@"; }
user() { each user "$@"; }
directory() { each directory "$@"; }
link() { each link "$@"; }
block() { each block "$@"; }
keys() { each keys "$@"; }
file() { each file "$@"; }
seed() { each seed "$@"; }
made() { each made "$@"; }
# what units read is ensured before they start; what is told of units that run, finally
ensure() { each ensure "$@"; }
finally() { each finally "$@"; }
check() { each check "$@"; }
unit() { each unit "$@"; }
step() { each step "$@"; }
born() { each born "$@"; }
born_to() { each born_to "$@"; }
verify() { each verify "$@"; }

# where FOLDER VERB...: only on hosts that have the folder.
where() {
    inside=$1
    shift
    case $at in
        # of the bundle, whatever host it is on
        listed | described) "$@" ;;
        *) [ ! -d "$root$inside" ] || "$@" ;;
    esac
}

# need STEP [need STEP...] VERB...: installed, but neither started nor judged until the steps are done.
need() {
    is_done "$1" || needed="$needed $1"
    shift
    # the last one judges all of them
    case $needed:$1 in
        *:need | :*)
            "$@"
            return
            ;;
    esac
    lacking=$needed needed=''
    case $at:$1 in
        awaits:verify) ;;
        awaits:*) [ "$lacking" != " $wanted" ] || awaited=1 ;;
        waits:*)
            for undone in $lacking; do
                case "$waiting " in *" $undone "*) ;; *) waiting="$waiting $undone" ;; esac
            done
            ;;
        stage:made | stage:ensure | stage:finally | make:* | judged:* | check:* | units:* | last:* | verify:*) ;;
        *) waits=1; "$@"; waits='' ;;
    esac
}

is_done() { [ -e "$state/done/$1" ]; }

each() {
    [ "$at" != stage ] || doing="staging: $*"
    case $at:$1 in
        listed:file | listed:seed) printf 'files%s\n' "$4" ;;
        listed:block) printf 'edits%s.block\n' "$3" ;;
        listed:keys) printf 'edits%s.keys\n' "$3" ;;
        wanted:file) printf '%s %s %s\n' "$2" "$3" "$4" ;;
        tools:package) want_package "$2" ;;
        tools:group | tools:user) accounts="$accounts $2" ;;
        stage:group | stage:user) [ -n "$root" ] || { stage_account "$@"; } ;;
        stage:directory) shift; stage_directory "$@" ;;
        stage:link) shift; stage_link "$@" ;;
        stage:file) shift; stage_file "$@" ;;
        stage:block) shift; stage_block "$@" ;;
        stage:keys) shift; stage_keys "$@" ;;
        stage:seed) shift; stage_seed "$@" ;;
        stage:made) [ -n "$root" ] || { shift; stage_made "$@"; } ;;
        stage:ensure) [ -n "$root" ] || { shift; stage_ensure - "$@"; } ;;
        stage:finally) [ -n "$root" ] || { shift; stage_ensure last "$@"; } ;;
        stage:unit) [ -n "$root" ] || { shift; stage_unit "$@"; } ;;
        accounts:group) make_group "$2" ;;
        accounts:user) shift; make_user "$@" ;;
        make:made) shift; make "$@" ;;
        make:ensure) shift; make_sure - "$@" ;;
        last:finally) shift; make_sure last "$@" ;;
        verify:ensure | verify:finally) prove "$3" "$(word_of holds "$2")" ;;
        judged:check) shift 3; ! touched "$@" || judged=1 ;;
        check:check) shift; run_check "$@" ;;
        units:unit) shift; start_unit "$@" ;;
        list:step) shift; list_step "$@" ;;
        bootstrap:step) shift; bootstrap_step "$@" ;;
        described:step) printf '%s\n' "$3" ;;
        described:born) echo export ;;
        mark-done:step | mark-undone:step) [ "$3" != "$wanted" ] || found=1 ;;
        list:born | bootstrap:born | mark-done:born | mark-undone:born) shift; births "$@" ;;
        bootstrap:born_to) shift; printf '%s\n' "$@" >>"$work/recipients" ;;
        verify:unit) prove "$2 is up" "systemctl is-active -q $2" ;;
        verify:verify) prove "$2" "$3" ;;
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

# install_packages: what is missing, as the platform does it.
install_packages() {
    [ -n "$missing" ] || return 0
    keep_log
    say "installing$missing"
    # shellcheck disable=SC2086  # names of packages
    case $package_manager in
        apt)
            # a bare host knows old packages or none; where a mirror is away, the others may do
            alone apt-get update -q || say "the lists of packages could not be brought up to date"
            # another's changed configuration stays
            alone env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
                -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold $missing
            ;;
        *) alone "$package_manager" install -y $missing ;;
    esac || fail "the packages could not be installed:$missing"
    missing=''
}

# change KIND MODE OWNER ACTION UNIT PATH-OR-NAME, record KIND PATH MARK-OR-SHA256 ACTION UNIT: lines
# between tabs, as there are paths with spaces.
change() {
    # what waits for a step asks no unit for anything
    [ -z "$waits" ] || set -- "$1" "$2" "$3" none - "$6"
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$@" >>"$work/changed"
}

record() { printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "$5" "${6:--}" >>"$work/record"; }

# recorded KIND PATH [LIST]: its line of the last run, or of another list; fails without one.
recorded() {
    [ -f "${3:-$state/installed}" ] || return 1
    kind=$1 path=$2 awk -F '\t' '$1 == ENVIRON["kind"] && $2 == ENVIRON["path"] { print; found = 1 }
        END { exit !found }' "${3:-$state/installed}"
}

# fits OWNER PATH file|directory: it can be put there, and belong to whom it is to belong; found out
# before anything changes. A link on the way is the administrator's, and followed: /etc/nginx may lead
# to /srv/nginx, and who may write there is not ours to judge.
fits() {
    if [ -d "$root$2" ]; then
        [ "$3" = directory ] || fail "a folder lies where the file $2 goes: move it away first"
    elif [ "$3" = file ] && [ -e "$root$2" ]; then
        [ -f "$root$2" ] || fail "what lies where the file $2 goes is neither file nor folder: move it away first"
    fi
    if [ "$3" = file ]; then open_way "${2%/*}"; else open_way "$2"; fi
    [ -z "$root" ] && [ "$uid" = 0 ] && [ "$1" != - ] || return 0
    case $owners in *" $1 "*) return 0 ;; esac
    # who is made in this run cannot be asked for yet
    for name in $accounts; do case :$1: in *:"$name":*) return 0 ;; esac; done
    chown "$1" "$work/probe" 2>/dev/null ||
        fail "$2 is to belong to $1: there is no such user or group here, so install what makes it, or describe it as a user"
    owners="$owners$1 "
}

# open_way FOLDER: it is there, or can be made; below --root it must not lead out.
open_way() {
    way=$1
    while [ -n "$way" ] && [ ! -d "$root$way" ]; do
        [ ! -L "$root$way" ] || fail "$way is to be a folder, and it is a link that leads nowhere: put that right first"
        [ ! -e "$root$way" ] || fail "a file lies where the folder $way goes: move it away first"
        way=${way%/*}
    done
    [ -n "$root" ] && [ -d "$root" ] || return 0
    case $(cd -P -- "$root$way/" && pwd)/ in "$(cd -P -- "$root" && pwd)"/*) return 0 ;; esac
    fail "$way is a link that leads out of $root: make it one that stays inside"
}

# have DATABASE NAME: whether there is such a user or group.
have() { getent "$1" "$2" >/dev/null 2>&1; }

# in_group USER GROUP: whether the user is in it, by whatever way.
in_group() { case " $(id -nG "$1" 2>/dev/null) " in *" $2 "*) return 0 ;; *) return 1 ;; esac; }

# stage_account group NAME | user NAME GROUP HOME SHELL KIND [GROUP...]
stage_account() {
    if [ "$1" = group ]; then
        have group "$2" || change group - - none - "$2"
        return
    fi
    name=$2
    have passwd "$name" || change user - - none - "$name"
    shift 6
    for more in "$@"; do
        in_group "$name" "$more" || change member - - none - "$name in $more"
    done
}

# stage_directory MODE OWNER PATH [exactly]: made where it is not there; `exactly` sets mode and owner
# of one that is.
stage_directory() {
    fits "$2" "$3" directory
    if [ ! -d "$root$3" ]; then
        change directory "$1" "$2" none - "$3"
    elif [ "${4:-}" = exactly ] && ! belongs "$@"; then
        change mode "$1" "$2" none - "$3"
    fi
}

# belongs MODE OWNER PATH: whether what lies there has this mode and owner.
belongs() {
    bits=$(stat -L -c %a "$root$3")
    [ "$bits" = "${1#0}" ] || [ "$bits" = "$1" ] || return 1
    [ -z "$root" ] || return 0
    # an owner may be told in numbers
    case " $(stat -L -c '%U:%G %u:%g %U:%g %u:%G' "$root$3") " in *" $2 "*) return 0 ;; esac
    return 1
}

# differs MODE OWNER PATH: whether the staged file is not what lies there.
differs() {
    [ -f "$root$3" ] && [ ! -L "$root$3" ] && cmp -s "$work/new$3" "$root$3" || return 0
    [ "$1" != - ] && ! belongs "$@"
}

# remember: sets fresh, a path on each line, in the order of host.sh: files that were installed from
# what this bundle has, and that lie there as they were installed and are to be. No secret is opened
# to know that, and no program is started for any one of them.
remember() {
    fresh=''
    [ -f "$state/installed" ] || return 0
    root=$root awk -F '\t' 'FILENAME == ARGV[1] { source[substr($0, 67)] = substr($0, 1, 64); next }
        $1 == "file" && $6 == source["files" $2] { print $3 "  " ENVIRON["root"] $2 }' "$bundle/SHA256SUMS" "$state/installed" >"$work/expected"
    [ -s "$work/expected" ] || return 0
    { sha256sum -c "$work/expected" 2>/dev/null || :; } | sed -n 's/: OK$//p' | tr '\n' '\0' |
        xargs -0 stat -c '%F/%a %U:%G %u:%g %n' 2>/dev/null >"$work/found" || :
    fresh=$(at=wanted && resources | root=$root awk '
        function behind(words, text) { while (words--) sub("^[^ ]* ", "", text); return text }
        FILENAME == ARGV[1] {
            if (!sub("^regular[^/]*/", "")) next
            path = substr(behind(3, $0), length(ENVIRON["root"]) + 1)
            bits[path] = substr("000" $1, length($1)); by_name[path] = $2; by_number[path] = $3
            next
        }
        { path = behind(2, $0) }
        bits[path] == $1 && (ENVIRON["root"] != "" || by_name[path] == $2 || by_number[path] == $2) { print path }
    ' "$work/found" -)$line_end
}

# is_fresh PATH: asked for in the order of host.sh, so it is the first one that is left, or none of them.
is_fresh() {
    case $fresh in "$1$line_end"*) fresh=${fresh#*"$line_end"} ;; *) return 1 ;; esac
}

# stage_file MODE OWNER PATH ACTION UNIT
stage_file() {
    if is_fresh "$3"; then
        # complete_record has the sum
        record file "$3" = "$4" "$5"
        return
    fi
    fits "$2" "$3" file
    room_for "$work/new$3"
    fill "$bundle/files$3" >"$work/new$3"
    record file "$3" "$(sum "$work/new$3")" "$4" "$5"
    if differs "$1" "$2" "$3"; then change file "$1" "$2" "$4" "$5" "$3"; else adopt "$3"; fi
}

# adopt PATH: what is as it should be may be so from before clustergen, and is to stay when we go.
adopt() { [ -z "$changes" ] || known "$1" || keep "$1"; }

# complete_record: gives the files that are as they were the sum that they had, and all of them the sum
# of what the bundle has for them, with tokens in place of secrets.
complete_record() {
    last=$state/installed
    [ -f "$last" ] || last=/dev/null
    awk -F '\t' 'BEGIN { OFS = "\t" }
        FILENAME == ARGV[1] { source[substr($0, 67)] = substr($0, 1, 64); next }
        FILENAME == ARGV[2] { if ($1 == "file") sum[$2] = $3; next }
        $1 == "file" { if ($3 == "=") $3 = sum[$2]; $6 = source["files" $2] }
        { print }' "$bundle/SHA256SUMS" "$last" "$work/record" >"$work/record.new"
    mv -f "$work/record.new" "$work/record"
}

# stage_seed MODE OWNER PATH ACTION UNIT: what a daemon goes on writing itself; installed where there is
# none, and nobody's business after.
stage_seed() {
    fits "$2" "$3" file
    if [ -e "$root$3" ] || [ -L "$root$3" ]; then
        if line=$(recorded seed "$3"); then printf '%s\n' "$line" >>"$work/record"; fi
        return
    fi
    room_for "$work/new$3"
    fill "$bundle/files$3" >"$work/new$3"
    record seed "$3" "$(sum "$work/new$3")" "$4" "$5"
    change file "$1" "$2" "$4" "$5" "$3"
}

# stage_link PATH TARGET ACTION UNIT
stage_link() {
    [ -L "$root$1" ] || [ ! -d "$root$1" ] || fail "a folder lies where the link $1 goes: move it away first"
    open_way "${1%/*}"
    room_for "$work/new$1"
    ln -s "$2" "$work/new$1"
    record link "$1" "$2" "$3" "$4"
    if [ "$(readlink "$root$1")" = "$2" ]; then adopt "$1"; else change link - - "$3" "$4" "$1"; fi
}

# stage_made PATH ACTION UNIT PROBE COMMAND INPUT...: made anew where what it is made of changes,
# or where the probe says that it is not what it should be.
stage_made() {
    target=$1 made_action=$2 made_unit=$3 probe=$4
    shift 5
    if ! touched "$@" && quietly "$probe"; then
        record made "$target" "$(sum "$target")" "$made_action" "$made_unit"
        adopt "$target"
    else
        change made - - "$made_action" "$made_unit" "$target"
    fi
}

# stage_ensure -|last KEY TITLE ACTION UNIT INPUT...: seen to where what it reads changes, or where it is
# not so.
stage_ensure() {
    if (shift 5 && touched "$@") || ! quietly "$(word_of holds "$2")"; then change ensure "$1" - "$4" "$5" "$3"; fi
}

# quietly COMMAND: as root would type it, or a function of host.sh; what it says is kept.
quietly() {
    case $1 in
        *[!a-z0-9_]*) (umask 077 && alone sh -c "$1") ;;
        *) (umask 077 && set +eu && alone "$1") ;;
    esac >"$work/said" 2>&1
}

# shared PATH: sets current, the file that others own too; /dev/null where there is none.
shared() {
    fits - "$1" file
    [ ! -L "$root$1" ] || fail "$1 is a link, and others write what it leads to: name that file"
    current=$root$1
    [ -f "$current" ] || current=/dev/null
    # what was wholly ours until now goes; what was there before comes back under our edit
    if [ "$current" != /dev/null ] && line=$(recorded file "$1") && unchanged "$1" "$line"; then
        current=$state/before$1
        [ -f "$current" ] || current=/dev/null
    fi
}

stage_block() {
    room_for "$work/new$2"
    shared "$2"
    with_block "$1" "$bundle/edits$2.block" "$current" >"$work/new$2"
    [ "$2" != /etc/hosts ] || winners "$1" "$work/new$2"
    record block "$2" "$1" "$3" "$4"
    # the line end that makes room for the block is given back with it
    if [ -z "$first" ]; then
        ! ends_open "$current" || record newline "$2" - none -
    elif recorded newline "$2" >/dev/null; then
        record newline "$2" - none -
    fi
    ! differs - - "$2" || change file - - "$3" "$4" "$2"
}

# unchanged PATH LINE: it is still the file that the record's line tells of.
unchanged() { [ ! -L "$root$1" ] && [ "$(sum "$root$1")" = "$(printf '%s\n' "$2" | cut -f3)" ]; }

enabled() { alone systemctl is-enabled -q "$1" >/dev/null 2>&1; }
active() { alone systemctl is-active -q "$1" >/dev/null 2>&1; }

# stage_unit NAME CONFLICT...: a unit is ours where its file is, or where clustergen enabled it.
stage_unit() {
    whose=theirs boots=1
    enabled "$1" || boots=''
    case $(recorded unit "$1") in *"${tab}ours$tab"*) whose=ours ;; esac
    if [ -z "$boots" ] || grep -Fq -e "/systemd/system/$1$tab" "$work/record"; then whose=ours; fi
    record unit "$1" "$whose" none -
    [ -z "$waits" ] || return 0
    if [ -z "$boots" ] || ! active "$1"; then change unit - - none - "$1"; fi
    shift
    for other in "$@"; do
        if enabled "$other" || active "$other"; then change rival - - none - "$other"; fi
    done
}

# stage_rest: what the last run recorded and this bundle does not have; not where it has something else
# to say of a path. What is to be made is recorded when it is.
stage_rest() {
    [ -f "$state/installed" ] || return 0
    awk -F '\t' 'FILENAME == ARGV[1] { here[$1, $2]; taken[$2]; next }
        FILENAME == ARGV[2] { if ($1 == "made") taken[$6]; next }
        !(($1, $2) in here) && ($1 == "unit" || !($2 in taken))' "$work/record" "$work/changed" "$state/installed" >"$work/rest"
    while IFS=$tab read -r kind path was action unit _; do
        case $kind in
            unit) if [ "$was" = ours ] && { active "$path" || enabled "$path"; }; then change leave - - none - "$path"; fi ;;
            file | seed | made) stage_gone "$path" "$was" "$action" "$unit" ;;
            link) [ "$(readlink "$root$path")" != "$was" ] || stage_back "$path" "$action" "$unit" ;;
            block) stage_cut "$path" "$was" "$action" "$unit" ;;
            keys) stage_keyless "$path" "$was" "$action" "$unit" ;;
        esac
    done <"$work/rest"
}

# stage_back PATH ACTION UNIT: what was there before clustergen comes back; nothing, where there
# was nothing.
stage_back() {
    ! alike "$state/before$1" "$root$1" || return 0
    if [ -e "$state/before$1" ] || [ -L "$state/before$1" ]; then change back - - "$2" "$3" "$1"; else change gone - - "$2" "$3" "$1"; fi
}

# alike FILE FILE: nobody can tell them apart.
alike() {
    if [ -L "$1" ] || [ -L "$2" ]; then
        [ -L "$1" ] && [ -L "$2" ] && [ "$(readlink "$1")" = "$(readlink "$2")" ]
        return
    fi
    [ -f "$1" ] && [ -f "$2" ] && cmp -s "$1" "$2" && [ "$(stat -c '%a %u %g' "$1")" = "$(stat -c '%a %u %g' "$2")" ]
}

# stage_gone PATH SHA256 ACTION UNIT: a file goes where it is still as it was installed.
stage_gone() {
    [ -e "$root$1" ] || [ -L "$root$1" ] || return 0
    if [ -f "$root$1" ] && [ ! -L "$root$1" ] && [ "$(sum "$root$1")" = "$2" ]; then
        stage_back "$1" "$3" "$4"
    else
        unless_check "$1 was changed by hand since it was installed: it is no longer needed, and stays"
    fi
}

# stage_cut PATH MARK ACTION UNIT: a file without our block; nothing is left of one that was only ours.
stage_cut() {
    [ -f "$root$1" ] || return 0
    marks "$2" "$root$1"
    [ -n "$first" ] || return 0
    room_for "$work/new$1"
    { head -n "$first" "$root$1" | sed '$d'; tail -n "+$((last + 1))" "$root$1"; } >"$work/new$1"
    if recorded newline "$1" >/dev/null && [ "$(tail -n "+$((last + 1))" "$root$1" | wc -c)" -eq 0 ]; then
        mv "$work/new$1" "$work/current"
        head -c "$(($(wc -c <"$work/current") - 1))" "$work/current" >"$work/new$1"
    fi
    if [ -s "$work/new$1" ] || [ -e "$state/before$1" ]; then change cut - - "$3" "$4" "$1"; else change gone - - "$3" "$4" "$1"; fi
}
