//! `diff`: what a build would change of an output, here, elsewhere or in a commit.

use std::path::Path;

use super::args::DiffArgs;
use super::commands::judge;
use super::git::Committed;
use super::project::Project;
use super::{Done, Failure, Manner, print};
use crate::disk::{Look, RealDisk};
use crate::run::{Old, compare_against, compare_with};

pub(super) fn diff(args: &DiffArgs, manner: Manner) -> Done {
    let project = Project::open(&args.input, args.output.as_deref())?;
    let place = project.place(manner);
    let committed;
    let report = match args.against.as_deref() {
        None => compare_with(place, true)?,
        Some(against) => {
            let old = match against.to_str().and_then(|it| it.strip_prefix("git:")) {
                None => Old { disk: &RealDisk, out: against },
                Some(revision) => {
                    committed = Committed::read(project.out(), revision)?;
                    Old { disk: &committed, out: committed.root() }
                }
            };
            an_output(old.disk, old.out)?;
            compare_against(place, old, true)?
        }
    };
    judge(&report, manner)?;
    print(&report.page().unwrap_or_default())
}

/// What somebody names has to be there: compared with nothing, everything is new.
fn an_output(disk: &dyn Look, out: &Path) -> Done {
    let path = out.display();
    match disk.read(&out.join("cluster.json")) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(Failure::Environment(format!(
            "`{path}` is no output of clustergen's: there is no `cluster.json` in it"
        ))),
        Err(error) => Err(Failure::Environment(format!("`{path}`: {error}"))),
    }
}
