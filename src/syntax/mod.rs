//! Text to [`Document`]: the description and all that it includes.
//!
//! In: [`Sources`]. Out: a [`Document`] in which every name, argument, property and value has its
//! place. Not here: which nodes there are (see `schema`) and what they mean.

mod habits;
mod kdl;
pub mod node;
mod plain;
mod print;
mod scan;

pub use print::print;

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{FileId, Sources, Span};
use node::{Document, Node};

/// Parses a description and what it includes.
///
/// A text that cannot be parsed is left out, so that the faults of the others are told too.
pub fn parse(sources: &mut Sources, file: FileId, diagnostics: &mut Diagnostics) -> Document {
    let mut nodes = Vec::new();
    let mut way = Way { open: vec![file], taken: BTreeMap::new() };
    splice(sources, file, &mut way, &mut nodes, diagnostics);
    Document { nodes }
}

/// Parses a text of our own (a schema, the platforms), in which nothing is included.
pub fn parse_one(sources: &Sources, file: FileId, diagnostics: &mut Diagnostics) -> Document {
    Document { nodes: kdl::parse(sources, file, diagnostics).unwrap_or_default() }
}

/// Longest chain of files that include each other.
const MAX_CHAIN: usize = 100;

/// The way through the files.
struct Way {
    /// From the description to the file at hand.
    open: Vec<FileId>,
    /// Where each file was included.
    taken: BTreeMap<FileId, Span>,
}

fn splice(
    sources: &mut Sources,
    file: FileId,
    way: &mut Way,
    nodes: &mut Vec<Node>,
    diagnostics: &mut Diagnostics,
) {
    for node in kdl::parse(sources, file, diagnostics).unwrap_or_default() {
        if !node.is("include") {
            nodes.push(node);
            continue;
        }
        if let Some(included) = follow(sources, file, &node, way, diagnostics) {
            way.open.push(included);
            splice(sources, included, way, nodes, diagnostics);
            way.open.pop();
        }
    }
}

/// Opens what an `include` names.
fn follow(
    sources: &mut Sources,
    from: FileId,
    node: &Node,
    way: &mut Way,
    diagnostics: &mut Diagnostics,
) -> Option<FileId> {
    let usage = "write `include \"hosts.kdl\"`, a file beside or below this one";
    let value = match node.args.as_slice() {
        [value] if value.as_str().is_some_and(|name| !name.is_empty()) => value,
        _ => {
            let diagnostic = Diagnostic::error(Code::Include, "`include` takes one file name");
            diagnostics.push(diagnostic.at(node.head, "").help(usage));
            return None;
        }
    };
    let mut refuse = |code: Code, message: String, span: Span, help: &str| {
        diagnostics.push(Diagnostic::error(code, message).at(span, "").help(help));
        None
    };
    if !node.children.is_empty() || !node.props.is_empty() || value.annotation.is_some() {
        return refuse(Code::Include, "`include` takes a file name alone".into(), node.head, usage);
    }
    let Some(name) = value.as_str().and_then(|name| beside(&sources.file(from).name, name)) else {
        let message = "an include stays in the description's folder".to_owned();
        return refuse(Code::Include, message, value.span, usage);
    };
    let id = match sources.open_inside(&name) {
        Ok(id) => id,
        Err(message) => return refuse(Code::CannotRead, message, value.span, usage),
    };
    if way.open.contains(&id) {
        let message = format!("`{name}` includes itself");
        return refuse(Code::Include, message, value.span, "take this include out");
    }
    if way.open.len() > MAX_CHAIN {
        let message = format!("more than {MAX_CHAIN} files that include each other in a chain");
        return refuse(Code::TooDeep, message, value.span, "include them from one file");
    }
    if let Some(first) = way.taken.insert(id, value.span) {
        let diagnostic = Diagnostic::error(Code::Include, format!("`{name}` is included twice"));
        let diagnostic = diagnostic.at(value.span, "the second one").at(first, "the first one");
        diagnostics.push(diagnostic.help("take one of them out"));
        return None;
    }
    Some(id)
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
