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
