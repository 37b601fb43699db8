//! Strings into target formats: the only place where a value becomes part of a generated file.
//!
//! In: a string and its origin. Out: [`Text`], which is legal where it will stand, or
//! [`Unquotable`]. Not here: layout (the templates') and choice (the services').
//! One file per format; each cites what it knows from.

mod cron;
mod csync2;
mod etc_hosts;
mod keyed;
mod logrotate;
mod markdown;
mod nginx;
mod sh;
mod slot;
mod systemd;
mod xinetd;
mod xml;

pub use cron::{cron_command, cron_variable};
pub use csync2::{csync2_pattern, csync2_string, csync2_word};
pub use etc_hosts::hosts_name;
pub use keyed::{Piece, ini_line, ini_section, properties_line};
pub use logrotate::{logrotate_path, logrotate_script};
pub use markdown::markdown;
pub use nginx::{nginx_header, nginx_literal, nginx_location, nginx_word};
pub use sh::{sh_table, sh_word};
pub use slot::{Encoding, base64, in_slot, unbase64};
pub use systemd::{systemd_line, systemd_section};
pub use xinetd::xinetd_value;
pub use xml::xml_comment;

use crate::source::{Span, Spanned};

/// Characters that mark origins in the second rendering; no input may have them.
pub const RESERVED: [char; 5] = ['\u{1}', '\u{2}', '\u{3}', '\u{4}', '\u{5}'];

/// A finished piece of a generated file, and the place that made it.
///
/// There is no way to one but through this module, so a template cannot be given a raw string.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Text {
    s: String,
    pub origin: Span,
}

/// Why a format cannot carry a string; told to the person with the place of the value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unquotable {
    /// A whole sentence, as `nginx has no way to write a line break in a word`.
    pub why: String,
    pub help: String,
}

impl Unquotable {
    fn new(why: impl Into<String>, help: impl Into<String>) -> Self {
        Self { why: why.into(), help: help.into() }
    }
}

/// What a quoting function gives.
pub type Quoted = Result<Text, Unquotable>;

impl Text {
    fn new(s: impl Into<String>, origin: Span) -> Self {
        Self { s: s.into(), origin }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.s
    }
}

/// A number, a name of ours, a token: anything whose characters are letters, digits and `._:/-`,
/// legal as it is in every format.
///
/// # Errors
/// Where another character is in it.
pub fn plain(value: &str, origin: Span) -> Quoted {
    let legal = |c: char| c.is_ascii_alphanumeric() || "._:/-@*,+=[]".contains(c);
    match value.chars().find(|c| !legal(*c)) {
        None => Ok(Text::new(value, origin)),
        Some(c) => Err(Unquotable::new(
            format!("{} may not stand here", shown(c)),
            "use letters, digits and `._:/-`",
        )),
    }
}

/// A number.
#[must_use]
pub fn number(value: impl Into<u64>, origin: Span) -> Text {
    Text::new(value.into().to_string(), origin)
}

/// A word of clustergen's own, known when clustergen is compiled: a directive's name, a path that
/// the platform table gives.
#[must_use]
pub fn fixed(word: &str, origin: Span) -> Text {
    Text::new(word, origin)
}

/// Raw lines that the user answers for (`extra`), laid out at `indent` spaces.
#[must_use]
pub fn raw_lines(lines: &Spanned<String>, indent: usize) -> Text {
    let pad = " ".repeat(indent);
    let text: Vec<String> = lines
        .value
        .lines()
        .map(|line| if line.trim().is_empty() { String::new() } else { format!("{pad}{line}") })
        .collect();
    Text::new(text.join("\n"), lines.span)
}

/// A text in a `#` comment: what would end the comment's line becomes a space.
#[must_use]
pub fn comment(text: &str, origin: Span) -> Text {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Text::new(line, origin)
}

/// The content of a file that is a user's own.
#[must_use]
pub fn verbatim(text: impl Into<String>, origin: Span) -> Text {
    Text::new(text, origin)
}

/// What stands behind a backslash for a character between `"`, in nginx.conf and in KDL alike.
#[must_use]
pub fn behind_backslash(c: char) -> Option<char> {
    match c {
        '"' | '\\' => Some(c),
        '\n' => Some('n'),
        '\r' => Some('r'),
        '\t' => Some('t'),
        _ => None,
    }
}

/// A character as a person can see it.
fn shown(c: char) -> String {
    match c {
        '\n' => "a line break".to_owned(),
        '\t' => "a tab".to_owned(),
        ' ' => "a space".to_owned(),
        c if c.is_control() => format!("the control character U+{:04X}", u32::from(c)),
        c => format!("`{c}`"),
    }
}

/// Refuses control characters but those in `allowed`.
fn no_control(value: &str, allowed: &[char], format: &str) -> Result<(), Unquotable> {
    match value.chars().find(|c| c.is_control() && !allowed.contains(c)) {
        None => Ok(()),
        Some(c) => Err(Unquotable::new(
            format!("{format} cannot carry {}", shown(c)),
            "take it out; where it is needed, keep the value in a file of its own",
        )),
    }
}
