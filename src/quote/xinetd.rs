//! xinetd.d: an attribute's value, which is the rest of the line, words separated by white space.
//!
//! Source: xinetd.conf(5) 2.3.15; `#` starts a comment only at the start of a line.

use super::{Quoted, Text, Unquotable, no_control};
use crate::source::Span;

/// A word in an attribute's value.
///
/// # Errors
/// White space, which would make it two words, and control characters.
pub fn xinetd_value(value: &str, origin: Span) -> Quoted {
    no_control(value, &[], "xinetd")?;
    if value.is_empty() || value.contains(char::is_whitespace) {
        return Err(Unquotable::new(
            "xinetd separates words by white space and has no quotes",
            "write it without spaces",
        ));
    }
    Ok(Text::new(value, origin))
}
