#!/bin/sh
# apply.sh: installs this bundle on this host, or says what that would change.
#
# This is the engine, the same bytes in every bundle; host.sh beside it says what this host gets.
# It needs a POSIX shell and what every distribution has. It is safe to run again: what is as it
# should be is left alone. What fails is put back before anything is reloaded with it.
#
# Traces: /var/lib/clustergen (root's alone), nothing else.
#
# host, names, addresses and package_manager are set by host.sh:
# shellcheck disable=SC2154

set -eu
umask 077
LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH

usage() {
    cat <<'END'
usage: apply.sh [--dry-run | --check] [--root DIR] [--secrets DIR] [--i-am NAME]
  (nothing)       install, then reload what changed
  --dry-run       say what would change; change nothing
  --check         the same, quietly; exit 2 where something differs
  --root DIR      install below DIR: no service is touched, no name is compared
  --secrets DIR   the values of the secrets; the folder `secrets` of the bundle otherwise
  --i-am NAME     this is NAME, whatever host name and addresses say
END
}

say() { printf '%s\n' "$*"; }
fail() { printf 'apply.sh: %s\n' "$*" >&2; exit 1; }
quietly() { [ "$mode" = check ] || say "$@"; }

mode=apply root='' secrets='' me=''
while [ $# -gt 0 ]; do
    case $1 in
        --dry-run) mode=dry ;;
        --check) mode=check ;;
        --root) [ $# -ge 2 ] || { usage >&2; exit 64; }; root=${2%/}; shift ;;
        --secrets) [ $# -ge 2 ] || { usage >&2; exit 64; }; secrets=$2; shift ;;
        --i-am) [ $# -ge 2 ] || { usage >&2; exit 64; }; me=$2; shift ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 64 ;;
    esac
    shift
done

bundle=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
[ -f "$bundle/host.sh" ] || fail "host.sh is not beside apply.sh: the bundle is not whole"
secrets=${secrets:-$bundle/secrets}
state=$root/var/lib/clustergen

# --- is this the right place? ---------------------------------------------------------------

right_host() {
    [ -z "$root" ] || return 0
    [ -z "$me" ] || { [ "$me" = "$host" ] || fail "this bundle is for $host, not for $me"; return 0; }
    here=$(uname -n)
    for name in $names; do [ "$here" != "$name" ] || return 0; done
    mine=" $(ip -o addr show 2>/dev/null | awk '{ sub("/.*", "", $4); printf "%s ", $4 }')"
    for address in $addresses; do case $mine in *" $address "*) return 0 ;; esac; done
    fail "this bundle is for $host, and this host is $here; if it is $host all the same, say --i-am $host"
}

whole_bundle() {
    command -v sha256sum >/dev/null 2>&1 || fail "sha256sum is not here (package coreutils)"
    wrong=$(cd "$bundle" && sha256sum -c SHA256SUMS 2>&1 | grep -v ': OK$') || :
    [ -z "$wrong" ] || fail "the bundle is not as it was built:
$wrong"
}

# --- filling in secrets ---------------------------------------------------------------------

# fill FILE: FILE with every token replaced by its value, literally, on standard output.
fill() {
    if ! grep -q CGSECRET_ "$1"; then cat "$1"; return; fi
    # shellcheck disable=SC2013  # a token is one word
    for token in $(grep -o 'CGSECRET_[A-Za-z0-9_]*' "$1" | sort -u); do
        [ -f "$secrets/$token" ] || fail "the value of $token is not in $secrets: give the bundle its secrets first"
    done
    awk -v folder="$secrets" '
        function value(token,    all, line) {
            all = ""
            while ((getline line < (folder "/" token)) > 0) all = all (all == "" ? "" : "\n") line
            close(folder "/" token)
            return all
        }
        {
            rest = $0; out = ""
            while (match(rest, /CGSECRET_[A-Za-z0-9_]*/)) {
                out = out substr(rest, 1, RSTART - 1) value(substr(rest, RSTART, RLENGTH))
                rest = substr(rest, RSTART + RLENGTH)
            }
            print out rest
        }' "$1"
}

