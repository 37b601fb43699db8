//! `certs`: certificates beside the builds.

use std::path::Path;

use time::{Date, OffsetDateTime};
use zeroize::Zeroizing;

use super::args::{AnswerArgs, CertsCommand, CsrArgs, Input, ListArgs, RenewArgs, RevokeArgs};
use super::commands::{Held, hold, judge};
use super::project::Project;
use super::{Done, Failure, Manner, print, tell, write};
use crate::certs::{
    Renewing, Wanted, adopt as adopt_pair, ends_by, import as import_files, json, list as list_all,
    renew as renew_all, requests, table,
};
use crate::diag::render::render;
use crate::disk::{Look, RealDisk};
use crate::model::value::Duration;

pub(super) fn certs(command: &CertsCommand, manner: Manner) -> Done {
    match command {
        CertsCommand::List(args) => list(args, manner),
        CertsCommand::Renew(args) => renew(args, manner),
        CertsCommand::Revoke(args) => revoke(args, manner),
        CertsCommand::Import(args) => import(args, manner),
        CertsCommand::Csr(args) => csr(args, manner),
    }
}

/// `certs list`: exits 1 where one ends within the time that is named.
fn list(args: &ListArgs, manner: Manner) -> Done {
    let project = Project::open(&args.input, None)?;
    let (report, rows) = list_all(project.place(manner))?;
    judge(&report, manner)?;
    let as_of = args.as_of.unwrap_or_else(today);
    let rows = match args.within {
        Some(within) => ends_by(rows, later(as_of, within)?),
        None => rows,
    };
    match (args.json, rows.is_empty()) {
        (true, _) => print(&json(&rows, as_of))?,
        (false, true) if args.within.is_some() => {}
        (false, true) => print("Nobody shows a certificate.\n")?,
        (false, false) => print(&table(&rows, as_of))?,
    }
    if args.within.is_some() && !rows.is_empty() { Err(Failure::Stale) } else { Ok(()) }
}

/// `certs renew`: new certificates of the cluster's authority.
fn renew(args: &RenewArgs, manner: Manner) -> Done {
    let by = args.within.map(|within| later(today(), within)).transpose()?;
    let (names, keep_key) = (&args.names, args.keep_key);
    let input = Input { description: args.description.clone(), state: args.state.clone() };
    make_anew(&input, &Renewing { names, by, keep_key, revoke: false }, manner)
}

/// `certs revoke`: the same, and nobody believes the old ones.
fn revoke(args: &RevokeArgs, manner: Manner) -> Done {
    let input = Input { description: args.description.clone(), state: args.state.clone() };
    let names = &args.names;
    make_anew(&input, &Renewing { names, by: None, keep_key: false, revoke: true }, manner)
}

fn make_anew(input: &Input, renewing: &Renewing, manner: Manner) -> Done {
    let project = Project::open(input, None)?;
    let _one_at_a_time = hold(&project.description())?;
    let _state = Held::hold(project.state())?;
    let (report, renewals) = renew_all(project.place(manner), renewing, OffsetDateTime::now_utc())?;
    judge(&report, manner)?;
    for renewal in &renewals {
        let said = |day: Option<Date>| day.map_or_else(|| "never".to_owned(), |it| it.to_string());
        let (until, was) = (said(renewal.until), said(renewal.was));
        let what = if renewing.revoke { "revoked, " } else { "" };
        print(&format!("{}: {what}until {until}, was {was}\n", renewal.key))?;
    }
    if renewals.is_empty() {
        tell("nothing has to be renewed\n");
    } else {
        tell("`clustergen build` puts what is new into the bundles\n");
    }
    Ok(())
}

/// `certs import`: what came back for a request; of one host, what it has already.
fn import(args: &AnswerArgs, manner: Manner) -> Done {
    let input = Input { description: args.description.clone(), state: args.state.clone() };
    let project = Project::open(&input, None)?;
    let _one_at_a_time = hold(&project.description())?;
    if args.name.contains('/') {
        return adopt(&project, args, manner);
    }
    let files = args.files.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let now = OffsetDateTime::now_utc();
    let imported = import_files(project.place(manner), project.folder(), &args.name, &files, now)?;
    tell(&render(&imported.diagnostics, &imported.sources, manner.format, true));
    for file in imported.files.ok_or(Failure::Description)? {
        let was = file.was.map(|day| format!(", was {day}")).unwrap_or_default();
        print(&format!("{}: until {}{was}\n", file.path, file.until))?;
        if let Some(issuer) = file.open_end {
            tell(&format!(
                "note: `{}` ends below `{issuer}`, which was not among the files: clients have to trust that one, or have it from here\n",
                file.path
            ));
        }
    }
    Ok(())
}

/// A certificate and its key, as a host has them.
fn adopt(project: &Project, args: &AnswerArgs, manner: Manner) -> Done {
    let _state = Held::hold(project.state())?;
    let files = args.files.iter().map(|path| {
        let (name, text) = read(path)?;
        Ok((name, Zeroizing::new(text)))
    });
    let files: Vec<_> = files.collect::<Result<_, Failure>>()?;
    let now = OffsetDateTime::now_utc();
    let adopted = adopt_pair(project.place(manner), &args.name, &files, now)?;
    tell(&render(&adopted.diagnostics, &adopted.sources, manner.format, true));
    let until = adopted.until.ok_or(Failure::Description)?;
    print(&format!("{}: until {until}\n", args.name))?;
    tell(
        "`clustergen build` puts it into the bundles; the vault has the key, so remove the copy\n",
    );
    Ok(())
}

/// A file of somebody else's, by its name.
fn read(path: &Path) -> Result<(String, String), Failure> {
    let name = path.display().to_string();
    let said = |why: String| Failure::Environment(format!("`{name}` cannot be read: {why}"));
    let bytes = RealDisk.read(path).map_err(|error| said(error.to_string()))?;
    let bytes = bytes.ok_or_else(|| said("there is no such file".to_owned()))?;
    // DER is told as what is no PEM
    Ok((name.clone(), String::from_utf8_lossy(&bytes).into_owned()))
}

fn today() -> Date {
    OffsetDateTime::now_utc().date()
}

fn later(day: Date, time: Duration) -> Result<Date, Failure> {
    let days = i64::try_from(time.days()).unwrap_or(i64::MAX / 86_400);
    day.checked_add(time::Duration::days(days))
        .ok_or_else(|| Failure::Usage(format!("{time} from {day} is after the year 9999")))
}

/// `certs csr`: requests for what others sign.
fn csr(args: &CsrArgs, manner: Manner) -> Done {
    let input = Input { description: args.description.clone(), state: args.state.clone() };
    let project = Project::open(&input, None)?;
    let _one_at_a_time = hold(&project.description())?;
    let _state = Held::hold(project.state())?;
    let now = OffsetDateTime::now_utc();
    let (name, host, new_key) = (&args.name, args.host.as_deref(), args.new_key);
    let asked = requests(project.place(manner), &Wanted { name, host, new_key }, now)?;
    tell(&render(&asked.diagnostics, &asked.sources, manner.format, true));
    let Some(requests) = asked.requests else { return Err(Failure::Description) };
    for request in requests {
        match &args.output {
            None => print(&request.pem)?,
            Some(folder) => {
                let file = (format!("{}.csr", request.name), request.pem.into_bytes());
                let path = folder.join(&file.0);
                write::into(folder, &[file])?;
                print(&format!("{}\n", path.display()))?;
            }
        }
    }
    Ok(())
}
