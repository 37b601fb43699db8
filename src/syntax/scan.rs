//! What is looked at before the parser sees a text.
//!
//! In: a text. Out: the text with its block comments blanked, every offset as it was; or the place
//! where it cannot be taken, and why.
//!
//! The `kdl` crate parses by recursion and by trying again: nesting ends the process on a usual
//! stack, a comment costs stack for every `*` in it, each `/-` in a `/-` doubles the time, and a
//! node costs a kilobyte. No error comes out of that. So all of this is counted first, by a
//! scanner that knows strings and comments, and again blindly, for what the parser takes for
//! code once it is off the track.

use crate::diag::Code;
use crate::source::MAX_BYTES;

/// Deepest nesting of nodes and comments that a description may have.
const MAX: usize = 64;

/// Deepest nesting of opening braces, comments and parentheses, wherever they stand: what the
/// parser could be led to believe by a text that it does not understand.
const MAX_RAW: usize = 2000;

/// Blocks that `/-` takes out, in each other: each one makes the parser up to four times slower.
const MAX_SLASHED: usize = 2;

/// The same, blind to strings.
const MAX_SLASHED_RAW: usize = 5;

/// So many faults of one text are told.
pub(super) const MAX_FAULTS: usize = 20;

/// Words and signs: ten thousand hosts have a tenth of it.
const MAX_WORDS: usize = 500_000;

/// Why a text is not given to the parser.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: Code,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) message: String,
    pub(super) label: &'static str,
    pub(super) help: String,
}

/// A text that the parser can take.
///
/// # Errors
/// The places at which it cannot.
pub(super) fn prepare(text: &str) -> Result<String, Vec<Refusal>> {
    let whole = characters(text).and_then(|()| raw(text.as_bytes()));
    whole.map_err(|refusal| vec![refusal])?;
    let mut scan = Scan { bytes: text.as_bytes(), at: 0, words: 0, depth: 0, faults: Vec::new() };
    let comments = match scan.whole() {
        Ok(comments) if scan.faults.is_empty() => comments,
        Ok(_) => return Err(scan.faults),
        Err(last) => {
            scan.faults.push(last);
            return Err(scan.faults);
        }
    };
    let mut clean = text.as_bytes().to_vec();
    for (start, end) in comments {
        clean[start..end].fill(b' ');
    }
    // whole characters were blanked, so this borrows nothing and replaces nothing
    Ok(String::from_utf8_lossy(&clean).into_owned())
}

/// What KDL 2 does not take anywhere, a byte order mark at the start aside.
fn characters(text: &str) -> Result<(), Refusal> {
    let legal = |at: usize, c: char| match c {
        '\t'..='\r' | ' '..='~' => true,
        '\u{0}'..='\u{1f}' | '\u{7f}' => false,
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => false,
        '\u{feff}' => at == 0,
        _ => true,
    };
    match text.char_indices().find(|(at, c)| !legal(*at, *c)) {
        None => Ok(()),
        Some((at, c)) => Err(Refusal {
            code: Code::Syntax,
            start: at,
            end: at + c.len_utf8(),
            message: format!("the character U+{:04X} cannot stand in a description", u32::from(c)),
            label: "it does not show, or not as what it is",
            help: match c {
                '\u{0}'..='\u{5}' => "take it out".to_owned(),
                _ => format!("take it out; in quotes it is written `\\u{{{:x}}}`", u32::from(c)),
            },
        }),
    }
}

