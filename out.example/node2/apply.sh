#!/bin/sh
# apply.sh: installs this bundle on this host, or says what that would change.
#
# This is the engine, the same bytes in every bundle; host.sh beside it says what this host gets.
# It needs a POSIX shell and what every distribution has. It is safe to run again: what is as it
# should be is left alone. Whatever fails or is killed is put back, at once or by the next run.
#
# Traces: /var/lib/clustergen/CLUSTER (root's alone) and /var/log/clustergen.log, nothing else:
#   host, installed   whose bundle was last here, and what of it:
#                     kind path mark-or-sha256 action unit sha256-in-the-bundle
#   keys              what stood in files of others where keys were set: see keys_editor
#   done/             the marks of one-time steps
#   export/           secrets that were made here, on their way to the vault
#   generations/N/    the bundles that were installed, with the values of their secrets; the
#                     highest number is the one that is
#   run/              the journal of a run at work: phase, changed, old/, kept, none, made, back
#   last/, before/    what the last run replaced; what was there before clustergen, for ever
#
# cluster, host, names, addresses, platform, releases and package_manager are set by host.sh:
# shellcheck disable=SC2154

set -eu
umask 077
LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
tab=$(printf '\t')
line_end='
'

usage() {
    cat <<'END'
usage: apply.sh [--dry-run | --check | --verify | --list | --bootstrap STEP | --mark-done STEP |
                 --mark-undone STEP | --host-key] [--rollback | --uninstall] [--install-packages] [--older] [--json]
                [--root DIR] [--secrets DIR] [--i-am NAME]
       apply.sh --judge DIR
  (nothing)           install, then reload what changed
  --dry-run           say what would change, with the diff; change nothing
  --check             name only what differs; exit 2 where something does
  --verify            prove that what is installed works; exit 2 where something does not
  --list              the one-time steps of this host, and which of them are done
  --bootstrap STEP    do a one-time step, where its guard says that it is safe, and prove it
                      `export` hands over the secrets that were made on this host
  --mark-done STEP    say that a step was done by hand
  --mark-undone STEP  forget that a step was done, so that it is asked, done and proven again: the
                      peer that it was done with was installed anew, or somebody undid it
  --host-key          the lines of the description that have secrets sealed for this host
  --rollback          install the bundle that was here before the last one; again, the one before
                      that. With --dry-run only say so. Data, packages and users stay
  --uninstall         take away what was installed, and put back what was there before; with
                      --dry-run only say so. Packages, users, folders and data stay
  --install-packages  install the packages that are missing, before anything else
  --older             install this bundle although a later one has replaced it here
  --json              say the outcome on standard output as JSON, and all else on standard error
  --root DIR          install below DIR: no service is touched, no name is compared
  --secrets DIR       the values of the secrets; the folder `secrets` of the bundle otherwise.
                      What was installed with the bundle before is known, and the rest is in the
                      bundle's secrets.age, which age opens with this host's SSH key
  --i-am NAME         this is NAME, whatever host name, addresses and earlier bundles say
  --judge DIR         whether the bundle in DIR is whole, and signed as this host wants it; say so to
                      an apply.sh that you trust, before you run the one in DIR
Where /etc/clustergen/allowed_signers lies on this host, see ssh-keygen(1), only bundles are taken
that somebody in it signed for the namespace clustergen.
Exit codes: 0 done, 1 refused, or failed and put back, 2 differs (--check) or does not work
(--verify), 4 failed, and not everything could be put back, 5 installed, but something waits for a
one-time step, 64 wrong usage.
END
}

# keep_log: from here on the run changes something, and what say and fail say is in the log as well.
keep_log() { [ -n "$root" ] || log=/var/log/clustergen.log; }
say() { note "$*"; printf '%s\n' "$*"; }
fail() { error=$*; note "$*"; printf 'apply.sh: %s\n' "$*" >&2; exit 1; }
note() {
    [ -n "$log" ] || return 0
    # a log that cannot be written must not stop what it is about
    printf '%s %s %s: %s\n' "$(date -u '+%Y-%m-%dT%H:%M:%SZ')" "$cluster" "$host" "$*" 2>/dev/null >>"$log" || :
}
# alone COMMAND...: without our input, and without the lock and the outcome, which a daemon that it
# starts would hold as long as it lives.
alone() { "$@" </dev/null 3>&- 9>&-; }

misused() { printf 'apply.sh: %s: --help says what there is\n' "$*" >&2; exit 64; }
unless_check() { [ "$mode" = check ] || say "$@"; }

