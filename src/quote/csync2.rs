//! csync2.cfg: words and strings.
//!
//! Source: `cfgfile_scanner.l` of csync2 2.0. A word has no white space and none of `@;()#"`, and
//! does not end with a colon; braces and commas end up in words only by luck. A statement's word
//! is one wherever it stands: a host may be called `key`, but only in quotes. A string stands in
//! double quotes, has no escapes, and no line break.

use super::{Quoted, Text, Unquotable, no_control};
use crate::source::Span;

/// What the scanner takes for a statement.
const KEYWORDS: [&str; 24] = [
    "action",
    "auto",
    "backup-directory",
    "backup-generations",
    "compare",
    "config",
    "database",
    "do-local",
    "do-local-only",
    "exclude",
    "exec",
    "group",
    "host",
    "ignore",
    "include",
    "key",
    "lock-timeout",
    "logfile",
    "no-cygwin-lowercase",
    "nossl",
    "on",
    "pattern",
    "prefix",
    "tempdir",
];

/// A name: a group's, a host's.
///
/// # Errors
/// Anything but letters, digits, `.`, `_` and `-`.
pub fn csync2_word(value: &str, origin: Span) -> Quoted {
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !value.is_empty() && value.chars().all(legal) {
        return Ok(bare_or_string(value, origin));
    }
    Err(Unquotable::new(
        "csync2 takes letters, digits, `.`, `_` and `-` in a name",
        "write another name",
    ))
}

/// A path or pattern: bare where it can be, as administrators write it, else a string.
///
/// # Errors
/// As [`csync2_string`]; `%` at the start, which would name a prefix.
pub fn csync2_pattern(value: &str, origin: Span) -> Quoted {
    if value.starts_with('%') {
        return Err(Unquotable::new(
            "csync2 takes `%…%` at the start of a pattern for a prefix",
            "start with another character, or with `[%]`",
        ));
    }
    let bare = |c: char| c.is_ascii_alphanumeric() || "/._-*?~+=[]%!^".contains(c);
    if !value.is_empty() && value.chars().all(bare) {
        return Ok(bare_or_string(value, origin));
    }
    csync2_string(value, origin)
}

/// A string in double quotes.
///
/// # Errors
/// Double quotes and control characters: there is no escape for them.
pub fn csync2_string(value: &str, origin: Span) -> Quoted {
    no_control(value, &['\t'], "csync2.cfg")?;
    if value.contains('"') {
        return Err(Unquotable::new(
            "csync2 has no way to write `\"` in a string",
            "use single quotes, or put the command into a script and name that",
        ));
    }
    Ok(Text::new(format!("\"{value}\""), origin))
}

/// Legal characters, as a word where they are none of csync2's own.
fn bare_or_string(value: &str, origin: Span) -> Text {
    if KEYWORDS.contains(&value) {
        return Text::new(format!("\"{value}\""), origin);
    }
    Text::new(value, origin)
}
