//! `pack`: the archives that are carried to the hosts.

use super::args::{FormArg, PackArgs};
use super::commands::{hold, judge, stale};
use super::project::Project;
use super::sign::Keygen;
use super::{Done, Failure, Manner, complain, print};
use crate::diag::counted;
use crate::output::Form;
use crate::pack::{Packing, Sign, pack as run_pack};

pub(super) fn pack(args: &PackArgs, manner: Manner) -> Done {
    let project = Project::open(&args.input, args.output.as_deref())?;
    // no build comes in between
    let _description = hold(&project.description())?;
    let _out = project.out().exists().then(|| hold(project.out())).transpose()?;
    let to = project.archives(args.to.as_deref())?;
    let form = match args.form {
        FormArg::Zip => Form::Zip,
        FormArg::Tar => Form::Tar,
    };
    let keygen = args.sign.as_deref().map(|key| Keygen { key });
    let signer = keygen.as_ref().map(|it| it as &dyn Sign);
    let packing = Packing { only: &args.host, to: &to, form, signer };
    let (report, archives) = run_pack(project.place(manner), packing)?;
    judge(&report, manner)?;
    if !report.fresh() {
        stale(&report)?;
        let out = project.out().display();
        complain(&format!(
            "nothing was packed: `{out}` is not what a build would write; build, read what changes, then pack"
        ));
        return Err(Failure::Stale);
    }
    for archive in archives {
        let files = counted(archive.files, "file");
        let secrets = counted(archive.secrets, "secret");
        let signed = if signer.is_some() { ", signed" } else { "" };
        print(&format!("{}: {files}, {secrets}{signed}\n", archive.path.display()))?;
    }
    Ok(())
}