# with_block MARK BLOCK FILE: FILE with the marked block replaced, or added at its end.
with_block() {
    begin="# BEGIN clustergen $1" end="# END clustergen $1"
    [ -f "$3" ] && current=$3 || current=/dev/null
    awk -v begin="$begin" -v end="$end" -v block="$2" '
        function put(    line) {
            print begin
            while ((getline line < block) > 0) print line
            print end
            done = 1
        }
        $0 == begin { if (!done) put(); inside = 1; next }
        $0 == end { inside = 0; next }
        !inside { print }
        END { if (!done) put() }' "$current"
}

# --- verbs of host.sh: what each phase does with a resource -----------------------------------

package() { each package "$@"; }
directory() { each directory "$@"; }
block() { each block "$@"; }
file() { each file "$@"; }
check() { each check "$@"; }
unit() { each unit "$@"; }

each() {
    case $phase:$1 in
        tools:package) shift; want_package "$@" ;;
        stage:directory) shift; stage_directory "$@" ;;
        stage:file) shift; stage_file "$@" ;;
        stage:block) shift; stage_block "$@" ;;
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

stage_directory() {
    [ -d "$root$3" ] || printf 'directory %s %s none - %s\n' "$1" "$2" "$3" >>"$work/changed"
}

# differs MODE OWNER PATH: whether the staged file is not what lies there.
differs() {
    [ -f "$root$3" ] && [ ! -L "$root$3" ] || return 0
    cmp -s "$work/new$3" "$root$3" || return 0
    [ -z "$1" ] || [ "$(stat -c '0%a %U:%G' "$root$3")" = "$1 $2" ] || [ "$(stat -c '%a %U:%G' "$root$3")" = "$1 $2" ] || [ -n "$root" ] || return 0
    return 1
}

stage_file() {
    mkdir -p "$work/new${3%/*}"
    fill "$bundle/files$3" >"$work/new$3"
    printf '%s\n' "$3" >>"$work/installed"
    ! differs "$1" "$2" "$3" || printf 'file %s %s %s %s %s\n' "$1" "$2" "$4" "$5" "$3" >>"$work/changed"
}

stage_block() {
    mkdir -p "$work/new${2%/*}"
    with_block "$1" "$bundle/edits$2.block" "$root$2" >"$work/new$2"
    ! differs '' '' "$2" || printf 'file - - %s %s %s\n' "$3" "$4" "$2" >>"$work/changed"
}

# run_check GOOD-CODES COMMAND PATH...: runs where one of the files changed.
run_check() {
    good=$1 command=$2
    shift 2
    for path in "$@"; do
        grep -q " $path\$" "$work/changed" || continue
        code=0
        scratch=$work/scratch sh -c "$command" >"$work/said" 2>&1 || code=$?
        case " $good " in
            *" $code "*) return 0 ;;
        esac
        cat "$work/said" >&2
        refused="$refused
  $command"
        return 0
    done
}

start_unit() {
    name=$1
    shift
    for other in "$@"; do systemctl disable --now "$other" >/dev/null 2>&1 || :; done
    systemctl is-enabled -q "$name" 2>/dev/null || systemctl enable -q "$name"
    # two steps: enabling a SysV service with --now starts nothing on Debian
    systemctl is-active -q "$name" || { systemctl start "$name" && started="$started $name"; }
}

# --- installing and putting back --------------------------------------------------------------

# open_folder PATH: makes it, and what is missing on the way, for everybody to pass: the modes of
# the files in it say who may read.
open_folder() { (umask 022 && mkdir -p "$1"); }

# keep PATH: what lies there goes where `put_back` finds it.
keep() {
    mkdir -p "$work/old${1%/*}"
    if [ -e "$root$1" ] || [ -L "$root$1" ]; then cp -pP "$root$1" "$work/old$1"; else printf '%s\n' "$1" >>"$work/none"; fi
}

