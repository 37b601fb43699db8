//! `check` and `expand`: what is wrong, and what is meant. Nothing is written.

use rayon::prelude::*;

use super::args::Input;
use super::project::{FsFolder, Project, ready};
use super::{Done, Failure, Manner, print};
use crate::diag::{Diagnostics, counted};
use crate::identity::{Dry, State};
use crate::syntax;

pub(super) fn check(input: &Input, manner: Manner) -> Done {
    let project = Project::open(input)?;
    let folder = FsFolder(project.folder.clone());
    let state_folder = FsFolder(project.state.clone());
    let state =
        State::open(&state_folder, &project.state_entries()?).map_err(Failure::Environment)?;
    let mut ready = ready(&project, &folder, &state, &mut Dry)?;
    let mut summary = String::new();
    if let Some(compiled) = &ready.compiled {
        let hosts: Vec<_> = compiled.inventory.managed().collect();
        let found: Vec<Diagnostics> = hosts
            .par_iter()
            .map(|host| {
                let mut diagnostics = Diagnostics::default();
                compiled.host(*host, &ready.sources, &mut diagnostics);
                diagnostics
            })
            .collect();
        for diagnostics in found {
            ready.diagnostics.extend(diagnostics);
        }
        let services = compiled.cluster.instances.len();
        summary = format!(
            "{}: {}, {}\n",
            project.name,
            counted(hosts.len(), "host"),
            counted(services, "service")
        );
    }
    ready.judge(manner)?;
    print(&summary);
    Ok(())
}

pub(super) fn expand(input: &Input, manner: Manner) -> Done {
    let project = Project::open(input)?;
    let folder = FsFolder(project.folder.clone());
    let state_folder = FsFolder(project.state.clone());
    let state =
        State::open(&state_folder, &project.state_entries()?).map_err(Failure::Environment)?;
    let ready = ready(&project, &folder, &state, &mut Dry)?;
    ready.judge(manner)?;
    if let Some(compiled) = &ready.compiled {
        print(&syntax::print(&compiled.expanded));
    }
    Ok(())
}
