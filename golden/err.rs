//! Bad descriptions: a good one with one edit, and everything that is said of it.
//!
//! A case is a text: `in <good description>`, the edit as a hunk (` ` context, `-` out, `+` in; a
//! hunk of `+` alone is added at the end), a line `====`, and the whole message.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::{fs, thread};

use clustergen::diag::Code;
use clustergen::disk::RealFolder;
use clustergen::run::{Report, build};

use crate::support::{Bench, Edited, compare_text, day, golden, messages, no_faults, said};

pub struct Case {
    pub path: PathBuf,
    /// `ok/nginx-every-option/cluster.kdl`, relative to `golden/`.
    pub good: String,
    pub hunk: Vec<String>,
}

const RULE: &str = "====\n";

impl Case {
    pub fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let (head, _) =
            text.split_once(RULE).unwrap_or_else(|| panic!("{}: no ====", path.display()));
        let mut lines = head.lines();
        let good = lines.next().and_then(|line| line.strip_prefix("in "));
        Self {
            path: path.to_owned(),
            good: good.unwrap_or_else(|| panic!("{}: no `in …`", path.display())).to_owned(),
            hunk: lines.map(str::to_owned).collect(),
        }
    }

    pub fn print(&self, message: &str) -> String {
        format!("in {}\n{}\n{RULE}{message}", self.good, self.hunk.join("\n"))
    }

    /// The good description with the edit.
    pub fn edited(&self) -> Edited {
        let path = golden().join(&self.good);
        let text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let text =
            apply(&text, &self.hunk).unwrap_or_else(|why| panic!("{}: {why}", self.path.display()));
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        Edited { base: RealFolder(path.parent().unwrap().to_owned()), name, text }
    }
}

/// Lays a hunk over a text. Its old lines must stand in the text exactly once.
pub fn apply(text: &str, hunk: &[String]) -> Result<String, String> {
    let side = |skip: char| -> Vec<&str> {
        let lines = hunk.iter().filter(|line| !line.starts_with(skip));
        lines.map(|line| line.get(1..).unwrap_or_default()).collect()
    };
    let (old, new) = (side('+'), side('-'));
    let lines: Vec<&str> = text.lines().collect();
    if old.is_empty() {
        return Ok(format!("{text}{}\n", new.join("\n")));
    }
    let places: Vec<usize> = (0..lines.len()).filter(|at| lines[*at..].starts_with(&old)).collect();
    let [place] = places.as_slice() else {
        return Err(format!("the old lines stand {} times in the text", places.len()));
    };
    let after = &lines[place + old.len()..];
    Ok([&lines[..*place], &new, after].concat().join("\n") + "\n")
}

/// All cases, sorted by path.
pub fn cases() -> Vec<Case> {
    let mut paths = Vec::new();
    let mut open = vec![golden().join("err")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                paths.push(path);
            }
        }
    }
    paths.sort();
    paths.iter().map(|path| Case::read(path)).collect()
}

/// Builds a case, and holds that a wrong description leaves nothing behind.
pub fn run<T>(case: &Case, look: impl FnOnce(&Report, &str) -> T) -> T {
    let edited = case.edited();
    let bench = Bench::new(None);
    let report = build(bench.place(&edited, &edited.name), &[], day())
        .unwrap_or_else(|fault| panic!("{}: {}", case.path.display(), said(&fault)));
    let name = case.path.display();
    if report.diagnostics.fatal(false) || report.compiled.is_none() {
        assert!(!bench.out.exists(), "{name}: output was left behind");
        assert!(!bench.state.0.exists(), "{name}: state was left behind");
    }
    look(&report, &messages(&report))
}

/// What is said of a case.
pub struct Told {
    path: PathBuf,
    text: String,
    pub codes: BTreeSet<Code>,
    /// Of the schema, which it breaks.
    pub constraints: BTreeSet<String>,
}

impl Told {
    pub fn of(case: &Case) -> Self {
        run(case, |report, message| {
            let all = report.diagnostics.sorted();
            Self {
                path: case.path.clone(),
                text: case.print(message),
                codes: all.iter().map(|it| it.code).collect(),
                constraints: all.iter().filter_map(|it| it.constraint.clone()).collect(),
            }
        })
    }
}

/// Of all cases: built once for all who ask.
pub fn told() -> &'static [Told] {
    static TOLD: LazyLock<Vec<Told>> = LazyLock::new(|| {
        let cases = cases();
        let parts = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            let parts = cases.chunks(cases.len().div_ceil(parts));
            let parts = parts.map(|part| scope.spawn(|| part.iter().map(Told::of).collect()));
            let parts: Vec<thread::ScopedJoinHandle<Vec<Told>>> = parts.collect();
            parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
        })
    });
    &TOLD
}

#[test]
fn every_bad_description_is_told_as_stored_and_leaves_nothing_behind() {
    let mut faults = Vec::new();
    for told in told() {
        if told.codes.is_empty() {
            faults.push(format!("{}: nothing is wrong with it", told.path.display()));
        }
        compare_text(&told.path, &told.text, &mut faults);
    }
    no_faults(&faults);
}
