//! XML: what may stand in a comment.
//!
//! Source: XML 1.0 (fifth edition), 2.5: no `--` in it, no `-` at its end. 2.2: of the control
//! characters, tab and line breaks alone.

use super::{Text, comment};
use crate::source::Span;

/// A text in one line of a comment: two hyphens are parted, and one that would be the last.
#[must_use]
pub fn xml_comment(text: &str, origin: Span) -> Text {
    let mut line = comment(text, origin).s.replace("--", "- -").replace("--", "- -");
    if line.ends_with('-') {
        line.push(' ');
    }
    // not characters of XML, and no control characters either
    let line = line.replace(['\u{fffe}', '\u{ffff}'], " ");
    Text::new(line, origin)
}
