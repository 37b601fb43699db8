//! /etc/cron.d: variables, and the command, which is the rest of the line.
//!
//! Source: crontab(5), `env.c` and `do_command.c` of cron 3.0pl1 and cronie 1.5. An unescaped `%`
//! becomes a line break, and what follows it is the command's standard input; `\%` is a percent
//! sign. Two backslashes are one to cron 3.0pl1 (seen on Debian 12) and two to cronie.

use super::{Quoted, Text, Unquotable, no_control};
use crate::source::Span;

/// `MAX_COMMAND` and `MAX_ENVSTR`, with their closing zero: cron cuts the rest off in silence.
const LONGEST: usize = 999;

/// A command for `/bin/sh` in a crontab line.
///
/// # Errors
/// Control characters, two backslashes, one before a percent sign, a long line.
pub fn cron_command(value: &str, origin: Span) -> Quoted {
    no_control(value, &['\t'], "a crontab line")?;
    if value.contains("\\%") || value.contains("\\\\") {
        return Err(Unquotable::new(
            "cron has no way to write a backslash before `%` or another backslash",
            "write `%` alone, it is escaped by itself; or put the command into a script",
        ));
    }
    short(value.replace('%', "\\%"), origin)
}

/// A line that sets a variable: `MAILTO=ops@example.net`.
///
/// # Errors
/// Another name than letters, digits and `_`, both kinds of quotes, control characters, a long line.
pub fn cron_variable(name: &str, value: &str, origin: Span) -> Quoted {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.starts_with(|c: char| !c.is_ascii_digit()) || !name.chars().all(legal) {
        let why = format!("`{name}` is no name of a variable");
        return Err(Unquotable::new(why, "use letters, digits and `_`, no digit first"));
    }
    no_control(value, &[], "a crontab line")?;
    let bare = |c: char| c.is_ascii_alphanumeric() || "_./:=@%+,-$".contains(c);
    let line = match (value.contains('"'), value.contains('\'')) {
        (true, true) => {
            let why = "cron has no way to write both kinds of quotes in a variable";
            return Err(Unquotable::new(why, "use one of them, or set it in a script"));
        }
        (true, false) => format!("{name}='{value}'"),
        (false, _) if !value.is_empty() && value.chars().all(bare) => format!("{name}={value}"),
        (false, _) => format!("{name}=\"{value}\""),
    };
    short(line, origin)
}

fn short(line: String, origin: Span) -> Quoted {
    if line.len() > LONGEST {
        let why = format!("cron cuts off what is longer than {LONGEST} bytes");
        return Err(Unquotable::new(why, "put the command into a script and name that"));
    }
    Ok(Text::new(line, origin))
}
