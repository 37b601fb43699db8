//! The vault's files, as they lie: plain, or encrypted to the vault's recipients (`NAME.age`).
//!
//! In: the state folder, the identities of who is at work. Out: bytes. Not here: what they mean.

use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroizing;

use super::crypt::{Identities, Recipient, decrypt, encrypt};
use super::mint::{Refusal, broken};
use super::names::{AUTHORITY_KEY, DIGEST_KEY, ENCRYPTED, LOCK, RECIPIENTS, waiting};
use crate::source::Folder;

/// Something that knows what the vault holds.
pub trait Keep: Sync {
    /// What is held of a name; `None` only where nothing is there: what cannot be read must not be
    /// made anew over it.
    ///
    /// # Errors
    /// It is there and cannot be read or opened.
    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Refusal>;
}

/// The vault's files.
#[derive(Clone, Copy)]
pub struct Safe<'a> {
    pub folder: &'a dyn Folder,
    pub identities: &'a Identities,
}

impl Keep for Safe<'_> {
    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Refusal> {
        let encrypted = format!("{name}{ENCRYPTED}");
        // where both are there, the plain one is what an encryption that was stopped left
        let is_encrypted = self.folder.exists(&encrypted);
        let file = if is_encrypted { encrypted.as_str() } else { name };
        if !is_encrypted && !self.folder.exists(name) {
            return Ok(None);
        }
        let bytes = Zeroizing::new(self.folder.read(file).map_err(Refusal::Vault)?);
        if bytes.is_empty() {
            return Err(broken(file, "it is empty"));
        }
        if !is_encrypted {
            return Ok(Some(bytes));
        }
        if self.identities.is_empty() {
            return Err(Refusal::Closed);
        }
        decrypt(&bytes, self.identities).map(Some).map_err(|why| broken(file, &why))
    }
}

impl Safe<'_> {
    /// Whether there are encrypted files, and nobody was named who could open them.
    pub(crate) fn is_closed(self) -> bool {
        let names = [AUTHORITY_KEY, DIGEST_KEY].map(|name| format!("{name}{ENCRYPTED}"));
        self.identities.is_empty() && names.iter().any(|name| self.folder.exists(name))
    }

    /// Whether there is a vault: an empty folder is where one is mounted, or was. Its copy of the
    /// lock comes with the first key, be it of whatever kind.
    pub(super) fn is_there(self) -> bool {
        [AUTHORITY_KEY, DIGEST_KEY, LOCK].iter().any(|name| self.has(name))
    }

    /// To whom its files were encrypted when they were last, as they are written.
    pub(super) fn recipients(self) -> Vec<String> {
        let text = self.folder.read(RECIPIENTS).unwrap_or_default();
        String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
    }

    /// Whether all that is there is encrypted, but nothing says to whom: a first build was stopped.
    pub(super) fn lacks_recipients(self) -> bool {
        let files = self.folder.list("vault").unwrap_or_default();
        let plain = |file: &String| ours(&format!("vault/{file}")) && !file.ends_with(ENCRYPTED);
        !self.folder.exists(RECIPIENTS) && !files.iter().any(plain)
    }

    /// Whether the vault holds something of a name, open or not.
    fn has(self, name: &str) -> bool {
        let names = [name.to_owned(), format!("{name}{ENCRYPTED}")];
        names.iter().any(|name| self.folder.exists(name))
    }
}

/// What tells to whom the vault is encrypted.
pub(super) fn recipients_file(recipients: &[Recipient]) -> (String, Zeroizing<Vec<u8>>) {
    let lines: Vec<&str> = recipients.iter().map(Recipient::as_str).collect();
    (RECIPIENTS.to_owned(), Zeroizing::new((lines.join("\n") + "\n").into_bytes()))
}

