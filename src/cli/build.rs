//! `build`, `build --check` and `diff`: the same comparison, and what is done about it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use rayon::prelude::*;

use super::args::{BuildArgs, DiffArgs};
use super::project::{FsFolder, Project, Ready, ready};
use super::{Done, Failure, Manner, complain, print, tell};
use crate::Compiled;
use crate::diag::Diagnostics;
use crate::diff::{HostDiff, Origins, compare, host_text, page};
use crate::disk::{Disk, RealDisk};
use crate::identity::{Dry, Locked, Mint, State, StateWrites, Vault};
use crate::model::host::HostId;
use crate::output::{
    ClusterJson, Existing, OutFault, Stage, StagedHost, finish, foreign, read_host, recover,
    top_files, write_state,
};

/// Writes the bundles.
pub(super) fn build(args: &BuildArgs, manner: Manner) -> Done {
    let project = Project::open(&args.input)?;
    let out = project.output(args.output.as_ref());
    let _one_at_a_time = hold(&project.folder.join(&project.name))?;
    let disk = RealDisk;
    build_on(&disk, &project, &out, &args.host, manner)
}

/// The same on any disk: what the tests stop at every operation.
fn build_on(
    disk: &dyn Disk,
    project: &Project,
    out: &Path,
    only: &[String],
    manner: Manner,
) -> Done {
    let existed = out.exists();
    if existed {
        recover(disk, out)?;
    }
    let folder = FsFolder(project.folder.clone());
    let state_folder = FsFolder(project.state.clone());
    let entries = project.state_entries()?;
    let state = State::open(&state_folder, &entries).map_err(Failure::Environment)?;
    if !state.has_lock && !state.has_vault && state.has_certificates {
        return Err(Failure::Environment(format!(
            "`{}` has certificates, but neither lock nor vault: take the lock from the last commit",
            project.state.display()
        )));
    }
    let locked = state.has_lock && !state.has_vault;
    let name = project.name.strip_suffix(".kdl").unwrap_or(&project.name);
    let mut vault = Vault::new(&state_folder, name, project.now);
    let mint: &mut dyn Mint = if locked { &mut Locked } else { &mut vault };
    let ready = ready(project, &folder, &state, mint)?;
    let Some(compiled) =
        ready.compiled.as_ref().filter(|_| !ready.diagnostics.fatal(manner.strict))
    else {
        let mut ready = ready;
        also_lowered(&mut ready);
        return Err(ready.judge(manner).err().unwrap_or(Failure::Description));
    };
    let existing = Existing::open(disk, out)?;
    let hosts = selected(compiled, only)?;
    let lock = compiled.allotted.lock.print(&project.name);
    let lock_changes = state.lock.as_deref() != Some(lock.as_str()) || !state.has_lock;
    if lock_changes && !only.is_empty() {
        complain("a partial build cannot change the lock: build the whole cluster first");
        return Err(Failure::Description);
    }
    let stage = Stage::new(disk, out)?;
    let worked = work(disk, out, &hosts, compiled, &ready, Some(&stage));
    let (mut diagnostics, outcomes) = worked?;
    if diagnostics.fatal(manner.strict) {
        recover(disk, out)?;
        if !existed {
            disk.remove_folder(out).map_err(|error| OutFault::Io(out.to_owned(), error))?;
        }
        let mut ready = ready;
        ready.diagnostics.extend(diagnostics);
        return Err(ready.judge(manner).err().unwrap_or(Failure::Description));
    }
    diagnostics.extend(Diagnostics::default());
    ready.judge(manner)?;

    let mut diffs: Vec<HostDiff> = Vec::new();
    let mut staged: Vec<StagedHost> = Vec::new();
    let before = existing.map(|it| it.cluster.hosts).unwrap_or_default();
    let mut digests = if only.is_empty() { BTreeMap::new() } else { before.clone() };
    for outcome in outcomes {
        digests.insert(outcome.host, outcome.digest);
        diffs.push(outcome.diff);
        staged.extend(outcome.staged);
    }
    if only.is_empty() {
        for host in before.keys().filter(|host| !digests.contains_key(*host)) {
            if let Some(old) = read_host(disk, &out.join(host))? {
                staged.push(stage.gone(&old, host)?);
            }
            diffs.push(HostDiff::Gone { host: host.clone() });
        }
    }
    let json = ClusterJson::of(compiled, digests);
    let page = page(&diffs);
    for (name, text) in stale_tops(disk, out, compiled, &json)? {
        stage.top(name, &text)?;
    }
    if !staged.is_empty() {
        stage.top("CHANGES.md", &page)?;
    }
    let writes = StateWrites {
        vault: vault.into_writes(),
        certificates: compiled.allotted.certificates.clone(),
        gone: gone_certificates(&ready, compiled),
        lock: lock_changes.then_some(lock),
    };
    write_state(disk, &project.state, &writes)?;
    finish(disk, out, &staged)?;
    if locked {
        tell("note: the vault is not here; everything was rendered from the lock\n");
    }
    print(&page);
    Ok(())
}

