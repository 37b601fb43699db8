//! One archive per host: its bundle, and the values of its secrets.
//!
//! In: a [`Place`] whose output is what a build would write, with its vault, and who signs. Out:
//! archives that nobody else may read, each written whole, and none before all are signed. Not here:
//! the archives' form, how a signature is made, and how they travel.

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
use crate::render::{Bundle, SUMS, sha256};
use crate::run::{Fault, Place, Report, compare_with, selected};
use crate::source::{Sources, Span};

/// What is packed, and where to.
#[derive(Clone, Copy)]
pub struct Packing<'a> {
    /// The hosts; none names all.
    pub only: &'a [String],
    pub to: &'a Path,
    pub form: Form,
    pub signer: Option<&'a dyn Sign>,
}

/// The sums of all that is packed, as `sha256sum -c` reads them, and their signature.
const SIGNED: &str = "SIGNED";
const SIGNATURE: &str = "SIGNED.sig";

/// The key of whoever packs.
pub trait Sign {
    /// A signature of each text, in their order; all at once, so that a passphrase is asked for once.
    ///
    /// # Errors
    /// A sentence.
    fn sign(&self, texts: &[String]) -> Result<Vec<Vec<u8>>, String>;
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
            let sources = &report.sources;
            let signed = sign(place, packing, compiled, &hosts, sources)?;
            for (number, host) in hosts.into_iter().enumerate() {
                let contents = Contents::of(place, compiled, host, sources)?;
                archives.push(contents.pack(place, packing, signed.get(number))?);
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
    if !slots.is_empty() && place.safe().is_closed() {
        let closed = Diagnostic::error(Code::NeedsVault, Refusal::Closed.why());
        return found.push(closed.help(Refusal::Closed.help()));
    }
    for slot in slots.values() {
        if slot.comes_later() {
            let message = format!("{} is not in the vault yet", named(slot));
            let diagnostic = Diagnostic::warning(Code::SecretUnset, message)
                .at(asked_for(compiled, slot).0, "a one-time step needs it")
                .help("what is packed now can be applied; pack again before that step");
            found.push(diagnostic);
            continue;
        }
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
                "`clustergen secrets set {} {secret}` takes it in; one that a host makes comes by `clustergen import`",
                place.name
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

/// What is signed, and how.
struct Signed {
    text: String,
    signature: Vec<u8>,
}

/// What is signed of each host; nothing where nobody signs. The contents are made again when they
/// are packed, because those of a large cluster do not fit in memory together.
fn sign(
    place: Place,
    packing: Packing,
    compiled: &Compiled,
    hosts: &[HostId],
    sources: &Sources,
) -> Result<Vec<Signed>, Fault> {
    let Some(signer) = packing.signer else { return Ok(Vec::new()) };
    let contents = hosts.iter().map(|host| Contents::of(place, compiled, *host, sources));
    let texts: Vec<String> = contents.map(|it| it.map(|it| it.sums())).collect::<Result<_, _>>()?;
    let signatures = signer.sign(&texts).map_err(Fault::Environment)?;
    let both = texts.into_iter().zip(signatures);
    Ok(both.map(|(text, signature)| Signed { text, signature }).collect())
}

/// What a host's archive is made of.
struct Contents {
    bundle: Bundle,
    /// By path in the archive.
    values: BTreeMap<String, Zeroizing<Vec<u8>>>,
}

impl Contents {
    fn of(
        place: Place,
        compiled: &Compiled,
        host: HostId,
        sources: &Sources,
    ) -> Result<Self, Fault> {
        let mut none = Diagnostics::default();
        let plan = compiled.plan(host, &mut none);
        let bundle = compiled.bundle(&plan, sources, &mut none).ok_or_else(changed)?;
        let mut values = BTreeMap::new();
        for (token, slot) in &plan.slots {
            if slot.comes_later() {
                continue;
            }
            let value = value(&place.safe(), slot).ok().flatten().ok_or_else(changed)?;
            values.insert(format!("secrets/{token}"), value);
        }
        Ok(Self { bundle, values })
    }

    /// The sums of what `SHA256SUMS` does not list: of itself, by which the signature is one of the
    /// whole bundle, and of the values.
    fn sums(&self) -> String {
        let sums = self.bundle.files.get(SUMS).map(|file| (SUMS, file.bytes.as_slice()));
        let values = self.values.iter().map(|(path, value)| (path.as_str(), value.as_slice()));
        let line = |(path, bytes): (&str, &[u8])| format!("{}  {path}\n", sha256(bytes));
        sums.into_iter().chain(values).map(line).collect()
    }

    fn pack(
        &self,
        place: Place,
        packing: Packing,
        signed: Option<&Signed>,
    ) -> Result<Archive, Fault> {
        let mode = |executable: bool| if executable { 0o755 } else { 0o644 };
        let ours = self.bundle.files.iter().map(|(path, file)| {
            (path.clone(), Packed { bytes: &file.bytes, mode: mode(file.executable) })
        });
        let mut files: BTreeMap<String, Packed> = ours.collect();
        let private = |bytes| Packed { bytes, mode: 0o600 };
        files.extend(self.values.iter().map(|(path, value)| (path.clone(), private(value))));
        if let Some(Signed { text, signature }) = signed {
            if *text != self.sums() {
                return Err(changed());
            }
            // a short password could be guessed from its sum
            files.insert(SIGNED.to_owned(), private(text.as_bytes()));
            files.insert(SIGNATURE.to_owned(), private(signature));
        }
        let host = &self.bundle.host;
        let bytes = archive(packing.form, host, &files)
            .map_err(|error| Fault::Bug(format!("{host}: {error}")))?;
        let name = format!("{host}.{}", packing.form.ending());
        let path = keep_archive(place.disk, packing.to, &name, &bytes)?;
        Ok(Archive { path, files: self.bundle.files.len(), secrets: self.values.len() })
    }
}

fn changed() -> Fault {
    Fault::Environment("files changed while they were packed: try again".to_owned())
}