/// Files of the vault, as they are to lie there.
///
/// # Errors
/// They cannot be encrypted.
pub(super) fn as_kept(
    files: BTreeMap<String, Zeroizing<Vec<u8>>>,
    recipients: &[Recipient],
) -> Result<BTreeMap<String, Zeroizing<Vec<u8>>>, Refusal> {
    if recipients.is_empty() {
        return Ok(files);
    }
    let kept = files.into_iter().map(|(name, bytes)| {
        let sealed = encrypt(&bytes, recipients).map_err(|why| broken(&name, &why))?;
        Ok((format!("{name}{ENCRYPTED}"), Zeroizing::new(sealed)))
    });
    kept.collect()
}

/// Every file of the vault as it is to lie for these recipients, and what has to go then.
///
/// Where that was begun for the same ones and stopped, some files are theirs alone already: those
/// stay, and what waits beside takes its place as it is.
///
/// # Errors
/// A file cannot be opened, or not encrypted.
pub fn rekeyed(safe: Safe, recipients: &[Recipient]) -> Result<Rekeyed, Refusal> {
    let files = safe.folder.list("vault").map_err(Refusal::Vault)?;
    let files: Vec<String> = files.iter().map(|file| format!("vault/{file}")).collect();
    let readers = (!recipients.is_empty()).then(|| recipients_file(recipients));
    let begun = readers.as_ref().is_some_and(|(name, text)| {
        safe.folder.read(&rest_of(name)).is_ok_and(|found| found == **text)
    });
    let (mut plain, mut kept, mut stay) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
    for file in files.iter().filter(|it| ours(it)) {
        let name = file.strip_suffix(ENCRYPTED).unwrap_or(file);
        let encrypted = format!("{name}{ENCRYPTED}");
        if begun && let Ok(rest) = safe.folder.read(&rest_of(&encrypted)) {
            kept.insert(encrypted, Zeroizing::new(rest));
            continue;
        }
        match safe.read(name) {
            Ok(value) => {
                let value = value.ok_or_else(|| broken(file, "it is not there any more"))?;
                plain.insert(name.to_owned(), value);
            }
            Err(_) if begun && safe.folder.exists(&encrypted) => drop(stay.insert(encrypted)),
            Err(refusal) => return Err(refusal),
        }
    }
    kept.extend(as_kept(plain, recipients)?);
    stay.insert(LOCK.to_owned());
    // it takes its place behind all that has to go
    stay.extend(readers.iter().map(|(name, _)| rest_of(name)));
    kept.extend(readers);
    // a rest may hold what is plain
    let mut gone: BTreeSet<String> = files.into_iter().collect();
    gone.retain(|file| !kept.contains_key(file) && !stay.contains(file));
    Ok((kept, gone))
}

/// What waits beside a file of the vault to take its place.
fn rest_of(file: &str) -> String {
    let (folder, name) = file.rsplit_once('/').unwrap_or((".", file));
    format!("{folder}/{}", waiting(name))
}

/// Whether a file is one that is encrypted where the vault is.
fn ours(file: &str) -> bool {
    ![LOCK, RECIPIENTS].contains(&file) && !is_rest(file)
}

/// What a write that was stopped left beside its file.
fn is_rest(file: &str) -> bool {
    file.rsplit('/').next().is_some_and(|name| name.starts_with('.'))
}

/// Files by name, and names that have to go.
type Rekeyed = (BTreeMap<String, Zeroizing<Vec<u8>>>, BTreeSet<String>);

/// A file that was encrypted on its way here, or was not.
///
/// # Errors
/// A sentence: it is encrypted, and cannot be opened.
pub fn opened(
    bytes: Zeroizing<Vec<u8>>,
    identities: &Identities,
) -> Result<Zeroizing<Vec<u8>>, String> {
    // binary and armored files of age (age-encryption.org/v1)
    let is_encrypted = [&b"age-encryption.org/"[..], b"-----BEGIN AGE"];
    if !is_encrypted.iter().any(|begin| bytes.starts_with(begin)) {
        return Ok(bytes);
    }
    if identities.is_empty() {
        return Err("it is encrypted: name the file with your key by `--identity FILE`".to_owned());
    }
    decrypt(&bytes, identities)
}
