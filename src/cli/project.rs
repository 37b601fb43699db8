//! A description on disk: where it, its state and its output lie.

use std::ffi::OsStr;
use std::io::ErrorKind::NotFound;
use std::path::{Component, Path, PathBuf};

use super::args::Input;
use super::{Failure, Manner};
use crate::build::Place;
use crate::disk::{RealDisk, RealFolder};

/// Whether two paths lead to one thing, as far as it is there.
fn same(a: &Path, b: &Path) -> bool {
    let plain = |path: &Path| -> PathBuf {
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        whole.components().filter(|part| *part != Component::CurDir).collect()
    };
    plain(a) == plain(b)
}

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
    /// There is no such file, or its name cannot be written into headers.
    pub(super) fn open(input: &Input, output: Option<&Path>) -> Result<Self, Failure> {
        let path = &input.description;
        let name = path.file_name().and_then(OsStr::to_str);
        let Some(name) = name.filter(|name| !name.chars().any(char::is_control)) else {
            let path = path.display().to_string().replace(char::is_control, "·");
            let message =
                format!("`{path}` is no description's name: name a file, as `cluster.kdl`");
            return Err(Failure::Environment(message));
        };
        let said = |what: &str| Err(Failure::Environment(format!("`{}` {what}", path.display())));
        match path.metadata() {
            Err(error) if error.kind() == NotFound => {
                return said(
                    "is not there: name the description, as `clustergen check cluster.kdl`",
                );
            }
            Err(error) => return said(&format!("cannot be read: {error}")),
            Ok(file) if file.is_dir() => return said("is a folder: name the description in it"),
            Ok(file) if !file.is_file() => return said("is no regular file"),
            Ok(_) => {}
        }
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new(".")).to_owned();
        let state = folder.join(name).with_extension("state");
        let state = input.state.clone().unwrap_or(state);
        let out = output.map_or_else(|| folder.join("out"), Path::to_owned);
        if same(&state, path) {
            return said(
                "would be its own state folder: call it `cluster.kdl`, or name another with `--state`",
            );
        }
        if same(&out, path) {
            return said("would be its own output folder: name another with `-o`");
        }
        if same(&state, &out) {
            return said(
                "would have its state and its output in one folder: name another with `-o`",
            );
        }
        Ok(Self {
            state: RealFolder(state),
            out,
            name: name.to_owned(),
            folder: RealFolder(folder),
        })
    }

    pub(super) fn description(&self) -> PathBuf {
        self.folder.0.join(&self.name)
    }

    pub(super) fn out(&self) -> &Path {
        &self.out
    }

    pub(super) fn state(&self) -> &Path {
        &self.state.0
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
