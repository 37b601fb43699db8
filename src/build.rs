//! The whole way once: read, compile, compare, write; or compare alone.
//!
//! In: a [`Place`]. Out: a [`Report`] for the edge to print. Not here: arguments, printing.

use std::collections::BTreeMap;
use std::io::ErrorKind::NotADirectory;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use rayon::prelude::*;
use time::OffsetDateTime;

use crate::diag::{Diagnostics, suggestion};
use crate::diff::{HostDiff, Origins, compare, host_text, page};
use crate::disk::{Disk, Look};
use crate::identity::{Dry, Lock, Locked, Mint, State, StateWrites, Vault};
use crate::model::host::HostId;
use crate::output::{
    ClusterJson, Existing, OutFault, Stage, StagedHost, finish, foreign, read_host, recover,
    top_files, write_state,
};
use crate::source::{Folder, Sources};
use crate::watch::Watch;
use crate::{Compiled, Given, Knowledge, compile};

/// Where everything lies.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The description's folder, and its name in there.
    pub folder: &'a dyn Folder,
    pub name: &'a str,
    /// The state folder: what is in it, and where writes go.
    pub state: &'a dyn Folder,
    pub state_path: &'a Path,
    pub out: &'a Path,
    pub disk: &'a dyn Disk,
    /// Warnings count as errors.
    pub strict: bool,
    /// Is told how far it is.
    pub watch: &'a dyn Watch,
}

impl<'a> Place<'a> {
    /// What lies in the output folder.
    fn old(self) -> Old<'a> {
        Old { disk: self.disk, out: self.out }
    }
}

/// An output that is compared with what a build would write.
#[derive(Clone, Copy)]
pub struct Old<'a> {
    pub disk: &'a dyn Look,
    pub out: &'a Path,
}

/// Why nothing came of it, beside faults of the description, which are in the [`Report`].
#[derive(Debug)]
pub enum Fault {
    /// What was asked for does not go with the description: a sentence.
    Asked(String),
    /// The surroundings: a file, a lock, the disk.
    Environment(String),
    /// Our own fault.
    Bug(String),
}

impl From<OutFault> for Fault {
    fn from(fault: OutFault) -> Self {
        Self::Environment(fault.to_string())
    }
}

/// What came of it.
pub struct Report<'a> {
    pub sources: Sources<'a>,
    pub diagnostics: Diagnostics,
    pub compiled: Option<Compiled>,
    /// What changes; `None` where the description is wrong.
    pub diffs: Option<Vec<HostDiff>>,
    /// What else is not as a build would write it, a sentence each.
    pub stale: Vec<String>,
    /// Everything came from the lock, because the vault is not here.
    pub without_vault: bool,
}

impl Report<'_> {
    /// The page of changes.
    #[must_use]
    pub fn page(&self) -> Option<String> {
        self.diffs.as_deref().map(page)
    }

    /// Whether a build would change nothing.
    #[must_use]
    pub fn fresh(&self) -> bool {
        let same = |diff: &HostDiff| matches!(diff, HostDiff::Same { .. });
        self.stale.is_empty() && self.diffs.as_ref().is_some_and(|diffs| diffs.iter().all(same))
    }
}

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
    if !state.has_lock && !state.has_vault && state.has_certificates {
        return Err(Fault::Environment(format!(
            "`{}` has certificates, but neither lock nor vault: take the lock from the last commit",
            place.state_path.display()
        )));
    }
    let without_vault = state.has_lock && !state.has_vault && state.needs_vault();
    let mut vault = Vault::new(place.state, now);
    let mint: &mut dyn Mint = if without_vault { &mut Locked } else { &mut vault };
    let mut report = read(place, &state, mint)?;
    report.without_vault = without_vault;
    if report.compiled.is_none() || report.diagnostics.fatal(place.strict) {
        look_on(&mut report);
        return Ok(report);
    }
    let Some(compiled) = report.compiled.as_ref() else { return Ok(report) };
    let existing = existing(place.old(), compiled)?;
    let hosts = selected(compiled, only)?;
    let lock = compiled.allotted.lock.print(place.name);
    let lock_changes = !state.has_lock || state.lock.as_deref() != Some(lock.as_str());
    if lock_changes && !only.is_empty() {
        let why = "a partial build cannot change the lock: build the whole cluster first";
        return Err(Fault::Asked(why.to_owned()));
    }
    let stage = Stage::new(place.disk, place.out)?;
    let worked = work(place.watch, place.old(), &hosts, compiled, &report.sources, Some(&stage));
    if worked.as_ref().map_or(true, |it| it.found.fatal(place.strict)) {
        recover(place.disk, place.out)?;
        if !existed {
            at_out(place.disk.remove_folder(place.out), place.out)?;
        }
    }
    let worked = worked?;
    if worked.found.fatal(place.strict) {
        report.diagnostics.extend(worked.found);
        return Ok(report);
    }
    let before = existing.map(|it| it.cluster.hosts).unwrap_or_default();
    place.watch.stage("write");
    let Worked { found, outcomes, runbook } = worked;
    let rest = Rest { outcomes, runbook, before, whole: only.is_empty() };
    let (swaps, diffs) = stage_rest(place, &stage, compiled, rest)?;
    let writes = StateWrites {
        vault: vault.into_writes(),
        certificates: compiled.allotted.certificates.clone(),
        lock: lock_changes.then_some(lock),
    };
    // the state first: what a bundle names has to be there
    write_state(place.disk, place.state_path, &writes)?;
    finish(place.disk, place.out, &swaps)?;
    report.diagnostics.extend(found);
    report.diffs = Some(diffs);
    Ok(report)
}