# below DIR: sets root; `/` under any of its names is no folder for a trial.
below() {
    root=$1
    while [ "${root%/}" != "$root" ]; do root=${root%/}; done
    [ -n "$root" ] || misused "--root wants a folder that is not /"
    case $root in /*) ;; *) root=$PWD/$root ;; esac
    [ ! -d "$root" ] || [ "$(stat -c %d:%i "$root/")" != "$(stat -c %d:%i /)" ] || misused "--root wants a folder that is not /"
}

mode=apply root='' secrets='' me='' wanted='' packages='' instead='' older='' json='' log='' came=''
while [ $# -gt 0 ]; do
    case $1 in
        --dry-run) mode=dry-run ;;
        --check) mode=check ;;
        --verify) mode=verify ;;
        --list) mode=list ;;
        --bootstrap | --mark-done | --mark-undone) [ $# -ge 2 ] || misused "$1 wants a step"; mode=${1#--} wanted=$2; shift ;;
        --host-key) mode='host-key' ;;
        --rollback | --uninstall) instead=${1#--} ;;
        --install-packages) packages=1 ;;
        --older) older=1 ;;
        --json) json=1 ;;
        --root) [ $# -ge 2 ] || misused "$1 wants a folder"; below "$2"; shift ;;
        --secrets) [ $# -ge 2 ] || misused "$1 wants a folder"; secrets=$2; shift ;;
        --judge) [ -d "${2:-}" ] || misused "$1 wants a folder"; mode=judge came=$2; shift ;;
        --i-am) [ $# -ge 2 ] || misused "$1 wants a name"; me=$2; shift ;;
        # not for people: the engine calls itself in a mount namespace, see 45-rehearse.sh
        --rehearse) [ $# -eq 3 ] || misused "$1 is for the engine"; mode=rehearse view=$2 rehearsed_bundle=$3; shift 2 ;;
        -h | --help) usage; exit 0 ;;
        *) misused "'$1' is no option" ;;
    esac
    shift
done
case $mode:$instead in *: | apply:* | dry-run:*) ;; *) misused "--$instead goes alone or with --dry-run" ;; esac

case $0 in */*) bundle=${0%/*}/ ;; *) bundle=. ;; esac
# where a link to it leads now, whoever turns the link meanwhile
bundle=$(CDPATH='' cd -P -- "${came:-$bundle}" && pwd)

# --- is this the right place? ---------------------------------------------------------------

# programs_here: what the engine calls; a host that lacks one is told before anything changes.
programs_here() {
    absent=''
    for program in awk cat chmod chown cmp cp cut date diff find grep head id ln mkdir mktemp mv readlink rm rmdir \
        sed sha256sum sleep sort stat tail tr uname wc xargs; do
        command -v "$program" >/dev/null 2>&1 || absent="$absent $program"
    done
    [ -z "$absent" ] || fail "these programs are not here:$absent (packages coreutils, findutils, diffutils, grep, sed, mawk or gawk)"
    [ -n "$root" ] || command -v systemctl >/dev/null 2>&1 || fail "systemctl is not here (package systemd): only --root works without it"
    [ -n "$root" ] || command -v getent >/dev/null 2>&1 || fail "getent is not here (package libc-bin or glibc-common): only --root works without it"
}

right_host() {
    [ -z "$root" ] || return 0
    [ -z "$me" ] || { [ "$me" = "$host" ] || fail "this bundle is for $host, not for $me"; return 0; }
    here=$(uname -n)
    for name in $names; do [ "$here" != "$name" ] || return 0; done
    mine=" $(ip -o addr show 2>/dev/null | awk '{ sub("/.*", "", $4); printf "%s ", $4 }')"
    for address in $addresses; do case $mine in *" $address "*) return 0 ;; esac; done
    fail "this bundle is for $host, and this host is $here; if it is $host all the same, say --i-am $host"
}

# only_root: who else may look, but sees neither what is recorded nor what was there before.
only_root() {
    [ -n "$root" ] || [ -z "$changes$instead" ] || [ "$uid" = 0 ] ||
        fail "only root can install or undo; --dry-run and --check need root only for files that others may not read"
}

# same_host: the bundle that was here last was for the same host.
same_host() {
    [ -f "$state/host" ] && [ "$me" != "$host" ] || return 0
    last=$(cat "$state/host")
    [ "$last" = "$host" ] || fail "this machine is $last of $cluster, and this bundle is for $host; if it is $host from now on, say --i-am $host"
}

# right_platform: paths and directives are those of a release (os-release(5)). A minor release does.
right_platform() {
    [ -z "$root" ] && [ -n "$releases" ] || return 0
    [ -f /etc/os-release ] || fail "this bundle is for $platform, and this host has no /etc/os-release that tells what it is: put that back first"
    # shellcheck source=/dev/null
    runs=$(. /etc/os-release && printf '%s %s\n' "${ID:-}" "${VERSION_ID:-}") ||
        fail "this bundle is for $platform, and /etc/os-release cannot be read to tell what this host is: put that right first"
    for release in $releases; do
        case $runs in "${release%:*} ${release#*:}" | "${release%:*} ${release#*:}".*) return 0 ;; esac
    done
    fail "this bundle is for $platform, and this host runs $runs: say platform for it in the description, and build again"
}

whole_bundle() {
    [ -f "$bundle/host.sh" ] || fail "host.sh is not beside apply.sh: the bundle is not whole"
    wrong=$(cd "$bundle" && sha256sum -c SHA256SUMS 2>&1 | grep -v ': OK$') || :
    [ -z "$wrong" ] || fail "the bundle is not as it was built, so copy it here again:
$wrong"
    listed printf '%s\n' apply.sh host.sh
}

# listed COMMAND...: each path that it prints is one whose sum was compared.
listed() {
    absent=$("$@" | awk 'FILENAME == ARGV[1] { sum[substr($0, 67)]; next } !($0 in sum) { printf " %s", $0 }' "$bundle/SHA256SUMS" -)
    [ -z "$absent" ] || fail "the bundle is not as it was built: SHA256SUMS does not list$absent. Copy it here again"
}

# lock: one run at a time; a lock that ends with the process, however it ends.
lock() {
    doing="taking the lock $lock"
    if command -v flock >/dev/null 2>&1; then
        exec 9>>"$lock"
        flock -n 9 || refuse_second
        return 0
    fi
    if ! mkdir "$lock.d" 2>/dev/null; then
        ! held || refuse_second
        rm -rf "$lock.d"
        mkdir "$lock.d" 2>/dev/null || refuse_second
    fi
    locked=$lock.d
    printf '%s\n' "$$" >"$locked/pid"
}

# held: another run has the lock, so what lies there is neither the old nor the new.
held() {
    if [ ! -d "$lock.d" ]; then
        [ -f "$lock" ] && command -v flock >/dev/null 2>&1 && ! flock -n -s "$lock" true
        return
    fi
    holder=$(cat "$lock.d/pid" 2>/dev/null) && kill -0 "$holder" 2>/dev/null
}

refuse_second() { fail "another apply.sh is at work${holder:+: process $holder}: ask again when it is through"; }

# --- who made it? -----------------------------------------------------------------------------

# A host with a list of allowed signers (ssh-keygen(1), ALLOWED SIGNERS) takes but what one of them
# signed for the namespace `clustergen`. SIGNED has the sums of SHA256SUMS and of the secrets, so all
# that is read of a bundle is judged before a line of host.sh is. The list is this machine's, with
# --root as well: host.sh runs here.
signers=/etc/clustergen/allowed_signers

# signed_bundle: sets signer, where this host wants one.
signed_bundle() {
    if ! wants_signer; then
        [ ! -f "$bundle/SIGNED" ] || unless_look "note: the bundle is signed, and nobody asked by whom: there is no $signers here"
        return 0
    fi
    for file in SIGNED SIGNED.sig; do
        [ -f "$bundle/$file" ] || fail "this host takes only bundles that somebody in $signers signed, and this one has no $file: bring what clustergen pack --sign makes"
    done
    nobody_else_writes "$bundle"
    if [ -d "$secrets" ]; then
        secrets=$(CDPATH='' cd -P -- "$secrets" && pwd)
        nobody_else_writes "$secrets"
    elif [ "$secrets" != "$bundle/secrets" ]; then
        # somebody may make it yet
        fail "$secrets is no folder, so it has no secrets that were signed with the bundle"
    fi
    find_signer
    signed_sums
    unless_look "signed by $signer"
}

# unless_look WORDS: for who installs, or would.
unless_look() { case $mode in apply | dry-run) say "$@" ;; esac; }

# wants_signer: what cannot be looked into may be a list.
wants_signer() {
    folder=${signers%/*}
    [ ! -d "$folder" ] || [ -x "$folder" ] || fail "$folder cannot be looked into, so who may sign is not known: only root can go on"
    [ -e "$signers" ] || [ -L "$signers" ] || return 1
    [ -f "$signers" ] || fail "$signers is no file, so nobody may sign: put that right, or take it away where unsigned bundles are fine"
    [ -r "$signers" ] || fail "$signers cannot be read, so who may sign is not known: only root can go on"
    command -v ssh-keygen >/dev/null 2>&1 || fail "this host takes only signed bundles ($signers), and ssh-keygen, which judges them, is not here (package openssh-client or openssh)"
}

# nobody_else_writes FOLDER: what is judged now is what is read later.
nobody_else_writes() {
    way=$1
    # the mode of a link is everybody's
    open=$(find "$way" ! -user 0 ! -user "$uid" -o -perm -020 -o -perm -002 | head -n 1)
    while [ -z "$open" ] && [ -n "$way" ]; do
        way=${way%/*}
        # out of a folder as /tmp nobody takes what is another's, but for its owner
        open=$(find "${way:-/}" -prune \( ! -user 0 ! -user "$uid" -o ! -perm -1000 \( -perm -020 -o -perm -002 \) \))
    done
    [ -z "$open" ] || fail "others could change the bundle while it is read, so its signature says nothing: $open is a link, or not root's alone to write; unpack it as root in a folder of root's"
}

# find_signer: sets signer, a name in the list by which the signature is good.
find_signer() {
    said=$(keygen check-novalidate 2>&1) || case $said in
        *'unknown option'*) fail "this host takes only signed bundles ($signers), and its ssh-keygen cannot judge them: that takes OpenSSH 8.1" ;;
        *) fail "the signature of the bundle is bad, so bring it again: $said" ;;
    esac
    maker=${said##* } people=$(principals)
    while IFS= read -r signer; do
        ! keygen verify -f "$signers" -I "$signer" >/dev/null 2>&1 || return 0
    done <<END
$people
END
    said=$(printf '%s\n' "$people" | while IFS= read -r name; do
        keygen verify -f "$signers" -I "$name" 2>&1 >/dev/null || :
    done | grep -F "$signers:" | sort -u)
    [ -n "$said" ] || fail "the bundle was signed by the key $maker, which is nobody's in $signers"
    fail "the bundle was signed by the key $maker, and $signers does not let it:
$said"
}

# keygen WORD OPTION...: what ssh-keygen says of the signature.
keygen() {
    word=$1
    shift
    ssh-keygen -Y "$word" -n clustergen -s "$bundle/SIGNED.sig" "$@" <"$bundle/SIGNED"
}

# principals: whom the signature may be of, one a line. find-principals knows those of a certificate;
# but it stops at the first line of a key, whatever that line is for, and of OpenSSH 8.7 (RHEL 9) it
# dies where a line has a namespace, so whoever the list names is tried as well.
principals() {
    ssh-keygen -Y find-principals -f "$signers" -s "$bundle/SIGNED.sig" 2>/dev/null | grep -v '^!' || :
    awk '
        /^[ \t]*(#|$)/ { next }
        { sub(/^[ \t]+/, ""); if (split($0, part, "\"") && part[1] == "") $0 = part[2]; else sub(/[ \t].*/, "") }
        { count = split($0, name, ","); for (i = 1; i <= count; i++) if (name[i] !~ /^!/) print name[i] }' "$signers"
}

