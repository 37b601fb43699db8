//! A description on disk: where it, its state and its output lie.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::args::Input;
use super::{Failure, Manner};
use crate::build::Place;
use crate::disk::{RealDisk, RealFolder};

/// Where things lie.
pub(super) struct Project {
    folder: RealFolder,
    /// The description's file name.
    pub(super) name: String,
    state: RealFolder,
    out: PathBuf,
}

impl Project {
    /// # Errors
    /// The description's name cannot be written into headers.
    pub(super) fn open(input: &Input, output: Option<&Path>) -> Result<Self, Failure> {
        let path = &input.description;
        let name = path.file_name().and_then(OsStr::to_str);
        let Some(name) = name.filter(|name| !name.chars().any(char::is_control)) else {
            let message = format!("`{}` is no description's name", path.display());
            return Err(Failure::Environment(message));
        };
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new(".")).to_owned();
        let state = folder.join(name).with_extension("state");
        Ok(Self {
            state: RealFolder(input.state.clone().unwrap_or(state)),
            out: output.map_or_else(|| folder.join("out"), Path::to_owned),
            name: name.to_owned(),
            folder: RealFolder(folder),
        })
    }

    pub(super) fn description(&self) -> PathBuf {
        self.folder.0.join(&self.name)
    }

    pub(super) fn place(&self, manner: Manner) -> Place<'_> {
        Place {
            folder: &self.folder,
            name: &self.name,
            state: &self.state,
            state_path: &self.state.0,
            out: &self.out,
            disk: &RealDisk,
            strict: manner.strict,
        }
    }
}
