//! What a sync brings is not installed a second time.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::{Claim, ClaimKind, Facts};
use crate::model::plan::{HostPlan, Kind, Resource, Verify};
use crate::model::value::AbsPath;
use crate::quote::sh_word;

/// What lies under a path that a sync fills comes to its source, and the sync brings it to the
/// others: there it is only asked for. Two that install it would undo each other while one of them
/// has an older bundle.
pub(super) fn leave_to_them(
    plan: &mut HostPlan,
    inventory: &Inventory,
    facts: &Facts,
    diagnostics: &mut Diagnostics,
) {
    let host = plan.host;
    let brought = |path: &AbsPath| {
        let source = |claim: &Claim| match &claim.kind {
            ClaimKind::Synced { source, .. } if *source != host => {
                Some((*source, claim.owner.clone()))
            }
            _ => None,
        };
        let (source, sync) =
            facts.claims_of(host).filter(|it| it.carries(path)).find_map(source)?;
        let there = |claim: &Claim| claim.path == *path && claim.kind == ClaimKind::Alike;
        facts.claims_of(source).any(there).then_some((source, sync))
    };
    let files = plan.resources.iter().filter_map(|(key, resource)| match &resource.kind {
        Kind::File(file) => {
            Some((key.clone(), resource.clone(), file.clone(), brought(&file.path)?))
        }
        _ => None,
    });
    for (key, resource, file, (source, sync)) in files.collect::<Vec<_>>() {
        if let Some(unit) = file.on_change.unit() {
            let message = format!(
                "`{sync}` brings `{}` to its other members, and `{unit}` is not told there",
                file.path
            );
            let help = format!(
                "write in `{sync}`: `action {{ pattern \"{}\"; exec \"systemctl reload {unit}\" }}`",
                file.path
            );
            let diagnostic = Diagnostic::warning(Code::NotTakenUp, message);
            diagnostics.push(diagnostic.at(resource.origin.span, "").help(help));
        }
        let title = format!("{} has come from {}", file.path, inventory.host(source).name);
        // a path that sh cannot carry was refused where it was written
        let Ok(path) = sh_word(file.path.as_str(), resource.origin.span) else { continue };
        let command = format!("test -f {}", path.as_str());
        let kind = Kind::Verify(Verify { title, command });
        plan.resources.remove(&key);
        plan.resources.insert(kind.key(), Resource { kind, ..resource });
    }
}
