//! `listens`: ports of programs that the description does not manage.
//!
//! It puts nothing on a host: it is what the page of ports, `links` and the firewall know of a
//! vendor's own daemons. A group's `listens` is the same for one port.

use super::decode::set;
use super::{Checking, Declare, Decode, Located, Lowering, Service, read};
use crate::diag::Diagnostics;
use crate::inventory::Inventory;
use crate::model::facts::{Audience, Bind, Endpoint, Link, Listener, Protocol};
use crate::model::host::HostSet;
use crate::model::value::Port;
use crate::source::Spanned;
use crate::syntax::node::Node;

pub(super) struct Listens {
    on: HostSet,
    ports: Vec<(Spanned<Port>, String)>,
    from: HostSet,
}

impl Service for Listens {
    const KIND: &'static str = "listens";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        let on = set(&cx.managed_hosts(node, "on"));
        let port = |child: &Node| {
            let [port, what] = child.args.as_slice() else { return None };
            Some((read::port(port)?, read::text(what)?.value))
        };
        let from = match node.child("from") {
            Some(_) => set(&cx.hosts(node, "from")),
            None => on.clone(),
        };
        Some(Self { on, ports: node.children_named("port").filter_map(port).collect(), from })
    }

    fn hosts(&self) -> HostSet {
        self.on.clone()
    }

    fn declare(&self, _: &Inventory, declare: &mut Declare) {
        for (port, what) in &self.ports {
            let (hosts, protocol) = (self.on.clone(), Protocol::Tcp);
            let origin = declare.at(port.span);
            declare.listener(Listener {
                hosts: hosts.clone(),
                bind: Bind::Any,
                port: port.value,
                protocol,
                audience: Audience::Peers,
                what: what.clone(),
                shared: None,
                mutual_tls: false,
                origin: origin.clone(),
            });
            declare.link(Link {
                from: self.from.clone(),
                to: Endpoint { hosts, port: port.value, protocol, purpose: None },
                tls: None,
                why: what.clone(),
                origin,
            });
        }
    }

    fn check(&self, _: &Checking, _: &mut Diagnostics) {}

    fn lower(_: &[Located<Self>], _: &mut Lowering) {}
}
