//! A branch of the tree of control groups, for the systemd of one host.
//!
//! systemd makes its own groups below it and takes them for all there is. A branch goes with its
//! host; one whose test was killed goes with the next that is made.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Before the number of the test's process, and that of the host in it.
const PREFIX: &str = "clustergen-lab-";

pub(crate) struct Cgroup {
    path: PathBuf,
}

impl Cgroup {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let tree = tree();
        sweep(&tree);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = tree.join(format!("{PREFIX}{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where a process has to write its number to get in.
    pub(crate) fn door(&self) -> PathBuf {
        self.path.join("cgroup.procs")
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// The branches of a test's process.
pub(crate) fn of(process: u32) -> Vec<PathBuf> {
    let prefix = format!("{PREFIX}{process}-");
    let entries = fs::read_dir(tree()).unwrap().map(|entry| entry.unwrap());
    entries
        .filter(|it| it.file_name().to_string_lossy().starts_with(&prefix))
        .map(|it| it.path())
        .collect()
}

/// Whether a process lives in it.
pub(crate) fn busy(branch: &Path) -> bool {
    fs::read_to_string(branch.join("cgroup.events")).is_ok_and(|it| it.contains("populated 1"))
}

/// Where the second version is: alone, or beside the first.
fn tree() -> PathBuf {
    let mounts = fs::read_to_string("/proc/mounts").unwrap();
    let at = mounts.lines().find_map(|line| {
        let mut words = line.split(' ').skip(1);
        let at = words.next()?;
        (words.next()? == "cgroup2").then(|| PathBuf::from(at))
    });
    at.expect("systemd in a host needs cgroup2, and it is not mounted here")
}

/// Removes what killed tests left.
fn sweep(tree: &Path) {
    for entry in fs::read_dir(tree).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(of) = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next()) else {
            continue;
        };
        if !Path::new("/proc").join(of).exists() {
            remove(&path);
        }
    }
}

/// Innermost first. One in which something is dying still is left to the next sweep.
fn remove(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|it| it.is_dir()) {
            remove(&entry.path());
        }
    }
    let _ = fs::remove_dir(path);
}
