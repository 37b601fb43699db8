//! What a build changes, for the reviewer.
//!
//! In: what was there (bytes and manifest), what comes (plan and bundle). Out: [`HostDiff`]s, and
//! by [`print`] the page that `build` prints and `CHANGES.md` keeps. Not here: who reads files.

mod print;
mod readers;

pub use print::{Comparison, host_text, page};
pub use readers::{ReaderDiff, readers};

use std::collections::BTreeMap;

use similar::{ChangeTag, TextDiff};

use crate::identity::certificate_words;
use crate::model::consequence::Consequence;
use crate::model::plan::HostPlan;
use crate::render::{Bundle, MadeFrom, Manifest, ManifestEntry, SEALED, Templates, trace};
use crate::source::Sources;

/// What was there of one host.
#[derive(Clone, Default, Debug)]
pub struct Before {
    pub files: BTreeMap<String, Vec<u8>>,
    pub manifest: Manifest,
}

/// What happened to a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Change {
    Added,
    Changed,
    Removed,
}

/// One file's change.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FileDiff {
    /// Where it lies on the host; the bundle's own files by their name.
    pub path: String,
    pub change: Change,
    pub consequence: Consequence,
    pub unit: String,
    /// Unified hunks, or a sentence for what is not shown.
    pub body: String,
    /// Where it comes from in the description, as `cluster.kdl:12`.
    pub place: String,
}

/// A pinned value that changed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct PinDiff {
    pub key: String,
    pub old: String,
    pub new: String,
    pub consequence: Consequence,
}

/// What a build does to one host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HostDiff {
    Same {
        host: String,
        files: usize,
    },
    New {
        host: String,
        files: usize,
        /// Its one-time steps, in their order.
        steps: Vec<String>,
    },
    Gone {
        host: String,
    },
    Changed {
        host: String,
        files: usize,
        changes: Vec<FileDiff>,
        pins: Vec<PinDiff>,
        /// One-time steps that were not there before, in their order.
        steps: Vec<String>,
    },
}

/// The files of a bundle that tell what the others do already.
const BOOKKEEPING: [&str; 2] = ["SHA256SUMS", "manifest.json"];

/// What it takes to say where lines come from.
pub struct Origins<'a> {
    pub plan: &'a HostPlan,
    pub templates: &'a Templates,
    pub from: &'a MadeFrom<'a>,
    pub sources: &'a Sources<'a>,
}

/// Compares one host with what was there.
#[must_use]
pub fn compare(before: Option<&Before>, bundle: &Bundle, origins: &Origins) -> HostDiff {
    let host = bundle.host.clone();
    let files = bundle.files.len();
    let Some(before) = before else {
        return HostDiff::New { host, files, steps: bundle.manifest.steps.clone() };
    };
    let mut changes = Vec::new();
    for (path, file) in &bundle.files {
        let old = before.files.get(path);
        if !BOOKKEEPING.contains(&path.as_str()) && old != Some(&file.bytes) {
            changes.push(file_diff(path, old, Some(&file.bytes), before, bundle, origins));
        }
    }
    for (path, old) in &before.files {
        if !bundle.files.contains_key(path) && !BOOKKEEPING.contains(&path.as_str()) {
            changes.push(file_diff(path, Some(old), None, before, bundle, origins));
        }
    }
    let pins = pins(&before.manifest, &bundle.manifest);
    let hidden = BOOKKEEPING
        .iter()
        .any(|name| before.files.get(*name) != bundle.files.get(*name).map(|file| &file.bytes));
    if changes.is_empty() && pins.is_empty() && !hidden {
        return HostDiff::Same { host, files };
    }
    changes.sort();
    let known = &before.manifest.steps;
    let steps = bundle.manifest.steps.iter().filter(|it| !known.contains(it)).cloned().collect();
    HostDiff::Changed { host, files, changes, pins, steps }
}

fn file_diff(
    path: &str,
    old: Option<&Vec<u8>>,
    new: Option<&Vec<u8>>,
    before: &Before,
    bundle: &Bundle,
    origins: &Origins,
) -> FileDiff {
    let entry = bundle.manifest.files.get(path).or_else(|| before.manifest.files.get(path));
    let change = match (old, new) {
        (None, _) => Change::Added,
        (_, None) => Change::Removed,
        _ => Change::Changed,
    };
    let resource = origins
        .plan
        .resources
        .values()
        .find(|it| crate::render::place(it).as_deref() == Some(path));
    let place = resource.map_or_else(String::new, |it| origins.sources.place(it.origin.span));
    let text = |bytes: Option<&Vec<u8>>| {
        bytes.map(|it| String::from_utf8_lossy(it).into_owned()).unwrap_or_default()
    };
    let (old, new) = (text(old), text(new));
    let body = match entry.map(|it| it.kind.as_str()) {
        Some("certificate") => certificate(&old, &new),
        _ if path == SEALED => {
            sealed(&old, &new, before.manifest.secrets == bundle.manifest.secrets)
        }
        _ => hunks(&old, &new, &line_places(path, origins)),
    };
    // a step's files have names of their own, and each step has some
    let own = entry.filter(|it| it.kind != "step");
    FileDiff {
        path: own.map_or_else(|| path.to_owned(), |it| it.path.clone()),
        change,
        consequence: consequence(entry, change, &bundle.manifest),
        unit: entry.map(|it| it.unit.clone()).unwrap_or_default(),
        body,
        place,
    }
}

