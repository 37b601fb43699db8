//! Where lines, comments and strings of KDL 2 end.

use super::refusal::{MAX_DEPTH, Refusal, refusal, too_deep};

/// The length of a line's end at this place; 0 where there is none.
pub(in crate::syntax) fn newline(bytes: &[u8], at: usize) -> usize {
    match bytes[at..] {
        [b'\r', b'\n', ..] | [0xc2, 0x85, ..] => 2,
        [0x0a..=0x0d, ..] => 1,
        [0xe2, 0x80, 0xa8 | 0xa9, ..] => 3,
        _ => 0,
    }
}

/// Whether the character that this byte belongs to is a space beyond ASCII: a string may follow.
pub(super) fn space(bytes: &[u8], at: usize) -> bool {
    let start = (at.saturating_sub(2)..=at).rev().find(|it| bytes[*it] & 0xc0 != 0x80);
    let rest = &bytes[start.unwrap_or(at)..bytes.len().min(at + 3)];
    let text = rest.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    bytes[at] >= 0x80 && text.starts_with(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// The end of a block comment.
pub(in crate::syntax) fn comment_end(bytes: &[u8], from: usize) -> Result<usize, Refusal> {
    let (mut at, mut depth) = (from, 0usize);
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(too_deep(at));
                }
                at += 2;
            }
            Some(b"*/") => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return Ok(at);
                }
            }
            _ => at += 1,
        }
    }
    Err(refusal(from, 2, "the comment has no end", "it begins here", "close it with `*/`"))
}

/// The end of a string that starts here, raw or not, of one line or many; or of hashes that begin
/// none.
pub(in crate::syntax) fn string_end(
    bytes: &[u8],
    from: usize,
) -> Result<(usize, bool), (Refusal, usize)> {
    let hashes = bytes[from..].iter().take_while(|byte| **byte == b'#').count();
    let open = from + hashes;
    if bytes.get(open) != Some(&b'"') {
        return Ok((open, false));
    }
    let many = bytes[open..].starts_with(b"\"\"\"");
    let quotes = if many { "\"\"\"" } else { "\"" };
    let close = [quotes.as_bytes(), &b"#".repeat(hashes)].concat();
    let mut at = open + quotes.len();
    while at < bytes.len() {
        match bytes[at] {
            b'"' if bytes[at..].starts_with(&close) => return Ok((at + close.len(), true)),
            b'\\' if hashes == 0 => at = escape_end(bytes, at),
            _ if !many && newline(bytes, at) > 0 => break,
            _ => at += 1,
        }
    }
    let help = match (many, hashes) {
        (true, 0) => "close it with `\"\"\"` on a line of its own".to_owned(),
        (true, 1..=8) => {
            format!("close it with `\"\"\"{}` on a line of its own", "#".repeat(hashes))
        }
        (false, 0) => {
            "close it with `\"` in the same line; a text of several lines stands between `\"\"\"`"
                .to_owned()
        }
        (false, 1..=8) => format!("close it with `\"{}` in the same line", "#".repeat(hashes)),
        _ => "close it with as many `#` as it begins with".to_owned(),
    };
    let refusal =
        refusal(from, hashes + quotes.len(), "the string has no end", "it begins here", help);
    Err((refusal, at.min(bytes.len())))
}

/// Behind a backslash and what belongs to it: a character, or all space and line ends.
fn escape_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while end < bytes.len() {
        let broken = newline(bytes, end);
        match bytes[end] {
            _ if broken > 0 => end += broken,
            b' ' | b'\t' => end += 1,
            _ => break,
        }
    }
    if end == at + 1 { at + 2 } else { end }
}
