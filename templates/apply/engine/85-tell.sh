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
