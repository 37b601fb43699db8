//! `certs renew` and `certs revoke`: certificates of the cluster's authority, made anew before they
//! end, or because somebody else may have the key.
//!
//! The lock forgets them, so settling makes them as it makes every new one.

use std::collections::{BTreeMap, BTreeSet};

use time::{Date, OffsetDateTime};

use super::{asked, with_vault};
use crate::Compiled;
use crate::diag::suggestion;
use crate::identity::{Change, Dry, Seen, StateWrites, Vault, seen};
use crate::model::facts::CertificateSource;
use crate::output::write_state;
use crate::run::{Fault, Place, Report, open_state, read, read_changed};

/// What is made anew.
pub struct Renewing<'a> {
    /// `www` of all hosts, or `node1/www`.
    pub names: &'a [String],
    /// All that end by this day.
    pub by: Option<Date>,
    /// The keys stay.
    pub keep_key: bool,
    /// Nobody may believe the old ones any more.
    pub revoke: bool,
}

/// A certificate that was made anew.
pub struct Renewal {
    /// `node1/www`.
    pub key: String,
    pub was: Option<Date>,
    pub until: Option<Date>,
}

/// Makes certificates anew and writes them to the state; bundles show them after the next build.
/// Nothing is written where the description is wrong.
///
/// # Errors
/// The surroundings are in the way, or what was asked for is not there.
pub fn renew<'a>(
    place: Place<'a>,
    renewing: &Renewing,
    now: OffsetDateTime,
) -> Result<(Report<'a>, Vec<Renewal>), Fault> {
    let state = open_state(place)?;
    with_vault(&state)?;
    let before = read(place, &state, &mut Dry)?;
    let Some(compiled) =
        before.compiled.as_ref().filter(|_| !before.diagnostics.fatal(place.strict))
    else {
        return Ok((before, Vec::new()));
    };
    let old = made(compiled);
    let forget = chosen(compiled, &old, renewing)?;
    if forget.is_empty() {
        return Ok((before, Vec::new()));
    }
    let mut change = Change { forget, ..Change::default() };
    if renewing.revoke {
        revocable(compiled, &change.forget)?;
        let serials = change.forget.iter().filter_map(|key| Some(old.get(key)?.serial.clone()));
        change.revoke = serials.map(|serial| (serial, now.date().to_string())).collect();
    }
    let mut vault = Vault::new(place.safe(), now);
    if !renewing.keep_key {
        vault.replace_keys(change.forget.clone());
    }
    let report = read_changed(place, &state, &change, &mut vault)?;
    let Some(compiled) =
        report.compiled.as_ref().filter(|_| !report.diagnostics.fatal(place.strict))
    else {
        return Ok((report, Vec::new()));
    };
    let writes = StateWrites {
        vault: vault.into_writes(&compiled.readers.vault)?,
        certificates: compiled.allotted.certificates.clone(),
        lock: Some(compiled.allotted.lock.print(place.name)),
        ..StateWrites::default()
    };
    write_state(place.disk, place.state_path, &writes)?;
    let new = made(compiled);
    let renewal = |key: String| {
        let until = |all: &BTreeMap<String, Seen>| all.get(&key).map(|it| it.until);
        let (was, until) = (until(&old), until(&new));
        Renewal { key, was, until }
    };
    let renewals = change.forget.into_iter().map(renewal).collect();
    Ok((report, renewals))
}

/// Only who signed takes back. nginx asks for a list of every authority on the way to the root, and the root's is not here.
fn revocable(compiled: &Compiled, chosen: &BTreeSet<String>) -> Result<(), Fault> {
    let lines = &compiled.allotted.lock.active.certificates;
    if let Some(key) = chosen.iter().find(|key| lines.get(*key).is_some_and(|it| it.adopted)) {
        return asked(format!(
            "`{key}` was taken over, and nobody but its peers knows it: `certs renew` makes a new one, and they drop this one when they have their new bundles"
        ));
    }
    let leaves = &compiled.allotted.settled.leaves;
    let ours = |name: &str| {
        let named = compiled.facts.certificates.get(name);
        named.is_none_or(|it| it.source == CertificateSource::ClusterCa)
    };
    let chained = leaves.iter().any(|(key, it)| ours(&key.name) && seen(&it.pem).len() > 1);
    if chained {
        return asked(
            "an authority below somebody else's signs here, and whoever keeps the root has to revoke what it signed: `certs renew` makes a new certificate with a new key",
        );
    }
    Ok(())
}

/// What the cluster's authority has signed.
fn made(compiled: &Compiled) -> BTreeMap<String, Seen> {
    let lines = compiled.allotted.lock.active.certificates.keys();
    let leaves = &compiled.allotted.settled.leaves;
    let named = leaves.iter().map(|(key, leaf)| {
        (format!("{}/{}", compiled.inventory.host(key.host).name, key.name), leaf)
    });
    let named: BTreeMap<String, _> = named.collect();
    let until = |key: &String| Some((key.clone(), seen(&named.get(key)?.pem).into_iter().next()?));
    lines.filter_map(until).collect()
}

fn chosen(
    compiled: &Compiled,
    made: &BTreeMap<String, Seen>,
    renewing: &Renewing,
) -> Result<BTreeSet<String>, Fault> {
    let mut chosen = BTreeSet::new();
    if let Some(day) = renewing.by {
        chosen.extend(made.iter().filter(|(_, it)| it.until <= day).map(|(key, _)| key.clone()));
    }
    for name in renewing.names {
        let fits = |key: &&String| *key == name || of(key) == name;
        let found: Vec<&String> = made.keys().filter(fits).collect();
        if found.is_empty() {
            return asked(not_there(compiled, made, name));
        }
        chosen.extend(found.into_iter().cloned());
    }
    Ok(chosen)
}

/// `www` of `node1/www`.
fn of(key: &str) -> &str {
    key.rsplit_once('/').map_or(key, |(_, name)| name)
}

/// Why there is nothing to renew of this name.
fn not_there(compiled: &Compiled, made: &BTreeMap<String, Seen>, name: &str) -> String {
    if name == "ca" {
        return "a new authority means a new certificate for every host, and hosts that trust both until all have one: that is not done by `renew`; `docs/decisions.md` says how to go about it".to_owned();
    }
    let facts = &compiled.facts;
    let source = facts.certificates.get(of(name)).map(|it| &it.source);
    match source {
        Some(CertificateSource::Files { .. }) => format!(
            "`{name}` is signed by somebody else: `clustergen certs csr` makes a request for a new one"
        ),
        Some(CertificateSource::OnHost { .. }) => {
            format!("`{name}` is kept on the hosts by somebody else, who renews it too")
        }
        _ if facts.leaves.keys().any(|key| key.name == name) => {
            format!("`{name}` is not made yet: `clustergen build` makes it")
        }
        _ => {
            let known = made.keys().flat_map(|key| [key.as_str(), of(key)]);
            let known = known.chain(facts.certificates.keys().map(String::as_str));
            let help = suggestion(name, known, || {
                "name one as `certs list` does, or one host's as `node1/www`".to_owned()
            });
            format!("nothing shows a certificate `{name}`: {help}")
        }
    }
}
