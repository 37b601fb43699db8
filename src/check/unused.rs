//! CG0416: what is described, and nothing refers to: mostly a reference was forgotten or misspelt.
//!
//! Upstreams, and groups without ports of their own, are for nothing else. A certificate or a secret
//! is of use to people, too, so it may stand alone.

use std::collections::BTreeSet;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::syntax::node::{Document, Node};

/// Told where nothing is wrong: else what is misspelt is told already.
pub(super) fn nothing_forgotten(document: &Document, diagnostics: &mut Diagnostics) {
    if diagnostics.fatal(false) {
        return;
    }
    let mut said = BTreeSet::new();
    document.nodes.iter().for_each(|node| collect(node, &mut said));
    for node in &document.nodes {
        if node.is("group") && node.child("listens").is_none() {
            tell(node, |name| said.contains(name), diagnostics);
        }
        let mut own = BTreeSet::new();
        node.children.iter().for_each(|child| collect(child, &mut own));
        // raw lines may name one, too
        let words = |it| str::split(it, |c: char| !c.is_ascii_alphanumeric() && c != '-');
        let own: BTreeSet<&str> = own.into_iter().flat_map(words).collect();
        for it in node.children.iter().filter(|it| it.is("upstream") || it.is("pool")) {
            tell(it, |name| own.contains(name), diagnostics);
        }
    }
}

/// All texts, but for the names of those that are looked at.
fn collect<'a>(node: &'a Node, said: &mut BTreeSet<&'a str>) {
    let own = usize::from(["group", "upstream", "pool"].contains(&node.name.value.as_str()));
    let props = node.props.iter().map(|prop| &prop.value);
    said.extend(node.args.iter().skip(own).chain(props).filter_map(|value| value.as_str()));
    node.children.iter().for_each(|child| collect(child, said));
}

fn tell(node: &Node, is_said: impl Fn(&str) -> bool, diagnostics: &mut Diagnostics) {
    let Some(name) = node.label().filter(|name| !is_said(name)) else { return };
    let message = format!("nothing uses the {} `{name}`", node.name.value);
    let diagnostic = Diagnostic::warning(Code::Unused, message).at(node.head, "");
    diagnostics.push(diagnostic.help("name it where it is meant to be, or take it out"));
}
