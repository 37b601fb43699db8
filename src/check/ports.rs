//! CG0401: two programs cannot listen on one port of a host.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::{Facts, Listener, Protocol};
use crate::model::value::Port;

pub(super) fn no_port_twice(inventory: &Inventory, facts: &Facts, diagnostics: &mut Diagnostics) {
    for host in inventory.ids() {
        let mut seen: BTreeMap<(Port, Protocol), &Listener> = BTreeMap::new();
        for listener in facts.listeners_of(host) {
            let Some(first) = seen.insert((listener.port, listener.protocol), listener) else {
                continue;
            };
            if first.shared.is_some() && first.shared == listener.shared {
                continue;
            }
            let name = &inventory.host(host).name;
            let message = format!("two programs listen on port {} of `{name}`", listener.port);
            diagnostics.push(
                Diagnostic::error(Code::PortTaken, message)
                    .at(listener.origin.span, listener.what.clone())
                    .at(first.origin.span, first.what.clone())
                    .help("give one of them another port, or another host"),
            );
        }
    }
}
