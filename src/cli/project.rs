//! A description on disk: where it, its state and its output lie.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind::NotFound, Read};
use std::path::{Component, Path, PathBuf};

use zeroize::Zeroizing;

use super::args::Input;
use super::{Failure, Manner};
use crate::diag::turns;
use crate::disk::{RealDisk, RealFolder};
use crate::identity::{Identities, Unusable};
use crate::run::Place;

/// Whether two paths lead to one thing, as far as it is there.
fn same(a: &Path, b: &Path) -> bool {
    resolved(a) == resolved(b)
}

/// A path with its links followed, as far as it is there.
fn resolved(path: &Path) -> PathBuf {
    let named = Path::new(".").join(path);
    let there = named.ancestors().find_map(|it| Some((it, it.canonicalize().ok()?)));
    let (there, whole) = there.unwrap_or((Path::new(""), PathBuf::new()));
    let rest = named.strip_prefix(there).unwrap_or(&named).components();
    whole.components().chain(rest.filter(|part| *part != Component::CurDir)).collect()
}

/// The most that is read of a key or a value.
const MOST: usize = 16 * 1024 * 1024;

/// What lies at a path, be it a pipe: `--identity <(pass show vault)`.
pub(super) fn whole(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    upto(File::open(path)?)
}

/// All that comes, where it comes to an end.
pub(super) fn upto(from: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    // more than most have: a buffer that grows leaves copies behind
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 * 1024));
    from.take(MOST as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MOST {
        return Err(io::Error::other(format!("it has more than {} MiB", MOST / 1024 / 1024)));
    }
    Ok(bytes)
}

/// The keys in these files. A variable that is empty names none.
fn identities(files: &[PathBuf]) -> Result<Identities, Failure> {
    let mut identities = Identities::default();
    for file in files.iter().filter(|it| !it.as_os_str().is_empty()) {
        let path = file.display();
        let said = |why: String| Failure::Environment(format!("the identity `{path}`: {why}"));
        let bytes = whole(file).map_err(|error| said(format!("it cannot be read: {error}")))?;
        // what is no text holds none, and is told so
        let added = identities.add(std::str::from_utf8(&bytes).unwrap_or_default());
        added.map_err(|Unusable { why, help }| said(format!("{why}; {help}")))?;
    }
    Ok(identities)
}

/// Where things lie.
pub(super) struct Project {
    folder: RealFolder,
    /// The description's file name.
    pub(super) name: String,
    state: RealFolder,
    identities: Identities,
    out: PathBuf,
}

impl Project {
    /// # Errors
    /// There is no such file, or its name cannot be written into headers.
    pub(super) fn open(input: &Input, output: Option<&Path>) -> Result<Self, Failure> {
        let path = &input.description;
        let name = path.file_name().and_then(OsStr::to_str);
        let Some(name) = name.filter(|name| !name.chars().any(turns)) else {
            let path = path.display().to_string().replace(turns, "·");
            let message =
                format!("`{path}` is no description's name: name a file, as `cluster.kdl`");
            return Err(Failure::Environment(message));
        };
        let said = |what: &str| Err(Failure::Environment(format!("`{}` {what}", path.display())));
        match path.metadata() {
            Err(error) if error.kind() == NotFound => {
                return said(
                    "is not there: name the description, or start one with `clustergen init`",
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
        let state = input.state.state.clone().unwrap_or(state);
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
        let inside = |a: &Path, b: &Path| resolved(a).starts_with(resolved(b));
        if inside(&out, &state) || inside(&state, &out) {
            return said(
                "would have its state and its output inside each other: name another with `-o`",
            );
        }
        let identities = identities(&input.state.identity)?;
        Ok(Self {
            identities,
            state: RealFolder(state),
            out,
            name: name.to_owned(),
            folder: RealFolder(folder),
        })
    }

    pub(super) fn description(&self) -> PathBuf {
        self.folder.0.join(&self.name)
    }

    /// The description's folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder.0
    }

    pub(super) fn out(&self) -> &Path {
        &self.out
    }

    pub(super) fn state(&self) -> &Path {
        &self.state.0
    }

    /// Where archives go: neither into the output, which is committed, nor into the state.
    ///
    /// # Errors
    /// What was named is one of these.
    pub(super) fn archives(&self, named: Option<&Path>) -> Result<PathBuf, Failure> {
        let to = named.map_or_else(|| self.folder.0.join("packs"), Path::to_owned);
        for (folder, what) in [(self.out.as_path(), "output"), (self.state(), "state")] {
            if resolved(&to).starts_with(resolved(folder)) {
                let message = format!(
                    "`{}` is in the {what} folder, which is committed, and archives hold secrets: name another with `--to`",
                    to.display()
                );
                return Err(Failure::Environment(message));
            }
        }
        Ok(to)
    }

    pub(super) fn place(&self, manner: Manner) -> Place<'_> {
        Place {
            folder: &self.folder,
            name: &self.name,
            state: &self.state,
            state_path: &self.state.0,
            identities: &self.identities,
            out: &self.out,
            disk: &RealDisk,
            strict: manner.strict,
            watch: &(),
        }
    }
}
