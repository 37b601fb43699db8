//! Values that people give, and those that an installer made on a host.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::{Known, asked, known, may_ask};
use crate::diag::Diagnostics;
use crate::identity::{Dry, Refusal, State, Vault, opened, written};
use crate::model::facts::{Giver, SecretSource};
use crate::output::unpack;
use crate::quote::Encoding;
use crate::run::{Fault, Place, open_state, read as look};

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
    usable(name, &value, &read_slots(place, &state)?)?;
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
    let slots = read_slots(place, &state)?;
    for (name, value) in values {
        let value = whole(&name, value)?;
        usable(&name, &value, &slots)?;
        digests.insert(name.clone(), vault.set_secret(&name, value)?);
    }
    let names = digests.keys().cloned().collect();
    secrets.write(place, vault, digests)?;
    Ok((known, names))
}

/// Where values go on the hosts, as far as that can be seen: each secret's ways of being written.
fn read_slots(place: Place, state: &State) -> Result<BTreeSet<(String, Encoding)>, Fault> {
    let report = look(place, state, &mut Dry)?;
    let Some(compiled) = &report.compiled else { return Ok(BTreeSet::new()) };
    let mut found = BTreeSet::new();
    for host in compiled.inventory.managed() {
        let slots = compiled.plan(host, &mut Diagnostics::default()).slots.into_values();
        found.extend(slots.map(|it| (it.secret, it.encoding)));
    }
    Ok(found)
}

/// Whether every format in which a value is to stand can carry it.
fn usable(name: &str, value: &[u8], slots: &BTreeSet<(String, Encoding)>) -> Result<(), Fault> {
    for (_, encoding) in slots.iter().filter(|(secret, _)| secret == name) {
        match written(*encoding, name, value) {
            Err(Refusal::Vault(why)) => return asked(format!("the value of {why}")),
            other => drop(other?),
        }
    }
    Ok(())
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
