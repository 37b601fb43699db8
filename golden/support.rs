//! What the tests share: cases on disk, builds in temporary folders, trees of files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clustergen::diag::render::{Format, render};
use clustergen::disk::{Disk, RealDisk, RealFolder};
use clustergen::identity::Identities;
use clustergen::run::{Fault, Place, Report, build};
use clustergen::source::Folder;
use time::OffsetDateTime;

/// Whether stored files are written instead of compared.
pub fn updating() -> bool {
    std::env::vars_os().any(|(name, value)| name == "GOLDEN" && value == "update")
}

pub fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// The sub-folders of a folder, sorted.
pub fn folders(path: &Path) -> Vec<PathBuf> {
    let mut list: Vec<PathBuf> = fs::read_dir(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    list.sort();
    list
}

/// All files below a folder, by relative path.
pub fn tree(path: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut open = vec![path.to_owned()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let entry = entry.unwrap().path();
            if entry.is_dir() {
                open.push(entry);
            } else {
                let name = entry.strip_prefix(path).unwrap().to_str().unwrap().to_owned();
                files
                    .insert(name, String::from_utf8_lossy(&fs::read(&entry).unwrap()).into_owned());
            }
        }
    }
    files
}

/// Compares a stored text with what came, or stores it. A difference is shown as a diff.
pub fn compare_text(stored: &Path, came: &str, faults: &mut Vec<String>) {
    let old = fs::read_to_string(stored).unwrap_or_default();
    if old == came {
        return;
    }
    if updating() {
        fs::create_dir_all(stored.parent().unwrap()).unwrap();
        fs::write(stored, came).unwrap();
        return;
    }
    let diff = similar::TextDiff::from_lines(old.as_str(), came);
    let name = stored.strip_prefix(golden()).unwrap_or(stored).display().to_string();
    faults.push(diff.unified_diff().header(&name, "came").to_string());
}

/// Compares a stored tree with what came; files that nothing made are faults too.
pub fn compare_tree(stored: &Path, came: &BTreeMap<String, String>, faults: &mut Vec<String>) {
    for (name, text) in came {
        compare_text(&stored.join(name), text, faults);
    }
    for name in tree(stored).keys().filter(|name| !came.contains_key(*name)) {
        let path = stored.join(name);
        if updating() {
            fs::remove_file(&path).unwrap();
        } else {
            faults.push(format!("{}: nothing makes this file\n", path.display()));
        }
    }
}

pub fn no_faults(faults: &[String]) {
    let all = faults.join("\n");
    assert!(faults.is_empty(), "{all}\nto store what came: GOLDEN=update cargo test --test golden");
}

/// A folder with one file that is not as on disk.
pub struct Edited {
    pub base: RealFolder,
    pub name: String,
    pub text: String,
}

impl Folder for Edited {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        if name == self.name { Ok(self.text.clone().into_bytes()) } else { self.base.read(name) }
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, String> {
        self.base.list(folder)
    }
}

/// A place to build in: a state folder and an output folder that are thrown away.
pub struct Bench {
    /// Holds the folder until the end of the test.
    _folder: tempfile::TempDir,
    pub state: RealFolder,
    pub identities: Identities,
    pub out: PathBuf,
}

impl Bench {
    /// With a copy of a stored state, where there is one.
    pub fn new(state: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        if let Some(stored) = state {
            for (name, text) in tree(stored) {
                let file = path.join(name);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, text).unwrap();
            }
        }
        let (out, identities) = (folder.path().join("out"), Identities::default());
        Self { out, identities, state: RealFolder(path), _folder: folder }
    }

    pub fn place<'a>(&'a self, folder: &'a dyn Folder, name: &'a str) -> Place<'a> {
        self.place_on(folder, name, &RealDisk)
    }

    pub fn place_on<'a>(
        &'a self,
        folder: &'a dyn Folder,
        name: &'a str,
        disk: &'a dyn Disk,
    ) -> Place<'a> {
        Place {
            folder,
            name,
            state: &self.state,
            state_path: &self.state.0,
            identities: &self.identities,
            out: &self.out,
            disk,
            strict: false,
            watch: &(),
        }
    }

    /// Whether a build found all that it needs in the stored state.
    pub fn made_nothing(&self) -> bool {
        !self.state.0.join("vault").exists()
    }

    /// Everything of the state but the vault.
    pub fn public_state(&self) -> BTreeMap<String, String> {
        let mut files = tree(&self.state.0);
        files.retain(|name, _| !name.starts_with("vault/"));
        files
    }
}

/// A day, always the same.
pub fn day() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_790_000_000).unwrap()
}

/// Builds, and is content with nothing less than a build without errors.
pub fn build_well(place: Place<'_>) -> Report<'_> {
    let report = build(place, &[], day()).unwrap_or_else(|fault| panic!("{}", said(&fault)));
    assert!(report.diffs.is_some(), "{}", messages(&report));
    report
}

/// What a person would be told.
pub fn messages(report: &Report) -> String {
    render(&report.diagnostics, &report.sources, Format::Human, false)
}

pub fn said(fault: &Fault) -> String {
    match fault {
        Fault::Asked(text) | Fault::Environment(text) => text.clone(),
        Fault::Bug(text) => format!("bug: {text}"),
    }
}
