//! The state folder: vault first and synced, then certificates and sealed secrets, then the lock;
//! what the new lock does not name any more goes last.
//!
//! Killed in between, there are keys that nothing names yet, which the next build takes up; never
//! a name without its key. A certificate that the lock names lies in its place, or waits beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::tree::{OutFault, at, parents};
use crate::disk::Disk;
use crate::identity::{RECIPIENTS, StateWrites, is_old, waiting};

/// What keeps secrets out of git, and line ends as they are.
const GIT_FILES: [(&str, &str); 2] = [
    (
        ".gitignore",
        "# Written by clustergen: the vault holds private keys and passwords. Only what is encrypted in\n\
         # it may be committed.\n\
         /vault/**\n!/vault/**/\n!/vault/**/*.age\n!/vault/recipients\n",
    ),
    (".gitattributes", "# Written by clustergen: digests are over these bytes.\n* -text\n"),
];

/// Where the hosts' sealed secrets lie.
const SEALED: &str = "sealed";

/// Writes what a build adds to the state. Nothing is written where nothing is new.
///
/// # Errors
/// Something cannot be written.
pub fn write_state(disk: &dyn Disk, state: &Path, writes: &StateWrites) -> Result<(), OutFault> {
    if writes.are_none() {
        return Ok(());
    }
    at(state, disk.make_folder(state, 0o755))?;
    for (name, text) in GIT_FILES {
        if at(state, disk.read(&state.join(name)))?.is_none() {
            replace(disk, &state.join(name), text.as_bytes(), 0o644)?;
        }
    }
    for folder in parents(writes.vault.keys()) {
        let folder = state.join(folder);
        at(&folder, disk.make_folder(&folder, 0o700))?;
    }
    write_vault(disk, state, &writes.vault)?;
    let files: Vec<String> =
        writes.certificates.keys().map(|key| format!("certs/{key}.pem")).collect();
    for folder in parents(files.iter()) {
        let folder = state.join(folder);
        at(&folder, disk.make_folder(&folder, 0o755))?;
    }
    // certificates take their places once the lock names them: what is there fits it until then
    for (file, pem) in files.iter().zip(writes.certificates.values()) {
        prepare(disk, &state.join(file), pem.as_bytes(), 0o644)?;
    }
    for (host, blob) in &writes.sealed {
        at(state, disk.make_folder(&state.join(SEALED), 0o755))?;
        replace(disk, &state.join(format!("{SEALED}/{host}.age")), blob.as_bytes(), 0o644)?;
    }
    if let Some(lock) = &writes.lock {
        // a copy, from which a lost lock comes back; it names nothing that is not there by now
        let vault = state.join("vault");
        if !at(&vault, disk.list(&vault))?.is_empty() {
            replace(disk, &vault.join("lock"), lock.as_bytes(), 0o600)?;
        }
        replace(disk, &state.join("lock"), lock.as_bytes(), 0o644)?;
    }
    for file in files {
        take_place(disk, &state.join(file))?;
    }
    // to whom all is encrypted is said when it is, and until it is no more
    let (readers, gone): (Vec<_>, Vec<_>) = writes.gone.iter().partition(|it| *it == RECIPIENTS);
    for name in gone.into_iter().chain(readers) {
        at(&state.join(name), disk.remove_file(&state.join(name)))?;
    }
    if writes.vault.contains_key(RECIPIENTS) {
        take_place(disk, &state.join(RECIPIENTS))?;
    }
    Ok(())
}

/// The vault's files but for that of its recipients, which waits beside its place: it is there only
/// once all others are, so that whoever finds it can end what was stopped, and needs no key to.
fn write_vault(
    disk: &dyn Disk,
    state: &Path,
    vault: &BTreeMap<String, Zeroizing<Vec<u8>>>,
) -> Result<(), OutFault> {
    let is_readers = |name: &&String| *name == RECIPIENTS;
    let (readers, names): (Vec<_>, Vec<_>) = vault.keys().partition(is_readers);
    for names in [&names, &readers] {
        for name in names {
            prepare(disk, &state.join(name), &vault[*name], 0o600)?;
        }
        if !names.is_empty() {
            at(state, disk.sync(state))?;
        }
    }
    // what is replaced lies safe under its old name before anything has its place
    let (old, new): (Vec<&String>, Vec<_>) = names.into_iter().partition(|name| is_old(name));
    for names in [old, new] {
        for name in &names {
            take_place(disk, &state.join(name))?;
        }
        if !names.is_empty() {
            at(state, disk.sync(state))?;
        }
    }
    Ok(())
}

/// Writes a file of the description's folder, in folders that are made where they are not.
///
/// # Errors
/// It cannot be written.
pub fn write_file(
    disk: &dyn Disk,
    folder: &Path,
    name: &str,
    bytes: &[u8],
) -> Result<(), OutFault> {
    let name = name.to_owned();
    for parent in parents([&name].into_iter()) {
        let parent = folder.join(parent);
        at(&parent, disk.make_folder(&parent, 0o755))?;
    }
    replace(disk, &folder.join(&name), bytes, 0o644)
}

/// Old or new, never half: written beside, then renamed.
pub(super) fn replace(
    disk: &dyn Disk,
    path: &Path,
    bytes: &[u8],
    mode: u32,
) -> Result<(), OutFault> {
    prepare(disk, path, bytes, mode)?;
    take_place(disk, path)
}

fn prepare(disk: &dyn Disk, path: &Path, bytes: &[u8], mode: u32) -> Result<(), OutFault> {
    let beside = beside(path);
    at(&beside, disk.remove_file(&beside))?;
    at(&beside, disk.create(&beside, bytes, mode))
}

fn take_place(disk: &dyn Disk, path: &Path) -> Result<(), OutFault> {
    at(path, disk.rename(&beside(path), path))
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(waiting(&name))
}
