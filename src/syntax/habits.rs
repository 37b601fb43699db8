//! What people write who come from other languages: commas, brackets, `on = "a"`, `# a comment`;
//! and what git leaves of a merge.
//!
//! In: a text that is no KDL. Out: the places where that is why, one in a line. They are told in
//! the place of what the parser says, which finds them late and stumbles over what follows. A text
//! that can be parsed is never looked at.

use super::scan::MAX_FAULTS;
use super::scan::refusal::{Refusal, refusal};
use super::scan::token::{comment_end, newline, string_end};

/// The habits of other languages in a text.
pub(super) fn habits(text: &str) -> Vec<Refusal> {
    // neither side is at fault
    if let Some(merge) = merge(text) {
        return vec![merge];
    }
    let mut run =
        Habits { text, bytes: text.as_bytes(), at: 0, place: Place::Name, found: Vec::new() };
    while run.found.len() < MAX_FAULTS && run.at < run.bytes.len() {
        let start = run.at;
        if let Some((fault, ends)) = run.step() {
            run.found.push(fault);
            if ends {
                break;
            }
            run.skip_line();
        }
        // whatever it was, it is behind us
        let length = text[start..].chars().next().map_or(1, char::len_utf8);
        run.at = run.at.max(start + length);
    }
    run.found
}

/// Where in a node the next word stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Name,
    /// Right behind the name, which begins and ends here.
    Behind(usize, usize),
    Values,
}

struct Habits<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    place: Place,
    found: Vec<Refusal>,
}

/// What is wrong, and whether the rest is of another language too.
type Found = Option<(Refusal, bool)>;

impl Habits<'_> {
    /// Reads one thing on.
    fn step(&mut self) -> Found {
        let (start, rest) = (self.at, &self.bytes[self.at..]);
        let broken = newline(self.bytes, start);
        match rest {
            _ if broken > 0 => self.node_begins(broken),
            [b'/', b'/', ..] => self.skip_line(),
            [b'/', b'*', ..] => {
                self.at = comment_end(self.bytes, start).unwrap_or(self.bytes.len());
            }
            [b'/', b'-', ..] => self.at += 2,
            [b';' | b'{' | b'}', ..] => self.node_begins(1),
            // the next line goes on with this one
            [b'\\', ..] => {
                let end = (start + 1..self.bytes.len()).find(|at| newline(self.bytes, *at) > 0);
                self.at = end.map_or(self.bytes.len(), |end| end + newline(self.bytes, end));
            }
            [b' ' | b'\t' | b'(' | b')', ..] => self.at += 1,
            [b'=', ..] => {
                self.at += 1;
                if let Place::Behind(from, to) = self.place {
                    return Some((equals(start, &self.text[from..to]), false));
                }
            }
            [b'[' | b']', ..] if self.place == Place::Name => {
                return Some((foreign(start, "a node begins with its name"), true));
            }
            [b'[' | b']', ..] => return Some((bracket(start), false)),
            [b',', ..] => return Some((comma(start), false)),
            [b'"', ..] | [b'#', b'"' | b'#', ..] => {
                let (Ok((end, _)) | Err((_, end))) = string_end(self.bytes, start);
                return self.name_or_value(start, end);
            }
            [b'#', next, ..] if self.place == Place::Name || next.is_ascii_whitespace() => {
                return Some((comment(start), false));
            }
            _ => return self.word(start),
        }
        None
    }

    fn node_begins(&mut self, length: usize) {
        (self.at, self.place) = (self.at + length, Place::Name);
    }

    fn skip_line(&mut self) {
        while self.at < self.bytes.len() && newline(self.bytes, self.at) == 0 {
            self.at += 1;
        }
    }

    /// A word without quotes.
    fn word(&mut self, start: usize) -> Found {
        let ends = |c: char| c.is_whitespace() || "{}()[]\"=;".contains(c);
        let rest = &self.text[start..];
        let word = &rest[..rest.find(ends).unwrap_or(rest.len())];
        // a space beyond ASCII
        if word.is_empty() {
            return None;
        }
        if word.starts_with('\'') {
            return Some((single_quote(start), false));
        }
        if word.contains('/') {
            return Some((path(start, word), false));
        }
        let end = start + word.len();
        if word.ends_with(',') {
            return Some((comma(end - 1), false));
        }
        self.name_or_value(start, end)
    }

    fn name_or_value(&mut self, start: usize, end: usize) -> Found {
        self.at = end;
        if self.place != Place::Name {
            self.place = Place::Values;
            return None;
        }
        self.place = Place::Behind(start, end);
        let inside = self.bytes[start..end].ends_with(b":");
        let colon = if inside { end - 1 } else { end };
        let is_one = self.bytes.get(colon) == Some(&b':');
        is_one.then(|| (foreign(colon, "a name stands without `:`"), true))
    }
}

/// The first of the marks that begin or end what is in conflict.
fn merge(text: &str) -> Option<Refusal> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ") {
            let help = "keep what is right of both sides and delete the marks";
            return Some(refusal(at, 7, "a merge of this file is not finished", "", help));
        }
        at += line.len();
    }
    None
}

fn comma(at: usize) -> Refusal {
    let help = "take the comma out: `on \"a\" \"b\"`";
    refusal(at, 1, "values are separated by spaces alone", "", help)
}

fn bracket(at: usize) -> Refusal {
    let help = "write the values behind the name, with spaces between them: `on \"a\" \"b\"`";
    refusal(at, 1, "a list has no brackets", "", help)
}

fn equals(at: usize, name: &str) -> Refusal {
    let message = format!("`{name}` takes its value without `=`");
    let help = format!(
        "write `{name} \"…\"`; with `=` stand properties behind a node's name, as `host \"a\" address=\"192.0.2.10\"`"
    );
    refusal(at, 1, &message, "", help)
}

fn path(at: usize, word: &str) -> Refusal {
    let help = format!("write `\"{word}\"`");
    refusal(at, word.len(), "a text with `/` in it stands in quotes", "", help)
}

fn comment(at: usize) -> Refusal {
    refusal(at, 1, "a comment begins with `//`", "", "write `//` in place of `#`")
}

fn single_quote(at: usize) -> Refusal {
    let help = "write `\"` in place of `'`, on both sides";
    refusal(at, 1, "a text stands between double quotes", "", help)
}

fn foreign(at: usize, message: &str) -> Refusal {
    let help = "a description is KDL, and no YAML, JSON or TOML: `host \"a\" address=\"192.0.2.10\"`, \
                and what belongs to a node stands behind it between `{` and `}`";
    refusal(at, 1, message, "", help)
}
