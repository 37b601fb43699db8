//! The journal: from the moment it is there, the build happens, however often it is killed.
//!
//! Every line can be done again. A swap knows by the digest of `SHA256SUMS` whether the staged
//! folder is still the new one.

use std::path::Path;

use super::STAGE;
use super::stage::StagedHost;
use super::tree::{Existing, OutFault, at, parents, remove_tree};
use crate::disk::{Disk, EntryKind};
use crate::model::name::Label;
use crate::render::{SUMS, sha256};

const JOURNAL: &str = "journal";

/// Makes the staged build happen.
///
/// # Errors
/// Something cannot be written; the next build goes on from there.
pub fn finish(disk: &dyn Disk, out: &Path, hosts: &[StagedHost]) -> Result<(), OutFault> {
    let mut lines = String::new();
    for host in hosts {
        lines.push_str(&match host {
            StagedHost::New { host } => format!("new {host}\n"),
            StagedHost::Swap { host, digest } => format!("swap {host} {digest}\n"),
            StagedHost::Gone { host } => format!("gone {host}\n"),
        });
    }
    let stage = out.join(STAGE);
    // under its own name only when it is whole
    let (draft, journal) = (stage.join("journal.new"), stage.join(JOURNAL));
    at(&draft, disk.create(&draft, lines.as_bytes(), 0o644))?;
    at(&journal, disk.rename(&draft, &journal))?;
    carry_out(disk, out, &lines)
}

/// Finishes or undoes what a killed build left.
///
/// # Errors
/// Something cannot be read or written.
pub fn recover(disk: &dyn Disk, out: &Path) -> Result<(), OutFault> {
    let stage = out.join(STAGE);
    // a link would lead what follows to somebody else's files
    only_folders(disk, out, &[STAGE])?;
    only_folders(disk, &stage, &["hosts", "top"])?;
    match at(&stage, disk.read_below(&stage, JOURNAL))? {
        Some(journal) => carry_out(disk, out, &String::from_utf8_lossy(&journal)),
        // in a folder that is not ours nothing is taken away; that it is not is told later
        None if Existing::open(disk, out).is_err() => Ok(()),
        None => clear(disk, out),
    }
}

fn only_folders(disk: &dyn Disk, folder: &Path, names: &[&str]) -> Result<(), OutFault> {
    for (name, kind) in at(folder, disk.list(folder))? {
        if names.contains(&name.as_str()) && kind != EntryKind::Folder {
            return Err(OutFault::InTheWay(folder.join(name)));
        }
    }
    Ok(())
}

fn carry_out(disk: &dyn Disk, out: &Path, journal: &str) -> Result<(), OutFault> {
    for line in journal.lines() {
        let mut words = line.split(' ');
        let (Some(verb), Some(host)) = (words.next(), words.next()) else { continue };
        if Label::parse(host).is_err() {
            return Err(OutFault::Damaged(out.join(STAGE).join(JOURNAL)));
        }
        let (old, new) = (out.join(host), out.join(STAGE).join("hosts").join(host));
        match verb {
            "new" if !at(&new, disk.list(&new))?.is_empty() => {
                at(&old, disk.rename(&new, &old))?;
            }
            "swap" => swap(disk, &old, &new, words.next().unwrap_or_default())?,
            "gone" if !at(&old, disk.list(&old))?.is_empty() => {
                let away = out.join(STAGE).join(format!("gone-{host}"));
                at(&old, disk.rename(&old, &away))?;
            }
            _ => {}
        }
    }
    let top = out.join(STAGE).join("top");
    for (name, _) in at(&top, disk.list(&top))? {
        let (from, to) = (top.join(&name), out.join(&name));
        at(&to, disk.rename(&from, &to))?;
    }
    clear(disk, out)
}

fn swap(disk: &dyn Disk, old: &Path, new: &Path, digest: &str) -> Result<(), OutFault> {
    if at(new, disk.list(new))?.is_empty() {
        return Ok(());
    }
    let staged = at(new, disk.read(&new.join(SUMS)))?;
    let staged = staged.map(|sums| sha256(&sums)).unwrap_or_default();
    if staged != digest {
        return Ok(()); // the old one lies here now
    }
    match disk.exchange(old, new) {
        Ok(()) => Ok(()),
        // overlayfs, other devices, old kernels
        Err(error) if error.kind() != std::io::ErrorKind::Interrupted && cannot(&error) => {
            file_by_file(disk, old, new)
        }
        Err(error) => Err(OutFault::Io(old.to_owned(), error)),
    }
}

fn cannot(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    let codes = [Errno::XDEV, Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP];
    error.raw_os_error().is_some_and(|code| codes.iter().any(|it| it.raw_os_error() == code))
}

/// Where folders cannot be exchanged. The sums go last: while they lie in the stage, this is not
/// done yet.
fn file_by_file(disk: &dyn Disk, old: &Path, new: &Path) -> Result<(), OutFault> {
    let sums = at(new, disk.read(&new.join(SUMS)))?.unwrap_or_default();
    let sums = String::from_utf8_lossy(&sums).into_owned();
    let kept: Vec<String> =
        sums.lines().filter_map(|line| Some(line.split_once("  ")?.1.to_owned())).collect();
    let before = at(old, disk.read(&old.join(SUMS)))?.unwrap_or_default();
    for line in String::from_utf8_lossy(&before).lines() {
        let Some((_, path)) = line.split_once("  ") else { continue };
        if !kept.iter().any(|it| it == path) {
            let path = old.join(path);
            at(&path, disk.remove_file(&path))?;
        }
    }
    if sums.is_empty() {
        // the host is gone; only what others put there is staged
        for name in [SUMS, super::HISTORY] {
            let path = old.join(name);
            at(&path, disk.remove_file(&path))?;
        }
    }
    let mut files = kept;
    files.push(super::HISTORY.to_owned());
    for folder in parents(files.iter()) {
        let folder = old.join(folder);
        at(&folder, disk.make_folder(&folder, 0o755))?;
    }
    files.push(SUMS.to_owned());
    for path in files {
        let (from, to) = (new.join(&path), old.join(&path));
        if at(&from, disk.read(&from))?.is_some() {
            at(&to, disk.rename(&from, &to))?;
        }
    }
    prune(disk, old).map(drop)
}

/// Takes empty folders away; tells whether this one is empty now.
fn prune(disk: &dyn Disk, folder: &Path) -> Result<bool, OutFault> {
    let mut empty = true;
    for (name, kind) in at(folder, disk.list(folder))? {
        let path = folder.join(name);
        if kind == EntryKind::Folder && prune(disk, &path)? {
            at(&path, disk.remove_folder(&path))?;
        } else {
            empty = false;
        }
    }
    Ok(empty)
}

/// Takes the staging area away, the journal last: what is left of it can be done again.
fn clear(disk: &dyn Disk, out: &Path) -> Result<(), OutFault> {
    let stage = out.join(STAGE);
    for (name, kind) in at(&stage, disk.list(&stage))? {
        let path = stage.join(&name);
        if kind == EntryKind::Folder {
            remove_tree(disk, &path)?;
        } else if name != JOURNAL {
            at(&path, disk.remove_file(&path))?;
        }
    }
    let journal = stage.join(JOURNAL);
    at(&journal, disk.remove_file(&journal))?;
    at(&stage, disk.remove_folder(&stage))
}
