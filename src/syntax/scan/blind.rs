//! What is counted blind to strings and comments: it holds of a text that the parser would
//! misunderstand, too.

use super::refusal::{Refusal, character, too_deep, too_slashed};
use super::slashes::Slashes;

/// Deepest nesting of opening braces, comments and parentheses, wherever they stand: what the
/// parser could be led to believe by a text that it does not understand.
const MAX_DEPTH: usize = 2000;

/// As [`MAX_SLASHED`](super::refusal::MAX_SLASHED), wherever it stands.
const MAX_SLASHED: usize = 5;

/// What KDL 2 does not take anywhere, a byte order mark at the start aside.
pub(super) fn characters(text: &str) -> Result<(), Refusal> {
    let legal = |at: usize, c: char| match c {
        '\t'..='\r' | ' '..='~' => true,
        '\u{0}'..='\u{1f}' | '\u{7f}' => false,
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => false,
        '\u{feff}' => at == 0,
        _ => true,
    };
    match text.char_indices().find(|(at, c)| !legal(*at, *c)) {
        None => Ok(()),
        Some((at, c)) => Err(character(at, c)),
    }
}

/// Counts every opener that could nest, blind to strings; closers never count below zero.
pub(super) fn nesting(bytes: &[u8]) -> Result<(), Refusal> {
    let (mut depth, mut slashes) = (0usize, Slashes::default());
    for (at, pair) in bytes.windows(2).enumerate() {
        match pair {
            [b'{' | b'(', _] | b"/*" => depth += 1,
            [b'}' | b')', _] | b"*/" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(too_deep(at));
        }
        match pair {
            b"/-" => drop(slashes.slash()),
            [b'{', _] => {
                if slashes.open() > MAX_SLASHED {
                    return Err(too_slashed(at));
                }
            }
            [b'}', _] => slashes.close(),
            [b'\n' | b';', _] => slashes.line(),
            [b' ' | b'\t' | b'\r' | b'-', _] => {}
            _ => slashes.word(),
        }
    }
    Ok(())
}
