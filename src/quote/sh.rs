//! POSIX sh: one word, in single quotes where it must be.

use super::{Quoted, Text, no_control};
use crate::source::Span;

/// A word that sh takes literally.
///
/// # Errors
/// Control characters but tab and line break: a script that a person reviews has none.
pub fn sh_word(value: &str, origin: Span) -> Quoted {
    no_control(value, &['\n', '\t'], "a shell script")?;
    let bare = |c: char| c.is_ascii_alphanumeric() || "_./:=@%+,-".contains(c);
    // a word that starts with `-` or holds `=` early could be read as an option or an assignment
    if value.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
        && !value.contains('=')
        && value.chars().all(bare)
    {
        return Ok(Text::new(value, origin));
    }
    Ok(Text::new(format!("'{}'", value.replace('\'', "'\\''")), origin))
}

/// A column of a table in a script: a word, padded on the right so that rows align.
///
/// # Errors
/// As [`sh_word`].
pub fn sh_table(value: &str, width: usize, origin: Span) -> Quoted {
    let word = sh_word(value, origin)?;
    Ok(Text::new(format!("{:<width$}", word.s), origin))
}