# signed_sums: it was this bundle that was signed. A secret may be left out: it came before.
signed_sums() {
    is_signed "$bundle/SHA256SUMS" SHA256SUMS ||
        fail "the bundle is not the one that $signer signed: SIGNED is of other files. Copy the whole of it here again"
    for value in "$secrets"/CGSECRET_*; do
        [ ! -f "$value" ] || is_signed "$value" "secrets/${value##*/}" ||
            fail "$value is not what $signer signed: bring the secrets that were packed with this bundle"
    done
}

# is_signed FILE NAME: SIGNED has its sum.
is_signed() { [ -f "$1" ] && grep -Fqx -e "$(sum "$1")  $2" "$bundle/SIGNED"; }

# --- making what is to be installed -----------------------------------------------------------

# tokens WHERE...: the tokens in them; WHERE may begin with options for grep.
tokens() { grep -ho -e 'CGSECRET_[A-Za-z0-9_]\{1,\}' "$@" || :; }

# value_of TOKEN: sets value, the file that has it: what was given now goes before what came with the
# last bundle, and that before what has to be opened. A token names its value by digest, so each is
# right. Fails where nobody has it.
value_of() {
    for value in "$secrets/$1" "$state/generations/$newest/secrets/$1"; do [ ! -f "$value" ] || return 0; done
    unseal "$1"
}

# take_value TOKEN: puts it where `fill` and the generation find it.
take_value() {
    [ ! -f "$work/secrets/$1" ] || return 0
    if ! value_of "$1"; then
        case $1 in *_00000000) fail "$1 stands for a secret that had no value when this bundle was built: clustergen secrets list names it; give it one, build, and copy the bundle here again" ;; esac
        [ ! -f "$bundle/secrets.age" ] || fail "the value of $1 is neither in $secrets nor in secrets.age: build again, and copy the bundle here"
        fail "the value of $1 is not in $secrets: give the bundle its secrets first"
    fi
    text=$(cat "$value") || fail "the value of $1 in ${value%/*} cannot be read"
    [ -n "$text" ] || fail "the value of $1 in ${value%/*} is empty"
    cat "$value" >"$work/secrets/$1"
}

# values_here TOKEN...: all of them can be had; the first one that cannot is in $work/lacking.
values_here() {
    for token in "$@"; do
        value_of "$token" || { printf '%s\n' "$token" >>"$work/lacking"; return 1; }
    done
}

# tell_lacking: what a dry run does not need, and the run after it does.
tell_lacking() {
    [ -s "$work/lacking" ] && [ ! -f "$bundle/secrets.age" ] || return 0
    say "apply.sh would refuse this: the value of $(head -n 1 "$work/lacking") is not in $secrets"
}

