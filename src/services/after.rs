//! `after`: steps that come before those of a service.
//!
//! In: a node's children. Out: which step, and on which host; of somebody who says no host it is the
//! same one.

use super::Decode;
use crate::model::host::HostId;
use crate::source::Span;
use crate::syntax::node::Node;

pub(super) struct After {
    step: String,
    on: Option<HostId>,
    pub(super) span: Span,
}

impl After {
    /// All that a node says; what names no host is told.
    pub(super) fn all(node: &Node, cx: &mut Decode) -> Vec<Self> {
        node.children_named("after").filter_map(|it| Self::read(it, cx)).collect()
    }

    fn read(child: &Node, cx: &mut Decode) -> Option<Self> {
        let step = child.args.first()?;
        let on = match child.prop("on").cloned() {
            Some(host) => Some(cx.inventory.resolve(&[host], cx.diagnostics).first()?.value),
            None => None,
        };
        Some(Self { step: step.as_str()?.to_owned(), on, span: step.span })
    }

    /// For a step of a host.
    pub(super) fn of(&self, host: HostId) -> (HostId, String) {
        (self.on.unwrap_or(host), self.step.clone())
    }
}
