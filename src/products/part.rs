//! Parts of products: nodes that a product fills in, and what a person changes in them.

use crate::schema::NodeSchema;
use crate::source::Span;
use crate::syntax::node::{Node, Scalar, Value};

/// `name "arg" "arg"`, at the place that is the reason for it.
pub(super) fn node(name: &str, args: &[&str], span: Span) -> Node {
    let args = args.iter().map(|arg| Value::string(*arg, span)).collect();
    Node::new(name, args, span)
}

/// The port that is a node's argument.
pub(super) fn port(node: &Node) -> Option<u16> {
    match node.args.first()?.scalar {
        Scalar::Integer(number) => u16::try_from(number).ok(),
        _ => None,
    }
}

/// Lays what a person wrote over what a product fills in: it replaces what is single, adds to
/// what is repeatable, and `reset "include"` empties first.
pub(super) fn overlay(mut base: Node, over: &Node, form: &NodeSchema) -> Node {
    for reset in over.children_named("reset") {
        let names: Vec<&str> = reset.args.iter().filter_map(Value::as_str).collect();
        base.children.retain(|child| !names.contains(&child.name.value.as_str()));
    }
    for child in over.children.iter().filter(|child| !child.is("reset")) {
        if form.child(&child.name.value).is_none() {
            continue; // the product's own
        }
        if !form.repeats(&child.name.value) {
            base.children.retain(|known| known.name.value != child.name.value);
        }
        base.children.push(child.clone());
    }
    base
}
