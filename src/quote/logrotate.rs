//! logrotate.d: the paths before a block, and the scripts in it.
//!
//! Source: logrotate(8) and `config.c` of logrotate 3.21. Paths stand apart by white space, in
//! single or double quotes where they have some; a backslash hides the next character, and a brace
//! begins the block wherever it stands. A script ends with a line that starts with `endscript`.

use super::{Quoted, Text, Unquotable, no_control};
use crate::source::{Span, Spanned};

/// The path of a log, with `*`, `?` and `[…]`.
///
/// # Errors
/// Braces, backslashes, both kinds of quotes, control characters.
pub fn logrotate_path(value: &str, origin: Span) -> Quoted {
    no_control(value, &[], "logrotate")?;
    if value.contains(['{', '}', '\\']) || (value.contains('"') && value.contains('\'')) {
        let why = "logrotate cannot carry `{`, `}`, `\\` and both kinds of quotes in a path";
        return Err(Unquotable::new(why, "write `?` in its place, which stands for any character"));
    }
    let bare = |c: char| c.is_ascii_alphanumeric() || "/._-*?[]+@:%,=".contains(c);
    Ok(match value.contains('"') {
        true => Text::new(format!("'{value}'"), origin),
        false if value.chars().all(bare) => Text::new(value, origin),
        false => Text::new(format!("\"{value}\""), origin),
    })
}

/// The lines of a script, set in as far as the block; as they are where a here-document ends at
/// the start of a line.
///
/// # Errors
/// Control characters, no line at all, a line that starts with `endscript`.
pub fn logrotate_script(script: &Spanned<String>) -> Quoted {
    no_control(&script.value, &['\n', '\t'], "logrotate")?;
    let mut lines = script.value.lines().map(str::trim_start);
    if lines.clone().all(str::is_empty) {
        return Err(Unquotable::new("the script does nothing", "write a command, or leave it out"));
    }
    if lines.any(|line| line.starts_with("endscript")) {
        let why = "logrotate ends a script at a line that starts with `endscript`";
        return Err(Unquotable::new(why, "put the script into a file and name that"));
    }
    let indent = if script.value.contains("<<") { 0 } else { 8 };
    Ok(super::raw_lines(script, indent))
}
