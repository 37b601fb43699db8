//! The values of secrets, beside the builds: `secrets list`, `set`, `rotate`, `rekey`, `import`.
//!
//! In: a [`Place`], what was asked for, values that the edge has read. Out: vault and lock, written
//! as a build writes them; bundles show what is new after the next build. Values go into the vault
//! and nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::diag::{Diagnostics, suggestion};
use crate::doors::aligned;
use crate::identity::{
    Lock, RECIPIENTS, Readers, Recipient, State, StateWrites, Vault, opened, readers, rekeyed,
};
use crate::inventory::Inventory;
use crate::model::facts::{Facts, Giver, SecretSource};
use crate::output::{unpack, write_state};
use crate::run::{Fault, Place, open_state};
use crate::source::Sources;
use crate::{Described, Knowledge, describe};

/// A description and its lock, as far as secrets are concerned.
pub struct Known<'a> {
    pub sources: Sources<'a>,
    pub diagnostics: Diagnostics,
    /// `None` where the description or the lock is wrong.
    secrets: Option<Secrets>,
}

struct Secrets {
    facts: Facts,
    inventory: Inventory,
    readers: Readers,
    lock: Lock,
}

/// A secret, and whether it has a value.
#[derive(Serialize)]
pub struct Row {
    pub name: String,
    /// `generate length=24`, `env API_TOKEN`.
    pub source: String,
    /// The first digits of the value's keyed digest, as its tokens show them.
    pub digest: Option<String>,
}

/// Reads what there is.
///
/// # Errors
/// The surroundings are in the way.
pub fn known<'a>(place: Place<'a>, state: &State) -> Result<Known<'a>, Fault> {
    let mut sources = Sources::new(place.folder);
    let knowledge = Knowledge::load(&mut sources).map_err(Fault::Bug)?;
    let mut diagnostics = Diagnostics::default();
    let mut lock = Lock::default();
    if let Some(text) = &state.lock {
        let id = sources.add("lock", text.clone());
        lock = Lock::parse(&sources, id, &mut diagnostics);
    }
    let file = sources.open(place.name).map_err(Fault::Environment)?;
    let described = describe(&knowledge, &mut sources, file, &(), &mut diagnostics);
    let secrets = described.map(|Described { facts, inventory, .. }| {
        let readers = readers(&inventory, &mut diagnostics);
        Secrets { facts, inventory, readers, lock }
    });
    let secrets = secrets.filter(|_| !diagnostics.fatal(place.strict));
    Ok(Known { sources, diagnostics, secrets })
}

/// Every secret that the description asks for, sorted by name.
///
/// # Errors
/// The surroundings are in the way.
pub fn list(place: Place<'_>) -> Result<(Known<'_>, Option<Vec<Row>>), Fault> {
    let known = known(place, &open_state(place)?)?;
    let rows = known.secrets.as_ref().map(Secrets::rows);
    Ok((known, rows))
}

impl Secrets {
    fn rows(&self) -> Vec<Row> {
        let row = |(name, secret): (&String, &crate::model::facts::Secret)| Row {
            name: name.clone(),
            source: self.words(&secret.source),
            digest: self.lock.active.secrets.get(name).map(|it| it[..8].to_owned()),
        };
        self.facts.secrets.iter().map(row).collect()
    }

    /// As the description says it.
    fn words(&self, source: &SecretSource) -> String {
        match source {
            SecretSource::Generate { length } => format!("generate length={length}"),
            SecretSource::Given(Giver::Env(name)) => format!("env {name}"),
            SecretSource::Given(Giver::File(path)) => format!("file {path}"),
            SecretSource::Given(Giver::Prompt) => "prompt".to_owned(),
            SecretSource::Born { host, path } => {
                format!("born-on {} path={path}", self.inventory.host(*host).name)
            }
        }
    }

    fn source(&self, name: &str) -> Result<&SecretSource, Fault> {
        let known = self.facts.secrets.keys().map(String::as_str);
        let wrong = || {
            let help = suggestion(name, known, || "`secrets list` names them".to_owned());
            Fault::Asked(format!("nothing declares a secret `{name}`: {help}"))
        };
        self.facts.secrets.get(name).map(|it| &it.source).ok_or_else(wrong)
    }