# install_file MODE OWNER PATH: in one step, under a name that no *.d reader takes up before.
install_file() {
    target=$root$3
    [ ! -d "$target" ] || fail "a folder lies where the file $3 goes"
    open_folder "${target%/*}"
    temporary=${target%/*}/.${target##*/}.dpkg-new
    cp "$work/new$3" "$temporary"
    if [ "$1" = - ]; then
        # somebody else's file: its mode and owner stay
        if [ -e "$target" ]; then
            chmod "$(stat -c %a "$target")" "$temporary"
            chown "$(stat -c %U:%G "$target")" "$temporary"
        else
            chmod 0644 "$temporary"
        fi
    else
        chmod "$1" "$temporary"
        [ -n "$root" ] || chown "$2" "$temporary"
    fi
    mv -f "$temporary" "$target"
}

put_back() {
    say "putting back what was there"
    if [ -d "$work/old" ]; then
        (cd "$work/old" && find . -type f -o -type l) | while read -r path; do
            cp -pP "$work/old/${path#./}" "$root/${path#./}.dpkg-old" && mv -f "$root/${path#./}.dpkg-old" "$root/${path#./}"
        done
    fi
    [ ! -f "$work/none" ] || while read -r path; do rm -f "$root$path"; done <"$work/none"
}

# --- the run ----------------------------------------------------------------------------------

whole_bundle
# shellcheck source=/dev/null
. "$bundle/host.sh"
right_host
if [ "$mode" = apply ]; then
    [ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "only root can install; --dry-run and --check need root only for files that others may not read"
    open_folder "${state%/*}"
    mkdir -p "$state"
    mkdir "$state/running" 2>/dev/null || fail "another apply.sh is at work, or one was killed: look, then remove $state/running"
    work=$state/running
else
    work=$(mktemp -d)
fi
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
mkdir "$work/scratch"
: >"$work/changed"
: >"$work/installed"

missing='' refused='' started=''
if [ -z "$root" ]; then
    phase=tools
    resources
    [ -z "$missing" ] || fail "these packages are not installed:$missing"
fi

phase=stage
resources
if [ -f "$state/installed" ]; then
    sort "$state/installed" >"$work/before"
    sort "$work/installed" | comm -23 "$work/before" - | while read -r path; do
        [ ! -e "$root$path" ] || printf 'gone - - none - %s\n' "$path" >>"$work/changed"
    done
fi

if [ ! -s "$work/changed" ]; then
    quietly "$host: nothing to change"
    [ "$mode" != apply ] || cp "$work/installed" "$state/installed"
    exit 0
fi
if [ "$mode" != apply ]; then
    while read -r what _ _ action unit path; do
        case $what in
            directory) quietly "make $path" ;;
            gone) say "remove $path" ;;
            *) say "change $path$([ "$action" = none ] || printf ', then %s %s' "$action" "$unit")" ;;
        esac
    done <"$work/changed"
    [ "$mode" = check ] && exit 2
    exit 0
fi

while read -r what access owner action unit path; do
    case $what in
        directory)
            open_folder "$root$path"
            chmod "$access" "$root$path"
            [ -n "$root" ] || chown "$owner" "$root$path"
            ;;
        gone) keep "$path"; rm -f "$root$path" ;;
        file) keep "$path"; install_file "$access" "$owner" "$path" ;;
    esac
done <"$work/changed"

if [ -z "$root" ]; then
    phase=check
    resources
    if [ -n "$refused" ]; then
        put_back
        fail "these say that the new files are wrong, so nothing was reloaded:$refused"
    fi
    [ ! -d /run/systemd/system ] || systemctl daemon-reload
    phase=units
    resources
    awk '$1 == "file" && $4 != "none" { print $4, $5 }' "$work/changed" | sort -u >"$work/units"
    # shellcheck disable=SC2094  # it is only read
    while read -r action unit; do
        case " $started " in *" $unit "*) continue ;; esac
        # a restart does for a reload
        ! { [ "$action" = reload ] && grep -q "^restart $unit\$" "$work/units"; } || continue
        systemctl "$action" "$unit" || { put_back; systemctl "$action" "$unit" || :; fail "$unit could not $action"; }
    done <"$work/units"
fi
cp "$work/installed" "$state/installed"
say "$host: $(wc -l <"$work/changed" | tr -d ' ') changed"
