# --- one-time steps and proofs ----------------------------------------------------------------

# word_of KIND STEP: the name of a step's function in host.sh: guard, run or proof.
word_of() { printf '%s_%s\n' "$1" "$(printf '%s' "$2" | tr -c 'a-z0-9' '_')"; }

defined() { command -v "$1" >/dev/null 2>&1; }

# list_step NUMBER STEP keeps|destroys TITLE
list_step() {
    word=waits
    ! is_done "$2" || word="done  $(cat "$state/done/$2")"
    [ "$3" = keeps ] || word="$word, destroys data"
    printf '%-7s %-32s %s\n        %s\n' "$1" "$2" "$word" "$4"
}

# bootstrap_step NUMBER STEP keeps|destroys TITLE: the one that is asked for.
bootstrap_step() {
    [ "$2" = "$wanted" ] || return 0
    found=1
    if is_done "$2"; then
        say "$2: was done $(cat "$state/done/$2")"
        return
    fi
    proof=$(word_of proof "$2")
    if ("$proof") >"$work/said" 2>&1 </dev/null 9>&-; then
        say "$2: was done before, by whatever hand"
        mark_done "$2"
        return
    fi
    guard=$(word_of guard "$2")
    if defined "$guard" && ! ("$guard") </dev/null 9>&-; then
        fail "$2: its guard says that it is not safe now; nothing was done"
    fi
    run=$(word_of run "$2")
    if defined "$run"; then
        say "$1 $2: $4"
        # not in a condition: there the shell would go on after a command that fails
        set +e
        (set -e; "$run") </dev/null 9>&-
        code=$?
        set -e
        [ "$code" = 0 ] || fail "$2 failed: put right what it says, then say --bootstrap $2 again"
    fi
    ("$proof") </dev/null 9>&- || fail "$2 was done, but its proof does not hold: see above"
    mark_done "$2"
}

# mark_done STEP: when, for people.
mark_done() {
    mkdir -p "$state/done"
    date -u '+%Y-%m-%d %H:%M UTC' >"$state/done/.new"
    mv -f "$state/done/.new" "$state/done/$1"
    say "$1: done"
}

# prove TITLE COMMAND: says ok, or FAIL with what the command said.
prove() {
    if quietly "$2"; then
        say "ok    $1"
        return
    fi
    broken=$((broken + 1))
    say "FAIL  $1"
    sed 's/^/      /' "$work/said"
}

# without_change: the modes that look, or do one step. Sets broken: how much does not work.
without_change() {
    at=$mode found='' broken=0
    resources
    case $mode in
        bootstrap | mark-done)
            [ -n "$found" ] || fail "$host has no step $wanted: --list says which there are"
            [ "$mode" = bootstrap ] || mark_done "$wanted"
            ;;
    esac
}

