//! CG0403: what is a host's own must not lie where a sync keeps files alike: the sync would
//! carry one host's over to the others.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::{Claim, ClaimKind, Facts, service_kind};

pub(super) fn nothing_own_under_a_sync(
    inventory: &Inventory,
    facts: &Facts,
    diagnostics: &mut Diagnostics,
) {
    for host in inventory.ids() {
        let is_sync = |claim: &&Claim| matches!(claim.kind, ClaimKind::Synced { .. });
        let synced: Vec<&Claim> = facts.claims_of(host).filter(is_sync).collect();
        if synced.is_empty() {
            continue;
        }
        for own in facts.claims_of(host).filter(|claim| claim.kind == ClaimKind::PerHost) {
            for sync in &synced {
                // what a sync needs for itself it leaves out by itself
                let itself = service_kind(&own.owner) == service_kind(&sync.owner);
                if itself || !sync.carries(&own.path) {
                    continue;
                }
                let message = format!(
                    "`{}` is each host's own, but `{}` keeps it alike",
                    own.path, sync.owner
                );
                diagnostics.push(
                    Diagnostic::error(Code::UnderSync, message)
                        .at(own.origin.span, format!("`{}` writes it", own.owner))
                        .at(sync.origin.span, "everything below here is carried over")
                        .help(format!("add `exclude \"{}\"` to `{}`", own.path, sync.owner)),
                );
            }
        }
    }
}
