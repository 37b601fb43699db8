# --- generations ------------------------------------------------------------------------------

# generations: their numbers, the oldest first.
generations() {
    for folder in "$state"/generations/[0-9]*; do
        [ ! -d "$folder" ] || printf '%s\n' "${folder##*/}"
    done | sort -n
}

# look_back: sets newest, a number, and installed, a path on each line, as the last run left them.
look_back() {
    newest=$(generations | tail -n 1) installed=''
    [ ! -f "$state/installed" ] || installed=$line_end$(cut -f2 "$state/installed")$line_end
}

# same_bundle FOLDER: it holds what this bundle holds.
same_bundle() { cmp -s "$1/SHA256SUMS" "$bundle/SHA256SUMS"; }

# go_back: makes the generation before the newest the bundle of this run.
go_back() {
    target=$(generations | tail -n 2 | head -n 1)
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
    mkdir -p "$work/generation" "$work/secrets"
    cp "$bundle/SHA256SUMS" "$work/generation"
    cut -c67- "$bundle/SHA256SUMS" | cut -d / -f 1 | sort -u | while IFS= read -r part; do
        cp -RL "$bundle/$part" "$work/generation"
    done
    # values that nothing was filled with now, because it is in place
    tokens -rs "$work/generation" >"$work/tokens"
    while read -r token; do
        if value_of "$token"; then take_value "$token"; fi
    done <"$work/tokens"
    mv "$work/secrets" "$work/generation/secrets"
}

# keep_generation: the last lines of a run: the bundle is among those that were here, or the one that
# was gone back from is not any more. Five are kept.
keep_generation() {
    if [ -d "$work/generation" ]; then
        mkdir -p "$state/generations"
        mv "$work/generation" "$state/generations/$(($(generations | tail -n 1) + 1))"
    fi
    [ ! -f "$work/gone-back-from" ] || rm -rf "$state/generations/$(cat "$work/gone-back-from")"
    for number in $(generations | sort -rn | tail -n +6); do rm -rf "$state/generations/$number"; done
}
