//! CG0402: a file has one owner; CG0412: none has what `apply.sh` keeps, the host's accounts, or what
//! the kernel shows as files. Services of one kind may share one: a daemon's configuration, or a file
//! of others in which they have a block or keys.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::{Claim, ClaimKind, Facts, service_kind};
use crate::model::own;

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
            // what was written later is what a person has just changed
            let mut both = [first, claim];
            both.sort_by_key(|it| std::cmp::Reverse(it.origin.span));
            diagnostics.push(
                Diagnostic::error(Code::PathTaken, message)
                    .at(both[0].origin.span, format!("`{}` writes it", both[0].owner))
                    .at(both[1].origin.span, format!("`{}` writes it too", both[1].owner))
                    .help("take the path out of one of them"),
            );
        }
        no_file_in_a_file(&inventory.host(host).name, &seen, diagnostics);
    }
}

/// Nothing can lie below a file.
fn no_file_in_a_file(host: &str, seen: &BTreeMap<&str, &Claim>, diagnostics: &mut Diagnostics) {
    for (path, claim) in seen {
        let file = |at: usize| seen.get(&path[..at]).filter(|it| it.kind != ClaimKind::Folder);
        let above = path.match_indices('/').skip(1).find_map(|(at, _)| file(at));
        let Some(above) = above else { continue };
        let message = format!("`{}` is a file and a folder on `{host}`", above.path);
        diagnostics.push(
            Diagnostic::error(Code::PathTaken, message)
                .at(claim.origin.span, format!("`{}` writes a file below it", claim.owner))
                .at(above.origin.span, format!("`{}` writes it as a file", above.owner))
                .help("take the path out of one of them"),
        );
    }
}

/// CG0412: what `apply.sh` keeps for itself is nobody's to write.
pub(super) fn nothing_of_apply_sh(
    inventory: &Inventory,
    facts: &Facts,
    diagnostics: &mut Diagnostics,
) {
    let cluster = &inventory.cluster.name;
    for claim in &facts.claims {
        let path = claim.path.as_str();
        let others = own::is_of_others(path, cluster, &claim.owner);
        if !others || matches!(claim.kind, ClaimKind::Synced { .. }) {
            continue;
        }
        let message = format!("`{path}` is where `apply.sh` keeps what it did");
        diagnostics.push(
            Diagnostic::error(Code::Unsafe, message)
                .at(claim.origin.span, format!("`{}` writes it", claim.owner))
                .help("choose another path"),
        );
    }
}

/// Where the host's users and groups are (passwd(5), shadow(5), group(5), gshadow(5)).
const ACCOUNTS: [&str; 4] = ["/etc/group", "/etc/gshadow", "/etc/passwd", "/etc/shadow"];

/// What the kernel shows, and what is empty after a boot (hier(7)); `/var/run` leads to `/run`.
const KERNELS: [&str; 2] = ["/proc", "/sys"];
const PASSING: [&str; 3] = ["/dev", "/run", "/var/run"];

/// CG0412: who could be anybody's to write, and must not be.
pub(super) fn nothing_of_the_system(_: &Inventory, facts: &Facts, diagnostics: &mut Diagnostics) {
    for claim in &facts.claims {
        let path = claim.path.as_str();
        let below =
            |folder: &&str| path.strip_prefix(*folder).is_some_and(|it| it.starts_with('/'));
        let (diagnostic, help) = if ACCOUNTS.contains(&path) {
            let message = format!("`{path}` has the users and groups of the host");
            (
                Diagnostic::error(Code::Unsafe, message),
                "describe a `user` for each that is to be there",
            )
        } else if KERNELS.iter().any(below) {
            let message = format!("`{path}` is the kernel's, and no file");
            let help = "write what is to hold from boot on, as into `/etc/sysctl.d/60-app.conf`";
            (Diagnostic::error(Code::Unsafe, message), help)
        } else if PASSING.iter().any(below) {
            let message = format!("`{path}` is gone after a boot");
            let help = "write it elsewhere, or have it made at each boot: tmpfiles.d(5)";
            (Diagnostic::warning(Code::Unsafe, message), help)
        } else {
            continue;
        };
        let label = format!("`{}` writes it", claim.owner);
        diagnostics.push(diagnostic.at(claim.origin.span, label).help(help));
    }
}

/// Services of one kind make one thing of what they put into a file.
fn agree(a: &Claim, b: &Claim) -> bool {
    let (kind, other) = (service_kind(&a.owner), service_kind(&b.owner));
    let daemon = kind == other && !["file", "certificate"].contains(&kind);
    daemon || a.owner == b.owner && a.origin == b.origin
}
