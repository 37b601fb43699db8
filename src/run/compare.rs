//! What a build would write, held against what is there; nothing is written.

use std::collections::BTreeMap;

use super::hosts::{Worked, selected, work};
use super::lock_of;
use super::look::{look_on, open_state, read};
use super::place::{Old, Place};
use super::report::{Fault, Report};
use crate::diff::{HostDiff, readers};
use crate::identity::{Dry, Locked, Maker, Mint, Refusal, Sealing, Stamp, VaultIs};
use crate::output::{ClusterJson, top_files};

/// Compares what a build would write with what is there; writes nothing, needs no vault. With
/// `rehearse`, what is not allotted yet is made up; without, it is a fault.
///
/// # Errors
/// The surroundings are in the way.
pub fn compare_with(place: Place<'_>, rehearse: bool) -> Result<Report<'_>, Fault> {
    compare_against(place, place.old(), rehearse)
}

/// As [`compare_with`], with an output that may lie elsewhere.
///
/// # Errors
/// The surroundings are in the way.
pub fn compare_against<'a>(
    place: Place<'a>,
    old: Old,
    rehearse: bool,
) -> Result<Report<'a>, Fault> {
    place.watch.stage("open");
    let state = open_state(place)?;
    let refusal = match state.vault {
        VaultIs::Closed => Refusal::Closed,
        VaultIs::Absent => Refusal::NoVault,
        VaultIs::Open => Refusal::NotBuilt,
    };
    let mint: &mut dyn Mint = if rehearse { &mut Dry } else { &mut Locked(refusal.clone()) };
    let mut report = read(place, &state, mint)?;
    if report.compiled.is_none() || report.diagnostics.fatal(place.strict) {
        look_on(&mut report);
        return Ok(report);
    }
    let Some(compiled) = report.compiled.as_ref() else { return Ok(report) };
    let hosts = selected(compiled, &[])?;
    let maker = if rehearse { Maker::Rehearsal } else { Maker::Nobody(&refusal) };
    let lock = &compiled.allotted.lock;
    let judges = state.vault == VaultIs::Open && !lock.seals.is_empty();
    let stamp = judges.then(|| Stamp::of(place.safe())).transpose()?;
    let sealing = Sealing { state: &state, lock, maker, stamp: stamp.as_ref() };
    let Worked { found, mut outcomes, runbook } =
        work(place.watch, old, &hosts, compiled, &report.sources, sealing, None)?;
    let (lock, _) = lock_of(compiled, &mut outcomes, true);
    let (mut diffs, mut digests) = (Vec::new(), BTreeMap::new());
    for outcome in outcomes {
        digests.insert(outcome.host, outcome.digest);
        report.stale.extend(outcome.strange);
        diffs.push(outcome.diff);
    }
    let existing = old.existing(compiled)?;
    let existing = existing.map(|it| it.cluster).unwrap_or_default();
    let gone = existing.hosts.into_keys().filter(|host| !digests.contains_key(host));
    diffs.extend(gone.map(|host| HostDiff::Gone { host }));
    let known_hosts = old.known_hosts(compiled)?;
    let json = ClusterJson::of(compiled, digests);
    let tops = top_files(runbook, &json, known_hosts);
    for (name, _) in old.stale(tops)? {
        report.stale.push(format!("`{name}` is not what a build would write"));
    }
    let lock = lock.print(place.name);
    if state.lock.as_deref().map(|it| it.replace("\r\n", "\n")) != Some(lock) {
        report.stale.push("the lock is not what a build would write".to_owned());
    }
    let fatal = found.fatal(place.strict);
    report.diagnostics.extend(found);
    report.diffs = (!fatal).then_some(diffs);
    report.readers = readers(&existing.readers, &json.readers);
    Ok(report)
}