/// `build --check`: exits 1 with the difference.
pub(super) fn compare_only(args: &BuildArgs, manner: Manner) -> Done {
    let project = Project::open(&args.input)?;
    let out = project.output(args.output.as_ref());
    let (diffs, others) = compared(&project, &out, &mut Locked, manner)?;
    let same = diffs.iter().all(|diff| matches!(diff, HostDiff::Same { .. }));
    print(&page(&diffs));
    for other in &others {
        print(&format!("\n{other}\n"));
    }
    if same && others.is_empty() { Ok(()) } else { Err(Failure::Stale) }
}

/// `diff`: what a build would change.
pub(super) fn diff(args: &DiffArgs, manner: Manner) -> Done {
    let project = Project::open(&args.input)?;
    let out = project.output(args.output.as_ref());
    let (diffs, _) = compared(&project, &out, &mut Dry, manner)?;
    print(&page(&diffs));
    Ok(())
}

/// What a build would do to the hosts, and what else is not as it would be.
fn compared(
    project: &Project,
    out: &Path,
    mint: &mut dyn Mint,
    manner: Manner,
) -> Result<(Vec<HostDiff>, Vec<String>), Failure> {
    let disk = RealDisk;
    let folder = FsFolder(project.folder.clone());
    let state_folder = FsFolder(project.state.clone());
    let entries = project.state_entries()?;
    let state = State::open(&state_folder, &entries).map_err(Failure::Environment)?;
    let mut ready = ready(project, &folder, &state, mint)?;
    if ready.compiled.is_none() || ready.diagnostics.fatal(manner.strict) {
        also_lowered(&mut ready);
    }
    ready.judge(manner)?;
    let Some(compiled) = &ready.compiled else { return Err(Failure::Description) };
    let hosts = selected(compiled, &[])?;
    let (diagnostics, outcomes) = work(&disk, out, &hosts, compiled, &ready, None)?;
    if diagnostics.fatal(manner.strict) {
        ready.diagnostics.extend(diagnostics);
        return Err(ready.judge(manner).err().unwrap_or(Failure::Description));
    }
    let mut diffs = Vec::new();
    let mut others = Vec::new();
    let mut digests = BTreeMap::new();
    for outcome in outcomes {
        digests.insert(outcome.host, outcome.digest);
        others.extend(outcome.strange);
        diffs.push(outcome.diff);
    }
    let existing = Existing::open(&disk, out)?.map(|it| it.cluster.hosts).unwrap_or_default();
    let gone = existing.keys().filter(|host| !digests.contains_key(*host));
    diffs.extend(gone.map(|host| HostDiff::Gone { host: host.clone() }));
    let json = ClusterJson::of(compiled, digests);
    for (name, _) in stale_tops(&disk, out, compiled, &json)? {
        others.push(format!("`{name}` is not what a build would write"));
    }
    let lock = compiled.allotted.lock.print(&project.name);
    if state.lock.as_deref().map(|it| it.replace("\r\n", "\n")) != Some(lock) {
        others.push("the lock is not what a build would write".to_owned());
    }
    Ok((diffs, others))
}

/// Where the description is wrong, the hosts are looked at all the same, for their faults.
fn also_lowered(ready: &mut Ready) {
    let mut found = Diagnostics::default();
    if let Some(compiled) = &ready.compiled {
        for host in compiled.inventory.managed() {
            compiled.host(host, &ready.sources, &mut found);
        }
    }
    ready.diagnostics.extend(found);
}

