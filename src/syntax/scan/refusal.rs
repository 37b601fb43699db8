//! What the parser is not given, and what a person is told of it.

use crate::diag::Code;
use crate::source::MAX_BYTES;

/// Deepest nesting of nodes and comments that a description may have.
pub(super) const MAX_DEPTH: usize = 64;

/// Blocks that `/-` takes out, in each other: each one makes the parser up to four times slower.
pub(super) const MAX_SLASHED: usize = 2;

/// Words and signs: ten thousand hosts have a tenth of it.
pub(super) const MAX_WORDS: usize = 500_000;

/// Why a text is not given to the parser.
#[derive(Debug)]
pub(in crate::syntax) struct Refusal {
    pub(in crate::syntax) code: Code,
    pub(in crate::syntax) start: usize,
    pub(in crate::syntax) end: usize,
    pub(in crate::syntax) message: String,
    pub(in crate::syntax) label: &'static str,
    pub(in crate::syntax) help: String,
}

pub(in crate::syntax) fn refusal(
    start: usize,
    length: usize,
    message: &str,
    label: &'static str,
    help: impl Into<String>,
) -> Refusal {
    Refusal {
        code: Code::Syntax,
        start,
        end: start + length.min(MAX_BYTES),
        message: message.to_owned(),
        label,
        help: help.into(),
    }
}

pub(super) fn too_deep(at: usize) -> Refusal {
    Refusal {
        code: Code::TooDeep,
        ..refusal(
            at,
            1,
            &format!("more than {MAX_DEPTH} levels of nesting"),
            "the innermost one starts here",
            "take out the extra levels; no description needs more than six",
        )
    }
}

pub(super) fn too_slashed(at: usize) -> Refusal {
    Refusal {
        code: Code::TooDeep,
        ..refusal(
            at,
            1,
            &format!("more than {MAX_SLASHED} blocks in each other that `/-` takes out"),
            "the innermost one starts here",
            "delete the inner `/-`: everything in a block that is taken out is out already",
        )
    }
}

pub(super) fn slashed_twice(at: usize) -> Refusal {
    refusal(
        at,
        2,
        "`/-` is written twice",
        "the second one",
        "keep one of them: it takes out what follows",
    )
}

pub(super) fn character(at: usize, c: char) -> Refusal {
    let message = format!("the character U+{:04X} cannot stand in a description", u32::from(c));
    let help = match c {
        '\u{0}'..='\u{5}' => "take it out".to_owned(),
        _ => format!("take it out; in quotes it is written `\\u{{{:x}}}`", u32::from(c)),
    };
    refusal(at, c.len_utf8(), &message, "it does not show, or not as what it is", help)
}

pub(super) fn too_many_words(at: usize) -> Refusal {
    Refusal {
        code: Code::CannotRead,
        ..refusal(
            at,
            1,
            &format!("more than {MAX_WORDS} words in one file"),
            "this is the first one too many",
            "make several descriptions of it; ten thousand hosts need a tenth of that",
        )
    }
}

pub(super) fn stray(at: usize) -> Refusal {
    refusal(
        at,
        1,
        "this `}` closes nothing",
        "",
        "take it out, or add the `{` that is missing before it",
    )
}

pub(super) fn not_apart(at: usize) -> Refusal {
    refusal(at, 1, "a string and a word are written together", "", "write a space before this")
}
