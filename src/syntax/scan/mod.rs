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

mod blind;
pub(super) mod refusal;
mod slashes;
pub(super) mod token;

use refusal::{
    MAX_DEPTH, MAX_SLASHED, MAX_WORDS, Refusal, not_apart, slashed_twice, stray, too_deep,
    too_many_words, too_slashed,
};
use slashes::Slashes;
use token::{comment_end, newline, space, string_end};

/// So many faults of one text are told.
pub(super) const MAX_FAULTS: usize = 20;

/// A text that the parser can take.
///
/// # Errors
/// The places at which it cannot.
pub(super) fn prepare(text: &str) -> Result<String, Vec<Refusal>> {
    let whole = blind::characters(text).and_then(|()| blind::nesting(text.as_bytes()));
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
        if self.depth > MAX_DEPTH {
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
        Err(too_many_words(at))
    }

    fn skip_line(&mut self) {
        while self.at < self.bytes.len() && newline(self.bytes, self.at) == 0 {
            self.at += 1;
        }
    }
}
