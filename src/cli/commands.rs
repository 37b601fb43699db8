//! One function per command: what to run, what to print, how it ends.

use std::fs::File;
use std::path::Path;

use time::OffsetDateTime;

use super::args::{BuildArgs, Input, LinksArgs};
use super::progress::Progress;
use super::project::Project;
use super::{Done, Failure, Manner, complain, print, tell};
use crate::diag::counted;
use crate::diag::render::{Format, render};
use crate::disk::{Disk, RealDisk};
use crate::doors;
use crate::identity::Refusal;
use crate::run::{Place, Report, build as run_build, compare_with, look};
use crate::syntax;

/// `build`: writes the bundles.
pub(super) fn build(args: &BuildArgs, manner: Manner) -> Done {
    let project = Project::open(&args.input, args.output.as_deref())?;
    let _one_at_a_time = hold(&project.description())?;
    // two descriptions may share them
    let _state = Held::hold(project.state())?;
    let _out = Held::hold(project.out())?;
    let progress = Progress::new(args.timings);
    let place = Place { watch: &progress, ..project.place(manner) };
    let built = run_build(place, &args.host, OffsetDateTime::now_utc());
    progress.finish();
    let report = built?;
    judge(&report, manner)?;
    match report.without_vault {
        None => {}
        Some(Refusal::Closed) => tell(
            "note: the vault is encrypted and no `--identity` was named; everything was rendered from the lock\n",
        ),
        Some(_) => tell("note: the vault is not here; everything was rendered from the lock\n"),
    }
    print(&report.page().unwrap_or_default())
}

/// `build --check`: exits 1 with the difference.
pub(super) fn build_check(args: &BuildArgs, manner: Manner) -> Done {
    let project = Project::open(&args.input, args.output.as_deref())?;
    let progress = Progress::new(args.timings);
    let compared = compare_with(Place { watch: &progress, ..project.place(manner) }, false);
    progress.finish();
    let report = compared?;
    judge(&report, manner)?;
    stale(&report)?;
    if report.fresh() {
        return Ok(());
    }
    complain(&format!(
        "this is not what a build of `{}` would write: build, read what changes, then commit",
        project.name
    ));
    Err(Failure::Stale)
}

/// Prints how the output differs from what a build would write.
pub(super) fn stale(report: &Report) -> Done {
    print(&report.page().unwrap_or_default())?;
    for sentence in &report.stale {
        print(&format!("\n{sentence}\n"))?;
    }
    Ok(())
}

/// `check`: what is wrong with the description.
pub(super) fn check(input: &Input, manner: Manner) -> Done {
    let project = Project::open(input, None)?;
    let report = look(project.place(manner))?;
    judge(&report, manner)?;
    if let Some(compiled) = &report.compiled {
        let hosts = counted(compiled.inventory.managed().count(), "host");
        let services = counted(compiled.cluster.instances.len(), "service");
        print(&format!("{}: {hosts}, {services}\n", project.name))?;
    }
    Ok(())
}

/// `expand`: the description with its products written out.
pub(super) fn expand(input: &Input, manner: Manner) -> Done {
    let project = Project::open(input, None)?;
    let report = look(project.place(manner))?;
    judge(&report, manner)?;
    if let Some(compiled) = &report.compiled {
        print(&syntax::print(&compiled.expanded))?;
    }
    Ok(())
}

/// `links`: who talks to whom, as a table or as JSON.
pub(super) fn links(args: &LinksArgs, manner: Manner) -> Done {
    let project = Project::open(&args.input, None)?;
    let report = look(project.place(manner))?;
    judge(&report, manner)?;
    if let Some(compiled) = &report.compiled {
        let show = if args.json { doors::json } else { doors::table };
        print(&show(&compiled.inventory, &compiled.facts))?;
    }
    Ok(())
}

/// Prints every fault; a failure where the description is wrong.
pub(super) fn judge(report: &Report, manner: Manner) -> Done {
    tell(&render(&report.diagnostics, &report.sources, manner.format, true));
    if report.compiled.is_some() && !report.diagnostics.fatal(manner.strict) {
        return Ok(());
    }
    if let (Format::Human, Some(first)) = (manner.format, report.diagnostics.sorted().first()) {
        tell(&format!("`clustergen explain {}` says more\n", first.code.id()));
    }
    Err(Failure::Description)
}

/// A folder that nobody else builds into, made where it was not there.
pub(super) struct Held<'a> {
    path: &'a Path,
    made: bool,
    _lock: Option<File>,
}

impl<'a> Held<'a> {
    /// Where it cannot be made, the build says why.
    pub(super) fn hold(path: &'a Path) -> Result<Self, Failure> {
        let made = !path.exists() && RealDisk.make_folder(path, 0o755).is_ok();
        let lock = if path.is_dir() { Some(hold(path)?) } else { None };
        Ok(Self { path, made, _lock: lock })
    }
}

impl Drop for Held<'_> {
    /// Takes the folder away again where nothing was written.
    fn drop(&mut self) {
        if self.made {
            let _ = RealDisk.remove_folder(self.path);
        }
    }
}

/// Holds a description, or a folder, while a build runs. The lock goes with the process.
pub(super) fn hold(path: &Path) -> Result<File, Failure> {
    let said = |error: std::io::Error| format!("`{}` cannot be read: {error}", path.display());
    let file = File::open(path).map_err(said).map_err(Failure::Environment)?;
    if let Err(std::fs::TryLockError::WouldBlock) = file.try_lock() {
        let path = path.display();
        return Err(Failure::Environment(format!("another clustergen is at work on `{path}`")));
    }
    // a file system without locks is used without
    Ok(file)
}