# fill FILE: FILE with every token replaced by its value, literally, on standard output. Who only looks
# may have no values: the tokens stay, which are not what lies there.
fill() {
    lacks=$(tokens "$1")
    # shellcheck disable=SC2086  # a word each
    if [ -z "$lacks" ] || { [ -z "$changes" ] && ! values_here $lacks; }; then cat "$1"; return; fi
    for token in $lacks; do take_value "$token"; done
    folder=$work/secrets awk '
        function value(token,    all, line, file, n) {
            file = ENVIRON["folder"] "/" token
            while ((getline line < file) > 0) all = all (n++ ? "\n" : "") line
            close(file)
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

# marks MARK FILE: sets first and last, the lines of the block's marks, or empties them.
marks() {
    pair=$(begin="# BEGIN clustergen $1" end="# END clustergen $1" awk '
        { sub(/\r$/, "") }
        $0 == ENVIRON["begin"] { if (first) wrong = 1; first = NR }
        $0 == ENVIRON["end"] { if (!first || last) wrong = 1; last = NR }
        END { if (wrong || (first && !last)) exit 1; if (first) print first, last }' "$2") ||
        fail "the marks of clustergen $1 in $2 are not one pair of BEGIN and END: put that right first"
    first=${pair% *} last=${pair#* }
}

# ends_open FILE: its last line is without a line end.
ends_open() { [ -s "$1" ] && [ "$(tail -c 1 "$1" | wc -l)" -eq 0 ]; }

# with_block MARK BLOCK FILE: FILE with what is between the marks replaced, or a block added at its
# end; nobody else's byte is touched.
with_block() {
    marks "$1" "$3"
    if [ -n "$first" ]; then
        head -n "$first" "$3"
        fill "$2"
        tail -n "+$last" "$3"
        return
    fi
    cat "$3"
    ! ends_open "$3" || echo
    printf '# BEGIN clustergen %s\n' "$1"
    fill "$2"
    printf '# END clustergen %s\n' "$1"
}

# winners MARK FILE: of /etc/hosts, lines of others that stand before our block and have other
# addresses for its names. The first line of a family wins (nsswitch.conf(5), `files`).
winners() {
    begin="# BEGIN clustergen $1" end="# END clustergen $1" awk '
        function family(address) { return index(address, ":") ? "6" : "4" }
        { sub(/\r$/, ""); text = $0; sub(/#.*/, "") }
        text == ENVIRON["begin"] { ours = 1; next }
        text == ENVIRON["end"] { exit }
        {
            for (i = 2; i <= NF; i++) {
                key = tolower($i) " " family($1)
                if (!ours) { if (!(key in line)) { line[key] = NR; address[key] = $1; said[key] = text } }
                else if (key in line && address[key] != $1)
                    printf "note: line %d of /etc/hosts wins for %s over %s: %s\n", line[key], $i, $1, said[key]
            }
        }' "$2" | { if [ "$mode" = check ]; then cat >/dev/null; else cat; fi; }
}

# sum FILE: SHA-256 of its bytes.
sum() {
    line=$(sha256sum <"$1")
    printf '%s\n' "${line%% *}"
}

# room_for PATH: makes the folder of a file of ours.
room_for() { [ -d "${1%/*}" ] || mkdir -p "${1%/*}"; }

# --- values that came sealed ------------------------------------------------------------------

# secrets.age in the bundle is a tar of the values, each a file named by its token, encrypted to this
# host's SSH keys (age-encryption.org/v1). A blob is data from elsewhere: what its tar says of paths,
# links and modes is not done. A value is the bytes that it has under a token's name.

# unseal TOKEN: sets value, as value_of does. Who only looks opens nothing.
unseal() {
    [ -n "$changes" ] && [ -f "$bundle/secrets.age" ] || return 1
    [ -f "$work/sealed/all" ] || open_sealed
    value=$work/sealed/$1
    tar -xOf "$work/sealed/all" "$1" >"$value" 2>"$work/said" || grep -q 'ot found in archive' "$work/said" ||
        fail "secrets.age cannot be unpacked: $(head -n 1 "$work/said")$(full)"
    # of what is no file, too, tar prints nothing
    [ -s "$value" ]
}

# open_sealed: by the first of this host's keys that fits. One by one, because age gives up at a key
# of a kind that it does not know, even where another one fits.
open_sealed() {
    listed echo secrets.age
    for opener in age tar; do
        command -v "$opener" >/dev/null 2>&1 ||
            fail "the secrets of this bundle are sealed, and $opener, which opens them, is not here: install the package $opener, or bring their values with clustergen pack"
    done
    others='' unfit='' broken_by=''
    for identity in "$root/etc/ssh/ssh_host_ed25519_key" "$root/etc/ssh/ssh_host_rsa_key"; do
        [ -f "$identity" ] || continue
        [ -r "$identity" ] || fail "secrets.age is opened with $identity, and only root can read that: run this as root"
        if alone age -d -i "$identity" "$bundle/secrets.age" >"$work/sealed/open" 2>"$work/said"; then
            mv -f "$work/sealed/open" "$work/sealed/all"
            return 0
        fi
        why=$(sed -n '1{s/^age: //;s/^[Ee]rror: //;p;}' "$work/said")
        case $why in
            *'no identity matched'*) others=1 ;;
            'reading "'*) unfit=$why ;;
            *) broken_by=${why:-age has not said why} ;;
        esac
    done
    [ -z "$broken_by" ] || fail "secrets.age cannot be opened: $broken_by$(full): copy the bundle here again, or build it again"
    [ -z "$others" ] || fail "secrets.age is sealed for other SSH keys than those of this host: put what apply.sh --host-key says here into the description, and build again"
    fail "secrets.age is opened with this host's SSH key, ed25519 or RSA, and $root/etc/ssh has none that fits${unfit:+ ($unfit)}: make one with ssh-keygen -A, put what apply.sh --host-key says then into the description, and build again"
}

# --- key-wise edits: how a file is read -------------------------------------------------------

# Awk that takes a file apart; 35-keys.sh changes it. A file is natural lines, line[1..n], with
# what ended each of them in end[]: nothing, where the file ends without. Items, 1..m, are what a
# program sees: a key with all of its lines, a section's head, anything else a line at a time.
# Nothing is left out, so that lines and ends put together are the file, byte for byte.
keys_reader='
    # add(TEXT, ENDING): lines more; TEXT may hold line ends of its own
    function add(text, ending,    at) {
        while (at = match(text, /[\r\n]/)) {
            line[++n] = substr(text, 1, at - 1)
            end[n] = substr(text, at, 2) == "\r\n" ? "\r\n" : substr(text, at, 1)
            text = substr(text, at + length(end[n]))
        }
        line[++n] = text
        end[n] = ending
    }

    # load(FILE): a dot stands behind its last byte, so that a missing last line end is seen
    function load(file,    raw, held, more) {
        n = 0
        while ((getline raw < file) > 0) {
            if (more && held ~ /\r$/) add(substr(held, 1, length(held) - 1), "\r\n")
            else if (more) add(held, "\n")
            held = raw
            more = 1
        }
        close(file)
        if (held != ".") add(substr(held, 1, length(held) - 1), "")
        if (n && line[n] end[n] == "") n--
        parse()
    }

    function parse() {
        m = dangles = 0
        if (ENVIRON["format"] == "ini") parse_ini()
        else parse_properties()
    }

    function item(what, at, name) {
        kind[++m] = what
        first[m] = last[m] = at
        id[m] = section SUBSEP name
        of[m] = section
        before[m] = value[m] = ""
        bare[m] = 0
        match(line[at], /^[ \t\f]*/)
        indent[m] = substr(line[at], 1, RLENGTH)
    }

    # text(K): the lines of an item, without what ends the last of them
    function text(k) { return range(first[k], last[k]) }

    function range(from, to,    all) {
        all = line[from]
        while (from < to) { all = all end[from]; all = all line[++from] }
        return all
    }

    # As java.util.Properties.load reads: a line that ends in an odd number of backslashes goes on
    # in the next one, whose indentation does not count. dangles is the item that goes on where
    # the file ends.
    function parse_properties(    i, rest, whole, head, open) {
        section = ""
        for (i = 1; i <= n; i++) {
            rest = line[i]
            sub(/^[ \t\f]+/, "", rest)
            item("other", i, "")
            if (rest == "" || rest ~ /^[#!]/) continue
            whole = ""
            head = -1
            do {
                open = match(rest, /\\+$/) && RLENGTH % 2
                whole = whole substr(rest, 1, length(rest) - open)
                if (head < 0) head = length(whole)
                last[m] = i
                if (!open) break
                if (i == n) { dangles = m; break }
                rest = line[++i]
                sub(/^[ \t\f]+/, "", rest)
                # nothing but a backslash so far: a comment is one all the same
                if (whole == "" && rest ~ /^[#!]/) { last[m] = i; break }
            } while (1)
            property(whole, head)
        }
    }

    # property(WHOLE, HEAD): the key and the value of a logical line, of which HEAD bytes stand on
    # its first line. before is what stays when the value changes, where that is on one line.
    function property(whole, head,    at, to, c, escaped, sign) {
        for (at = 1; at <= length(whole); at++) {
            c = substr(whole, at, 1)
            if (!escaped && index("=: \t\f", c)) break
            escaped = c == "\\" && !escaped
        }
        if (at == 1) return
        for (to = at; to <= length(whole); to++) {
            c = substr(whole, to, 1)
            if (index("=:", c) && !sign) sign = 1
            else if (!index(" \t\f", c)) break
        }
        kind[m] = "key"
        id[m] = section SUBSEP unescaped(substr(whole, 1, at - 1))
        between[m] = substr(whole, at, to - at)
        value[m] = substr(whole, to)
        bare[m] = to == at
        if (to - 1 <= head) before[m] = indent[m] substr(whole, 1, to - 1)
    }

    # unescaped(KEY): what is beyond ASCII stays as it is written, and so is no key of ours
    function unescaped(key,    out, at, code, c) {
        while (at = index(key, "\\")) {
            out = out substr(key, 1, at - 1)
            code = tolower(substr(key, at + 2, 4))
            if (substr(key, at + 1, 1) == "u" && code ~ /^00[0-7][0-9a-f]$/ && code != "0000") {
                code = index("123456789abcdef", substr(code, 3, 1)) * 16 + index("123456789abcdef", substr(code, 4, 1))
                out = out sprintf("%c", code + 0)
                key = substr(key, at + 6)
            } else {
                c = substr(key, at + 1, 1)
                out = out (c == "t" ? "\t" : c == "n" ? "\n" : c == "r" ? "\r" : c == "f" ? "\f" : c == "u" ? "\\u" : c)
                key = substr(key, at + 2)
            }
        }
        return out key
    }

    # As configparser of Python reads: a line that stands deeper than the key above it belongs to
    # that key, with what is between. Keys and sections are compared as they are written.
    function parse_ini(    i, rest, depth, level, open) {
        section = ""
        for (i = 1; i <= n; i++) {
            rest = line[i]
            sub(/^[ \t\f]+/, "", rest)
            depth = length(line[i]) - length(rest)
            sub(/[ \t\f]+$/, "", rest)
            if (rest == "" || rest ~ /^[#;]/) {
                item("other", i, "")
            } else if (open && depth > level) {
                m = open
                last[m] = i
            } else if (match(rest, /^\[[^]]+\]/)) {
                section = substr(rest, 2, RLENGTH - 2)
                item("head", i, "")
                level = depth
                open = 0
            } else {
                ini_key(i, rest)
                level = depth
                open = m
            }
        }
    }

    function ini_key(i, rest,    at, name, tail) {
        at = match(rest, /[=:]/)
        name = at ? substr(rest, 1, at - 1) : rest
        sub(/[ \t\f]+$/, "", name)
        item(name == "" ? "other" : "key", i, name)
        tail = at ? substr(rest, at + 1) : ""
        sub(/^[ \t\f]+/, "", tail)
        value[m] = tail
        between[m] = substr(rest, length(name) + 1, length(rest) - length(name) - length(tail))
        bare[m] = !at
        before[m] = at && tail == "" ? line[i] : indent[m] name between[m]
    }
'

# --- key-wise edits: how a file is changed ----------------------------------------------------

# Awk that changes what keys_reader has read. What stood there before is written down key by key:
# PATH SECTION KEY set|unset|section OURS WAS, between tabs. OURS are the lines as they were left,
# WAS is `=` and the lines that they replaced, or `-` where there were none. A key that is not
# wanted any more is given back where OURS is still there, and left alone where it is not.
# shellcheck disable=SC2016  # awk's own, in its comments
keys_editor='
    function packed(s) { gsub(/%/, "%25", s); gsub(/\t/, "%09", s); gsub(/\n/, "%0A", s); gsub(/\r/, "%0D", s); return s }
    function unpacked(s) { gsub(/%09/, "\t", s); gsub(/%0A/, "\n", s); gsub(/%0D/, "\r", s); gsub(/%25/, "%", s); return s }

    # wanted keys are items of a file in the same format; `#unset KEY` is for one that must go
    function read_wanted(    k, name) {
        load(ENVIRON["wanted"])
        for (k = 1; k <= m; k++) {
            if (kind[k] == "key") {
                order[++wants] = id[k]
                to_set[id[k]] = value[k]
                as_is[id[k]] = text(k)
                sign[id[k]] = between[k]
            } else if (kind[k] == "other" && index(line[first[k]], "#unset ") == 1) {
                name = substr(line[first[k]], 8)
                to_unset[of[k] SUBSEP (ENVIRON["format"] == "ini" ? name : unescaped(name))] = 1
            }
        }
    }

    function read_known(    file, raw, part) {
        file = ENVIRON["known"]
        while ((getline raw < file) > 0) {
            if (split(raw, part, "\t") != 6 || unpacked(part[1]) != ENVIRON["path"]) continue
            known_id[++knowns] = unpacked(part[2]) SUBSEP unpacked(part[3])
            how[knowns] = part[4]
            ours[knowns] = unpacked(part[5])
            was[knowns] = unpacked(part[6])
        }
        close(file)
    }

    function save(key, what, now, then,    part) {
        split(key, part, SUBSEP)
        print packed(ENVIRON["path"]) "\t" packed(part[1]) "\t" packed(part[2]) "\t" what "\t" packed(now) "\t" packed(then) "\n" >>ENVIRON["record"]
    }

    function shown(key,    part) {
        split(key, part, SUBSEP)
        return (part[1] == "" ? "" : "[" part[1] "] ") part[2]
    }

    function still_wanted(r) {
        return how[r] == "set" ? known_id[r] in to_set : known_id[r] in to_unset
    }

    # find_ours(): where what was written down still stands, the last of several first
    function find_ours(    r, k) {
        split("", by); split("", by_line); split("", at); split("", until)
        for (r = knowns; r; r--) {
            if (over[r]) continue
            if (how[r] == "set") {
                for (k = m; k; k--)
                    if (kind[k] == "key" && !(k in by) && id[k] == known_id[r] && text(k) == ours[r]) { by[k] = r; at[r] = first[k]; until[r] = last[k]; break }
            } else if (how[r] == "unset") find_lines(r)
        }
    }

    function find_lines(r,    i, j, all) {
        for (i = n; i; i--) {
            if (i in by_line || index(ours[r], line[i]) != 1) continue
            all = line[j = i]
            while (length(all) < length(ours[r]) && j < n) { all = all end[j]; all = all line[++j] }
            if (all == ours[r]) { by_line[i] = r; at[r] = i; until[r] = j; return }
        }
    }

    # change(FROM, TO, NEW): lines that become others; remove(FROM, TO); rebuild() does it
    function change(from, to, new) { put[from] = new; upto[from] = to }
    function remove(from, to) { gone[from] = 1; upto[from] = to }
    function below(i, new) { more[i]++; new_line[i, more[i]] = new }

    function rebuild(    i, j, lines, total, ends) {
        for (i = 1; i <= n; i++) { lines[i] = line[i]; ends[i] = end[i] }
        total = n
        n = 0
        for (i = 0; i <= total; i = j + 1) {
            j = i in upto ? upto[i] : i
            if (i in put) add(put[i], ends[j])
            else if (i && !(i in gone)) add(lines[i], ends[i])
            # where the file ends without a line end, it goes on doing so
            if (i in gone && j == total && ends[j] == "" && n) end[n] = ""
            insert(j, near(ends, j, total))
        }
        insert("tail", near(ends, total, total))
        split("", put); split("", upto); split("", gone); split("", more)
        parse()
    }

    function insert(place, ending,    k, bare) {
        for (k = 1; k <= more[place]; k++) {
            bare = n && end[n] == ""
            if (bare) end[n] = ending
            add(new_line[place, k], bare ? "" : ending)
        }
    }

    # near(ENDS, I, TOTAL): how lines end around there
    function near(ends, i, total,    j) {
        for (j = i; j; j--) if (ends[j] != "") return ends[j]
        for (j = i + 1; j <= total; j++) if (ends[j] != "") return ends[j]
        return "\n"
    }

    # give_back(): what is not wanted any more
    function give_back(    r, k, there) {
        find_ours()
        for (k = 1; k <= m; k++) if (kind[k] == "key") there[id[k]] = 1
        for (r = knowns; r; r--) {
            if (how[r] == "section" || still_wanted(r)) continue
            over[r] = 1
            if (r in at) {
                if (was[r] == "-") remove(at[r], until[r])
                else change(at[r], until[r], substr(was[r], 2))
                if (!(known_id[r] in to_set) && !(known_id[r] in to_unset)) word("give back", known_id[r])
            } else if (!(known_id[r] in to_set) && !(known_id[r] in to_unset) && (known_id[r] in there || was[r] != "-"))
                print shown(known_id[r]) "\n" >ENVIRON["foreign"]
        }
        rebuild()
        for (r = knowns; r; r--) if (how[r] == "section") close_section(r)
        rebuild()
    }

    # close_section(R): the head of a section that we opened goes when nothing is left in it
    function close_section(r,    k, w, used) {
        for (w = 1; w <= wants; w++) if (index(order[w], known_id[r]) == 1) used = "wanted"
        for (k = m; k; k--) {
            if (kind[k] != "head") { if (used == "" && line[first[k]] ~ /[^ \t\f]/) used = "foreign"; continue }
            if (of[k] SUBSEP == known_id[r] && text(k) == ours[r]) {
                if (used == "wanted") kept[r] = 1
                else if (used == "") remove(first[k], last[k])
                return
            }
            if (used == "foreign") used = ""
        }
    }

    function word(what, key) { words[what] = words[what] (words[what] == "" ? "" : ", ") shown(key) }

    # set_all(): the last one of a name is what programs take, so that is the one that changes
    function set_all(    w, k, r, now, final, done) {
        find_ours()
        for (k = 1; k <= m; k++) if (kind[k] == "key") final[id[k]] = k
        for (r = 1; r <= knowns; r++)
            if (!over[r] && how[r] == "set" && r in at && at[r] != first[final[known_id[r]]]) { save(known_id[r], "set", ours[r], was[r]); over[r] = 1 }
        for (w = 1; w <= wants; w++) {
            if (order[w] in done) continue
            done[order[w]] = 1
            if (!(order[w] in final)) { append(order[w]); continue }
            k = final[order[w]]
            now = before[k] == "" ? indent[k] as_is[order[w]] : before[k] (bare[k] ? sign[order[w]] : "") to_set[order[w]]
            save(order[w], "set", now, origin(k))
            if (now != text(k)) { change(first[k], last[k], now); word("set", order[w]) }
        }
    }

    # origin(K): what stood there before the first of our edits
    function origin(k,    r) {
        if (k in by) return was[by[k]]
        for (r = knowns; r; r--) if (!over[r] && how[r] == "set" && known_id[r] == id[k] && !(r in at)) return was[r]
        return "=" text(k)
    }

    # append(KEY): at the end of its section, of the last one of the name
    function append(key,    part, k, place, deep, inside, keyless, heads, new) {
        split(key, part, SUBSEP)
        word("set", key)
        inside = keyless = part[1] == ""
        place = inside ? 0 : -1
        for (k = 1; k <= m; k++) {
            if (kind[k] == "head") {
                heads = 1
                # a head that stands deeper than the key above it would belong to that key
                if (inside && keyless && length(indent[k]) > length(deep)) deep = indent[k]
                inside = of[k] == part[1]
                if (inside) keyless = 1
            }
            if (inside && kind[k] != "other") { place = last[k]; deep = indent[k] }
            if (inside && kind[k] == "key") keyless = 0
        }
        # what goes on where the file ends would swallow a line below it
        if (ENVIRON["format"] != "ini") { place = dangles ? first[dangles] - 1 : n; deep = "" }
        else if (!place && !heads) place = n
        new = deep as_is[key]
        if (place < 0) {
            place = "tail"
            if (!(part[1] in opened)) {
                opened[part[1]] = 1
                below(place, "[" part[1] "]")
                new_head[++heads_made] = part[1]
            }
        }
        below(place, new)
        save(key, "set", new, "-")
    }

    # unset_all(): every one of a name, as a comment in its place, so that it can come back there
    function unset_all(    k, i, r, now) {
        for (r = 1; r <= knowns; r++) if (!over[r] && how[r] == "unset" && r in at) save(known_id[r], "unset", ours[r], was[r])
        for (k = 1; k <= m; k++) {
            if (kind[k] != "key" || !(id[k] in to_unset)) continue
            now = ""
            for (i = first[k]; i <= last[k]; i++) now = now "# unset by clustergen: " line[i] (i < last[k] ? end[i] : "")
            save(id[k], "unset", now, "=" text(k))
            change(first[k], last[k], now)
            word("unset", id[k])
        }
    }

    # save_heads(): in the order in which they were opened, so that what stays is written as it was
    function save_heads(    r, h) {
        for (r = 1; r <= knowns; r++) if (r in kept) save(known_id[r], "section", ours[r], "-")
        for (h = 1; h <= heads_made; h++) save(new_head[h] SUBSEP, "section", "[" new_head[h] "]", "-")
    }

    BEGIN {
        ORS = ""
        read_wanted()
        read_known()
        load(ENVIRON["current"])
        give_back()
        set_all()
        unset_all()
        save_heads()
        rebuild()
        for (k = 1; k <= n; k++) print line[k] end[k] >ENVIRON["new"]
        k = split("set,unset,give back", list, ",")
        for (w = 1; w <= k; w++) if (list[w] in words) { print glue list[w] " " words[list[w]] >ENVIRON["words"]; glue = "; " }
    }
'

# edit_keys FORMAT PATH CURRENT: what becomes of CURRENT, when it has the keys in $work/wanted, goes
# below new/, what is said of it below words/, what stood there before into the list of keys. A line
# with a point ends what is read, because awk does not tell how the last line of a file ends.
edit_keys() {
    mkdir -p "$work/new${2%/*}" "$work/words${2%/*}"
    : >"$work/new$2"
    : >"$work/words$2"
    : >"$work/foreign"
    { cat "$3"; echo .; } >"$work/current"
    format=$1 path=$2 current=$work/current wanted=$work/wanted known=$state/keys record=$work/keys \
        new=$work/new$2 words=$work/words$2 foreign=$work/foreign awk "$keys_reader $keys_editor" </dev/null
    while IFS= read -r key; do
        unless_check "$key of $2 was changed by hand since it was set: it is no longer needed, and stays"
    done <"$work/foreign"
}

# stage_keys FORMAT PATH ACTION UNIT there|create
stage_keys() {
    shared "$2"
    [ "$current" != /dev/null ] || [ "$5" = create ] ||
        fail "$2 is not there, and keys are to be set in it: install what it belongs to first"
    # shellcheck disable=SC2094  # who compares only reads
    tr -d '\000' <"$current" | cmp -s - "$current" || fail "$2 holds a zero byte: it is no text"
    bits=- owner=-
    if grep -q CGSECRET_ "$bundle/edits$2.keys"; then
        if [ ! -f "$root$2" ]; then
            bits=0600 owner=root:root
        elif [ "$(($(stat -c %a "$root$2") % 10))" -gt 3 ]; then
            fail "everybody may read $2, and a secret is to stand in it: change its mode first"
        fi
    fi
    { fill "$bundle/edits$2.keys"; echo .; } >"$work/wanted"
    edit_keys "$1" "$2" "$current"
    record keys "$2" "$1" "$3" "$4"
    ! differs - - "$2" || change keys "$bits" "$owner" "$3" "$4" "$2"
}

# stage_keyless PATH FORMAT ACTION UNIT: what its keys were before comes back.
stage_keyless() {
    [ -f "$root$1" ] && [ ! -L "$root$1" ] || return 0
    echo . >"$work/wanted"
    edit_keys "$2" "$1" "$root$1"
    ! cmp -s "$work/new$1" "$root$1" || return 0
    if [ -s "$work/new$1" ] || [ -e "$state/before$1" ]; then change keys - - "$3" "$4" "$1"; else change gone - - "$3" "$4" "$1"; fi
}

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

# --- rehearsing -------------------------------------------------------------------------------

# A rehearsal installs the same files in the same way, but in a mount namespace of its own, on
# overlays of the folders that they go to: there each checker sees them at their final paths, and
# nobody else does. It needs unshare and overlayfs; where one of them does not work, the checkers
# run when the files are in place, and before anything takes them up.

# rehearse: refused holds what says that the new files are wrong. Fails where it cannot be done.
rehearse() {
    rehearsed='' judged=''
    at=judged
    resources
    # what is made by a program is not there yet
    [ -n "$judged" ] && ! grep -q "^made$tab" "$work/changed" || return 1
    folders >"$work/folders" || return 1
    command -v unshare >/dev/null 2>&1 || return 1
    view=/run/clustergen.$$
    mkdir "$view" 2>/dev/null || return 1
    if set_stage 2>/dev/null; then
        alone unshare -m sh "$engine" --rehearse "$view" "$bundle" >"$view/said" 2>&1 || :
    fi
    if [ -e "$view/done" ]; then
        rehearsed=1
        refused=$(cat "$view/refused")
        [ -z "$refused" ] || cat "$view/said" >&2
    fi
    rm -rf "$view"
    [ -n "$rehearsed" ]
}

# set_stage: fails where there is no room in memory.
set_stage() {
    mkdir "$view/run" "$view/layer" &&
        cp "$work/changed" "$work/record" "$work/folders" "$view/run" &&
        ln -s "$work/new" "$view/run/new"
}

# folders: the folders that are there and into which something is installed, but for those below
# another of them. Fails where an overlay would hide what is mounted there.
folders() {
    awk -F '\t' '$6 ~ "^/" { sub("/[^/]*$", "", $6); if (!seen[$6]++) print $6 }' "$work/changed" | while IFS= read -r path; do
        while [ -n "$path" ] && [ ! -d "$path" ]; do path=${path%/*}; done
        (cd -P -- "${path:-/}" && pwd)
    done | sort -u | awk '
        BEGIN { while ((getline line < "/proc/self/mountinfo") > 0) { split(line, part, " "); mounts[part[5]] } }
        $0 == "/" { exit 1 }
        above != "" && index($0, above "/") == 1 { next }
        { above = $0; for (at in mounts) if (index(at, $0 "/") == 1) exit 1; print }'
}

# on_stage: the other side of `rehearse`, in the namespace.
on_stage() {
    work=$view/run
    mkdir -p "$work/scratch"
    mount --make-rprivate /
    number=0
    while IFS= read -r folder; do
        number=$((number + 1))
        mkdir "$view/layer/$number" "$view/layer/$number.work"
        chmod --reference="$folder" "$view/layer/$number"
        chown --reference="$folder" "$view/layer/$number"
        mount -t overlay overlay -o "lowerdir=$folder,upperdir=$view/layer/$number,workdir=$view/layer/$number.work" "$folder"
    done <"$work/folders"
    install_files
    at=check
    resources
    printf '%s' "$refused" >"$view/refused"
    : >"$view/done"
}

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

# --- generations ------------------------------------------------------------------------------

# generations: their numbers, in no order.
generations() {
    for folder in "$state"/generations/[0-9]*; do
        [ ! -d "$folder" ] || printf '%s\n' "${folder##*/}"
    done
}

# find_newest: sets newest, the highest of them, or nothing.
find_newest() {
    newest=''
    for number in $(generations); do [ "$number" -le "${newest:-0}" ] || newest=$number; done
}

# look_back: sets newest, and installed, a path on each line, as the last run left them.
look_back() {
    find_newest
    installed=''
    [ ! -f "$state/installed" ] || installed=$line_end$(cut -f2 "$state/installed")$line_end
}

# same_bundle FOLDER: it holds what this bundle holds.
same_bundle() { cmp -s "$1/SHA256SUMS" "$bundle/SHA256SUMS"; }

# go_back: makes the generation before the newest the bundle of this run.
go_back() {
    target=$(generations | sort -n | tail -n 2 | head -n 1)
    [ "$target" != "$newest" ] || fail "no bundle was here before this one: --uninstall takes away what it installed"
    bundle=$state/generations/$target secrets=$state/generations/$target/secrets signer=''
    whole_bundle
    # shellcheck source=/dev/null
    . "$bundle/host.sh"
    at=listed
    listed resources
    right_platform
}

# not_replaced: a bundle that was here, and that a later one has replaced, is most often a copy that
# was forgotten.
not_replaced() {
    [ -z "$older$instead" ] && [ -n "$newest" ] && ! same_bundle "$state/generations/$newest" || return 0
    for number in $(generations); do
        ! same_bundle "$state/generations/$number" ||
            fail "this bundle is older than what is installed: it was generation $number here, and generation $newest has replaced it. Copy the new one, or say --older to go back to this one"
    done
}

# stage_generation: a copy of what is about to be installed, for --rollback.
stage_generation() {
    [ -z "$instead" ] || return 0
    [ -z "$newest" ] || ! same_bundle "$state/generations/$newest" || return 0
    mkdir "$work/generation"
    # shellcheck disable=SC2046  # what lies at the top of a bundle has no spaces
    (cd "$bundle" && cp -RL SHA256SUMS $(parts) "$work/generation")
    # values that nothing was filled with now, because it is in place
    tokens -rs "$work/generation" | sort -u >"$work/tokens"
    while read -r token; do
        if value_of "$token"; then take_value "$token"; fi
    done <"$work/tokens"
    mv "$work/secrets" "$work/generation/secrets"
}

# parts: the files and folders at the top of the bundle, each once.
parts() { awk '{ $0 = substr($0, 67); sub("/.*", ""); if (!seen[$0]++) print }' "$bundle/SHA256SUMS"; }

# keep_generation: the last lines of a run: the bundle is among those that were here, or the one that
# was gone back from is not any more. Five are kept.
keep_generation() {
    find_newest
    if [ -d "$work/generation" ]; then
        mkdir -p "$state/generations"
        newest=$((${newest:-0} + 1))
        mv "$work/generation" "$state/generations/$newest"
    fi
    [ ! -f "$work/gone-back-from" ] || rm -rf "$state/generations/$(cat "$work/gone-back-from")"
    for number in $(generations); do [ "$number" -gt "$((newest - 5))" ] || rm -rf "$state/generations/$number"; done
}

# --- one-time steps and proofs ----------------------------------------------------------------

# word_of KIND KEY: the name of a function in host.sh: guard, run or proof of a step; holds or ensure
# of what is no file.
word_of() { printf '%s_%s\n' "$1" "$(printf '%s' "$2" | tr -c 'a-z0-9' '_')"; }

defined() { command -v "$1" >/dev/null 2>&1; }

# list_step NUMBER STEP keeps|destroys TITLE [STEP-OF-THIS-HOST-BEFORE...]
list_step() {
    word=waits when=null destroys=false
    if is_done "$2"; then word="done  $(cat "$state/done/$2")" when=$(json_text <"$state/done/$2"); fi
    [ "$3" = keeps ] || word="$word, destroys data" destroys=true
    printf '%-7s %-32s %s\n        %s\n' "$1" "$2" "$word" "$4"
    printf '{"number": "%s", "step": "%s", "title": %s, "done": %s, "destroys": %s}\n' \
        "$1" "$2" "$(printf '%s' "$4" | json_text)" "$when" "$destroys" >>"$work/steps"
}

# bootstrap_step NUMBER STEP keeps|destroys TITLE [STEP-OF-THIS-HOST-BEFORE...]: the one asked for.
bootstrap_step() {
    [ "$2" = "$wanted" ] || return 0
    found=1 number=$1 title=$4
    if is_done "$2"; then
        say "$2: was done $(cat "$state/done/$2"); --mark-undone $2 has it done again"
        return
    fi
    shift 4
    for before in "$@"; do is_done "$before" || fail "$wanted comes after $before, which is not done: say --bootstrap $before first"; done
    step_files
    do_step "$wanted" "$number" "$title"
    rm -rf "$work/files"
}

# step_files: sets files, the folder in which guard, run and proof find what the bundle has for the
# step, with its secrets.
step_files() {
    files=$work/files
    export files
    mkdir -p "$files"
    for file in "$bundle/steps/$wanted"/*; do
        [ ! -f "$file" ] || { listed echo "steps/$wanted/${file##*/}"; fill "$file" >"$files/${file##*/}"; }
    done
}

# do_step STEP NUMBER TITLE
do_step() {
    proof=$(word_of proof "$1")
    if (alone "$proof") >"$work/said" 2>&1; then
        say "$1: was done before, by whatever hand"
        mark_done "$1"
        return
    fi
    guard=$(word_of guard "$1")
    if defined "$guard" && ! (alone "$guard"); then
        fail "$1: its guard says that it is not safe now; nothing was done"
    fi
    run=$(word_of run "$1")
    if defined "$run"; then
        keep_log
        say "$2 $1: $3"
        # not in a condition: there the shell would go on after a command that fails
        set +e
        (set -e; alone "$run")
        code=$?
        set -e
        [ "$code" = 0 ] || fail "$1 failed: put right what it says, then say --bootstrap $1 again"
    fi
    (alone "$proof") || fail "$1 was done, but its proof does not hold: see above"
    mark_done "$1"
}

# mark_done STEP: when, for people.
mark_done() {
    keep_log
    mkdir -p "$state/done"
    date -u '+%Y-%m-%d %H:%M UTC' >"$state/done/.new"
    mv -f "$state/done/.new" "$state/done/$1"
    say "$1: done"
}

# mark_undone STEP: what waits for it is neither started nor judged from now on; what runs goes on.
mark_undone() {
    is_done "$1" || fail "$1 is not done, so there is nothing to forget"
    keep_log
    rm -f "$state/done/$1"
    say "$1: not done any more"
}

# stale_marks: steps that were done here, and that the bundle does not describe: one that comes back some
# day is another one. Who goes back to an earlier bundle may come forward again.
stale_marks() {
    [ -z "$older$instead" ] || return 0
    at=described
    resources >"$work/described"
    for mark in "$state"/done/*; do
        step=${mark##*/}
        [ ! -f "$mark" ] || grep -Fqx -e "$step" "$work/described" || printf '%s\n' "$step"
    done >"$work/forgotten"
}

# forget STEP
forget() {
    is_done "$1" || return 0
    keep_log
    rm -f "$state/done/$1"
    say "forgets that $1 was done: it is no longer described"
}

# prove TITLE COMMAND: says ok, or FAIL with what the command said.
prove() {
    holds=true
    quietly "$2" || holds=false
    printf '{"title": %s, "ok": %s, "said": %s}\n' "$(printf '%s' "$1" | json_text)" "$holds" \
        "$(json_text <"$work/said")" >>"$work/proofs"
    if [ "$holds" = true ]; then
        say "ok    $1"
        return
    fi
    broken=$((broken + 1))
    say "FAIL  $1"
    sed 's/^/      /' "$work/said"
}

# without_change: the modes that look, or do one step. Sets broken: how much does not work.
without_change() {
    found='' awaited='' broken=0
    at=awaits
    resources
    at=$mode
    resources
    case $mode in
        host-key) tell_host_keys ;;
        list) list_export ;;
        bootstrap | mark-done | mark-undone)
            [ "$wanted" != export ] || [ ! -s "$work/births" ] || found=1
            [ -n "$found" ] || fail "$host has no step $wanted: --list says which there are"
            case $mode in
                mark-done) mark_done "$wanted" ;;
                mark-undone) mark_undone "$wanted" ;;
            esac
            [ "$mode:$wanted" != bootstrap:export ] || export_born
            [ -z "$awaited" ] || say "now say apply.sh: what waited for $wanted is started then"
            ;;
    esac
}

# --- what a host hands over to who builds -----------------------------------------------------

# tell_host_keys: the lines of the description that have this host's secrets sealed.
tell_host_keys() {
    lost_half=''
    for kind in ed25519 rsa; do
        identity=$root/etc/ssh/ssh_host_${kind}_key
        [ -f "$identity" ] || continue
        half=$(kind=ssh-$kind awk '$1 == ENVIRON["kind"] && $2 ~ /^[A-Za-z0-9+\/=]+$/ { print $1, $2; exit }' "$identity.pub" 2>/dev/null) || :
        [ -n "$half" ] || { lost_half=$identity; continue; }
        say "ssh-host-key \"$half\""
        printf '"%s"\n' "$half" >>"$work/host_keys"
    done
    [ ! -s "$work/host_keys" ] || return 0
    [ -z "$lost_half" ] || fail "$lost_half.pub is not here, or not what it should be: ssh-keygen -y -f $lost_half >$lost_half.pub makes it"
    fail "this host has no SSH key that secrets can be sealed for, ed25519 or RSA: make one with ssh-keygen -A"
}

# `born NAME PATH [base64|tar [EXCEPT...]]` in host.sh is a secret that somebody else's installer makes on
# this host, and `born_to RECIPIENT...` says for whom it can be encrypted on its way to the vault
# (age(1)). The step `export` makes a tar of them, a file NAME for each, which `clustergen import` reads.

# births NAME PATH [text|base64|tar [EXCEPT...]]: a line of what is to be handed over; the names of files
# that stay here are in a list beside it.
births() {
    printf '%s\t%s\t%s\n' "$1" "$2" "${3:-text}" >>"$work/births"
    [ $# -lt 4 ] || { of=$work/except.$1; shift 3; printf '%s\n' "$@" >"$of"; }
}

# list_export: a line among the steps, where something is born.
list_export() {
    born_here=$(cut -f1 "$work/births" | tr '\n' ' ')
    [ -z "$born_here" ] || list_step - export keeps "hand over the secrets that are made here: ${born_here% }"
}

# born_files NAME PATH: sets chosen, a list of the files in a folder that go; in the order of their
# names, so that the same ones are the same value.
born_files() {
    chosen=$work/chosen.$1
    (cd "$2" && find . -type f | LC_ALL=C sort) >"$chosen"
    while read -r other; do
        while IFS= read -r one; do
            # shellcheck disable=SC2254  # a pattern
            case ${one##*/} in $other) ;; *) printf '%s\n' "$one" ;; esac
        done <"$chosen" >"$chosen.rest"
        mv -f "$chosen.rest" "$chosen"
    done <"$work/except.$1"
}

# is_born NAME PATH text|base64|tar: the installer has made it.
is_born() {
    case $3 in
        tar) [ -d "$2" ] && born_files "$1" "$2" && [ -s "$chosen" ] ;;
        *) [ -f "$2" ] && [ -s "$2" ] ;;
    esac
}

# value_born PATH text|base64|tar: as it goes to the vault, where values are text.
value_born() {
    case $2 in
        tar)
            tar -cf "$work/folder" -C "$1" -T "$chosen"
            base64 <"$work/folder"
            ;;
        base64) base64 <"$1" ;;
        *) cat "$1" ;;
    esac
}

