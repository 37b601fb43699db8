//! What a code means, why there is such a rule, and what is to be done.
//!
//! In: a code. Out: a page for a person. The examples are cases of the golden tests, so they are
//! what clustergen really says. Not here: the codes themselves and their titles.

mod language;
mod services;
mod state;

use super::Code;

/// What is to be said of a code, beside its title.
#[derive(Clone, Copy, Debug)]
struct Explanation {
    code: Code,
    /// A case of the golden tests that shows it.
    case: &'static str,
    why: &'static str,
    remedy: &'static str,
}

/// `Code, "a file below golden/": why; remedy;`
macro_rules! explanations {
    ($($code:ident, $case:literal: $why:literal; $remedy:literal;)*) => {
        pub(super) const ALL: &[super::Explanation] = &[$(super::Explanation {
            code: crate::diag::Code::$code,
            case: include_str!(concat!("../../../golden/", $case)),
            why: $why,
            remedy: $remedy,
        },)*];
    };
}
use explanations;

/// Why, an example and the remedy; `None` where nobody has explained the code yet.
#[must_use]
pub fn explain(code: Code) -> Option<String> {
    let all = [language::ALL, services::ALL, state::ALL];
    let it = all.into_iter().flatten().find(|it| it.code == code)?;
    let example = shown(it)?.replace('\n', "\n    ");
    let (id, title) = (code.id(), code.title());
    let (why, remedy) = (flush(it.why), flush(it.remedy));
    Some(format!("{id}: {title}\n\nWhy\n{why}\n\nExample\n    {example}\n\nWhat to do\n{remedy}\n"))
}

/// The first message of the case that has the code: it shows the line that is wrong.
fn shown(it: &Explanation) -> Option<&'static str> {
    let messages = it.case.split_once("====\n").map_or(it.case, |(_, messages)| messages);
    let head = format!("[{}]: ", it.code.id());
    messages
        .split("\n\n")
        .find(|message| message.lines().next().is_some_and(|it| it.contains(&head)))
}

/// Lines as they are broken in the source, but not as far in.
fn flush(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("    {}", line.trim())).collect();
    lines.join("\n")
}