fn selected(compiled: &Compiled, only: &[String]) -> Result<Vec<HostId>, Failure> {
    if only.is_empty() {
        return Ok(compiled.inventory.managed().collect());
    }
    let mut hosts = Vec::new();
    for name in only {
        match compiled.inventory.find(name).filter(|id| compiled.inventory.host(*id).managed) {
            Some(host) => hosts.push(host),
            None => {
                complain(&format!("the description gives no bundle to a host `{name}`"));
                return Err(Failure::Description);
            }
        }
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

type Worked = (Diagnostics, Vec<Outcome>);

/// Lowers, renders, compares and stages every host, several at once, in the hosts' order.
fn work(
    disk: &dyn Disk,
    out: &Path,
    hosts: &[HostId],
    compiled: &Compiled,
    ready: &Ready,
    stage: Option<&Stage>,
) -> Result<Worked, Failure> {
    let one = |host: &HostId| one_host(disk, out, *host, compiled, ready, stage);
    let all: Vec<Result<(Diagnostics, Option<Outcome>), Failure>> =
        hosts.par_iter().map(one).collect();
    let (mut diagnostics, mut outcomes) = (Diagnostics::default(), Vec::new());
    for done in all {
        let (found, outcome) = done?;
        diagnostics.extend(found);
        outcomes.extend(outcome);
    }
    Ok((diagnostics, outcomes))
}

fn one_host(
    disk: &dyn Disk,
    out: &Path,
    host: HostId,
    compiled: &Compiled,
    ready: &Ready,
    stage: Option<&Stage>,
) -> Result<(Diagnostics, Option<Outcome>), Failure> {
    let mut diagnostics = Diagnostics::default();
    let (plan, bundle) = compiled.host(host, &ready.sources, &mut diagnostics);
    let Some(bundle) = bundle.filter(|_| !diagnostics.fatal(false)) else {
        return Ok((diagnostics, None));
    };
    let folder = out.join(&bundle.host);
    let before = read_host(disk, &folder)?;
    let from = compiled.made_from();
    let origins = Origins {
        plan: &plan,
        templates: &compiled.templates,
        from: &from,
        sources: &ready.sources,
    };
    let diff = compare(before.as_ref(), &bundle, &origins);
    let staged = match (stage, &diff) {
        (None, _) | (_, HostDiff::Same { .. }) => None,
        (Some(stage), diff) => Some(stage.host(before.as_ref(), &bundle, &host_text(diff))?),
    };
    let mut strange = Vec::new();
    if let (None, Some(before)) = (stage, &before) {
        let known = foreign(disk, &folder, &before.files)?;
        let below =
            |path: &&String| ["files/", "edits/", "steps/"].iter().any(|it| path.starts_with(it));
        let told = known.keys().filter(below);
        strange.extend(
            told.map(|path| format!("`{}/{path}` was not made by clustergen", bundle.host)),
        );
    }
    let (host, digest) = (bundle.host.clone(), bundle.digest());
    Ok((diagnostics, Some(Outcome { host, digest, diff, staged, strange })))
}

/// The output folder's own files that are not as they should be.
fn stale_tops(
    disk: &dyn Disk,
    out: &Path,
    compiled: &Compiled,
    json: &ClusterJson,
) -> Result<Vec<(&'static str, String)>, Failure> {
    let mut stale = Vec::new();
    for (name, text) in top_files(compiled, json) {
        let path = out.join(name);
        let old = disk.read(&path).map_err(|error| OutFault::Io(path, error))?;
        if old.as_deref() != Some(text.as_bytes()) {
            stale.push((name, text));
        }
    }
    Ok(stale)
}

/// Certificates that the old lock names and the new one does not.
fn gone_certificates(ready: &Ready, compiled: &Compiled) -> Vec<String> {
    let now = &compiled.allotted.lock.certificates;
    ready.lock.certificates.keys().filter(|key| !now.contains_key(*key)).cloned().collect()
}

/// Holds a description while a build runs. The lock goes with the process.
fn hold(path: &Path) -> Result<File, Failure> {
    let said = |error: std::io::Error| format!("`{}` cannot be read: {error}", path.display());
    let file = File::open(path).map_err(said).map_err(Failure::Environment)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            let path = path.display();
            Err(Failure::Environment(format!("another build of `{path}` is at work")))
        }
        // a file system without locks
        Err(std::fs::TryLockError::Error(_)) => Ok(file),
    }
}