# export_born: all of them, in a file that root alone can read, or nothing.
export_born() {
    absent=''
    mkdir "$work/born"
    command -v tar >/dev/null 2>&1 || fail "tar, which packs the secrets, is not here: install the package tar"
    while IFS=$tab read -r name path form; do
        [ -f "$work/except.$name" ] || : >"$work/except.$name"
        if is_born "$name" "$root$path" "$form"; then
            doing="reading $path"
            value_born "$root$path" "$form" >"$work/born/$name"
        else
            absent="$absent $path"
        fi
    done <"$work/births"
    [ -z "$absent" ] || fail "not here, or empty:$absent: run the installer that makes them first; nothing was exported"
    doing='packing the secrets'
    # shellcheck disable=SC2046  # names of secrets
    tar -cf "$work/export" -C "$work/born" $(cut -f1 "$work/births")
    exported=$state/export/$host.tar
    if [ -s "$work/recipients" ] && command -v age >/dev/null 2>&1; then
        alone age -R "$work/recipients" "$work/export" >"$work/encrypted" || fail "age could not encrypt the secrets: see above; nothing was exported"
        mv -f "$work/encrypted" "$work/export"
        exported=$exported.age
    fi
    doing="writing $exported"
    mkdir -p "$state/export"
    mv -f "$work/export" "$exported"
    doing=''
    keep_log
    case $exported in
        *.age)
            rm -f "${exported%.age}"
            say "export: the secrets that are made here lie in $exported, encrypted"
            ;;
        *)
            rm -f "$exported.age"
            say "export: the secrets that are made here lie in $exported, not encrypted: treat it as a private key"
            ;;
    esac
    say "carry it to where the description lies, say clustergen import $host ${exported##*/} there, and remove it here"
    mark_done export
}

