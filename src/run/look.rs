//! Reads a description with its state and compiles it; looks at every host without writing.

use std::io::ErrorKind::NotADirectory;

use rayon::prelude::*;

use super::opened::Opened;
use super::place::Place;
use super::report::{Fault, Report};
use crate::diag::Diagnostics;
use crate::identity::{Change, Dry, Mint, State};
use crate::model::host::HostId;
use crate::{Given, compile};

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
    if is_strange(&names) {
        return Err(Fault::Environment(format!(
            "`{path}` is no state folder: it has other files, and neither lock nor vault; name one that was, or an empty one"
        )));
    }
    let said = |message| Fault::Environment(format!("in `{path}`: {message}"));
    State::open(place.safe(), &names).map_err(said)
}

/// Whether a folder is somebody else's: it has files, and none that a state has.
fn is_strange(names: &[String]) -> bool {
    let ours = ["lock", "vault", "certs", "sealed"];
    // what version control and file systems put there by themselves
    let neutral = |it: &String| it.starts_with('.') || it == "lost+found";
    !names.iter().any(|it| ours.contains(&it.as_str())) && !names.iter().all(neutral)
}

pub(crate) fn read<'a>(
    place: Place<'a>,
    state: &State,
    mint: &mut dyn Mint,
) -> Result<Report<'a>, Fault> {
    read_changed(place, state, &Change::default(), mint)
}

/// As [`read`], with a change of the lock.
pub(crate) fn read_changed<'a>(
    place: Place<'a>,
    state: &State,
    change: &Change,
    mint: &mut dyn Mint,
) -> Result<Report<'a>, Fault> {
    place.watch.stage("load schema");
    let opened = Opened::open(place, state)?;
    let Opened { mut sources, mut diagnostics, mut lock, knowledge, file } = opened;
    lock.change(change);
    let given = Given { file, state, lock: &lock };
    let compiled = compile(&knowledge, &mut sources, &given, mint, place.watch, &mut diagnostics);
    let (diffs, stale) = (None, Vec::new());
    Ok(Report {
        sources,
        diagnostics,
        compiled,
        diffs,
        readers: Vec::new(),
        stale,
        without_vault: None,
    })
}

/// Looks at every host for the faults that show only there. Templates are run only where nothing
/// is wrong so far: they rely on it.
pub(super) fn look_on(report: &mut Report) {
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
