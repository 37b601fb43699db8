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
