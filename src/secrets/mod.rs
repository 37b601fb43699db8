//! The values of secrets, beside the builds: `secrets list`, `set`, `rotate`, `rekey`, `import`.
//!
//! In: a [`Place`], what was asked for, values that the edge has read. Out: vault and lock, written
//! as a build writes them; bundles show what is new after the next build. Values go into the vault
//! and nowhere else.

mod changes;
mod given;

pub use changes::{Rekeyed, rekey, rotate};
pub use given::{ReadFrom, Value, import, set};

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::Described;
use crate::diag::{Diagnostics, suggestion};
use crate::doors::aligned;
use crate::identity::{Lock, Readers, State, StateWrites, Vault, readers};
use crate::inventory::Inventory;
use crate::model::facts::{BornForm, Facts, Giver, SecretSource};
use crate::output::write_state;
use crate::run::{Fault, Opened, Place, open_state};
use crate::source::Sources;

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
    let mut opened = Opened::open(place, state)?;
    let described = opened.describe();
    let Opened { sources, mut diagnostics, lock, .. } = opened;
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
            SecretSource::Born { host, path, form } => {
                let host = &self.inventory.host(*host).name;
                match form {
                    BornForm::Text => format!("born-on {host} path={path}"),
                    form => format!("born-on {host} path={path} as={}", form.word()),
                }
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

/// Without the vault's keys no value has a digest.
fn may_ask(state: &State) -> Result<(), Fault> {
    match state.without_vault() {
        Some(refusal) => Err(refusal.into()),
        None => Ok(()),
    }
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