# --- saying what differs ----------------------------------------------------------------------

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
    while IFS=$tab read -r kind bits _ action unit path; do
        then=''
        [ "$action" = none ] || then=", then $action $unit"
        case $kind in
            directory | made) say "make $path$then" ;;
            group | user) say "make the $kind $path" ;;
            member) say "put the user $path" ;;
            mode) say "set mode and owner of $path" ;;
            link) say "link $path$then" ;;
            back) say "put back $path as it was before clustergen$then" ;;
            ensure) say "see to it: $path$then" ;;
            unit) say "enable and start $path" ;;
            rival | leave) say "stop and disable $path" ;;
            gone) say "remove $path$then" ;;
            keys) say "$(cat "$work/words$path") in $path$then" ;;
            cut) say "take our block out of $path$then" ;;
            file) if foreign; then say "replace $path, kept as $state/before$path$then"; else say "change $path$then"; fi ;;
        esac
    done <"$work/changed"
}

# foreign: the whole of what lies at the path is somebody else's, and `keep_first` will keep it. Who
# is not root cannot read whose it is.
foreign() {
    [ ! -e "${state%/*}" ] || [ -r "${state%/*}" ] || return 1
    [ "$bits" != - ] && [ ! -e "$state/before$path" ] && ! known "$path" || return 1
    [ -e "$root$path" ] || [ -L "$root$path" ]
}

