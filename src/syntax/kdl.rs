//! KDL 2 text to our nodes. The only module that knows the `kdl` crate.

use kdl::{KdlDocument, KdlEntry, KdlError, KdlNode, KdlValue};

use super::depth;
use super::node::{Node, Prop, Scalar, Value};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{FileId, Sources, Span, Spanned, offset};

/// Stack of the parser, in bytes, of address space alone: pages that nothing touches cost nothing.
const STACK: usize = 512 * 1024 * 1024;

/// Parses one text. Nothing comes out where anything is wrong; all faults are told at once.
pub(super) fn parse(
    sources: &Sources,
    file: FileId,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Node>> {
    let text = &sources.file(file).text;
    if let Some(at) = depth::too_deep(text) {
        let message = format!("more than {} levels of nesting", depth::MAX);
        diagnostics.push(
            Diagnostic::error(Code::TooDeep, message)
                .at(Span { file, start: at, end: at + 1 }, "the innermost one starts here")
                .help("take out the extra levels; no description needs more than six"),
        );
        return None;
    }
    match on_a_large_stack(|| KdlDocument::parse_v2(text)) {
        Err(error) => {
            let message = format!("no memory for the parser: {error}");
            let help = "it needs 512 MiB of address space; look at `ulimit -v`";
            diagnostics.push(Diagnostic::error(Code::CannotRead, message).help(help));
            None
        }
        Ok(Ok(document)) => Some(document.nodes().iter().map(|node| convert(node, file)).collect()),
        Ok(Err(error)) => {
            report(&error, file, text, diagnostics);
            None
        }
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

/// The parser recovers and may tell one fault twice, at nested places or at neighbours: the
/// innermost, or the first of neighbours, is told.
fn report(error: &KdlError, file: FileId, text: &str, diagnostics: &mut Diagnostics) {
    let mut faults: Vec<(usize, usize, String, Option<String>)> = error
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
    faults.dedup_by(|second, first| first.0 != second.0 && second.0 <= first.1 + 1);
    for (at, (start, end, message, help)) in faults.iter().enumerate() {
        let inner = faults[at + 1..].iter().any(|other| other.0 < *end && other.1 <= *end);
        if inner {
            continue;
        }
        // a long span marks all that the parser gave up on; only its end is the fault
        let shown =
            text[*start..*end].rfind('\n').filter(|_| *start == 0).map_or(*start, |n| n + 1);
        let mut diagnostic = Diagnostic::error(Code::Syntax, lower_first(message))
            .at(Span { file, start: offset(shown), end: offset(*end) }, "");
        diagnostic = diagnostic.help(help.clone().map_or_else(
            || "a node is `name \"argument\" property=\"value\" { children }`".to_owned(),
            |help| lower_first(&help),
        ));
        diagnostics.push(diagnostic);
    }
}

fn lower_first(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}
