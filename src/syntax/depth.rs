//! How deeply a text is nested, before the parser sees it.
//!
//! The `kdl` crate parses by recursion: some 1,500 levels end the process on a usual stack, and
//! no error comes out of that. So the depth is counted first, by a scanner that knows strings and
//! comments, and the parser runs on a stack that is large enough for [`MAX_RAW`] levels.

use crate::source::offset;

/// Deepest nesting of nodes and comments that a description may have.
pub(super) const MAX: usize = 64;

/// Deepest nesting of opening braces, comments and parentheses, wherever they stand: what the
/// parser could be led to believe by a text in which strings are not closed.
pub(super) const MAX_RAW: usize = 2000;

/// Where a text gets too deep, as a byte offset.
#[must_use]
pub(super) fn too_deep(text: &str) -> Option<u32> {
    raw(text).or_else(|| lexed(text)).map(offset)
}

/// Counts every opener that could nest, blind to strings; closers never count below zero.
fn raw(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, pair) in text.as_bytes().windows(2).enumerate() {
        match pair {
            [b'{' | b'(', _] | b"/*" => depth += 1,
            [b'}' | b')', _] | b"*/" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_RAW {
            return Some(at);
        }
    }
    None
}

/// Counts braces and block comments as KDL 2 reads them.
fn lexed(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0usize);
    while at < bytes.len() {
        at = match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => line_end(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'*') => match comment_end(bytes, at) {
                Ok(end) => end,
                Err(place) => return Some(place),
            },
            b'"' | b'#' => string_end(bytes, at),
            b'{' => {
                depth += 1;
                if depth > MAX {
                    return Some(at);
                }
                at + 1
            }
            b'}' => {
                depth = depth.saturating_sub(1);
                at + 1
            }
            _ => at + 1,
        };
    }
    None
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    bytes[from..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| from + at)
}

/// The end of a block comment; an error where comments nest too deeply.
fn comment_end(bytes: &[u8], from: usize) -> Result<usize, usize> {
    let (mut at, mut depth) = (from, 0usize);
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => {
                depth += 1;
                if depth > MAX {
                    return Err(at);
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
    Ok(at)
}

/// The end of a string that starts here, raw or not, of one line or many.
fn string_end(bytes: &[u8], from: usize) -> usize {
    let hashes = bytes[from..].iter().take_while(|byte| **byte == b'#').count();
    let open = from + hashes;
    if bytes.get(open) != Some(&b'"') {
        return open.max(from + 1); // `#true` and the like
    }
    let many = bytes[open..].starts_with(b"\"\"\"");
    let close = [if many { &b"\"\"\""[..] } else { &b"\""[..] }, &b"#".repeat(hashes)[..]].concat();
    let mut at = open + if many { 3 } else { 1 };
    while at < bytes.len() {
        if bytes[at..].starts_with(&close) {
            return at + close.len();
        }
        match bytes[at] {
            b'\\' if hashes == 0 => at += 2,
            b'\n' if !many => return at, // not closed: the parser goes on in the next line
            _ => at += 1,
        }
    }
    at
}