    /// The secrets that are made on a host.
    fn born_on(&self, name: &str) -> Result<BTreeSet<&str>, Fault> {
        let Some(host) = self.inventory.find(name) else {
            let known = self.inventory.hosts.iter().map(|it| it.name.as_str());
            let help = suggestion(name, known, || "name a host of the description".to_owned());
            return asked(format!("there is no host `{name}`: {help}"));
        };
        let here = |source: &SecretSource| matches!(source, SecretSource::Born { host: on, .. } if *on == host);
        let secrets = self.facts.secrets.iter().filter(|(_, it)| here(&it.source));
        let names: BTreeSet<&str> = secrets.map(|(name, _)| name.as_str()).collect();
        if names.is_empty() {
            return asked(format!(
                "no secret says that it is made on `{name}`: `born-on \"{name}\" path=\"…\"` does"
            ));
        }
        Ok(names)
    }

    /// Writes what is new of vault and lock.
    fn write(
        &self,
        place: Place,
        vault: Vault,
        digests: BTreeMap<String, String>,
    ) -> Result<(), Fault> {
        let mut lock = self.lock.clone();
        for (name, digest) in digests {
            lock.retired.secrets.remove(&name);
            lock.active.secrets.insert(name, digest);
        }
        let writes = StateWrites {
            vault: vault.into_writes(&self.readers.vault)?,
            lock: Some(lock.print(place.name)),
            ..StateWrites::default()
        };
        Ok(write_state(place.disk, place.state_path, &writes)?)
    }
}

/// A value, or why there is none.
pub type Value = Result<Zeroizing<Vec<u8>>, Fault>;

/// Where a value is to be read.
pub enum ReadFrom<'a> {
    /// As the description says.
    Giver(&'a Giver),
    /// As the command says.
    Told,
}

/// Takes values in, each as `read` gets it. Of a secret that is drawn only what a running cluster
/// has already is taken: where the command says from where.
///
/// # Errors
/// The surroundings are in the way, or nobody gives such a secret a value.
pub fn set<'a>(
    place: Place<'a>,
    name: &str,
    told: bool,
    now: OffsetDateTime,
    read: &mut dyn FnMut(ReadFrom) -> Value,
) -> Result<Known<'a>, Fault> {
    let state = open_state(place)?;
    let known = known(place, &state)?;
    let Some(secrets) = &known.secrets else { return Ok(known) };
    let from = match secrets.source(name)? {
        _ if told => ReadFrom::Told,
        SecretSource::Given(giver) => ReadFrom::Giver(giver),
        SecretSource::Born { host, .. } => {
            let host = &secrets.inventory.host(*host).name;
            return asked(format!(
                "`{name}` is made on `{host}`: `apply.sh --bootstrap export` there, then `clustergen import {host} FILE`; or say `--from FILE`"
            ));
        }
        SecretSource::Generate { .. } => {
            return asked(format!(
                "`{name}` is drawn by clustergen: `clustergen secrets rotate {} {name}` draws it anew; to take in one that is in use already, say `--from FILE`",
                place.name
            ));
        }
    };
    may_ask(&state)?;
    let value = whole(name, read(from)?)?;
    let mut vault = Vault::new(place.safe(), now);
    let digest = vault.set_secret(name, value)?;
    secrets.write(place, vault, BTreeMap::from([(name.to_owned(), digest)]))?;
    Ok(known)
}

/// Takes in what an installer made on a host, out of the file that `apply.sh --bootstrap export`
/// wrote there. The names of what was taken in.
///
/// # Errors
/// The surroundings are in the way, or it is not what is made on that host.
pub fn import<'a>(
    place: Place<'a>,
    host: &str,
    file: Zeroizing<Vec<u8>>,
    now: OffsetDateTime,
) -> Result<(Known<'a>, Vec<String>), Fault> {
    let state = open_state(place)?;
    let known = known(place, &state)?;
    let Some(secrets) = &known.secrets else { return Ok((known, Vec::new())) };
    let born = secrets.born_on(host)?;
    may_ask(&state)?;
    let values = opened(file, place.identities).and_then(|file| unpack(&file));
    let values =
        values.map_err(|why| Fault::Environment(format!("the export of `{host}`: {why}")))?;
    if let Some(strange) = values.keys().find(|name| !born.contains(name.as_str())) {
        return asked(format!(
            "the export has `{strange}`, which no secret says is made on `{host}`"
        ));
    }
    if let Some(missing) = born.iter().find(|name| !values.contains_key(**name)) {
        return asked(format!(
            "the export lacks `{missing}`: `apply.sh --bootstrap export` on `{host}` makes a new one, with the bundle of today"
        ));
    }
    let mut vault = Vault::new(place.safe(), now);
    let mut digests = BTreeMap::new();
    for (name, value) in values {
        let value = whole(&name, value)?;
        digests.insert(name.clone(), vault.set_secret(&name, value)?);
    }
    let names = digests.keys().cloned().collect();
    secrets.write(place, vault, digests)?;
    Ok((known, names))
}

