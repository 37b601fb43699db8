//! Text to [`Document`]: the description and all that it includes.
//!
//! In: [`Sources`]. Out: a [`Document`] in which every name, argument, property and value has its
//! place. Not here: which nodes there are (see `schema`) and what they mean.

mod kdl;
pub mod node;
mod plain;
mod print;
mod scan;

pub use print::print;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{FileId, Sources, Span};
use node::{Document, Node};

/// Parses a description and what it includes.
///
/// A text that cannot be parsed is left out, so that the faults of the others are told too.
pub fn parse(sources: &mut Sources, file: FileId, diagnostics: &mut Diagnostics) -> Document {
    let mut nodes = Vec::new();
    let mut open = vec![file];
    splice(sources, file, &mut open, &mut nodes, diagnostics);
    Document { nodes }
}

/// Parses a text of our own (a schema, the platforms), in which nothing is included.
pub fn parse_one(sources: &Sources, file: FileId, diagnostics: &mut Diagnostics) -> Document {
    Document { nodes: kdl::parse(sources, file, diagnostics).unwrap_or_default() }
}

fn splice(
    sources: &mut Sources,
    file: FileId,
    open: &mut Vec<FileId>,
    nodes: &mut Vec<Node>,
    diagnostics: &mut Diagnostics,
) {
    for node in kdl::parse(sources, file, diagnostics).unwrap_or_default() {
        if !node.is("include") {
            nodes.push(node);
            continue;
        }
        if let Some(included) = follow(sources, file, &node, open, diagnostics) {
            open.push(included);
            splice(sources, included, open, nodes, diagnostics);
            open.pop();
        }
    }
}

/// Opens what an `include` names.
fn follow(
    sources: &mut Sources,
    from: FileId,
    node: &Node,
    open: &[FileId],
    diagnostics: &mut Diagnostics,
) -> Option<FileId> {
    let usage = "write `include \"hosts.kdl\"`, a file beside or below this one";
    let [value] = node.args.as_slice() else {
        let message = "`include` takes one file name";
        diagnostics.push(Diagnostic::error(Code::Include, message).at(node.head, "").help(usage));
        return None;
    };
    let mut refuse = |code: Code, message: String, span: Span, help: &str| {
        diagnostics.push(Diagnostic::error(code, message).at(span, "").help(help));
        None
    };
    if !node.children.is_empty() || !node.props.is_empty() {
        return refuse(Code::Include, "`include` takes a file name alone".into(), node.head, usage);
    }
    let Some(name) = value.as_str().and_then(|name| beside(&sources.file(from).name, name)) else {
        let message = "an include stays in the description's folder".to_owned();
        return refuse(Code::Include, message, value.span, usage);
    };
    match sources.open(&name) {
        Ok(id) if open.contains(&id) => {
            let message = format!("`{name}` includes itself");
            refuse(Code::Include, message, value.span, "take this include out")
        }
        Ok(id) => Some(id),
        Err(message) => refuse(Code::CannotRead, message, value.span, usage),
    }
}

/// A name relative to the including file's folder, as a name relative to the description's.
fn beside(from: &str, name: &str) -> Option<String> {
    if name.is_empty() || name.starts_with('/') || name.contains('\0') {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
