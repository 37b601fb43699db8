//! Folders: those of the repository, and the stored bundles of `golden/ok` in them.
//!
//! Out: paths, always sorted; texts by the path that they have on a host. Not here: what is built
//! by a test (see [`built`](crate::built)).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A path of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The cases of `golden/ok`.
pub(crate) fn cases() -> Vec<PathBuf> {
    folders(&repository("golden/ok"))
}

/// The bundles of a case, a folder for each host.
pub(crate) fn bundles(case: &Path) -> Vec<PathBuf> {
    folders(&case.join("out"))
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|it| it.is_dir()).collect()
}

/// What lies in a folder.
pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The last part of a path.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// The texts below a part of a bundle (`files`, `edits`), by absolute path on the host; none where
/// the bundle has no such part.
pub(crate) fn texts(bundle: &Path, part: &str) -> BTreeMap<String, String> {
    let root = bundle.join(part);
    let mut found = BTreeMap::new();
    let mut open: Vec<PathBuf> = root.is_dir().then(|| root.clone()).into_iter().collect();
    while let Some(folder) = open.pop() {
        for entry in entries(&folder) {
            if entry.is_dir() {
                open.push(entry);
                continue;
            }
            let path = format!("/{}", entry.strip_prefix(&root).unwrap().display());
            found.insert(path, fs::read_to_string(&entry).unwrap());
        }
    }
    found
}
