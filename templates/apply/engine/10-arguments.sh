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
