//! What is wrong, as data.
//!
//! In: a code, a sentence, places, and what to write instead.
//! Out: [`Diagnostics`], a sink that every stage fills and only the edge prints.
//! Not here: colours, excerpts, exit codes (see [`render`] and the `cli`).

mod code;
mod explain;
mod keys;
pub mod render;
mod suggest;

pub use code::Code;
pub use explain::explain;
pub use suggest::{did_you_mean, suggestion};

use crate::source::Span;

/// How much it matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// The description is wrong; nothing is written.
    Error,
    /// It can be built, but a careful administrator would want to know.
    Warning,
}

/// A place, and what it has to do with the matter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

/// One thing to tell the person: lower case, names in backticks, no full stop.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    pub code: Code,
    pub severity: Severity,
    pub message: String,
    /// The first is the place itself, the others explain it. None where no text is at fault.
    pub labels: Vec<Label>,
    /// What to write instead.
    pub help: Option<String>,
    /// The constraint of the schema that was broken, as `nginx/site@certificate:missing`.
    pub constraint: Option<String>,
}

impl Diagnostic {
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels: Vec::new(),
            help: None,
            constraint: None,
        }
    }

    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    #[must_use]
    pub fn breaks(mut self, constraint: impl Into<String>) -> Self {
        self.constraint = Some(constraint.into());
        self
    }
}

/// All that one run has to tell.
#[derive(Default, Debug)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Takes one in. The same fault on the same places, found once per host, counts once.
    pub fn push(&mut self, mut diagnostic: Diagnostic) {
        diagnostic.message = legible(&diagnostic.message);
        diagnostic.help = diagnostic.help.map(|help| legible(&help));
        for label in &mut diagnostic.labels {
            label.text = legible(&label.text);
        }
        let known = |other: &&Diagnostic| {
            other.code == diagnostic.code
                && other.labels.first().map(|label| label.span)
                    == diagnostic.labels.first().map(|label| label.span)
                && other.message == diagnostic.message
        };
        if self.list.iter().rev().take(64).find(known).is_none() {
            self.list.push(diagnostic);
        }
    }

    pub fn extend(&mut self, others: Self) {
        for diagnostic in others.list {
            self.push(diagnostic);
        }
    }

    /// Drops the warnings of a code, which somebody else tells better.
    pub fn forget(&mut self, code: Code) {
        self.list.retain(|it| it.code != code || it.severity == Severity::Error);
    }

    /// Whether the description is wrong; with `strict` a warning is enough.
    #[must_use]
    pub fn fatal(&self, strict: bool) -> bool {
        self.list.iter().any(|it| strict || it.severity == Severity::Error)
    }

    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.list.iter().filter(|it| it.severity == severity).count()
    }

    /// Errors before warnings, then in the order of the places: file, line, code. What has no
    /// place comes first.
    #[must_use]
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut list: Vec<&Diagnostic> = self.list.iter().collect();
        list.sort_by_key(|it| {
            let place = it.labels.first().map(|label| label.span);
            (it.severity, place, it.code, &it.message)
        });
        list
    }
}

/// Whether a character moves the cursor or turns the line around: on a terminal others are read
/// than stand there.
#[must_use]
pub fn turns(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What a person wrote may stand in a sentence: what would move the cursor or turn the line around
/// shows as a dot, and nobody reads more than the start of a very long word or text.
fn legible(text: &str) -> String {
    const LONGEST: usize = 200;
    const MOST: usize = 4000;
    let mut out = String::with_capacity(text.len().min(4096));
    let mut length = 0;
    for c in text.chars() {
        if out.len() > MOST {
            out.push('…');
            break;
        }
        length = if matches!(c, ' ' | '`') { 0 } else { length + 1 };
        match length {
            ..LONGEST => out.push(if turns(c) { '·' } else { c }),
            LONGEST => out.push('…'),
            _ => {}
        }
    }
    out
}

/// `1 error`, `2 errors`.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `` `a` ``, `` `a` or `b` ``, `` `a`, `b` or `c` ``.
#[must_use]
pub fn or_list(words: &[impl AsRef<str>]) -> String {
    list(words, "or")
}

/// `` `a` ``, `` `a` and `b` ``, `` `a`, `b` and `c` ``.
#[must_use]
pub fn and_list(words: &[impl AsRef<str>]) -> String {
    list(words, "and")
}

fn list(words: &[impl AsRef<str>], joint: &str) -> String {
    let ticked: Vec<String> = words.iter().map(|word| format!("`{}`", word.as_ref())).collect();
    match ticked.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} {joint} {last}", head.join(", ")),
    }
}
