//! CG0413 and CG0408: one-time steps stand in an order, so none waits for itself or for one that
//! nothing describes.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::{Facts, StepFact};
use crate::model::host::HostId;

pub(super) fn steps_have_an_order(
    inventory: &Inventory,
    facts: &Facts,
    diagnostics: &mut Diagnostics,
) {
    let known: BTreeSet<(HostId, &str)> =
        facts.steps.iter().map(|step| (step.host, step.key.as_str())).collect();
    let of_steps = facts
        .steps
        .iter()
        .flat_map(|step| step.after.iter().map(|(host, key)| (*host, key.as_str(), &step.origin)));
    let of_others = facts.awaited.iter().map(|it| (it.host, it.step.as_str(), &it.origin));
    for (host, key, origin) in of_steps.chain(of_others) {
        if !known.contains(&(host, key)) {
            let name = &inventory.host(host).name;
            let message = format!("`{name}` has no step `{key}` to wait for");
            let help = "name a step of that host: `clustergen expand` shows them all";
            let diagnostic = Diagnostic::error(Code::UnknownName, message);
            diagnostics.push(diagnostic.at(origin.span, "").help(help));
        }
    }
    for step in circles(facts) {
        let name = &inventory.host(step.host).name;
        let message = format!("the step `{}` of `{name}` waits for itself", step.key);
        let help = "steps wait for each other in a circle: take one `after` out";
        diagnostics
            .push(Diagnostic::error(Code::StepCircle, message).at(step.origin.span, "").help(help));
    }
}

/// The steps that wait for themselves; what only waits for one of them is not at fault.
fn circles(facts: &Facts) -> Vec<&StepFact> {
    let steps = &facts.steps;
    let ordered: BTreeSet<u32> = facts.step_order.iter().copied().collect();
    let stuck: BTreeMap<(HostId, &str), &StepFact> = (0_u32..)
        .zip(steps)
        .filter(|(at, _)| !ordered.contains(at))
        .map(|(_, step)| ((step.host, step.key.as_str()), step))
        .collect();
    let waits_for_itself = |step: &&&StepFact| {
        let mut seen: BTreeSet<(HostId, &str)> = BTreeSet::new();
        let mut open = vec![**step];
        while let Some(at) = open.pop() {
            for (host, key) in &at.after {
                let before = (*host, key.as_str());
                if before == (step.host, step.key.as_str()) {
                    return true;
                }
                if seen.insert(before) {
                    open.extend(stuck.get(&before));
                }
            }
        }
        false
    };
    stuck.values().filter(waits_for_itself).copied().collect()
}
