//! Markdown (CommonMark 0.31): a piece of a line of prose. What stands between two backticks is
//! code, as in all that clustergen says.

use super::{Text, comment};
use crate::source::Span;

/// A text that shows as it was written: what would be a mark, an entity or a tag is escaped.
#[must_use]
pub fn markdown(text: &str, origin: Span) -> Text {
    let line = comment(text, origin).s;
    let mut out = String::new();
    let mut prose = true;
    let parts: Vec<&str> = line.split('`').collect();
    // one without a second is a backtick
    let paired = (parts.len() - 1) / 2 * 2;
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.push_str(if at > paired { "\\`" } else { "`" });
            prose = at > paired || !prose;
        }
        if prose {
            escaped(part, &mut out);
        } else {
            out.push_str(part);
        }
    }
    Text::new(out, origin)
}

fn escaped(prose: &str, out: &mut String) {
    let mut before = None;
    let mut rest = prose.chars();
    while let Some(c) = rest.next() {
        let after = rest.clone().next();
        let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let mark = match c {
            '\\' | '*' | '[' => true,
            '_' => !(word(before) && word(after)),
            '<' => word(after) || matches!(after, Some('/' | '!' | '?')),
            '&' => word(after) || after == Some('#'),
            _ => false,
        };
        if mark {
            out.push('\\');
        }
        out.push(c);
        before = Some(c);
    }
}
