//! /etc/hosts: names, separated by white space, `#` starts a comment (hosts(5)).

use super::{Quoted, Text, Unquotable};
use crate::source::Span;

/// A host name.
///
/// # Errors
/// Anything but letters, digits, `-` and `.`.
pub fn hosts_name(value: &str, origin: Span) -> Quoted {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    if !value.is_empty() && value.chars().all(legal) {
        return Ok(Text::new(value, origin));
    }
    Err(Unquotable::new("a host name has letters, digits, `-` and `.`", "write another name"))
}
