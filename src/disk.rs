//! The doors to the file system: everything that clustergen changes goes through [`Disk`], and what
//! it looks at of an output through [`Look`], behind which there may be a commit as well.
//!
//! A test stops at every operation of it in turn; so each method is one step that is either done
//! or not, and nothing else in clustergen writes.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, RenameFlags, ResolveFlags};
use rustix::io::Errno;

use crate::source::{Folder, MAX_BYTES};

/// For reading: opening a pipe must not wait for a writer.
const READ: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

/// What lies in a folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryKind {
    File,
    Folder,
    /// A symbolic link, a socket, a device.
    Other,
}

/// Files as they lie in folders.
pub trait Look: Sync {
    /// A file's bytes; `None` where there is none.
    ///
    /// # Errors
    /// As the operating system says.
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>>;

    /// The bytes of a file below a folder, on a way without links; `None` where there is none,
    /// and where something else has its name.
    ///
    /// # Errors
    /// As the operating system says.
    fn read_below(&self, folder: &Path, path: &str) -> io::Result<Option<Vec<u8>>> {
        self.read(&folder.join(path))
    }

    /// What lies in a folder, sorted by name; nothing where there is none.
    ///
    /// # Errors
    /// As the operating system says; also where a link leads there and no further.
    fn list(&self, path: &Path) -> io::Result<Vec<(String, EntryKind)>>;
}

/// Changes on a disk, one step each, and what it takes to decide on them.
pub trait Disk: Look {
    /// Makes a folder; fine where it is there.
    ///
    /// # Errors
    /// As the operating system says.
    fn make_folder(&self, path: &Path, mode: u32) -> io::Result<()>;

    /// Writes a new file.
    ///
    /// # Errors
    /// As the operating system says; also where the file is there.
    fn create(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()>;

    /// A second name for a file.
    ///
    /// # Errors
    /// As the operating system says.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Another name for a file or folder; a file in the way is replaced.
    ///
    /// # Errors
    /// As the operating system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Two folders take each other's names, in one step.
    ///
    /// # Errors
    /// As the operating system says; some file systems cannot.
    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()>;

    /// Takes a file away; fine where it is gone.
    ///
    /// # Errors
    /// As the operating system says.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Takes an empty folder away; fine where it is gone.
    ///
    /// # Errors
    /// As the operating system says.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;

    /// Waits until everything on this path's file system is on the disk: once for many files.
    ///
    /// # Errors
    /// As the operating system says.
    fn sync(&self, path: &Path) -> io::Result<()>;
}

/// A folder of the file system.
pub struct RealFolder(pub PathBuf);

impl Folder for RealFolder {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let path = self.0.join(name);
        let said = |error: io::Error| format!("`{name}` cannot be read: {error}");
        let metadata = fs::metadata(&path).map_err(said)?;
        if metadata.is_dir() {
            return Err(format!("`{name}` is a folder, not a file"));
        }
        if !metadata.is_file() {
            return Err(format!("`{name}` is no regular file"));
        }
        // a little more than may be taken in: the sentence about the size is not ours
        let mut bytes = Vec::new();
        let file = fs::File::open(&path).map_err(said)?;
        file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(said)?;
        Ok(bytes)
    }

    fn exists(&self, name: &str) -> bool {
        self.0.join(name).symlink_metadata().is_ok()
    }

    fn holds(&self, name: &str) -> bool {
        let whole = |path: &Path| path.canonicalize().ok();
        let folder = if self.0.as_os_str().is_empty() { Path::new(".") } else { &self.0 };
        match (whole(folder), whole(&folder.join(name))) {
            (Some(folder), Some(path)) => path.starts_with(folder),
            _ => true, // that it cannot be read is told by who reads it
        }
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, String> {
        if !self.0.join(folder).is_dir() {
            return Err(format!("there is no folder `{folder}`"));
        }
        let mut files = Vec::new();
        let mut open = vec![String::new()];
        while let Some(prefix) = open.pop() {
            let said = |error: io::Error| format!("`{folder}` cannot be read: {error}");
            for (name, kind) in RealDisk.list(&self.0.join(folder).join(&prefix)).map_err(said)? {
                let name = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
                match kind {
                    EntryKind::Folder => open.push(name),
                    _ => files.push(name),
                }
            }
        }
        files.sort();
        Ok(files)
    }
}

/// The disk itself.
pub struct RealDisk;

impl Look for RealDisk {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        match rustix::fs::open(path, READ, Mode::empty()) {
            Ok(file) => {
                let bytes = whole(file.into())?;
                bytes.map(Some).ok_or_else(|| io::Error::other("it is no regular file"))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn read_below(&self, folder: &Path, path: &str) -> io::Result<Option<Vec<u8>>> {
        let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let root = match fs::File::open(folder) {
            Ok(root) => root,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match rustix::fs::openat2(root, path, READ, Mode::empty(), within) {
            Ok(file) => whole(file.into()),
            Err(Errno::NOENT | Errno::LOOP | Errno::XDEV | Errno::NOTDIR | Errno::NXIO) => Ok(None),
            // kernels before 5.6, and sandboxes
            Err(Errno::NOSYS | Errno::PERM) => self.read(&folder.join(path)),
            Err(error) => Err(error.into()),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(String, EntryKind)>> {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return leads_somewhere(path).map(|()| Vec::new());
            }
            Err(error) => return Err(error),
        };
        let mut list = Vec::new();
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            let kind = match (kind.is_file(), kind.is_dir()) {
                (true, _) => EntryKind::File,
                (_, true) => EntryKind::Folder,
                _ => EntryKind::Other,
            };
            let name = entry.file_name().into_string().map_err(|name| {
                io::Error::other(format!("the file name {} is not UTF-8", name.display()))
            })?;
            list.push((name, kind));
        }
        list.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(list)
    }
}

impl Disk for RealDisk {
    fn make_folder(&self, path: &Path, mode: u32) -> io::Result<()> {
        match fs::DirBuilder::new().mode(mode).create(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            other => other,
        }
    }

    fn create(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(bytes)?;
        // a umask must not take the owner's right to run a script, nor open a secret
        if file.metadata()?.mode() & 0o777 != mode {
            file.set_permissions(fs::Permissions::from_mode(mode))?;
        }
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()> {
        Ok(rustix::fs::renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)?)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        gone_is_fine(fs::remove_file(path))
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        gone_is_fine(fs::remove_dir(path))
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        Ok(rustix::fs::syncfs(fs::File::open(path)?)?)
    }
}

/// Whether a folder that is not there could be made: a link to nothing would be in the way of it.
fn leads_somewhere(path: &Path) -> io::Result<()> {
    let there = path.ancestors().find(|it| it.symlink_metadata().is_ok());
    match there.filter(|it| !it.exists()) {
        None => Ok(()),
        Some(link) if link == path => Err(io::Error::other("it is a link that leads nowhere")),
        Some(link) => {
            Err(io::Error::other(format!("`{}` is a link that leads nowhere", link.display())))
        }
    }
}

/// The bytes of a regular file; `None` where it is something else.
fn whole(mut file: fs::File) -> io::Result<Option<Vec<u8>>> {
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

fn gone_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
