//! nginx.conf: words, quoted where they must be.
//!
//! Source: `ngx_conf_read_token` in nginx 1.22's `core/ngx_conf_file.c`. In words, quoted or not,
//! a backslash takes the next character's meaning for `"`, `'`, `\`, `t`, `r`, `n`, and stands for
//! itself before any other. There is no escape for `$` in directives that expand variables.

use super::{Quoted, Text, Unquotable, behind_backslash, no_control, shown};
use crate::source::Span;

/// A word in a directive that expands no variables.
///
/// # Errors
/// Control characters but tab and line breaks; more than nginx reads at once.
pub fn nginx_word(value: &str, origin: Span) -> Quoted {
    no_control(value, &['\n', '\t', '\r'], "nginx.conf")?;
    let word = written(value);
    if word.len() > LONGEST_WORD {
        let why = format!("nginx reads no word of more than {LONGEST_WORD} bytes");
        return Err(Unquotable::new(why, "write it shorter"));
    }
    Ok(Text::new(word, origin))
}

/// `NGX_CONF_BUFFER` is 4096 bytes, and what ends a word has to be in it, too.
const LONGEST_WORD: usize = 4000;

/// A word in a directive that would expand `$name`: it has to arrive as it is written.
///
/// # Errors
/// As [`nginx_word`], and `$`.
pub fn nginx_literal(value: &str, origin: Span) -> Quoted {
    if value.contains('$') {
        return Err(Unquotable::new(
            "nginx would take what follows `$` for a variable, and has no way to write a plain `$`",
            "write the directive in an `extra` line, where variables are yours to use",
        ));
    }
    if let Some(c) = value.chars().find(|c| matches!(c, '\r' | '\n')) {
        let why = format!("{} would end the header here", shown(c));
        return Err(Unquotable::new(why, "write the value in one line"));
    }
    nginx_word(value, origin)
}

/// The longest name that nginx's table of headers takes as it comes (a bucket of 64 bytes).
const LONGEST_HEADER: usize = 46;

/// A header's name: a token (RFC 9110, section 5.6.2) of the characters that are in use.
///
/// # Errors
/// Anything but letters, digits, `-` and `_`; a name that is too long for nginx.
pub fn nginx_header(value: &str, origin: Span) -> Quoted {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if value.len() > LONGEST_HEADER {
        let why = format!("nginx takes headers with names of {LONGEST_HEADER} characters");
        return Err(Unquotable::new(why, "write a shorter name"));
    }
    if !value.is_empty() && value.chars().all(legal) {
        return Ok(Text::new(value, origin));
    }
    let why = "a header's name has letters, digits, `-` and `_`";
    Err(Unquotable::new(why, "write another name, as `X-Served-By`"))
}

/// What stands behind `location`: an optional modifier (`=`, `^~`, `~`, `~*`) and a path or
/// pattern, as `= /`.
///
/// # Errors
/// As [`nginx_word`].
pub fn nginx_location(value: &str, origin: Span) -> Quoted {
    let (modifier, path) = match value.split_once(' ') {
        Some((modifier @ ("=" | "^~" | "~" | "~*"), path)) => (Some(modifier), path),
        _ => (None, value),
    };
    let path = nginx_word(path, origin)?;
    Ok(match modifier {
        None => path,
        Some(modifier) => Text::new(format!("{modifier} {}", path.s), origin),
    })
}

fn written(value: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "_./:=-@,+*%&?!|^()[]<>".contains(c);
    if !value.is_empty() && value.chars().all(bare) {
        return value.to_owned();
    }
    let mut out = String::from("\"");
    for c in value.chars() {
        match behind_backslash(c) {
            Some(letter) => out.extend(['\\', letter]),
            None => out.push(c),
        }
    }
    out.push('"');
    out
}