/// Counts every opener that could nest, blind to strings; closers never count below zero.
fn raw(bytes: &[u8]) -> Result<(), Refusal> {
    let (mut depth, mut slashes) = (0usize, Slashes::default());
    for (at, pair) in bytes.windows(2).enumerate() {
        match pair {
            [b'{' | b'(', _] | b"/*" => depth += 1,
            [b'}' | b')', _] | b"*/" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_RAW {
            return Err(too_deep(at));
        }
        match pair {
            b"/-" => drop(slashes.slash()),
            [b'{', _] => {
                if slashes.open() > MAX_SLASHED_RAW {
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

/// Which of the open blocks `/-` takes out. A `/-` before an argument counts as one before the
/// node that it is in: rather a block too many than one too few.
#[derive(Default)]
struct Slashes {
    open: Vec<bool>,
    /// A `/-` came in this node.
    pending: bool,
    /// Nothing came since the `/-`.
    fresh: bool,
    count: usize,
}

impl Slashes {
    /// False where it follows on another.
    fn slash(&mut self) -> bool {
        let first = !self.fresh;
        (self.pending, self.fresh) = (true, true);
        first
    }

    /// A block begins; the number of those that are taken out.
    fn open(&mut self) -> usize {
        self.open.push(self.pending);
        self.count += usize::from(self.pending);
        (self.pending, self.fresh) = (false, false);
        self.count
    }

    fn close(&mut self) {
        self.fresh = false;
        self.pending = self.open.pop().unwrap_or_default();
        self.count -= usize::from(self.pending);
    }

    fn word(&mut self) {
        self.fresh = false;
    }

    fn line(&mut self) {
        self.pending &= self.fresh;
    }
}

/// Reads a text as KDL 2 does, as far as strings, comments and braces go.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    words: usize,
    depth: usize,
    /// What is wrong, but does not keep from reading on.
    faults: Vec<Refusal>,
}

impl Scan<'_> {
    /// The block comments.
    fn whole(&mut self) -> Result<Vec<(usize, usize)>, Refusal> {
        let mut comments = Vec::new();
        let (mut slashes, mut apart, mut continued) = (Slashes::default(), true, false);
        let mut behind_string = false;
        while let Some(byte) = self.bytes.get(self.at).copied() {
            let (start, was_apart) = (self.at, apart);
            let was_behind_string = std::mem::take(&mut behind_string);
            let broken = newline(self.bytes, self.at);
            let next = self.bytes.get(self.at + 1).copied();
            apart = true;
            self.at += 1;
            match (byte, next) {
                _ if broken > 0 => {
                    self.at = start + broken;
                    if !std::mem::take(&mut continued) {
                        slashes.line();
                    }
                }
                (b'/', Some(b'/')) => self.skip_line(),
                (b'/', Some(b'*')) => {
                    self.at = comment_end(self.bytes, start)?;
                    comments.push((start, self.at));
                }
                (b'/', Some(b'-')) => {
                    self.at += 1;
                    if !slashes.slash() {
                        return Err(slashed_twice(start));
                    }
                }
                (b'{', _) => self.open(start, &mut slashes)?,
                (b'}', _) => self.close(start, &mut slashes)?,
                (b'"', _) | (b'#', Some(b'"' | b'#')) => {
                    slashes.word();
                    let (end, string) = self.string(start)?;
                    if string && !was_apart {
                        self.fault(not_apart(start))?;
                    }
                    let lines = self.bytes[start..end].iter().filter(|byte| **byte == b'\n');
                    self.words += lines.count();
                    self.at = end;
                    self.count(start)?;
                    (apart, behind_string) = (false, string);
                }
                (b';', _) => {
                    slashes.line();
                    self.count(start)?;
                }
                (b'\\', _) => continued = true,
                (b' ' | b'\t' | b'=' | b'(' | b')', _) => {}
                _ => {
                    if was_behind_string && !space(self.bytes, start) {
                        self.fault(not_apart(start))?;
                    }
                    // a word counts where it begins; spaces beyond ASCII are few enough
                    if was_apart {
                        self.count(start)?;
                    }
                    slashes.word();
                    (apart, continued) = (space(self.bytes, start), false);
                }
            }
        }
        Ok(comments)
    }

    fn open(&mut self, start: usize, slashes: &mut Slashes) -> Result<(), Refusal> {
        self.depth += 1;
        self.count(start)?;
        if self.depth > MAX {
            return Err(too_deep(start));
        }
        if slashes.open() > MAX_SLASHED {
            return Err(too_slashed(start));
        }
        Ok(())
    }

    fn close(&mut self, start: usize, slashes: &mut Slashes) -> Result<(), Refusal> {
        match self.depth.checked_sub(1) {
            Some(depth) => self.depth = depth,
            None => self.fault(stray(start))?,
        }
        slashes.close();
        Ok(())
    }

    /// Behind a string, and whether it is one; where it has no end, the end of its line.
    fn string(&mut self, start: usize) -> Result<(usize, bool), Refusal> {
        match string_end(self.bytes, start) {
            Ok(found) => Ok(found),
            Err((refusal, end)) => {
                self.fault(refusal)?;
                Ok((end, false))
            }
        }
    }

    fn fault(&mut self, refusal: Refusal) -> Result<(), Refusal> {
        if self.faults.len() >= MAX_FAULTS {
            return Err(refusal);
        }
        self.faults.push(refusal);
        Ok(())
    }

    fn count(&mut self, at: usize) -> Result<(), Refusal> {
        self.words += 1;
        if self.words <= MAX_WORDS {
            return Ok(());
        }
        Err(Refusal {
            code: Code::CannotRead,
            start: at,
            end: at + 1,
            message: format!("more than {MAX_WORDS} words in one file"),
            label: "this is the first one too many",
            help: "make several descriptions of it; ten thousand hosts need a tenth of that".into(),
        })
    }

    fn skip_line(&mut self) {
        while self.at < self.bytes.len() && newline(self.bytes, self.at) == 0 {
            self.at += 1;
        }
    }
}

/// The length of a line's end at this place; 0 where there is none.
fn newline(bytes: &[u8], at: usize) -> usize {
    match bytes[at..] {
        [b'\r', b'\n', ..] | [0xc2, 0x85, ..] => 2,
        [0x0a..=0x0d, ..] => 1,
        [0xe2, 0x80, 0xa8 | 0xa9, ..] => 3,
        _ => 0,
    }
}

/// Whether the character that this byte belongs to is a space beyond ASCII: a string may follow.
fn space(bytes: &[u8], at: usize) -> bool {
    let start = (at.saturating_sub(2)..=at).rev().find(|it| bytes[*it] & 0xc0 != 0x80);
    let rest = &bytes[start.unwrap_or(at)..bytes.len().min(at + 3)];
    let text = rest.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    bytes[at] >= 0x80 && text.starts_with(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// The end of a block comment.
fn comment_end(bytes: &[u8], from: usize) -> Result<usize, Refusal> {
    let (mut at, mut depth) = (from, 0usize);
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => {
                depth += 1;
                if depth > MAX {
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
fn string_end(bytes: &[u8], from: usize) -> Result<(usize, bool), (Refusal, usize)> {
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

fn refusal(
    start: usize,
    length: usize,
    message: &str,
    label: &'static str,
    help: impl Into<String>,
) -> Refusal {
    Refusal {
        code: Code::Syntax,
        start,
        end: start + length.min(MAX_BYTES),
        message: message.to_owned(),
        label,
        help: help.into(),
    }
}

fn too_deep(at: usize) -> Refusal {
    Refusal {
        code: Code::TooDeep,
        ..refusal(
            at,
            1,
            &format!("more than {MAX} levels of nesting"),
            "the innermost one starts here",
            "take out the extra levels; no description needs more than six",
        )
    }
}

fn too_slashed(at: usize) -> Refusal {
    Refusal {
        code: Code::TooDeep,
        ..refusal(
            at,
            1,
            &format!("more than {MAX_SLASHED} blocks in each other that `/-` takes out"),
            "the innermost one starts here",
            "delete the inner `/-`: everything in a block that is taken out is out already",
        )
    }
}

fn slashed_twice(at: usize) -> Refusal {
    refusal(
        at,
        2,
        "`/-` is written twice",
        "the second one",
        "keep one of them: it takes out what follows",
    )
}

fn stray(at: usize) -> Refusal {
    refusal(
        at,
        1,
        "this `}` closes nothing",
        "",
        "take it out, or add the `{` that is missing before it",
    )
}

fn not_apart(at: usize) -> Refusal {
    refusal(at, 1, "a string and a word are written together", "", "write a space before this")
}
