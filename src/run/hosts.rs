//! Hosts, several at once: lowered, rendered, compared with what is there, staged.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use rayon::prelude::*;

use super::place::Old;
use super::report::Fault;
use crate::Compiled;
use crate::diag::{Diagnostics, suggestion};
use crate::diff::{HostDiff, Origins, compare, host_text};
use crate::identity::{Sealed, Sealing};
use crate::model::host::HostId;
use crate::model::plan::HostPlan;
use crate::output::{Stage, StagedHost, foreign, payload, read_host};
use crate::source::Sources;
use crate::watch::Watch;

/// The hosts of these names, sorted; all that get a bundle where there are none.
pub(crate) fn selected(compiled: &Compiled, only: &[String]) -> Result<Vec<HostId>, Fault> {
    let inventory = &compiled.inventory;
    if only.is_empty() {
        return Ok(inventory.managed().collect());
    }
    let mut hosts = Vec::new();
    for name in only {
        let host = inventory.find(name).filter(|id| inventory.host(*id).managed);
        let why = || {
            let managed = inventory.managed().map(|id| inventory.host(id).name.as_str());
            let help = suggestion(name, managed, || {
                "name a host, no group, that is not `managed=#false`".to_owned()
            });
            format!("no bundle is made for a host `{name}`: {help}")
        };
        hosts.push(host.ok_or_else(|| Fault::Asked(why()))?);
    }
    hosts.sort();
    hosts.dedup();
    Ok(hosts)
}

/// What came of one host.
pub(super) struct Outcome {
    pub(super) host: String,
    pub(super) digest: String,
    pub(super) diff: HostDiff,
    pub(super) staged: Option<StagedHost>,
    pub(super) sealed: Option<Sealed>,
    /// Files that lie where generated ones do, and were not generated.
    pub(super) strange: Vec<String>,
}

/// What came of all hosts.
pub(super) struct Worked {
    pub(super) found: Diagnostics,
    pub(super) outcomes: Vec<Outcome>,
    /// Empty where something is wrong.
    pub(super) runbook: String,
}

/// Lowers, renders, compares and stages hosts, several at once; outcomes in the hosts' order.
pub(super) fn work(
    watch: &dyn Watch,
    old: Old,
    hosts: &[HostId],
    compiled: &Compiled,
    sources: &Sources,
    sealing: Sealing,
    stage: Option<&Stage>,
) -> Result<Worked, Fault> {
    watch.stage("lower, render, compare");
    let done = AtomicUsize::new(0);
    let one = |host: &HostId| {
        let outcome = one_host(old, *host, compiled, sources, sealing, stage);
        watch.host(done.fetch_add(1, Relaxed) + 1, hosts.len());
        outcome
    };
    // collected whole, then looked through in order: nothing depends on which thread was faster
    let all: Vec<Result<_, Fault>> = hosts.par_iter().map(one).collect();
    let (mut found, mut outcomes) = (Diagnostics::default(), Vec::new());
    for done in all {
        let (of_host, outcome) = done?;
        found.extend(of_host);
        outcomes.extend(outcome);
    }
    let runbook = compiled.runbook(sources, &mut found).unwrap_or_default();
    Ok(Worked { found, outcomes, runbook })
}

fn one_host(
    old: Old,
    host: HostId,
    compiled: &Compiled,
    sources: &Sources,
    sealing: Sealing,
    stage: Option<&Stage>,
) -> Result<(Diagnostics, Option<Outcome>), Fault> {
    let mut diagnostics = Diagnostics::default();
    let mut plan = compiled.plan(host, &mut diagnostics);
    let sealed = seal(&plan, compiled, sealing, &mut diagnostics);
    plan.sealed = sealed.as_ref().map(|it| it.blob.clone());
    let bundle = if diagnostics.fatal(false) {
        None
    } else {
        compiled.bundle(&plan, sources, &mut diagnostics)
    };
    let Some(bundle) = bundle else { return Ok((diagnostics, None)) };
    let folder = old.out.join(&bundle.host);
    let before = read_host(old.disk, &folder)?;
    let (from, templates) = (compiled.made_from(), &compiled.templates);
    let origins = Origins { plan: &plan, templates, from: &from, sources };
    let diff = compare(before.as_ref(), &bundle, &origins);
    let staged = match (stage, &diff) {
        (None, _) | (_, HostDiff::Same { .. }) => None,
        (Some(stage), diff) => Some(stage.host(before.as_ref(), &bundle, &host_text(diff))?),
    };
    let mut strange = Vec::new();
    if let (None, Some(before)) = (stage, &before) {
        let generated = ["files/", "edits/", "steps/"];
        let known = foreign(old.disk, &folder, &before.files)?;
        let told = known.keys().filter(|path| generated.iter().any(|it| path.starts_with(it)));
        let host = &bundle.host;
        strange.extend(told.map(|path| format!("`{host}/{path}` was not made by clustergen")));
    }
    let (host, digest) = (bundle.host.clone(), bundle.digest());
    Ok((diagnostics, Some(Outcome { host, digest, diff, staged, sealed, strange })))
}

/// A host's secrets, sealed to its keys, where it has keys for that.
fn seal(
    plan: &HostPlan,
    compiled: &Compiled,
    sealing: Sealing,
    diagnostics: &mut Diagnostics,
) -> Option<Sealed> {
    let readers = compiled.readers.hosts.get(&plan.host)?;
    let pack = |values: &_| payload(values).map_err(|error| error.to_string());
    let sealed = sealing.seal(plan, readers, pack, diagnostics);
    let sealed = sealed.map_err(|refusal| {
        let what = format!("`sealed/{}.age`", plan.name);
        diagnostics.push(refusal.told(&what, plan.origin.span));
    });
    sealed.ok().flatten()
}
