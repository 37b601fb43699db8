//! Files of keys and values: Java properties (java.util.Properties, "load") and ini files as
//! `configparser` of Python reads them. In both, `#unset KEY` is a line of `apply.sh`'s own.

use super::{Quoted, Text, Unquotable, no_control};
use crate::source::Span;

/// A piece of a value: a text, or the token of a secret, whose value is encoded for itself.
pub enum Piece {
    Text(String),
    Token(String),
}

impl Piece {
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Text(text) | Self::Token(text) => text,
        }
    }
}

/// A line of a properties file; without a value, the line that takes the key out.
///
/// # Errors
/// A key that is not of printable ASCII: how others are written depends on who reads the file.
pub fn properties_line(
    name: &str,
    separator: &str,
    value: Option<&[Piece]>,
    origin: Span,
) -> Quoted {
    if let Some(c) = name.chars().find(|c| !c.is_ascii_graphic() && *c != ' ') {
        let why = format!("{} may not stand in a key", super::shown(c));
        return Err(Unquotable::new(why, "use printable ASCII"));
    }
    let mut key = String::new();
    for (at, c) in name.char_indices() {
        if "\\ =:".contains(c) || (at == 0 && "#!".contains(c)) {
            key.push('\\');
        }
        key.push(c);
    }
    let Some(pieces) = value else { return Ok(Text::new(format!("#unset {key}"), origin)) };
    let last = pieces.len().saturating_sub(1);
    let write = |(at, piece): (usize, &Piece)| match piece {
        Piece::Text(text) => escaped(text, at == 0, at == last),
        Piece::Token(token) => token.clone(),
    };
    let value: String = pieces.iter().enumerate().map(write).collect();
    let separator = if value.is_empty() { separator.trim_end() } else { separator };
    Ok(Text::new(format!("{key}{separator}{value}"), origin))
}

/// A value as it is right in every encoding in which a program may read the file, behind every
/// separator, and in an editor that takes blanks off the ends of lines.
pub(super) fn escaped(text: &str, first: bool, last: bool) -> String {
    let mut out = String::new();
    let end = text.trim_end_matches(' ').len();
    for (at, c) in text.char_indices() {
        let leads = first && text[..at].trim_start_matches(' ').is_empty();
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{c}' => out.push_str("\\f"),
            ' ' if last && at >= end => out.push_str("\\u0020"),
            ' ' | '=' | ':' if leads => out.extend(['\\', c]),
            c if c.is_ascii_graphic() || c == ' ' => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04X}"));
                }
            }
        }
    }
    out
}

/// A line of an ini file; without a value, the line that takes the key out.
///
/// # Errors
/// What would be read as another key or value: there is nothing to escape it with.
pub fn ini_line(name: &str, separator: &str, value: Option<&[Piece]>, origin: Span) -> Quoted {
    no_control(name, &[], "an ini file")?;
    let bad = name.contains(['=', ':']) || name.starts_with(['[', '#', ';']) || name.trim() != name;
    if bad || name.is_empty() {
        return Err(Unquotable::new(
            "an ini file cannot have this key",
            "leave out `=` and `:`, blanks at the ends, and `[`, `#` or `;` at the start",
        ));
    }
    let Some(pieces) = value else { return Ok(Text::new(format!("#unset {name}"), origin)) };
    let value: String = pieces.iter().map(Piece::as_str).collect();
    ini_value(&value)?;
    let line = format!("{name}{separator}{value}");
    Ok(Text::new(line.trim_end(), origin))
}

/// Everything else goes as it is: what quotes, `%` or ` ;` mean depends on who reads the file.
pub(super) fn ini_value(value: &str) -> Result<(), Unquotable> {
    no_control(value, &['\t'], "an ini file")?;
    if value.trim() == value {
        return Ok(());
    }
    Err(Unquotable::new(
        "an ini file loses the blanks at the ends of a value",
        "take them out, or quote the value as the program that reads it wants it",
    ))
}

/// The name of a section.
///
/// # Errors
/// What would end it.
pub fn ini_section(name: &str, origin: Span) -> Quoted {
    no_control(name, &[], "an ini file")?;
    if name.contains(']') {
        return Err(Unquotable::new("`]` ends the name of a section", "take it out"));
    }
    Ok(Text::new(name, origin))
}
