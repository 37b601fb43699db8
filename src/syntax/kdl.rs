//! KDL 2 text to our nodes. The only module that knows the `kdl` crate.

use kdl::{KdlDocument, KdlEntry, KdlError, KdlNode, KdlValue};

use super::habits::habits;
use super::node::{Node, Prop, Scalar, Value};
use super::plain::plain;
use super::scan::refusal::Refusal;
use super::scan::{self, MAX_FAULTS};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{FileId, Sources, Span, Spanned, offset};

/// Stack of the parser, in bytes, of address space alone: pages that nothing touches cost nothing.
const STACK: usize = 512 * 1024 * 1024;

/// Parses one text. Nothing comes out where anything is wrong; all faults are told at once,
/// but where habits of other languages are why: those alone.
pub(super) fn parse(
    sources: &Sources,
    file: FileId,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Node>> {
    let text = &sources.file(file).text;
    let clean = match scan::prepare(text) {
        Ok(clean) => clean,
        Err(refusals) => {
            let syntax = refusals.iter().all(|it| it.code == Code::Syntax);
            let habits = if syntax { habits(text) } else { Vec::new() };
            tell(if habits.is_empty() { refusals } else { habits }, file, diagnostics);
            return None;
        }
    };
    match on_a_large_stack(|| KdlDocument::parse_v2(&clean)) {
        Err(error) => {
            let message = format!("no memory for the parser: {error}");
            let help = "it needs 512 MiB of address space; look at `ulimit -v`";
            diagnostics.push(Diagnostic::error(Code::CannotRead, message).help(help));
            None
        }
        Ok(Ok(document)) => Some(document.nodes().iter().map(|node| convert(node, file)).collect()),
        Ok(Err(error)) => {
            match habits(text) {
                none if none.is_empty() => report(&error, file, &clean, diagnostics),
                habits => tell(habits, file, diagnostics),
            }
            None
        }
    }
}

fn tell(refusals: Vec<Refusal>, file: FileId, diagnostics: &mut Diagnostics) {
    for refusal in refusals {
        let (start, end) = (offset(refusal.start), offset(refusal.end));
        diagnostics.push(
            Diagnostic::error(refusal.code, refusal.message)
                .at(Span { file, start, end }, refusal.label)
                .help(refusal.help),
        );
    }
}

fn on_a_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work)?;
        match thread.join() {
            Ok(done) => Ok(done),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn convert(node: &KdlNode, file: FileId) -> Node {
    let name = node.name();
    let name_span = span(file, name.span().offset(), name.span().len());
    let mut head = name_span;
    let (mut args, mut props) = (Vec::new(), Vec::new());
    for entry in node.entries() {
        let whole = span(file, entry.span().offset(), entry.span().len());
        head.end = head.end.max(whole.end);
        let value = value(entry, whole);
        match entry.name() {
            None => args.push(value),
            Some(name) => props.push(Prop {
                name: Spanned::new(
                    name.value().to_owned(),
                    span(file, name.span().offset(), name.span().len()),
                ),
                value,
            }),
        }
    }
    let children = node.children().map(KdlDocument::nodes).unwrap_or_default();
    Node {
        name: Spanned::new(name.value().to_owned(), name_span),
        args,
        props,
        children: children.iter().map(|child| convert(child, file)).collect(),
        head,
        made_by: None,
    }
}

/// The crate keeps no span for a value; it is the last part of its entry's.
fn value(entry: &KdlEntry, whole: Span) -> Value {
    let written = entry.format().map_or(0, |format| format.value_repr.len());
    let start = whole.end.saturating_sub(offset(written)).max(whole.start);
    let annotation = entry.ty().map(|ty| {
        let at = span(whole.file, ty.span().offset(), ty.span().len());
        Spanned::new(ty.value().to_owned(), at)
    });
    let scalar = match entry.value() {
        KdlValue::String(text) => Scalar::String(text.clone()),
        KdlValue::Integer(number) => Scalar::Integer(*number),
        KdlValue::Float(number) => Scalar::Float(*number),
        KdlValue::Bool(yes) => Scalar::Bool(*yes),
        KdlValue::Null => Scalar::Null,
    };
    Value { scalar, annotation, span: Span { start, ..whole } }
}

fn span(file: FileId, start: usize, length: usize) -> Span {
    Span { file, start: offset(start), end: offset(start + length) }
}

/// What the parser says of one fault: start, end, message, help.
type Said = (usize, usize, String, Option<String>);

/// The parser recovers and may tell one fault twice, at one place or at nested ones: of those the
/// innermost is told, and of those in one line the first.
fn report(error: &KdlError, file: FileId, text: &str, diagnostics: &mut Diagnostics) {
    let mut faults: Vec<Said> = error
        .diagnostics
        .iter()
        .map(|fault| {
            let start = fault.span.offset().min(text.len());
            let end = (start + fault.span.len()).min(text.len());
            let message = fault.message.clone().unwrap_or_else(|| "this is no KDL".to_owned());
            (start, end, message, fault.help.clone())
        })
        .collect();
    faults.sort();
    let (mut told, mut line_end) = (0, 0);
    for (at, fault) in faults.iter().enumerate() {
        let (_, end, message, help) = fault;
        // a few looks ahead: a text of a million faults has them all at one place
        let within = |other: &&Said| other.0 < *end;
        let mut inner = faults[at + 1..].iter().take_while(within).take(64);
        let Some((message, help)) = plain(message, help.as_deref()) else { continue };
        let start = place(fault, text);
        if inner.any(|other| other.1 <= *end) || start < line_end {
            continue;
        }
        if told == MAX_FAULTS {
            let help = "mend those before first: one can make the parser stumble many times";
            let diagnostic = Diagnostic::error(Code::Syntax, "more faults follow from here on");
            let span = Span { file, start: offset(start), end: offset(*end) };
            diagnostics.push(diagnostic.at(span, "").help(help));
            return;
        }
        (told, line_end) = (told + 1, text[start..].find('\n').map_or(text.len(), |n| start + n));
        let span = Span { file, start: offset(start), end: offset(*end) };
        diagnostics.push(Diagnostic::error(Code::Syntax, message).at(span, "").help(help));
    }
}

/// Where a fault is: a long span marks all that the parser gave up on, and only its end is at
/// fault.
fn place((start, end, message, _): &Said, text: &str) -> usize {
    let given_up = &text[*start..*end];
    let sign = if message == "Expected property value" { given_up.rfind('=') } else { None };
    let line = if *start == 0 { given_up.rfind('\n') } else { None };
    match sign.or(line) {
        Some(at) if start + at + 1 < *end => start + at + 1,
        Some(at) => start + at,
        None => *start,
    }
}
