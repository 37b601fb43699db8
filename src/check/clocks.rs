//! CG0201 and CG0410: time servers are named once each, and one alone is none when it fails.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::Facts;

pub(super) fn time_servers_are_enough(
    inventory: &Inventory,
    _: &Facts,
    diagnostics: &mut Diagnostics,
) {
    let servers = &inventory.cluster.time_servers;
    for (at, server) in servers.iter().enumerate() {
        let Some(first) = servers[..at].iter().find(|it| it.value == server.value) else {
            continue;
        };
        let message = format!("the time server `{}` is named twice", server.value);
        diagnostics.push(
            Diagnostic::error(Code::NameTaken, message)
                .at(server.span, "the second one")
                .at(first.span, "the first one")
                .help("take one of them out"),
        );
    }
    if let [only] = servers.as_slice() {
        let message = "one time server is a single point of failure";
        let help = "name four where you can: of two that differ, none knows which is right";
        let diagnostic = Diagnostic::warning(Code::SinglePoint, message);
        diagnostics.push(diagnostic.at(only.span, "").help(help));
    }
}
