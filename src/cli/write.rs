//! Files that a command writes where it was told to; and what to do where that cannot be.

use std::io::{self, ErrorKind};
use std::path::Path;

use super::{Done, Failure};
use crate::disk::{Disk, RealDisk};

/// Writes a file that is not there yet.
pub(super) fn new(path: &Path, bytes: &[u8]) -> Done {
    RealDisk.create(path, bytes, 0o644).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::Environment(format!(
            "`{}` is there already: name another file with `-o`",
            path.display()
        )),
        _ => cannot(path, &error),
    })
}

/// Writes files over those that are there, into a folder that is made where it is not.
pub(super) fn into(folder: &Path, files: &[(String, Vec<u8>)]) -> Done {
    RealDisk.make_folder(folder, 0o755).map_err(|error| cannot(folder, &error))?;
    for (name, bytes) in files {
        let path = folder.join(name);
        let done = RealDisk.remove_file(&path);
        let done = done.and_then(|()| RealDisk.create(&path, bytes, 0o644));
        done.map_err(|error| cannot(&path, &error))?;
    }
    Ok(())
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty() && !it.exists());
    let why = match (error.kind(), folder) {
        (ErrorKind::NotFound, Some(folder)) => {
            format!("there is no folder `{}`; make it first", folder.display())
        }
        (ErrorKind::NotADirectory, _) => "a part of the path is a file; take it away".to_owned(),
        (ErrorKind::AlreadyExists, _) => "it is there, and no folder; take it away".to_owned(),
        (ErrorKind::PermissionDenied, _) => "you may not write there; have it allowed".to_owned(),
        _ => error.to_string(),
    };
    let path = path.display();
    Failure::Environment(format!("`{path}` cannot be written: {why}, or name another place"))
}
