//! The whole way once: read, compile, compare, write; or compare alone.
//!
//! In: a [`Place`]. Out: a [`Report`] for the edge to print. Not here: arguments, printing.

mod compare;
mod hosts;
mod look;
mod opened;
mod place;
mod report;

pub use compare::{compare_against, compare_with};
pub(crate) use hosts::selected;
pub use look::look;
pub(crate) use look::{open_state, read, read_changed};
pub(crate) use opened::Opened;
pub use place::{Old, Place};
pub use report::{Fault, Report};

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use crate::Compiled;
use crate::diff::{HostDiff, ReaderDiff, page, readers};
use crate::identity::{
    Lock, Locked, Maker, Mint, Sealing, State, StateWrites, Vault, VaultIs, sealed_in,
};
use crate::model::host::HostId;
use crate::model::settled::Settled;
use crate::output::{
    ClusterJson, Stage, StagedHost, finish, read_host, recover, top_files, write_state,
};
use hosts::{Outcome, Worked, work};
use look::look_on;
use report::at_out;

/// Reads, compiles, writes. `only` names the hosts of a partial build; none names all.
///
/// # Errors
/// The surroundings are in the way, or what was asked for does not fit.
pub fn build<'a>(
    place: Place<'a>,
    only: &[String],
    now: OffsetDateTime,
) -> Result<Report<'a>, Fault> {
    place.watch.stage("open");
    let existed = !at_out(place.disk.list(place.out), place.out)?.is_empty();
    recover(place.disk, place.out)?;
    let state = open_state(place)?;
    of_one_piece(&state, place)?;
    let without_vault = state.without_vault();
    let mut vault = Vault::new(place.safe(), now);
    let mut locked = without_vault.clone().map(Locked);
    let mint: &mut dyn Mint = match &mut locked {
        Some(locked) => locked,
        None => &mut vault,
    };
    let mut report = read(place, &state, mint)?;
    report.without_vault.clone_from(&without_vault);
    if report.compiled.is_none() || report.diagnostics.fatal(place.strict) {
        look_on(&mut report);
        return Ok(report);
    }
    let Some(compiled) = report.compiled.as_ref() else { return Ok(report) };
    let existing = place.old().existing(compiled)?;
    if existing.is_some() {
        not_of_nothing(&state, place)?;
    }
    let hosts = selected(compiled, only)?;
    let stage = Stage::new(place.disk, place.out)?;
    let worked = work_on(place, &state, &report, compiled, &mut vault, &hosts, &stage);
    if worked.as_ref().map_or(true, |it| it.found.fatal(place.strict)) {
        undo(place, existed)?;
    }
    let mut worked = worked?;
    if worked.found.fatal(place.strict) {
        report.diagnostics.extend(worked.found);
        return Ok(report);
    }
    let whole = only.is_empty();
    let mut writes = state_writes(place, &state, compiled, &mut worked.outcomes, whole);
    if writes.lock.is_some() && !whole {
        undo(place, existed)?;
        let why = "a partial build cannot change the lock: build the whole cluster first";
        return Err(Fault::Asked(why.to_owned()));
    }
    let before = existing.map(|it| it.cluster).unwrap_or_default();
    place.watch.stage("write");
    let Worked { found, outcomes, runbook } = worked;
    let rest = Rest { outcomes, runbook, before, whole };
    let Changes { swaps, diffs, readers } = stage_rest(place, &stage, compiled, rest)?;
    writes.vault = vault.into_writes(&compiled.readers.vault)?;
    // the state first: what a bundle names has to be there
    write_state(place.disk, place.state_path, &writes)?;
    finish(place.disk, place.out, &swaps)?;
    report.diagnostics.extend(found);
    report.diffs = Some(diffs);
    report.readers = readers;
    Ok(report)
}

/// Lowers, renders, seals and stages the hosts.
fn work_on(
    place: Place,
    state: &State,
    report: &Report,
    compiled: &Compiled,
    vault: &mut Vault,
    hosts: &[HostId],
    stage: &Stage,
) -> Result<Worked, Fault> {
    let without_vault = &report.without_vault;
    let stamps = without_vault.is_none() && state.vault != VaultIs::Closed && seals(compiled);
    let stamp = stamps.then(|| vault.stamp()).transpose()?;
    let maker = without_vault.as_ref().map_or(Maker::Vault(vault), Maker::Nobody);
    let (lock, stamp) = (&compiled.allotted.lock, stamp.as_ref());
    let sealing = Sealing { state, lock, maker, stamp };
    work(place.watch, place.old(), hosts, compiled, &report.sources, sealing, Some(stage))
}

/// What the state is to become, but for the vault; the lock where it changes.
fn state_writes(
    place: Place,
    state: &State,
    compiled: &Compiled,
    outcomes: &mut [Outcome],
    whole: bool,
) -> StateWrites {
    let (lock, seals) = lock_of(compiled, outcomes, whole);
    let lock = lock.print(place.name);
    let same = state.has_lock && state.lock.as_deref() == Some(lock.as_str());
    let certificates = compiled.allotted.certificates.clone();
    StateWrites { certificates, lock: (!same).then_some(lock), ..seals }
}