/// Of what is gone nothing is made, and a unit that nobody asks for any more is stopped.
fn consequence(entry: Option<&ManifestEntry>, change: Change, now: &Manifest) -> Consequence {
    let Some(entry) = entry else { return Consequence::Nothing };
    let then = Consequence::from_word(&entry.on_change).unwrap_or(Consequence::Nothing);
    match (change, then) {
        (Change::Removed, Consequence::Made) => Consequence::Nothing,
        (Change::Removed, Consequence::Reload | Consequence::Restart)
            if !now.units.contains(&entry.unit) =>
        {
            Consequence::Stop
        }
        _ => then,
    }
}

/// For each line of the new file, where in the description it comes from.
fn line_places(path: &str, origins: &Origins) -> Vec<Vec<String>> {
    let traced = trace(origins.plan, path, origins.templates, origins.from);
    let lines = traced.map(|it| it.lines).unwrap_or_default();
    let place = |spans: Vec<crate::source::Span>| {
        let mut places: Vec<String> = spans.iter().map(|it| origins.sources.place(*it)).collect();
        places.dedup();
        places
    };
    lines.into_iter().map(place).collect()
}

/// Unified hunks; behind the line numbers stands where the new lines come from.
fn hunks(old: &str, new: &str, places: &[Vec<String>]) -> String {
    let diff = TextDiff::from_lines(old, new);
    let mut out = String::new();
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        let mut from: Vec<&str> = Vec::new();
        let mut lines = String::new();
        for change in hunk.iter_changes() {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            if sign == '+'
                && let Some(places) = change.new_index().and_then(|at| places.get(at))
            {
                from.extend(places.iter().map(String::as_str));
            }
            lines.push(sign);
            lines.push_str(&change.to_string_lossy());
            if change.missing_newline() {
                lines.push_str("\n\\ No newline at end of file\n");
            }
        }
        from.sort_by_key(|place| natural(place));
        from.dedup();
        let header = hunk.header().to_string();
        out.push_str(header.trim_end());
        for place in from {
            out.push(' ');
            out.push_str(place);
        }
        out.push('\n');
        out.push_str(&lines);
    }
    out
}

/// `cluster.kdl:9` before `cluster.kdl:10`.
fn natural(place: &str) -> (&str, usize) {
    let (file, line) = place.rsplit_once(':').unwrap_or((place, ""));
    (file, line.parse().unwrap_or(0))
}

/// Digests and dates, never content.
fn certificate(old: &str, new: &str) -> String {
    let mut out = String::new();
    for (sign, pem) in [('-', old), ('+', new)] {
        for words in certificate_words(pem) {
            out.push_str(&format!("{sign}certificate {words}\n"));
        }
    }
    if out.is_empty() { "(certificate)\n".to_owned() } else { out }
}

/// What is said of secrets that were sealed anew though no value has another digest.
const SAME_VALUES: &str = "(the host's secrets, sealed anew with the values of before)\n";

/// Whether there is one now; what was in it shows in the files.
fn sealed(old: &str, new: &str, same_values: bool) -> String {
    let words = match (old.is_empty(), new.is_empty()) {
        (true, _) => "the host's secrets come sealed to its SSH key",
        (_, true) => "the host's secrets are no longer sealed: carry them by `clustergen pack`",
        _ if same_values => return SAME_VALUES.to_owned(),
        _ => "the host's secrets, sealed anew",
    };
    format!("({words})\n")
}

fn pins(old: &Manifest, new: &Manifest) -> Vec<PinDiff> {
    let mut list = Vec::new();
    for (key, (value, consequence)) in &new.pins {
        if let Some((before, _)) = old.pins.get(key).filter(|(before, _)| before != value) {
            list.push(PinDiff {
                key: key.clone(),
                old: before.clone(),
                new: value.clone(),
                consequence: Consequence::from_word(consequence).unwrap_or(Consequence::Nothing),
            });
        }
    }
    list
}
