//! Our nodes as KDL 2 text: what `clustergen expand` shows, and what can be built again.

use std::fmt::Write;

use super::node::{Document, Node, Scalar, Value};
use crate::quote::behind_backslash;

/// Four spaces a level, strings always quoted, a blank line between top-level nodes.
#[must_use]
pub fn print(document: &Document) -> String {
    let mut out = String::new();
    for (at, node) in document.nodes.iter().enumerate() {
        if at > 0 && !(flat(node) && flat(&document.nodes[at - 1]) && alike(document, at)) {
            out.push('\n');
        }
        if let Some(by) = &node.made_by {
            let _ = writeln!(out, "// filled in by {by}");
        }
        print_node(node, 0, &mut out);
    }
    out
}

fn flat(node: &Node) -> bool {
    node.children.is_empty() && node.made_by.is_none()
}

fn alike(document: &Document, at: usize) -> bool {
    document.nodes[at].name.value == document.nodes[at - 1].name.value
}

fn print_node(node: &Node, level: usize, out: &mut String) {
    let indent = "    ".repeat(level);
    let _ = write!(out, "{indent}{}", word(&node.name.value));
    for arg in &node.args {
        let _ = write!(out, " {}", value(arg));
    }
    for prop in &node.props {
        let _ = write!(out, " {}={}", word(&prop.name.value), value(&prop.value));
    }
    if !node.children.is_empty() {
        out.push_str(" {\n");
        for child in &node.children {
            print_node(child, level + 1, out);
        }
        out.push_str(&indent);
        out.push('}');
    }
    out.push('\n');
}

fn value(value: &Value) -> String {
    let annotation = value.annotation.as_ref().map(|it| format!("({})", word(&it.value)));
    let scalar = match &value.scalar {
        Scalar::String(text) => quoted(text),
        Scalar::Integer(number) => number.to_string(),
        Scalar::Float(number) if number.is_nan() => "#nan".to_owned(),
        Scalar::Float(number) if number.is_infinite() && *number > 0.0 => "#inf".to_owned(),
        Scalar::Float(number) if number.is_infinite() => "#-inf".to_owned(),
        Scalar::Float(number) => format!("{number:?}"),
        Scalar::Bool(yes) => format!("#{yes}"),
        Scalar::Null => "#null".to_owned(),
    };
    annotation.unwrap_or_default() + &scalar
}

/// A bare word where every reader takes it for one, else a string.
fn word(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !["true", "false", "null", "inf", "nan"].contains(&text);
    if plain { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        let letter = match c {
            '\u{8}' => Some('b'),
            '\u{c}' => Some('f'),
            c => behind_backslash(c),
        };
        match letter {
            Some(letter) => out.extend(['\\', letter]),
            None if hidden(c) => drop(write!(out, "\\u{{{:x}}}", u32::from(c))),
            None => out.push(c),
        }
    }
    out.push('"');
    out
}

/// What KDL 2 forbids in a text, or breaks lines at.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
        || ('\u{200e}'..='\u{200f}').contains(&c)
        || ('\u{202a}'..='\u{202e}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c)
}
