//! What lies in an output folder, and whose it is.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use super::{HISTORY, STAGE, top::ClusterJson};
use crate::diff::Before;
use crate::disk::{Disk, EntryKind, Look};
use crate::render::{Manifest, SUMS};

/// Why an output folder cannot be used: a fault of the surroundings, not of the description.
#[derive(Debug)]
pub enum OutFault {
    /// It holds something, and clustergen did not write it.
    NotOurs(PathBuf),
    /// Something that clustergen did not write lies where it writes.
    InTheWay(PathBuf),
    /// Clustergen wrote it, and it is not as it was.
    Damaged(PathBuf),
    Io(PathBuf, io::Error),
}

impl std::fmt::Display for OutFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotOurs(path) => write!(
                f,
                "`{}` is not empty, and clustergen did not make it: name an empty or a new folder",
                path.display()
            ),
            Self::InTheWay(path) => write!(
                f,
                "`{}` is in the way, and clustergen did not write it: move it out of the output folder",
                path.display()
            ),
            Self::Damaged(path) => write!(
                f,
                "`{}` is damaged: take it from the last commit, or delete the output folder and build again",
                path.display()
            ),
            Self::Io(path, error) if error.kind() == io::ErrorKind::NotADirectory => {
                write!(f, "`{}`: a folder is needed here, and there is a file", path.display())
            }
            Self::Io(path, error) if error.kind() == io::ErrorKind::NotFound => {
                let within = path.parent().unwrap_or(path).display();
                write!(
                    f,
                    "`{}` cannot be written: make the folder `{within}` first",
                    path.display()
                )
            }
            Self::Io(path, error) => write!(f, "`{}`: {error}", path.display()),
        }
    }
}

/// Says which path an operation was about.
pub(super) fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, OutFault> {
    result.map_err(|error| OutFault::Io(path.to_owned(), error))
}

/// The output of the last build.
#[derive(Debug, Default)]
pub struct Existing {
    pub cluster: ClusterJson,
}

impl Existing {
    /// Looks at an output folder; `None` where there is none, or an empty one.
    ///
    /// # Errors
    /// It is somebody else's, or cannot be read.
    pub fn open(disk: &dyn Look, out: &Path) -> Result<Option<Self>, OutFault> {
        let entries = at(out, disk.list(out))?;
        if entries.iter().all(|(name, _)| name == STAGE) {
            return Ok(None);
        }
        let json = at(out, disk.read(&out.join("cluster.json")))?;
        let Some(json) = json else { return Err(OutFault::NotOurs(out.to_owned())) };
        match ClusterJson::parse(&json) {
            Some(cluster) => Ok(Some(Self { cluster })),
            None => Err(OutFault::Damaged(out.join("cluster.json"))),
        }
    }
}

/// A host's folder as the last build left it, with what hands have done to it since; `None`
/// where there is none.
///
/// # Errors
/// Something is there but cannot be read, or the folder is not ours.
pub fn read_host(disk: &dyn Look, folder: &Path) -> Result<Option<Before>, OutFault> {
    let Some(sums) = at(folder, disk.read_below(folder, SUMS))? else {
        let empty = at(folder, disk.list(folder))?.is_empty();
        return if empty { Ok(None) } else { Err(OutFault::InTheWay(folder.to_owned())) };
    };
    let mut before = Before::default();
    for line in String::from_utf8_lossy(&sums).lines() {
        let Some((_, path)) = line.split_once("  ") else { continue };
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            continue; // not a line of ours: nothing outside of the folder is looked at
        }
        if let Some(bytes) = at(&folder.join(path), disk.read_below(folder, path))? {
            before.files.insert(path.to_owned(), bytes);
        }
    }
    before.files.insert(SUMS.to_owned(), sums);
    let manifest = before.files.get("manifest.json");
    before.manifest =
        manifest.and_then(|json| serde_json::from_slice::<Manifest>(json).ok()).unwrap_or_default();
    Ok(Some(before))
}

/// Files in a host's folder that clustergen did not write, by path, sorted.
///
/// # Errors
/// The folder cannot be read.
pub fn foreign(
    disk: &dyn Look,
    folder: &Path,
    ours: &BTreeMap<String, Vec<u8>>,
) -> Result<BTreeMap<String, EntryKind>, OutFault> {
    let mut found = BTreeMap::new();
    let mut open = vec![String::new()];
    while let Some(prefix) = open.pop() {
        let here = folder.join(&prefix);
        for (name, kind) in at(&here, disk.list(&here))? {
            let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            if kind == EntryKind::Folder {
                open.push(path);
            } else if path != HISTORY && path != SUMS && !ours.contains_key(&path) {
                found.insert(path, kind);
            }
        }
    }
    Ok(found)
}

/// Takes a folder away with all that is in it.
///
/// # Errors
/// Something cannot be taken away.
pub fn remove_tree(disk: &dyn Disk, folder: &Path) -> Result<(), OutFault> {
    for (name, kind) in at(folder, disk.list(folder))? {
        let path = folder.join(name);
        if kind == EntryKind::Folder {
            remove_tree(disk, &path)?;
        } else {
            at(&path, disk.remove_file(&path))?;
        }
    }
    at(folder, disk.remove_folder(folder))
}

/// The folders that have to be there for these files, outermost first.
pub(super) fn parents<'a>(files: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut folders = BTreeSet::new();
    for file in files {
        let mut path = file.as_str();
        while let Some((parent, _)) = path.rsplit_once('/') {
            folders.insert(parent.to_owned());
            path = parent;
        }
    }
    folders.into_iter().collect()
}