/// Whether anything may have to be sealed.
fn seals(compiled: &Compiled) -> bool {
    let Settled { leaves, secrets, .. } = &compiled.allotted.settled;
    let values = leaves.len() + secrets.len();
    values > 0 && !compiled.readers.hosts.is_empty()
}

/// The lock with what was sealed, and the blobs that are new or of use no more. A host that was not
/// built keeps its own.
fn lock_of(compiled: &Compiled, outcomes: &mut [Outcome], whole: bool) -> (Lock, StateWrites) {
    let mut lock = compiled.allotted.lock.clone();
    let old: BTreeSet<String> = lock.seals.keys().cloned().collect();
    if whole {
        lock.seals.clear();
    }
    let mut writes = StateWrites::default();
    for outcome in outcomes {
        let Some(sealed) = outcome.sealed.take() else { continue };
        if sealed.fresh {
            writes.sealed.insert(outcome.host.clone(), sealed.blob);
        }
        lock.seals.insert(outcome.host.clone(), sealed.line);
    }
    let gone = old.iter().filter(|host| !lock.seals.contains_key(*host));
    writes.gone = gone.map(|host| format!("sealed/{host}.age")).collect();
    (lock, writes)
}

/// Certificates whose keys nobody knows any more are not replaced without a word.
fn of_one_piece(state: &State, place: Place) -> Result<(), Fault> {
    if state.has_lock || state.vault != VaultIs::Absent || !state.has_certificates {
        return Ok(());
    }
    Err(Fault::Environment(format!(
        "`{}` has certificates, but neither lock nor vault: take the lock from the last commit",
        place.state_path.display()
    )))
}

/// Bundles that were built with a state are not built anew without it: every key would be another one.
fn not_of_nothing(state: &State, place: Place) -> Result<(), Fault> {
    if state.has_lock || state.vault != VaultIs::Absent {
        return Ok(());
    }
    let (out, path) = (place.out.display(), place.state_path.display());
    Err(Fault::Environment(format!(
        "`{out}` was built with a state, and `{path}` has neither lock nor vault: fetch what was committed, or name it with `--state`. Without it all keys and passwords would be made anew; to have that, delete `{out}` first"
    )))
}

/// Takes back what was staged, and the output folder where it was not there before.
fn undo(place: Place, existed: bool) -> Result<(), Fault> {
    recover(place.disk, place.out)?;
    if !existed {
        at_out(place.disk.remove_folder(place.out), place.out)?;
    }
    Ok(())
}

/// What remains when the hosts are staged.
struct Rest {
    outcomes: Vec<Outcome>,
    runbook: String,
    /// What the last build says of itself.
    before: ClusterJson,
    /// Whether all hosts were built: what is not among them is gone.
    whole: bool,
}

/// What is to take its place, and what that changes.
struct Changes {
    swaps: Vec<StagedHost>,
    diffs: Vec<HostDiff>,
    readers: Vec<ReaderDiff>,
}

/// Stages the end of hosts that are no longer described, and the output folder's own files.
fn stage_rest(
    place: Place,
    stage: &Stage,
    compiled: &Compiled,
    rest: Rest,
) -> Result<Changes, Fault> {
    let (mut swaps, mut diffs, mut digests) = (Vec::new(), Vec::new(), BTreeMap::new());
    for outcome in rest.outcomes {
        swaps.extend(outcome.staged);
        digests.insert(outcome.host, outcome.digest);
        diffs.push(outcome.diff);
    }
    let mut kept = BTreeMap::new();
    for (host, digest) in rest.before.hosts {
        if digests.contains_key(&host) {
            continue;
        }
        if !rest.whole {
            kept.insert(host, digest);
            continue;
        }
        if let Some(old) = read_host(place.disk, &place.out.join(&host))? {
            swaps.push(stage.gone(&old, &host)?);
        }
        diffs.push(HostDiff::Gone { host });
    }
    let known_hosts = place.old().known_hosts(compiled)?;
    let mut json = ClusterJson::of(compiled, digests);
    for (host, digest) in kept {
        // a host that was not built opens what it did
        let name = sealed_in(&host);
        json.readers.remove(&name);
        json.readers
            .extend(rest.before.readers.get_key_value(&name).map(|(k, v)| (k.clone(), v.clone())));
        json.hosts.insert(host, digest);
    }
    let readers = readers(&rest.before.readers, &json.readers);
    let tops = top_files(rest.runbook, &json, known_hosts);
    for (name, text) in place.old().stale(tops)? {
        stage.top(name, &text)?;
    }
    if !swaps.is_empty() || !readers.is_empty() {
        stage.top("CHANGES.md", &page(&diffs, &readers))?;
    }
    Ok(Changes { swaps, diffs, readers })
}