# show_diffs: the plan's files, line by line; never a line in which a secret may stand.
show_diffs() {
    while IFS=$tab read -r kind _ _ _ _ path; do
        case $kind in file | cut | keys) ;; *) continue ;; esac
        old=$root$path new=$work/new$path
        [ -f "$old" ] || old=/dev/null
        if secretive "$path"; then
            # what the bundles say of it, with tokens, where what lies there is what the last one put there
            old=$state/generations/$newest/files$path new=$bundle/files$path
            if [ ! -f "$old" ] || [ ! -f "$new" ] || ! line=$(recorded file "$path") || ! unchanged "$path" "$line"; then
                say "$path: not shown, because secrets may stand in it"
                continue
            fi
        fi
        diff -u -L "$path" -L "$path of the bundle" "$old" "$new" || :
    done <"$work/changed"
}

# secretive PATH: the bundle, or the one before, has a secret for it, or not everybody may read it.
secretive() {
    grep -qs CGSECRET_ "$bundle/files$1" "$bundle/edits$1.keys" "$bundle/edits$1.block" \
        "$state/generations/$newest/files$1" "$state/generations/$newest/edits$1.keys" \
        "$state/generations/$newest/edits$1.block" && return 0
    [ -f "$root$1" ] && [ "$(($(stat -L -c %a "$root$1") % 10))" -lt 4 ]
}

