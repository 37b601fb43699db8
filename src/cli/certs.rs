//! `certs`: certificates beside the builds.

use time::{Date, OffsetDateTime};

use super::args::{CertsCommand, CsrArgs, Input, ListArgs, RenewArgs};
use super::commands::{Held, hold, judge};
use super::project::Project;
use super::{Done, Failure, Manner, print, tell, write};
use crate::certs::{
    Renewing, ends_by, json, list as list_all, renew as renew_all, requests, table,
};
use crate::diag::render::render;
use crate::model::value::Duration;

pub(super) fn certs(command: &CertsCommand, manner: Manner) -> Done {
    match command {
        CertsCommand::List(args) => list(args, manner),
        CertsCommand::Renew(args) => renew(args, manner),
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
    let input = Input { description: args.description.clone(), state: args.state.clone() };
    let project = Project::open(&input, None)?;
    let _one_at_a_time = hold(&project.description())?;
    let _state = Held::hold(project.state())?;
    let by = args.within.map(|within| later(today(), within)).transpose()?;
    let renewing = Renewing { names: &args.names, by, keep_key: args.keep_key };
    let (report, renewals) =
        renew_all(project.place(manner), &renewing, OffsetDateTime::now_utc())?;
    judge(&report, manner)?;
    for renewal in &renewals {
        let said = |day: Option<Date>| day.map_or_else(|| "never".to_owned(), |it| it.to_string());
        let (until, was) = (said(renewal.until), said(renewal.was));
        print(&format!("{}: until {until}, was {was}\n", renewal.key))?;
    }
    if renewals.is_empty() {
        tell("nothing has to be renewed\n");
    } else {
        tell("`clustergen build` puts what is new into the bundles\n");
    }
    Ok(())
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
    let asked = requests(project.place(manner), &args.name, args.host.as_deref(), now)?;
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
