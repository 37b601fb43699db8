//! `certs list`: what ends when. The caller knows which day it is.

use std::collections::BTreeMap;

use serde::Serialize;
use time::Date;

use crate::Compiled;
use crate::doors::aligned;
use crate::identity::{Dry, Seen, seen};
use crate::model::facts::CertificateSource;
use crate::run::{Fault, Place, Report, open_state, read};

/// A certificate, and who shows it.
pub struct Row {
    /// `www`, `csync2`, `ca`; the subject of one that is only a part of a chain.
    pub name: String,
    /// Those that show it, sorted.
    pub hosts: Vec<String>,
    /// `cluster-ca`, `files`, `on-host` or `adopted`.
    pub source: &'static str,
    /// What it says; `None` where it is not made yet, or not here.
    pub seen: Option<Seen>,
}

/// Looks at every certificate; no rows where the description is wrong. Those that end first come
/// first.
///
/// # Errors
/// The surroundings are in the way.
pub fn list(place: Place<'_>) -> Result<(Report<'_>, Vec<Row>), Fault> {
    let state = open_state(place)?;
    let report = read(place, &state, &mut Dry)?;
    let compiled = report.compiled.as_ref().filter(|_| !report.diagnostics.fatal(place.strict));
    let rows = compiled.map(rows).unwrap_or_default();
    Ok((report, rows))
}

fn rows(compiled: &Compiled) -> Vec<Row> {
    let Compiled { facts, inventory, allotted, .. } = compiled;
    let source = |name: &str| match facts.certificates.get(name).map(|it| &it.source) {
        None | Some(CertificateSource::ClusterCa) => "cluster-ca",
        Some(CertificateSource::Files { .. }) => "files",
        Some(CertificateSource::OnHost { .. }) => "on-host",
    };
    let mut rows: BTreeMap<(String, String), Row> = BTreeMap::new();
    for key in facts.leaves.keys() {
        let host = &inventory.host(key.host).name;
        let issued = allotted.settled.leaves.get(key);
        let adopted = issued.is_some_and(|it| it.signs_itself.is_some());
        let mut chain = issued.map(|it| seen(&it.pem)).unwrap_or_default().into_iter();
        let own = chain.next();
        // one that is kept or made for each host is each host's own
        let which = own.as_ref().map_or_else(|| host.clone(), |it| it.sha256.clone());
        let source = if adopted { "adopted" } else { source(&key.name) };
        let name = key.name.clone();
        let row = rows.entry((name.clone(), which)).or_insert(Row {
            name,
            hosts: Vec::new(),
            source,
            seen: own,
        });
        row.hosts.push(host.clone());
        add(&mut rows, chain, source);
    }
    if let Some(authority) = &allotted.settled.authority {
        let row = |seen| Row { name: "ca".into(), hosts: Vec::new(), source: "cluster-ca", seen };
        rows.insert(("ca".into(), String::new()), row(seen(authority).into_iter().next()));
    }
    for pem in allotted.settled.authorities.values() {
        add(&mut rows, seen(pem).into_iter(), "files");
    }
    let mut rows: Vec<Row> = rows.into_values().collect();
    rows.sort_by_cached_key(|row| {
        let until = row.seen.as_ref().map(|it| it.until);
        (until.is_none(), until, row.name.clone(), row.hosts.clone())
    });
    rows
}

/// Those that stand behind others, or that others are verified with, each once.
fn add(
    rows: &mut BTreeMap<(String, String), Row>,
    chain: impl Iterator<Item = Seen>,
    source: &'static str,
) {
    for seen in chain {
        let (name, sha256) = (seen.subject.clone(), seen.sha256.clone());
        let row = Row { name: name.clone(), hosts: Vec::new(), source, seen: Some(seen) };
        rows.entry((name, sha256)).or_insert(row);
    }
}

/// Those that have ended by a day.
#[must_use]
pub fn ends_by(rows: Vec<Row>, day: Date) -> Vec<Row> {
    let soon = |row: &Row| row.seen.as_ref().is_some_and(|it| it.until <= day);
    rows.into_iter().filter(soon).collect()
}

fn days(until: Date, as_of: Date) -> i64 {
    (until - as_of).whole_days()
}

/// For people.
#[must_use]
pub fn table(rows: &[Row], as_of: Date) -> String {
    let lines = rows.iter().map(|row| {
        let [kind, issuer, until, left] = match &row.seen {
            Some(it) => {
                [it.kind.clone(), it.issuer.clone(), it.until.to_string(), left(it.until, as_of)]
            }
            None if row.source == "on-host" => {
                ["", "", "not known: kept on the host", ""].map(str::to_owned)
            }
            None => ["", "", "not made yet", ""].map(str::to_owned),
        };
        let hosts = row.hosts.join(" ");
        [row.name.clone(), hosts, kind, issuer, until, left].map(|cell| vec![cell]).to_vec()
    });
    aligned(&["CERTIFICATE", "HOSTS", "KEY", "SIGNED BY", "ENDS", "DAYS LEFT"], lines.collect())
}

fn left(until: Date, as_of: Date) -> String {
    match days(until, as_of) {
        left @ 0.. => left.to_string(),
        past => format!("{past}: ended"),
    }
}

/// For programs: one JSON object.
#[must_use]
pub fn json(rows: &[Row], as_of: Date) -> String {
    let certificates = rows.iter().map(|row| line(row, as_of)).collect();
    let list = List { as_of: as_of.to_string(), certificates };
    serde_json::to_string_pretty(&list).unwrap_or_default() + "\n"
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct List<'a> {
    as_of: String,
    certificates: Vec<Line<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Line<'a> {
    name: &'a str,
    hosts: &'a [String],
    source: &'a str,
    key: Option<&'a str>,
    issuer: Option<&'a str>,
    sha256: Option<&'a str>,
    ends: Option<String>,
    days_left: Option<i64>,
}

fn line(row: &Row, as_of: Date) -> Line<'_> {
    let seen = row.seen.as_ref();
    Line {
        name: &row.name,
        hosts: &row.hosts,
        source: row.source,
        key: seen.map(|it| it.kind.as_str()),
        issuer: seen.map(|it| it.issuer.as_str()),
        sha256: seen.map(|it| it.sha256.as_str()),
        ends: seen.map(|it| it.until.to_string()),
        days_left: seen.map(|it| days(it.until, as_of)),
    }
}
