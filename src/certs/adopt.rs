//! `certs import NODE/csync2`: a certificate and its key that a running cluster has already.
//!
//! In: what is where, two files. Out: the key in the vault, the certificate and its line in the lock,
//! written as a build writes them. Nothing makes it anew until that is asked for.

use time::{Date, OffsetDateTime};
use zeroize::Zeroizing;

use super::{asked, with_vault};
use crate::Described;
use crate::diag::{Diagnostics, suggestion};
use crate::identity::{Pair, StateWrites, Vault, leaf_request, readers};
use crate::inventory::Inventory;
use crate::model::facts::{CertificateSource, Facts, Leaf, LeafKey, Usage};
use crate::output::write_state;
use crate::run::{Fault, Opened, Place, open_state};
use crate::source::Sources;

/// What came of it.
pub struct Adopted<'a> {
    pub sources: Sources<'a>,
    pub diagnostics: Diagnostics,
    /// When it ends; `None` where the description is wrong.
    pub until: Option<Date>,
}

/// Takes over what a host shows: `name` is `node1/csync2`, `files` are by name and text.
///
/// # Errors
/// The surroundings are in the way, or the pair cannot be taken over.
pub fn adopt<'a>(
    place: Place<'a>,
    name: &str,
    files: &[(String, Zeroizing<String>)],
    now: OffsetDateTime,
) -> Result<Adopted<'a>, Fault> {
    let state = open_state(place)?;
    with_vault(&state)?;
    let mut opened = Opened::open(place, &state)?;
    let described = opened.describe();
    let Opened { sources, mut diagnostics, mut lock, .. } = opened;
    let Some(Described { inventory, facts, .. }) =
        described.filter(|_| !diagnostics.fatal(place.strict))
    else {
        return Ok(Adopted { sources, diagnostics, until: None });
    };
    let (key, leaf) = pinned(&facts, &inventory, name)?;
    let pair = Pair::read(files, now.date()).map_err(Fault::Asked)?;
    let mut vault = Vault::new(place.safe(), now);
    vault.adopt(name, &pair)?;
    lock.adopt(name, pair.line(&leaf_request(&inventory, &key, leaf)));
    let recipients = readers(&inventory, &mut diagnostics).vault;
    let writes = StateWrites {
        vault: vault.into_writes(&recipients)?,
        certificates: [(name.to_owned(), pair.pem.clone())].into(),
        lock: Some(lock.print(place.name)),
        ..StateWrites::default()
    };
    write_state(place.disk, place.state_path, &writes)?;
    Ok(Adopted { sources, diagnostics, until: Some(pair.seen.until) })
}

/// The certificate of a host that its peers know itself.
fn pinned<'a>(
    facts: &'a Facts,
    inventory: &Inventory,
    name: &str,
) -> Result<(LeafKey, &'a Leaf), Fault> {
    let called = |key: &LeafKey| format!("{}/{}", inventory.host(key.host).name, key.name);
    let Some((key, leaf)) = facts.leaves.iter().find(|(key, _)| called(key) == name) else {
        let known: Vec<String> = facts.leaves.keys().map(called).collect();
        let help = suggestion(name, known.iter().map(String::as_str), || {
            "name one as `certs list` does, with its host".to_owned()
        });
        return asked(format!("no host shows a certificate `{name}`: {help}"));
    };
    match facts.certificates.get(&key.name).map(|it| &it.source) {
        None if leaf.usage == Usage::Pinned => Ok((key.clone(), leaf)),
        None => asked(format!(
            "`{name}` cannot be taken over: its peers ask whether the cluster's authority signed it. Leave it, and all get new ones with the first apply; or write `authority cert=…` at `cluster` where the one that signed it is to sign for all hosts",
        )),
        Some(CertificateSource::ClusterCa) => asked(format!(
            "`{name}` cannot be taken over: its clients ask whether the cluster's authority signed it. Write `source \"files\"` in `certificate \"{}\"` to go on showing yours, or `authority cert=…` at `cluster` where the one that signed it is to sign for all hosts",
            key.name
        )),
        Some(CertificateSource::Files { .. }) => asked(format!(
            "`{}` comes from a file beside the description: put yours there; the key is a secret, `key=(secret)\"…\"`",
            key.name
        )),
        Some(CertificateSource::OnHost { .. }) => asked(format!(
            "`{}` stays on the hosts as it is: nothing has to be taken over",
            key.name
        )),
    }
}
