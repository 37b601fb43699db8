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
        let synced: Vec<(&Claim, &[String])> = facts
            .claims_of(host)
            .filter_map(|claim| match &claim.kind {
                ClaimKind::Synced { excludes } => Some((claim, &**excludes)),
                _ => None,
            })
            .collect();
        if synced.is_empty() {
            continue;
        }
        for own in facts.claims_of(host).filter(|claim| claim.kind == ClaimKind::PerHost) {
            for (sync, excludes) in &synced {
                let covered = sync.path.covers(&own.path);
                // what a sync needs for itself it leaves out by itself
                let itself = service_kind(&own.owner) == service_kind(&sync.owner);
                let excluded = excludes.iter().any(|it| excludes_path(it, own.path.as_str()));
                if !covered || itself || excluded {
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

/// As csync2 and rsync read a pattern: with a slash it is a path and covers what is below it,
/// without one it is held against every name on the path.
fn excludes_path(pattern: &str, path: &str) -> bool {
    if pattern.contains('/') {
        let rest = path.strip_prefix(pattern.trim_end_matches('/'));
        return rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    }
    path.split('/').any(|name| !name.is_empty() && wildcard(pattern.as_bytes(), name.as_bytes()))
}

/// `*` and `?`; anything else stands for itself, so that a pattern that is not understood
/// excludes too little and the person is asked. Goes back to the last star only, so the work is
/// the product of the lengths at the most.
fn wildcard(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star.as_mut() {
                Some((at, from)) => {
                    *from += 1;
                    (p, n) = (*at + 1, *from);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}
