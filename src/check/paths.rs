//! CG0402: a file has one owner. Blocks and keys may share a file with each other, but with no
//! one who owns the whole of it.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::{Claim, ClaimKind, Facts};

pub(super) fn no_path_twice(inventory: &Inventory, facts: &Facts, diagnostics: &mut Diagnostics) {
    for host in inventory.ids() {
        let mut seen: BTreeMap<&str, &Claim> = BTreeMap::new();
        for claim in facts.claims_of(host) {
            if matches!(claim.kind, ClaimKind::Synced { .. }) {
                continue;
            }
            let Some(first) = seen.insert(claim.path.as_str(), claim) else { continue };
            if agree(first, claim) {
                continue;
            }
            let name = &inventory.host(host).name;
            let message = format!("two owners of `{}` on `{name}`", claim.path);
            diagnostics.push(
                Diagnostic::error(Code::PathTaken, message)
                    .at(claim.origin.span, format!("`{}` writes it", claim.owner))
                    .at(first.origin.span, format!("`{}` writes it too", first.owner))
                    .help("take the path out of one of them"),
            );
        }
    }
}

/// Services of one kind share their daemon's files; blocks and keys share a file.
fn agree(a: &Claim, b: &Claim) -> bool {
    let kind = |claim: &Claim| claim.owner.split('[').next().unwrap_or_default().to_owned();
    let daemon = kind(a) == kind(b) && !["file", "certificate"].contains(&kind(a).as_str());
    daemon
        || (a.kind == ClaimKind::Shared && b.kind == ClaimKind::Shared)
        || a.owner == b.owner && a.origin == b.origin
}
