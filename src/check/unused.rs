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
            tell(node, &said, diagnostics);
        }
        let own = |name| node.children_named(name);
        let mut said = BTreeSet::new();
        node.children.iter().for_each(|child| collect(child, &mut said));
        own("upstream").chain(own("pool")).for_each(|it| tell(it, &said, diagnostics));
    }
}

/// All words that are said, in raw lines too, but for the names of those that are looked at.
fn collect<'a>(node: &'a Node, said: &mut BTreeSet<&'a str>) {
    let own = usize::from(["group", "upstream", "pool"].contains(&node.name.value.as_str()));
    let props = node.props.iter().map(|prop| &prop.value);
    let texts = node.args.iter().skip(own).chain(props).filter_map(|value| value.as_str());
    said.extend(texts.flat_map(|it| it.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')));
    node.children.iter().for_each(|child| collect(child, said));
}

fn tell(node: &Node, said: &BTreeSet<&str>, diagnostics: &mut Diagnostics) {
    let Some(name) = node.label().filter(|name| !said.contains(name)) else { return };
    let message = format!("nothing uses the {} `{name}`", node.name.value);
    let diagnostic = Diagnostic::warning(Code::Unused, message).at(node.head, "");
    diagnostics.push(diagnostic.help("name it where it is meant to be, or take it out"));
}