/// What remains when the hosts are staged.
struct Rest {
    outcomes: Vec<Outcome>,
    runbook: String,
    /// The hosts of the last build, with their digests.
    before: BTreeMap<String, String>,
    /// Whether all hosts were built: what is not among them is gone.
    whole: bool,
}

/// Stages the end of hosts that are no longer described, and the output folder's own files.
fn stage_rest(
    place: Place,
    stage: &Stage,
    compiled: &Compiled,
    rest: Rest,
) -> Result<(Vec<StagedHost>, Vec<HostDiff>), Fault> {
    let (mut swaps, mut diffs, mut digests) = (Vec::new(), Vec::new(), BTreeMap::new());
    for outcome in rest.outcomes {
        swaps.extend(outcome.staged);
        digests.insert(outcome.host, outcome.digest);
        diffs.push(outcome.diff);
    }
    for (host, digest) in rest.before {
        if digests.contains_key(&host) {
            continue;
        }
        if !rest.whole {
            digests.insert(host, digest);
            continue;
        }
        if let Some(old) = read_host(place.disk, &place.out.join(&host))? {
            swaps.push(stage.gone(&old, &host)?);
        }
        diffs.push(HostDiff::Gone { host });
    }
    let tops = top_files(rest.runbook, &ClusterJson::of(compiled, digests));
    for (name, text) in stale(place.old(), tops)? {
        stage.top(name, &text)?;
    }
    if !swaps.is_empty() {
        stage.top("CHANGES.md", &page(&diffs))?;
    }
    Ok((swaps, diffs))
}

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
    let mint: &mut dyn Mint = if rehearse { &mut Dry } else { &mut Locked };
    let mut report = read(place, &state, mint)?;
    if report.compiled.is_none() || report.diagnostics.fatal(place.strict) {
        look_on(&mut report);
        return Ok(report);
    }
    let Some(compiled) = report.compiled.as_ref() else { return Ok(report) };
    let hosts = selected(compiled, &[])?;
    let Worked { found, outcomes, runbook } =
        work(place.watch, old, &hosts, compiled, &report.sources, None)?;
    let (mut diffs, mut digests) = (Vec::new(), BTreeMap::new());
    for outcome in outcomes {
        digests.insert(outcome.host, outcome.digest);
        report.stale.extend(outcome.strange);
        diffs.push(outcome.diff);
    }
    let existing = existing(old, compiled)?;
    let existing = existing.map(|it| it.cluster.hosts).unwrap_or_default();
    let gone = existing.into_keys().filter(|host| !digests.contains_key(host));
    diffs.extend(gone.map(|host| HostDiff::Gone { host }));
    for (name, _) in stale(old, top_files(runbook, &ClusterJson::of(compiled, digests)))? {
        report.stale.push(format!("`{name}` is not what a build would write"));
    }
    let lock = compiled.allotted.lock.print(place.name);
    if state.lock.as_deref().map(|it| it.replace("\r\n", "\n")) != Some(lock) {
        report.stale.push("the lock is not what a build would write".to_owned());
    }
    let fatal = found.fatal(place.strict);
    report.diagnostics.extend(found);
    report.diffs = (!fatal).then_some(diffs);
    Ok(report)
}

/// The output of the last build, where it is this cluster's.
fn existing(old: Old, compiled: &Compiled) -> Result<Option<Existing>, Fault> {
    let existing = Existing::open(old.disk, old.out)?;
    let name = &compiled.inventory.cluster.name;
    match existing {
        Some(other) if other.cluster.cluster != *name => Err(Fault::Environment(format!(
            "`{}` holds the bundles of the cluster `{}`, not of `{name}`: name another folder with `-o`, or delete this one where the cluster has a new name",
            old.out.display(),
            other.cluster.cluster,
        ))),
        existing => Ok(existing),
    }
}

