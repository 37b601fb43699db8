//! /etc/cron.d: the command, which is the rest of the line.
//!
//! Source: crontab(5), cron 3.0pl1: an unescaped `%` becomes a line break, and what follows it is
//! the command's standard input; `\%` is a percent sign.

use super::{Quoted, Text, no_control};
use crate::source::Span;

/// A command for `/bin/sh` in a crontab line.
///
/// # Errors
/// Line breaks and other control characters.
pub fn cron_command(value: &str, origin: Span) -> Quoted {
    no_control(value, &['\t'], "a crontab line")?;
    Ok(Text::new(value.replace('%', "\\%"), origin))
}
