//! Files in one archive, zip or tar.
//!
//! In: files with their modes. Out: the bytes of an archive with one folder at its top, the same
//! for the same files: sorted, of one date, of nobody; and a place for it where nobody else reads
//! it. Not here: which files. The only user of `zip` and `tar`.
//!
//! Nothing is compressed. Bundles are small; what a compressor makes changes with its version; and
//! it would keep parts of secrets in memory of its own.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::state::replace;
use super::tree::{OutFault, at, parents};
use crate::disk::Disk;
use crate::identity::waiting;

/// 1980-01-01, the first date that a zip can carry; GNU tar finds older ones implausible.
const DATE: u64 = 315_532_800;

/// Folders are for who unpacks them alone.
const FOLDER: u32 = 0o700;

/// More than the headers of one entry take beside its name, in either form.
const HEADERS: usize = 3072;

/// How an archive is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    Zip,
    Tar,
}

impl Form {
    /// The end of the archive's name.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Tar => "tar",
        }
    }
}

/// A file to go into an archive.
pub struct Packed<'a> {
    pub bytes: &'a [u8],
    pub mode: u32,
}

/// Writes an archive into a folder, over an older one of its name, after git is told to leave it alone.
///
/// # Errors
/// It cannot be written.
pub fn keep_archive(
    disk: &dyn Disk,
    folder: &Path,
    name: &str,
    bytes: &[u8],
) -> Result<PathBuf, OutFault> {
    let theirs = !at(folder, disk.list(folder))?.is_empty();
    at(folder, disk.make_folder(folder, FOLDER))?;
    if theirs {
        // also what a write that was stopped leaves
        ignored(disk, folder, &[&format!("/{name}"), &format!("/{}", waiting(name))])?;
    } else {
        ignored(disk, folder, &["*"])?;
    }
    let path = folder.join(name);
    replace(disk, &path, bytes, 0o600)?;
    Ok(path)
}

/// Has git leave names in a folder alone. Rules that are there stay.
fn ignored(disk: &dyn Disk, folder: &Path, rules: &[&str]) -> Result<(), OutFault> {
    let path = folder.join(".gitignore");
    let old = at(&path, disk.read(&path))?.unwrap_or_default();
    let has = |rule: &str| old.split(|byte| *byte == b'\n').any(|line| line == rule.as_bytes());
    let mut missing = rules.iter().filter(|rule| !has("*") && !has(rule)).peekable();
    if missing.peek().is_none() {
        return Ok(());
    }
    let mut text = old.clone();
    if text.last().is_some_and(|last| *last != b'\n') {
        text.push(b'\n');
    }
    text.extend(b"# Written by clustergen: archives with secrets are no part of the history.\n");
    missing.for_each(|rule| text.extend([rule.as_bytes(), b"\n"].concat()));
    replace(disk, &path, &text, 0o644)
}

/// An archive of these files, below a folder. No byte of it stays in memory behind it.
///
/// # Errors
/// A name that the form cannot carry.
pub fn archive(
    form: Form,
    folder: &str,
    files: &BTreeMap<String, Packed>,
) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut entries: BTreeMap<String, Option<&Packed>> = BTreeMap::new();
    entries.insert(format!("{folder}/"), None);
    for name in parents(files.keys()) {
        entries.insert(format!("{folder}/{name}/"), None);
    }
    entries.extend(files.iter().map(|(name, file)| (format!("{folder}/{name}"), Some(file))));
    let mut bytes = room(&entries);
    match form {
        Form::Zip => zip(&entries, &mut bytes)?,
        Form::Tar => tar(&entries, &mut bytes)?,
    }
    Ok(bytes)
}

/// A tar of values by name, without a folder: what is sealed to a host.
///
/// # Errors
/// A name that it cannot carry.
pub fn payload(values: &BTreeMap<String, Zeroizing<Vec<u8>>>) -> io::Result<Zeroizing<Vec<u8>>> {
    let files = values.iter().map(|(name, it)| (name.clone(), Packed { bytes: it, mode: 0o600 }));
    let files: BTreeMap<String, Packed> = files.collect();
    let entries = files.iter().map(|(name, file)| (name.clone(), Some(file))).collect();
    let mut bytes = room(&entries);
    tar(&entries, &mut bytes)?;
    Ok(bytes)
}

/// The files of a tar without folders, as `apply.sh --bootstrap export` makes one.
///
/// # Errors
/// A sentence: it is no such tar.
pub fn unpack(bytes: &[u8]) -> Result<BTreeMap<String, Zeroizing<Vec<u8>>>, String> {
    // not why: the reason may quote what lies there, and that may be a value
    let said = |_: io::Error| "it is no whole tar".to_owned();
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(bytes).entries().map_err(said)? {
        let mut entry = entry.map_err(said)?;
        let name = entry.path().map_err(said)?.display().to_string();
        if !entry.header().entry_type().is_file() {
            return Err(format!("`{name}` in it is no file"));
        }
        let size = usize::try_from(entry.size()).unwrap_or_default();
        let mut content = Zeroizing::new(Vec::with_capacity(size.min(bytes.len())));
        entry.read_to_end(&mut content).map_err(said)?;
        if files.insert(name.clone(), content).is_some() {
            return Err(format!("`{name}` is in it twice"));
        }
    }
    if files.is_empty() {
        return Err("nothing is in it, or it is no tar".to_owned());
    }
    Ok(files)
}

/// As much as these take: a vector that grows leaves copies of what it held.
fn room(entries: &BTreeMap<String, Option<&Packed>>) -> Zeroizing<Vec<u8>> {
    let sizes = entries
        .iter()
        .map(|(name, file)| file.map_or(0, |it| it.bytes.len()) + 2 * name.len() + HEADERS);
    Zeroizing::new(Vec::with_capacity(sizes.sum()))
}

fn zip(entries: &BTreeMap<String, Option<&Packed>>, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut zip = ZipWriter::new(Cursor::new(bytes));
    let plain = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default());
    for (name, file) in entries {
        match file {
            None => zip.add_directory(name.as_str(), plain.unix_permissions(FOLDER))?,
            Some(file) => {
                zip.start_file(name.as_str(), plain.unix_permissions(file.mode))?;
                zip.write_all(file.bytes)?;
            }
        }
    }
    zip.finish()?;
    Ok(())
}

fn tar(entries: &BTreeMap<String, Option<&Packed>>, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut tar = tar::Builder::new(bytes);
    for (name, file) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_mtime(DATE);
        header.set_uid(0);
        header.set_gid(0);
        let content = file.map_or(&[][..], |it| it.bytes);
        header.set_size(content.len() as u64);
        header.set_mode(file.map_or(FOLDER, |it| it.mode));
        header.set_entry_type(match file {
            None => tar::EntryType::Directory,
            Some(_) => tar::EntryType::Regular,
        });
        tar.append_data(&mut header, name, content)?;
    }
    tar.finish()
}