# Awk that makes a line part of a string of JSON. A byte that is no UTF-8, and one that cannot be seen,
# becomes a question mark.
# shellcheck disable=SC2016  # awk's own
json_awk='
    function json(it,    out) {
        gsub(/[\\"]/, "\\\\&", it)
        gsub(/\t/, "\\t", it)
        gsub(/[\001-\037\177]/, "?", it)
        while (match(it, /[\200-\377]/)) {
            out = out substr(it, 1, RSTART - 1)
            it = substr(it, RSTART)
            if (!match(it, /^([\302-\337]|\340[\240-\277]|[\341-\354\356\357][\200-\277]|\355[\200-\237]|\360[\220-\277][\200-\277]|[\361-\363][\200-\277][\200-\277]|\364[\200-\217][\200-\277])[\200-\277]/)) {
                sub(/^./, "?", it)
                RLENGTH = 1
            }
            out = out substr(it, 1, RLENGTH)
            it = substr(it, RLENGTH + 1)
        }
        return out it
    }
'

# json_text: standard input as a string of JSON.
json_text() {
    tr '\000' '?' | awk "$json_awk"' { all = all (NR > 1 ? "\\n" : "") json($0) } END { print "\"" all "\"" }'
}

# json_list FILE: its lines, objects already, as a list.
json_list() {
    [ -s "$1" ] || { printf '[]'; return; }
    printf '[\n'
    sed 's/^/    /; $!s/$/,/' "$1"
    printf '  ]'
}

# remember_changes: the plan for `outcome`, which comes when the plan is gone.
remember_changes() {
    [ -n "$json" ] || return 0
    planned=$(awk -F '\t' "$json_awk"'
        function text(it) { return "\"" json(it) "\"" }
        { print "{\"kind\": " text($1) ", \"name\": " text($6) ", \"action\": " ($4 == "none" ? "null" : text($4)) ", \"unit\": " ($4 == "none" ? "null" : text($5)) "}" }' "$work/changed" |
        sed 's/^/    /; $!s/$/,/')
}

# outcome CODE: the run as one object of JSON.
outcome() {
    # an apply of something else than the bundle; a dry run is one of whatever it is
    [ "$mode" != apply ] || mode=${instead:-apply}
    printf '{\n  "cluster": "%s",\n  "host": "%s",\n  "mode": "%s",\n  "exit": %s,\n' "${cluster:-}" "${host:-}" "$mode" "$1"
    printf '  "error": %s,\n' "$([ -n "$error" ] && printf '%s' "$error" | json_text || echo null)"
    printf '  "changes": [%s],\n' "${planned:+$line_end$planned$line_end  }"
    printf '  "waits": [%s],\n' "$(printf '%s' "$waiting" | sed 's/^ //; s/[^ ][^ ]*/"&"/g; s/ /, /g')"
    printf '  "steps": %s,\n' "$(json_list "$work/steps")"
    printf '  "proofs": %s,\n' "$(json_list "$work/proofs")"
    printf '  "host_keys": %s\n}\n' "$(json_list "$work/host_keys")"
}

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
