//! Staging: a host's new folder is laid out whole, beside the old one, before anything changes.

use std::io::ErrorKind::{AlreadyExists, NotADirectory};
use std::path::{Path, PathBuf};

use super::tree::{OutFault, at, foreign, parents};
use super::{HISTORY, STAGE};
use crate::diff::Before;
use crate::disk::{Disk, EntryKind};
use crate::render::Bundle;

/// The staging area of one build.
pub struct Stage<'a> {
    disk: &'a dyn Disk,
    out: PathBuf,
}

/// What the journal has to do with a host.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum StagedHost {
    /// Its folder takes the place of nothing.
    New { host: String },
    /// Its folder takes the old one's place; the digest tells which is which.
    Swap { host: String, digest: String },
    /// Its folder goes away.
    Gone { host: String },
}

impl<'a> Stage<'a> {
    /// An empty staging area.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new(disk: &'a dyn Disk, out: &Path) -> Result<Self, OutFault> {
        let stage = Self { disk, out: out.to_owned() };
        for folder in [out.to_owned(), stage.path(""), stage.path("hosts"), stage.path("top")] {
            at(&folder, disk.make_folder(&folder, 0o755))?;
        }
        Ok(stage)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.out.join(STAGE).join(name)
    }

    /// Lays out a host's new folder: what is unchanged is linked, what others put there stays.
    ///
    /// # Errors
    /// Something cannot be written.
    pub fn host(
        &self,
        before: Option<&Before>,
        bundle: &Bundle,
        history: &str,
    ) -> Result<StagedHost, OutFault> {
        let host = bundle.host.clone();
        let (old, new) = (self.out.join(&host), self.path("hosts").join(&host));
        at(&new, self.disk.make_folder(&new, 0o755))?;
        for folder in parents(bundle.files.keys()) {
            let folder = new.join(folder);
            at(&folder, self.disk.make_folder(&folder, 0o755))?;
        }
        for (path, file) in &bundle.files {
            let target = new.join(path);
            let same = before.is_some_and(|it| it.files.get(path) == Some(&file.bytes));
            if same && self.disk.link(&old.join(path), &target).is_ok() {
                continue;
            }
            let mode = if file.executable { 0o755 } else { 0o644 };
            at(&target, self.disk.create(&target, &file.bytes, mode))?;
        }
        let target = new.join(HISTORY);
        at(&target, self.disk.create(&target, history.as_bytes(), 0o644))?;
        let Some(before) = before else { return Ok(StagedHost::New { host }) };
        self.carry_over(before, &old, &new)?;
        Ok(StagedHost::Swap { host, digest: bundle.digest() })
    }

    fn are_alike(&self, one: &Path, other: &Path) -> Result<bool, OutFault> {
        Ok(at(one, self.disk.read(one))? == at(other, self.disk.read(other))?)
    }

    /// Files that clustergen did not write keep their place.
    fn carry_over(&self, before: &Before, old: &Path, new: &Path) -> Result<(), OutFault> {
        let kept = foreign(self.disk, old, &before.files)?;
        for (path, kind) in &kept {
            let (from, to) = (old.join(path), new.join(path));
            if *kind == EntryKind::Other {
                return Err(OutFault::InTheWay(from));
            }
            // where a file of ours has its name, or that of a folder above it, it cannot stay
            let folders = parents(std::iter::once(path));
            let made =
                folders.iter().try_for_each(|it| self.disk.make_folder(&new.join(it), 0o755));
            match made.and_then(|()| self.disk.link(&from, &to)) {
                // a merge has brought it, without the line that would say whose it is
                Err(error) if error.kind() == AlreadyExists && self.are_alike(&from, &to)? => {}
                Err(error) if matches!(error.kind(), AlreadyExists | NotADirectory) => {
                    return Err(OutFault::InTheWay(from));
                }
                done => at(&to, done)?,
            }
        }
        Ok(())
    }

    /// Stages the end of a host that is no longer described. What others put into its folder
    /// stays, in a folder that is otherwise empty.
    ///
    /// # Errors
    /// Something cannot be written.
    pub fn gone(&self, before: &Before, host: &str) -> Result<StagedHost, OutFault> {
        let (old, new) = (self.out.join(host), self.path("hosts").join(host));
        if foreign(self.disk, &old, &before.files)?.is_empty() {
            return Ok(StagedHost::Gone { host: host.to_owned() });
        }
        at(&new, self.disk.make_folder(&new, 0o755))?;
        self.carry_over(before, &old, &new)?;
        Ok(StagedHost::Swap { host: host.to_owned(), digest: String::new() })
    }

    /// Stages a file of the output folder itself.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn top(&self, name: &str, text: &str) -> Result<(), OutFault> {
        let path = self.path("top").join(name);
        at(&path, self.disk.create(&path, text.as_bytes(), 0o644))
    }
}
