//! `certs import`: the way back of a request. Files as the authority sent them become the file
//! that the description names. Not here: pairs that hosts have already (see `adopt`).

use std::path::Path;

use time::{Date, OffsetDateTime};

use super::csr::{AUTHORITY, find, names};
use super::{asked, with_vault};
use crate::Described;
use crate::diag::Diagnostics;
use crate::identity::{self, Answer, Fitting, Vault, key_of_files, seen, unfit, unfit_to_sign};
use crate::inventory::Inventory;
use crate::model::facts::{CertificateSource, Facts, HOST_NAME, Usage};
use crate::model::host::HostId;
use crate::output::write_file;
use crate::run::{Fault, Opened, Place, open_state};
use crate::source::Sources;

/// What came of it.
pub struct Imported<'a> {
    pub sources: Sources<'a>,
    pub diagnostics: Diagnostics,
    /// `None` where the description is wrong.
    pub files: Option<Vec<ImportedFile>>,
}

/// A file that was written.
pub struct ImportedFile {
    /// Below the description's folder.
    pub path: String,
    pub until: Date,
    pub was: Option<Date>,
    /// Who signed the last one, where that is no root and not among the files.
    pub open_end: Option<String>,
}

/// A certificate that an answer may be for.
struct Wanted {
    /// The file that the description names.
    file: String,
    secret: String,
    names: Vec<String>,
    usage: Usage,
}

/// Takes in what was sent back for a request: `files` by name and text. `folder` is the
/// description's.
///
/// # Errors
/// The surroundings are in the way, or the files are no answer.
pub fn import<'a>(
    place: Place<'a>,
    folder: &Path,
    name: &str,
    files: &[(String, String)],
    now: OffsetDateTime,
) -> Result<Imported<'a>, Fault> {
    let state = open_state(place)?;
    with_vault(&state)?;
    let mut opened = Opened::open(place, &state)?;
    let described = opened.describe();
    let Opened { sources, diagnostics, .. } = opened;
    let Some(Described { inventory, facts, .. }) =
        described.filter(|_| !diagnostics.fatal(place.strict))
    else {
        return Ok(Imported { sources, diagnostics, files: None });
    };
    let to_sign = name == AUTHORITY && !facts.certificates.contains_key(name);
    let wanted =
        if to_sign { vec![authority(&inventory)?] } else { wanted(&facts, &inventory, name)? };
    let answer = Answer::read(files).map_err(Fault::Asked)?;
    let vault = Vault::new(place.safe(), now);
    let mut fitting = Vec::new();
    for it in &wanted {
        let found = answer.fitting(&vault, &it.secret, to_sign)?;
        fitting.extend(found.map(|found| (it, found)));
    }
    if fitting.is_empty() {
        return asked(format!(
            "none of these is for the key of `{name}` in the vault: they are {}; `clustergen certs csr` makes the request that belongs to it",
            answer.subjects()
        ));
    }
    for (it, found) in &fitting {
        judge(it, found, to_sign, now.date())?;
    }
    let mut written = Vec::new();
    for (it, found) in fitting {
        let was = place.folder.read(&it.file).ok().and_then(|it| String::from_utf8(it).ok());
        let was = was.and_then(|it| Some(seen(&it).first()?.until));
        write_file(place.disk, folder, &it.file, found.pem.as_bytes())?;
        let Fitting { seen, open_end, .. } = found;
        written.push(ImportedFile { path: it.file.clone(), until: seen.until, was, open_end });
    }
    Ok(Imported { sources, diagnostics, files: Some(written) })
}

/// The authority below somebody else's.
fn authority(inventory: &Inventory) -> Result<Wanted, Fault> {
    let authority = &inventory.cluster.authority;
    let Some(cert) = &authority.cert else {
        return asked(
            "the cluster's authority signs itself: write `authority cert=\"ca/chain.pem\"` at `cluster` where somebody else signs it",
        );
    };
    let secret = authority.key.as_ref().map_or(identity::AUTHORITY, |it| it.value.as_str());
    let (file, secret) = (cert.value.clone(), secret.to_owned());
    Ok(Wanted { file, secret, names: Vec::new(), usage: Usage::Server })
}

/// One for all hosts, or one for each.
fn wanted(facts: &Facts, inventory: &Inventory, name: &str) -> Result<Vec<Wanted>, Fault> {
    if !facts.certificates.contains_key(name) && facts.leaves.keys().any(|key| key.name == name) {
        return asked(format!(
            "each host makes a `{name}` of its own known to its peers: what one has already is taken over as `node1/{name}`"
        ));
    }
    let certificate = find(facts, name)?;
    let CertificateSource::Files { cert, .. } = &certificate.source else { return Ok(Vec::new()) };
    let one = |host: Option<HostId>| {
        let host_name = host.map(|id| inventory.host(id).name.as_str()).unwrap_or_default();
        Wanted {
            file: cert.value.replace(HOST_NAME, host_name),
            secret: key_of_files(name, certificate, host_name),
            names: names(facts, name, certificate, host),
            usage: usage(facts, name),
        }
    };
    if !certificate.per_host() {
        return Ok(vec![one(None)]);
    }
    let shown = facts.leaves.keys().filter(|key| key.name == name);
    Ok(shown.map(|key| one(Some(key.host))).collect())
}

fn usage(facts: &Facts, name: &str) -> Usage {
    let shown = facts.leaves.iter().filter(|(key, _)| key.name == name);
    shown.map(|(_, leaf)| leaf.usage).max().unwrap_or(Usage::Server)
}

fn judge(wanted: &Wanted, found: &Fitting, to_sign: bool, today: Date) -> Result<(), Fault> {
    let faults = if to_sign {
        unfit_to_sign(&found.pem, today)
    } else {
        unfit(&found.pem, &wanted.names, wanted.usage, today)
    };
    if faults.is_empty() {
        return Ok(());
    }
    asked(format!(
        "`{}` was not written, because the certificate does not do: {}",
        wanted.file,
        faults.join("; ")
    ))
}
