//! A description on disk: its folder, its state, and what of both a command needs.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use super::args::Input;
use super::{Failure, Manner, tell};
use crate::diag::{Diagnostics, render};
use crate::identity::{Lock, Mint, State};
use crate::source::{Folder, MAX_BYTES, Sources};
use crate::{Compiled, Knowledge, compile};

/// A folder of the file system.
pub(super) struct FsFolder(pub(super) PathBuf);

impl Folder for FsFolder {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let path = self.0.join(name);
        let said = |error: std::io::Error| format!("`{name}` cannot be read: {error}");
        let metadata = fs::metadata(&path).map_err(said)?;
        if metadata.is_dir() {
            return Err(format!("`{name}` is a folder, not a file"));
        }
        if !metadata.is_file() {
            return Err(format!("`{name}` is no regular file"));
        }
        if metadata.len() > 2 * MAX_BYTES as u64 {
            let mib = metadata.len() / 1024 / 1024;
            return Err(format!("`{name}` has {mib} MiB, more than a description may have"));
        }
        fs::read(&path).map_err(said)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, String> {
        let mut files = Vec::new();
        let mut open = vec![String::new()];
        while let Some(prefix) = open.pop() {
            let path = self.0.join(folder).join(&prefix);
            let said = |error: std::io::Error| format!("`{folder}` cannot be read: {error}");
            for entry in fs::read_dir(path).map_err(said)? {
                let entry = entry.map_err(said)?;
                let Ok(name) = entry.file_name().into_string() else { continue };
                let name = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
                if entry.file_type().map_err(said)?.is_dir() {
                    open.push(name);
                } else {
                    files.push(name);
                }
            }
        }
        files.sort();
        Ok(files)
    }
}

/// Where things lie.
pub(super) struct Project {
    pub(super) folder: PathBuf,
    /// The description's file name.
    pub(super) name: String,
    pub(super) state: PathBuf,
    pub(super) now: OffsetDateTime,
}

impl Project {
    /// # Errors
    /// The description is no file with a name that can be written into headers.
    pub(super) fn open(input: &Input) -> Result<Self, Failure> {
        let path = &input.description;
        let shown = path.display();
        let name = path.file_name().and_then(OsStr::to_str);
        let fine = |name: &&str| !name.chars().any(char::is_control);
        let Some(name) = name.filter(fine) else {
            return Err(Failure::Environment(format!("`{shown}` is no description's name")));
        };
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new(".")).to_owned();
        let own = folder.join(name).with_extension("state");
        Ok(Self {
            state: input.state.clone().unwrap_or(own),
            folder,
            name: name.to_owned(),
            now: OffsetDateTime::now_utc(),
        })
    }

    /// The output folder: what was said, or `out` beside the description.
    pub(super) fn output(&self, said: Option<&PathBuf>) -> PathBuf {
        said.cloned().unwrap_or_else(|| self.folder.join("out"))
    }

    pub(super) fn state_entries(&self) -> Result<Vec<String>, Failure> {
        let entries = match fs::read_dir(&self.state) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                let state = self.state.display();
                return Err(Failure::Environment(format!("`{state}`: {error}")));
            }
        };
        Ok(entries.filter_map(|it| it.ok()?.file_name().into_string().ok()).collect())
    }
}

/// What came of compiling, with all that borrows from it at hand.
pub(super) struct Ready<'a> {
    pub(super) sources: Sources<'a>,
    pub(super) diagnostics: Diagnostics,
    pub(super) compiled: Option<Compiled>,
    /// The lock as it was read.
    pub(super) lock: Lock,
}

/// Reads and compiles; faults are collected, not printed.
///
/// # Errors
/// The description cannot be read at all, or clustergen's own schema cannot.
pub(super) fn ready<'a>(
    project: &Project,
    folder: &'a FsFolder,
    state: &State,
    mint: &mut dyn Mint,
) -> Result<Ready<'a>, Failure> {
    let mut sources = Sources::new(folder);
    let knowledge = Knowledge::load(&mut sources).map_err(Failure::Bug)?;
    let mut diagnostics = Diagnostics::default();
    let lock = match &state.lock {
        Some(text) => {
            let name = format!("{}/lock", project.state.display());
            let id = sources.add(&name, text.clone());
            Lock::parse(&sources, id, &mut diagnostics)
        }
        None => Lock::default(),
    };
    let file = sources.open(&project.name).map_err(Failure::Environment)?;
    let compiled = compile(&knowledge, &mut sources, file, state, &lock, mint, &mut diagnostics);
    Ok(Ready { sources, diagnostics, compiled, lock })
}

impl Ready<'_> {
    /// Prints every fault; an error where the description is wrong.
    pub(super) fn judge(&self, manner: Manner) -> Result<(), Failure> {
        tell(&render::render(&self.diagnostics, &self.sources, manner.format, true));
        if self.diagnostics.fatal(manner.strict) { Err(Failure::Description) } else { Ok(()) }
    }
}
