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
