//! What a host's disk has, and how that differs from what it had.
//!
//! In: the upper folder of the overlay, which is all that the host wrote over the machine's files;
//! or a folder that is all there is. Out: facts by path. Not in it: what lies in memory (`/run`,
//! `/tmp`, `/proc`, `/sys`, `/dev`), and the journal.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

const LEFT_OUT: [&str; 6] = ["/run", "/tmp", "/proc", "/sys", "/dev", "/var/log/journal"];

#[derive(PartialEq)]
pub(crate) struct Snapshot {
    /// Nothing where something of the machine's was taken away.
    entries: BTreeMap<PathBuf, Option<Entry>>,
    /// Whether what is not in it is as the machine has it, or not there.
    over: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Entry {
    kind: &'static str,
    mode: u32,
    owner: (u32, u32),
    /// Of files.
    size: u64,
    /// Of a file's bytes, or of where a link leads.
    content: u64,
    /// Of files and links, in nanoseconds: a folder's says no more than its entries.
    written: i128,
}

impl Snapshot {
    pub(crate) fn of(upper: &Path) -> Self {
        Self { over: true, ..Self::whole(upper) }
    }

    /// Of a folder that lies over no other.
    pub(crate) fn whole(folder: &Path) -> Self {
        let mut entries = BTreeMap::new();
        walk(folder, Path::new("/"), &mut entries);
        Self { entries, over: false }
    }

    /// A line for each path that is not what it was: type, mode, owner, content, or not there.
    pub(crate) fn changes(&self, later: &Self) -> Vec<String> {
        self.compare(later, |it| Entry { written: 0, ..it })
    }

    /// Those, and each that was written anew with the same content.
    pub(crate) fn writes(&self, later: &Self) -> Vec<String> {
        self.compare(later, |it| it)
    }

    fn compare(&self, later: &Self, view: fn(Entry) -> Entry) -> Vec<String> {
        let paths: BTreeSet<&PathBuf> = self.entries.keys().chain(later.entries.keys()).collect();
        let mut lines = Vec::new();
        for path in paths {
            let (before, after) = (self.entry(path).map(view), later.entry(path).map(view));
            let path = path.display();
            match (before, after) {
                (Some(before), Some(after)) if before != after => {
                    lines.push(format!("{path}: {before:?} became {after:?}"));
                }
                (None, Some(_)) => lines.push(format!("{path} is new")),
                (Some(_), None) => lines.push(format!("{path} is gone")),
                _ => {}
            }
        }
        lines
    }

    fn entry(&self, path: &Path) -> Option<Entry> {
        match self.entries.get(path) {
            Some(found) => found.clone(),
            None if self.over => entry(path),
            None => None,
        }
    }
}

fn walk(at: &Path, path: &Path, entries: &mut BTreeMap<PathBuf, Option<Entry>>) {
    for found in fs::read_dir(at).unwrap() {
        let name = found.unwrap().file_name();
        let (at, path) = (at.join(&name), path.join(&name));
        if LEFT_OUT.iter().any(|it| path == Path::new(it)) {
            continue;
        }
        // a daemon at work may have taken it away meanwhile
        let Some(entry) = entry(&at) else { continue };
        let folder = entry.kind == "folder";
        // how an overlay says that something below is taken away
        let gone = entry.kind == "whiteout";
        entries.insert(path.clone(), (!gone).then_some(entry));
        if folder {
            walk(&at, &path, entries);
        }
    }
}

fn entry(at: &Path) -> Option<Entry> {
    let data = fs::symlink_metadata(at).ok()?;
    let kind = kind(&data);
    let mut content = DefaultHasher::new();
    match kind {
        "file" => fs::read(at).ok()?.hash(&mut content),
        "link" => fs::read_link(at).ok()?.hash(&mut content),
        _ => {}
    }
    let counts = matches!(kind, "file" | "link");
    let written = i128::from(data.mtime()) * 1_000_000_000 + i128::from(data.mtime_nsec());
    Some(Entry {
        kind,
        mode: data.mode() & 0o7777,
        owner: (data.uid(), data.gid()),
        size: if counts { data.size() } else { 0 },
        content: content.finish(),
        written: if counts { written } else { 0 },
    })
}

fn kind(data: &Metadata) -> &'static str {
    let kind = data.file_type();
    match () {
        () if kind.is_file() => "file",
        () if kind.is_dir() => "folder",
        () if kind.is_symlink() => "link",
        () if kind.is_char_device() && data.rdev() == 0 => "whiteout",
        () if kind.is_fifo() => "pipe",
        () if kind.is_socket() => "socket",
        () => "device",
    }
}
