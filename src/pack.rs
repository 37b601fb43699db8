//! One archive per host: its bundle, and the values of its secrets.
//!
//! In: a [`Place`] whose output is what a build would write, with its vault. Out: archives that
//! nobody else may read, each written whole. Not here: the archives' form, and how they travel.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::Compiled;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::identity::{Refusal, value};
use crate::model::facts::{LeafKey, SecretSource};
use crate::model::host::HostId;
use crate::model::plan::Slot;
use crate::output::{Form, Packed, archive, keep_archive};
use crate::run::{Fault, Place, Report, compare_with, selected};
use crate::source::{Sources, Span};

/// What is packed, and where to.
#[derive(Clone, Copy)]
pub struct Packing<'a> {
    /// The hosts; none names all.
    pub only: &'a [String],
    pub to: &'a Path,
    pub form: Form,
}

/// An archive that was written.
#[derive(Debug)]
pub struct Archive {
    pub path: PathBuf,
    pub files: usize,
    pub secrets: usize,
}

/// Packs, where the output is what a build would write and every value is there. Nothing is
/// written otherwise: the report says why.
///
/// # Errors
/// The surroundings are in the way, or what was asked for does not fit.
pub fn pack<'a>(place: Place<'a>, packing: Packing) -> Result<(Report<'a>, Vec<Archive>), Fault> {
    let mut report = compare_with(place, false)?;
    if report.diffs.is_some() {
        // whether a value is there is looked at here, and told as an error
        report.diagnostics.forget(Code::SecretUnset);
    }
    let mut found = Diagnostics::default();
    let mut archives = Vec::new();
    if let Some(compiled) = &report.compiled
        && !report.diagnostics.fatal(place.strict)
    {
        let hosts = selected(compiled, packing.only)?;
        if report.fresh() {
            lacking(place, compiled, &hosts, &mut found);
        }
        if report.fresh() && !found.fatal(place.strict) {
            for host in hosts {
                archives.push(pack_host(place, packing, compiled, host, &report.sources)?);
            }
        }
    }
    report.diagnostics.extend(found);
    Ok((report, archives))
}

/// Tells every value that is not there, each once.
fn lacking(place: Place, compiled: &Compiled, hosts: &[HostId], found: &mut Diagnostics) {
    let mut slots: BTreeMap<String, Slot> = BTreeMap::new();
    for host in hosts {
        // what is wrong with a plan was told by the comparison
        slots.extend(compiled.plan(*host, &mut Diagnostics::default()).slots);
    }
    for slot in slots.values() {
        let (code, message) = match value(&place.safe(), slot) {
            Ok(Some(_)) => continue,
            Ok(None) => (Code::SecretUnset, format!("{} is not in the vault", named(slot))),
            Err(Refusal::Vault(why)) => (Code::IdentityMismatch, why),
            Err(other) => (Code::NeedsVault, other.sentence()),
        };
        let (span, given) = asked_for(compiled, slot);
        let help = if given {
            let secret = &slot.secret;
            format!(
                "`clustergen secrets set {secret}` takes it in; one that a host makes comes by `clustergen import`"
            )
        } else {
            "fetch the vault that belongs to this lock".to_owned()
        };
        found.push(Diagnostic::error(code, message).at(span, "a host needs it").help(help));
    }
}

fn named(slot: &Slot) -> String {
    match slot.secret.strip_prefix("key/") {
        Some(key) => format!("the private key `{key}`"),
        None => format!("the secret `{}`", slot.secret),
    }
}

/// Where the description asks for a slot's value, and whether a person has to give it.
fn asked_for(compiled: &Compiled, slot: &Slot) -> (Span, bool) {
    let facts = &compiled.facts;
    if let Some(secret) = facts.secrets.get(&slot.secret) {
        return (secret.origin.span, !matches!(secret.source, SecretSource::Generate { .. }));
    }
    let key = slot.secret.strip_prefix("key/").and_then(|key| key.split_once('/'));
    let leaf = key.and_then(|(host, name)| {
        let host = compiled.inventory.find(host)?;
        facts.leaves.get(&LeafKey { host, name: name.to_owned() })
    });
    (leaf.map(|it| it.origin.span).unwrap_or_default(), false)
}

fn pack_host(
    place: Place,
    packing: Packing,
    compiled: &Compiled,
    host: HostId,
    sources: &Sources,
) -> Result<Archive, Fault> {
    let changed = || Fault::Environment("files changed while they were packed: try again".into());
    let mut none = Diagnostics::default();
    let plan = compiled.plan(host, &mut none);
    let bundle = compiled.bundle(&plan, sources, &mut none).ok_or_else(changed)?;
    let mut values: BTreeMap<String, Zeroizing<Vec<u8>>> = BTreeMap::new();
    for (token, slot) in &plan.slots {
        let value = value(&place.safe(), slot).ok().flatten().ok_or_else(changed)?;
        values.insert(format!("secrets/{token}"), value);
    }
    let mode = |executable: bool| if executable { 0o755 } else { 0o644 };
    let ours = bundle.files.iter().map(|(path, file)| {
        (path.clone(), Packed { bytes: &file.bytes, mode: mode(file.executable) })
    });
    let mut files: BTreeMap<String, Packed> = ours.collect();
    let secrets = values.iter().map(|(path, it)| (path.clone(), Packed { bytes: it, mode: 0o600 }));
    files.extend(secrets);
    let bytes = archive(packing.form, &plan.name, &files)
        .map_err(|error| Fault::Bug(format!("{}: {error}", plan.name)))?;
    let name = format!("{}.{}", plan.name, packing.form.ending());
    let path = keep_archive(place.disk, packing.to, &name, &bytes)?;
    Ok(Archive { path, files: bundle.files.len(), secrets: values.len() })
}
