//! `java.util.Properties.load(InputStream)`, as OpenJDK 17 has it: what a program finds in a file.
//!
//! In: bytes, which are Latin-1. Out: keys and values in their order. A wrong `\u` is none of its
//! inputs. Held against OpenJDK 17.0.15 and 25 with the files of `keys_random`.

/// Keys and values in UTF-16; of one that stands twice the last one counts.
pub(crate) fn load(bytes: &[u8]) -> Vec<(Vec<u16>, Vec<u16>)> {
    logical_lines(bytes).iter().map(|line| entry(line)).collect()
}

/// The value of a key.
pub(crate) fn get(bytes: &[u8], key: &str) -> Option<String> {
    let key: Vec<u16> = key.encode_utf16().collect();
    let found = load(bytes).into_iter().rev().find(|(name, _)| *name == key)?.1;
    Some(String::from_utf16(&found).expect("no half of a pair"))
}

/// `LineReader.readLine`, its state by its names.
fn logical_lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    let mut line: Vec<u8> = Vec::new();
    let (mut skip_white_space, mut is_comment) = (true, false);
    let (mut appended_line_begin, mut preceding_backslash, mut skip_lf) = (false, false, false);
    for (at, c) in bytes.iter().copied().enumerate() {
        if std::mem::take(&mut skip_lf) && c == b'\n' {
            continue;
        }
        let ends = c == b'\n' || c == b'\r';
        if skip_white_space {
            if b" \t\x0c".contains(&c) || (!appended_line_begin && ends) {
                continue;
            }
            (skip_white_space, appended_line_begin) = (false, false);
        }
        // also behind a lone backslash
        if line.is_empty() && !is_comment {
            is_comment = b"#!".contains(&c);
        }
        if !ends {
            if !is_comment {
                line.push(c);
                preceding_backslash = c == b'\\' && !preceding_backslash;
            }
        } else if is_comment || line.is_empty() {
            (is_comment, skip_white_space) = (false, true);
            line.clear();
        } else if preceding_backslash && at + 1 < bytes.len() {
            line.pop();
            (skip_white_space, appended_line_begin, preceding_backslash) = (true, true, false);
            skip_lf = c == b'\r';
        } else {
            if preceding_backslash {
                line.pop();
            }
            lines.push(std::mem::take(&mut line));
            (skip_white_space, preceding_backslash) = (true, false);
        }
    }
    if !line.is_empty() {
        if preceding_backslash {
            line.pop();
        }
        lines.push(line);
    }
    lines
}

/// `load0`: where the key ends and the value begins.
fn entry(line: &[u8]) -> (Vec<u16>, Vec<u16>) {
    let (mut key_end, mut backslash) = (0, false);
    while let Some(c) = line.get(key_end).filter(|c| backslash || !b"=: \t\x0c".contains(c)) {
        backslash = *c == b'\\' && !backslash;
        key_end += 1;
    }
    let mut value = key_end;
    let mut separator = false;
    while let Some(c) = line.get(value) {
        if b"=:".contains(c) && !separator {
            separator = true;
        } else if !b" \t\x0c".contains(c) {
            break;
        }
        value += 1;
    }
    (unescaped(&line[..key_end]), unescaped(&line[value..]))
}

/// `loadConvert`.
fn unescaped(text: &[u8]) -> Vec<u16> {
    let mut out = Vec::new();
    let mut bytes = text.iter().copied();
    while let Some(c) = bytes.next() {
        let c = if c == b'\\' { bytes.next().map(|it| (true, it)) } else { Some((false, c)) };
        out.push(match c {
            Some((true, b'u')) => {
                let hex: String = bytes.by_ref().take(4).map(char::from).collect();
                u16::from_str_radix(&hex, 16).expect("four digits")
            }
            Some((true, b't')) => 9,
            Some((true, b'n')) => 10,
            Some((true, b'f')) => 12,
            Some((true, b'r')) => 13,
            Some((_, c)) => u16::from(c),
            None => continue,
        });
    }
    out
}
