//! A product's `load-balancer`: hosts of ours, or one that somebody else runs.
//!
//! In: the product's child. Out: which it is, and the start of a `balancer` node for the second;
//! what is behind it is the product's to say.

use super::Expand;
use super::part::node;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::node::{Node, Value};

/// The word that stands before the name of one that is not ours.
const EXTERNAL: &str = "external";

/// Who takes the clients' requests.
pub(super) enum Balancer {
    /// Hosts, and what a person changes in what they get.
    Ours(Node),
    External(External),
}

pub(super) struct External {
    address: Value,
    from: Node,
    span: Span,
}

impl Balancer {
    /// `None` after a fault was told.
    pub(super) fn read(written: &Node, cx: &mut Expand) -> Option<Self> {
        let external = written.label() == Some(EXTERNAL) && cx.inventory.set(EXTERNAL).is_none();
        if !external {
            if let Some(from) = written.child("from") {
                let message = "`from` says from where somebody else's load balancer connects";
                refuse(message, from.head, "take it out: this one is a host of ours", cx);
            }
            return Some(Self::Ours(written.clone()));
        }
        let usage = "write `load-balancer external \"vip.example.org\" { from \"f5\" }`";
        let [_, address] = written.args.as_slice() else {
            let message = "an external load balancer has one name, where clients reach it";
            let diagnostic = Diagnostic::error(Code::Missing, message);
            cx.diagnostics.push(diagnostic.at(written.head, "").help(usage));
            return None;
        };
        let Some(from) = written.child("from") else {
            let message = "nobody says from where the load balancer connects";
            let help = "declare `host \"f5\" address=\"…\" managed=#false` for each of its addresses, and write `from \"f5\"`";
            let diagnostic = Diagnostic::error(Code::Missing, message);
            cx.diagnostics.push(diagnostic.at(written.head, "").help(help));
            return None;
        };
        for child in written.children.iter().filter(|child| !child.is("from")) {
            let message = format!("`{}` is for a load balancer of ours", child.name.value);
            let help = "take it out, and tell who runs this one";
            refuse(&message, child.head, help, cx);
        }
        let external =
            External { address: address.clone(), from: from.clone(), span: written.head };
        Some(Self::External(external))
    }

    /// `from`, with the hosts from which it connects.
    pub(super) fn from(&self) -> Node {
        match self {
            Self::Ours(written) => Node::new("from", written.args.clone(), written.head),
            Self::External(external) => external.from.clone(),
        }
    }

    /// What a careful administrator would want to know before the first build.
    pub(super) fn judge(&self, cx: &mut Expand) {
        let Self::Ours(written) = self else { return };
        if cx.inventory.resolve(&written.args, cx.diagnostics).len() == 1 {
            let message = "one load balancer is a single point of failure";
            let help = "add a second host to `load-balancer`, and move the address between them";
            let diagnostic = Diagnostic::warning(Code::SinglePoint, message);
            cx.diagnostics.push(diagnostic.at(written.head, "").help(help));
        }
    }
}

impl External {
    /// `balancer "name"` with its address and from where it connects.
    pub(super) fn node(&self, name: &str, span: Span) -> Node {
        node("balancer", &[name], span)
            .with_child(Node::new("address", vec![self.address.clone()], self.span))
            .with_child(self.from.clone())
    }
}

fn refuse(message: &str, span: Span, help: &str, cx: &mut Expand) {
    let diagnostic = Diagnostic::error(Code::OnlyOneOf, message);
    cx.diagnostics.push(diagnostic.at(span, "").help(help));
}
