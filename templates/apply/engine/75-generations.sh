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
