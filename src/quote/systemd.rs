//! Unit files: sections and directives, a line each.
//!
//! Source: systemd.syntax(7). A backslash at the end of a line takes in the next one; white space
//! around a value is lost; a line of more than a megabyte is refused. `%` begins a specifier, which
//! is the person's own word.

use super::{Quoted, Text, Unquotable, no_control};
use crate::source::Span;

/// The name of a section.
///
/// # Errors
/// Anything but letters, digits and `-`.
pub fn systemd_section(name: &str, origin: Span) -> Quoted {
    word(name).then(|| Text::new(name, origin)).ok_or_else(|| not_a_word("a section"))
}

/// `Directive=value`.
///
/// # Errors
/// A directive of other than letters, digits and `-`; in the value control characters, white space
/// at either end, a backslash at the end.
pub fn systemd_line(directive: &str, value: &str, origin: Span) -> Quoted {
    if !word(directive) {
        return Err(not_a_word("a directive"));
    }
    no_control(value, &['\t'], "a unit file")?;
    if value.trim() != value {
        let why = "systemd loses white space at the start or end of a value";
        return Err(Unquotable::new(why, "take it out, or put the word in quotes"));
    }
    if value.ends_with('\\') {
        let why = "a backslash at the end of a value takes in the next line";
        return Err(Unquotable::new(why, "put the word in quotes, or write it as `\\x5c`"));
    }
    Ok(Text::new(format!("{directive}={value}"), origin))
}

fn word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn not_a_word(what: &str) -> Unquotable {
    let why = format!("the name of {what} has letters, digits and `-`");
    Unquotable::new(why, "write it as systemd.directives(7) has it, without the `=`")
}