/// Draws values anew; the old ones stay in the vault, where a lock that is taken back finds them.
///
/// # Errors
/// The surroundings are in the way, or a value is none that clustergen draws.
pub fn rotate<'a>(
    place: Place<'a>,
    names: &[String],
    now: OffsetDateTime,
) -> Result<Known<'a>, Fault> {
    let state = open_state(place)?;
    let known = known(place, &state)?;
    let Some(secrets) = &known.secrets else { return Ok(known) };
    may_ask(&state)?;
    let mut vault = Vault::new(place.safe(), now);
    let mut digests = BTreeMap::new();
    for name in names {
        let SecretSource::Generate { length } = secrets.source(name)? else {
            return asked(format!(
                "`{name}` is not drawn by clustergen: `clustergen secrets set {} {name}` takes in the new one",
                place.name
            ));
        };
        if !secrets.lock.active.secrets.contains_key(name) {
            return asked(format!("`{name}` has no value yet: `clustergen build` draws it"));
        }
        digests.insert(name.clone(), vault.draw_secret(name, *length)?);
    }
    secrets.write(place, vault, digests)?;
    Ok(known)
}

/// A vault that was written anew.
pub struct Rekeyed {
    pub files: usize,
    /// Who opens it now; nobody where it is plain.
    pub readers: Vec<String>,
    /// Whether those who were named while it was written are among them.
    pub opens: bool,
}

/// Writes every file of the vault anew, encrypted to those whom the description names, or plain
/// where it names nobody.
///
/// # Errors
/// The surroundings are in the way.
pub fn rekey(place: Place<'_>) -> Result<(Known<'_>, Option<Rekeyed>), Fault> {
    let state = open_state(place)?;
    let known = known(place, &state)?;
    let Some(secrets) = &known.secrets else { return Ok((known, None)) };
    may_ask(&state)?;
    if state.recipients.is_none() {
        return asked("there is no vault yet: `clustergen build` makes it".to_owned());
    }
    let (vault, gone): (BTreeMap<_, _>, BTreeSet<_>) =
        rekeyed(place.safe(), &secrets.readers.vault)?;
    let files = vault.keys().filter(|it| *it != RECIPIENTS).count();
    let readers = secrets.readers.vault.iter().map(Recipient::shown).collect();
    let mut values = vault.iter().filter(|(name, _)| *name != RECIPIENTS).map(|(_, it)| it);
    let opens = values.next().is_none_or(|it| opened(it.clone(), place.identities).is_ok());
    let writes = StateWrites { vault, gone, ..StateWrites::default() };
    write_state(place.disk, place.state_path, &writes)?;
    Ok((known, Some(Rekeyed { files, readers, opens })))
}

/// Without the vault's keys no value has a digest.
fn may_ask(state: &State) -> Result<(), Fault> {
    match state.without_vault() {
        Some(refusal) => Err(refusal.into()),
        None => Ok(()),
    }
}

/// A value without the line end that editors put behind it.
fn whole(name: &str, mut value: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, Fault> {
    for end in [b'\n', b'\r'] {
        if value.last() == Some(&end) {
            value.pop();
        }
    }
    if value.is_empty() {
        return asked(format!("the value of `{name}` is empty"));
    }
    if value.contains(&0) {
        return asked(format!(
            "the value of `{name}` has a zero byte in it, which no text can carry"
        ));
    }
    Ok(value)
}

fn asked<T>(why: String) -> Result<T, Fault> {
    Err(Fault::Asked(why))
}

/// For programs.
#[must_use]
pub fn json(rows: &[Row]) -> String {
    // nothing in here can fail to be written: strings alone
    serde_json::to_string_pretty(rows).unwrap_or_default() + "\n"
}

/// As a table.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let lines = rows.iter().map(|row| {
        let value = row.digest.clone().unwrap_or_else(|| "none yet".to_owned());
        [row.name.clone(), row.source.clone(), value].map(|cell| vec![cell]).to_vec()
    });
    aligned(&["secret", "comes from", "value"], lines.collect())
}