/// Reads and compiles, and looks at every host; nothing is compared or written.
///
/// # Errors
/// The surroundings are in the way.
pub fn look(place: Place<'_>) -> Result<Report<'_>, Fault> {
    let state = open_state(place)?;
    let mut report = read(place, &state, &mut Dry)?;
    look_on(&mut report);
    Ok(report)
}

pub(crate) fn open_state(place: Place<'_>) -> Result<State<'_>, Fault> {
    let path = place.state_path.display();
    let entries = place.disk.list(place.state_path).map_err(|error| match error.kind() {
        NotADirectory => {
            Fault::Environment(format!("`{path}` is a file, and the state is a folder"))
        }
        _ => Fault::Environment(format!("`{path}`: {error}")),
    })?;
    let names: Vec<String> = entries.into_iter().map(|(name, _)| name).collect();
    let said = |message| Fault::Environment(format!("in `{path}`: {message}"));
    State::open(place.state, &names).map_err(said)
}

fn read<'a>(place: Place<'a>, state: &State, mint: &mut dyn Mint) -> Result<Report<'a>, Fault> {
    place.watch.stage("load schema");
    let mut sources = Sources::new(place.folder);
    let knowledge = Knowledge::load(&mut sources).map_err(Fault::Bug)?;
    let mut diagnostics = Diagnostics::default();
    let mut lock = Lock::default();
    if let Some(text) = &state.lock {
        let id = sources.add("lock", text.clone());
        lock = Lock::parse(&sources, id, &mut diagnostics);
    }
    let file = sources.open(place.name).map_err(Fault::Environment)?;
    let given = Given { file, state, lock: &lock };
    let compiled = compile(&knowledge, &mut sources, &given, mint, place.watch, &mut diagnostics);
    let (diffs, stale) = (None, Vec::new());
    Ok(Report { sources, diagnostics, compiled, diffs, stale, without_vault: false })
}

/// Looks at every host for the faults that show only there. Templates are run only where nothing
/// is wrong so far: they rely on it.
fn look_on(report: &mut Report) {
    let Some(compiled) = &report.compiled else { return };
    let wrong = report.diagnostics.fatal(false);
    let hosts: Vec<HostId> = compiled.inventory.managed().collect();
    let one = |host: &HostId| {
        let mut found = Diagnostics::default();
        let plan = compiled.plan(*host, &mut found);
        if !wrong && !found.fatal(false) {
            compiled.bundle(&plan, &report.sources, &mut found);
        }
        found
    };
    let all: Vec<Diagnostics> = hosts.par_iter().map(one).collect();
    for found in all {
        report.diagnostics.extend(found);
    }
    if !wrong {
        compiled.runbook(&report.sources, &mut report.diagnostics);
    }
}

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
struct Outcome {
    host: String,
    digest: String,
    diff: HostDiff,
    staged: Option<StagedHost>,
    /// Files that lie where generated ones do, and were not generated.
    strange: Vec<String>,
}

/// What came of all hosts.
struct Worked {
    found: Diagnostics,
    outcomes: Vec<Outcome>,
    /// Empty where something is wrong.
    runbook: String,
}

/// Lowers, renders, compares and stages hosts, several at once; outcomes in the hosts' order.
fn work(
    watch: &dyn Watch,
    old: Old,
    hosts: &[HostId],
    compiled: &Compiled,
    sources: &Sources,
    stage: Option<&Stage>,
) -> Result<Worked, Fault> {
    watch.stage("lower, render, compare");
    let done = AtomicUsize::new(0);
    let one = |host: &HostId| {
        let outcome = one_host(old, *host, compiled, sources, stage);
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
    stage: Option<&Stage>,
) -> Result<(Diagnostics, Option<Outcome>), Fault> {
    let mut diagnostics = Diagnostics::default();
    let plan = compiled.plan(host, &mut diagnostics);
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
    Ok((diagnostics, Some(Outcome { host, digest, diff, staged, strange })))
}

/// The output folder's own files that are not as they should be.
fn stale(
    old: Old,
    tops: BTreeMap<&'static str, String>,
) -> Result<Vec<(&'static str, String)>, Fault> {
    let mut stale = Vec::new();
    for (name, text) in tops {
        let path = old.out.join(name);
        let before = at_out(old.disk.read(&path), &path)?;
        if before.as_deref() != Some(text.as_bytes()) {
            stale.push((name, text));
        }
    }
    Ok(stale)
}

fn at_out<T>(result: std::io::Result<T>, path: &Path) -> Result<T, Fault> {
    result.map_err(|error| OutFault::Io(path.to_owned(), error).into())
}
