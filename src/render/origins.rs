//! Marked text to the origin of each line.
//!
//! A line belongs to the values on it; without any, to the loop's element that it stands in;
//! without one, to the resource.

use crate::source::Span;

/// Before a value: START index STOP value END.
pub(super) const START: char = '\u{1}';
pub(super) const STOP: char = '\u{2}';
pub(super) const END: char = '\u{3}';
/// Before an element of a list: OPEN index STOP … CLOSE.
pub(super) const OPEN: char = '\u{4}';
pub(super) const CLOSE: char = '\u{5}';

/// A text without its marks, and the origins of each of its lines, sorted, each once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Traced {
    pub text: String,
    pub lines: Vec<Vec<Span>>,
}

/// Takes the marks off. `origins` are what the marks name, `resource` owns the rest.
#[must_use]
pub(super) fn trace(marked: &str, origins: &[Span], resource: Span) -> Traced {
    let mut text = String::new();
    let mut lines = Vec::new();
    let mut elements: Vec<Span> = Vec::new();
    let mut value: Option<Span> = None;
    let mut of_line: Vec<Span> = Vec::new();
    // what holds a line is what is open where it starts
    let mut holder = resource;
    let mut chars = marked.chars();
    let mut any = false;
    while let Some(c) = chars.next() {
        match c {
            START | OPEN => {
                let index: String = chars.by_ref().take_while(|c| *c != STOP).collect();
                let span = index.parse::<usize>().ok().and_then(|at| origins.get(at)).copied();
                let span = span.unwrap_or(resource);
                if c == OPEN {
                    elements.push(span);
                } else {
                    value = Some(span);
                    of_line.push(span);
                }
            }
            END => value = None,
            CLOSE => {
                elements.pop();
            }
            '\n' => {
                text.push('\n');
                lines.push(finish(&mut of_line, holder));
                holder = elements.last().copied().unwrap_or(resource);
                of_line.extend(value);
                any = false;
            }
            c => {
                text.push(c);
                any = true;
            }
        }
    }
    if any {
        lines.push(finish(&mut of_line, holder));
    }
    Traced { text, lines }
}

fn finish(of_line: &mut Vec<Span>, holder: Span) -> Vec<Span> {
    let mut spans = std::mem::take(of_line);
    if spans.is_empty() {
        spans.push(holder);
    }
    spans.sort_unstable();
    spans.dedup();
    spans
}
