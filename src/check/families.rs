//! CG0431: who dials somebody has an address of a kind, IPv4 or IPv6, that the other has too.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::{Facts, Link};
use crate::model::host::{HostId, HostSet};

pub(super) fn somebody_can_be_reached(
    inventory: &Inventory,
    facts: &Facts,
    diagnostics: &mut Diagnostics,
) {
    for link in &facts.links {
        for six in [false, true] {
            if let Some((from, to)) = apart(link, six, inventory) {
                let (from, to) = (inventory.host(from), inventory.host(to));
                let [kind, other] = if six { ["IPv6", "IPv4"] } else { ["IPv4", "IPv6"] };
                let message = format!(
                    "`{}` has {kind} alone, and `{}` has {other} alone: {}",
                    from.name, to.name, link.why
                );
                diagnostics.push(
                    Diagnostic::warning(Code::Unreachable, message)
                        .at(link.origin.span, "")
                        .at(to.origin.span, format!("an address of {kind} is missing here"))
                        .help("add `address \"…\"` to one of them, unless something between them translates"),
                );
            }
        }
    }
}

/// The first who has a family alone, with the first target that lacks it.
fn apart(link: &Link, six: bool, inventory: &Inventory) -> Option<(HostId, HostId)> {
    let purpose = link.to.purpose.as_ref();
    let alone = |hosts: &HostSet, six: bool| {
        let only = |id: &HostId| {
            let host = inventory.host(*id);
            host.serves(purpose, six) && !host.serves(purpose, !six)
        };
        hosts.iter().find(only)
    };
    Some((alone(&link.from, six)?, alone(&link.to.hosts, !six)?))
}
