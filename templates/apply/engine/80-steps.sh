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
