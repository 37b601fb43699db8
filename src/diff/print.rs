//! The page of changes: summary, consequences, then diffs, each once with the hosts that have it.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::readers::unexplained;
use super::{Change, FileDiff, HostDiff, PinDiff, ReaderDiff};
use crate::diag::counted;
use crate::model::consequence::Consequence;

/// How many host names a line shows before it counts.
const NAMES: usize = 12;

/// What was compared, as a page opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Comparison {
    pub hosts: usize,
    pub files: usize,
}

/// The page for a reviewer, Markdown that reads well as plain text.
#[must_use]
pub fn page(diffs: &[HostDiff], readers: &[ReaderDiff]) -> String {
    let mut changes: BTreeMap<&FileDiff, Vec<&str>> = BTreeMap::new();
    let mut pins: BTreeMap<&PinDiff, Vec<&str>> = BTreeMap::new();
    let (mut new, mut gone, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    let mut steps: Vec<(&str, &[String])> = Vec::new();
    let mut compared = Comparison::default();
    for diff in diffs {
        match diff {
            HostDiff::Same { files, .. } => {
                compared.hosts += 1;
                compared.files += files;
            }
            HostDiff::New { host, files, steps: of_new } => {
                new.push((host.as_str(), *files));
                steps.push((host.as_str(), of_new.as_slice()));
            }
            HostDiff::Gone { host } => gone.push(host.as_str()),
            HostDiff::Changed { host, files, changes: of_host, pins: pinned, steps: of_new } => {
                compared.hosts += 1;
                compared.files += files;
                changed.push(host.as_str());
                for change in of_host {
                    changes.entry(change).or_default().push(host);
                }
                steps.push((host.as_str(), of_new.as_slice()));
                for pin in pinned {
                    pins.entry(pin).or_default().push(host);
                }
            }
        }
    }
    let mut out = String::from("# Changes\n\n");
    out.push_str(&summary(compared, &changes, &changed));
    if !new.is_empty() {
        let names: Vec<&str> = new.iter().map(|(host, _)| *host).collect();
        let files = new.iter().map(|(_, files)| files).sum();
        let (hosts, files) = (counted(names.len(), "new host"), counted(files, "file"));
        let _ = writeln!(out, "{hosts} with {files}: {}.", listed(&names));
    }
    if !gone.is_empty() {
        let hosts = counted(gone.len(), "host");
        let gone = listed(&gone);
        let _ =
            writeln!(out, "{hosts} no longer described: {gone} (*Remove a host* in RUNBOOK.md).");
    }
    let unexplained = unexplained(diffs, readers);
    if !readers.is_empty() || !unexplained.is_empty() {
        out.push_str("\n**who can open secrets**\n\n");
        for diff in readers {
            let _ = writeln!(out, "- {}", diff.line());
        }
        if !unexplained.is_empty() {
            let _ = writeln!(
                out,
                "- `secrets.age` on {}: sealed anew, though neither a value nor a key changed; ask who did it, and why",
                listed(&unexplained)
            );
        }
    }
    to_be_done(&steps, &mut out);
    consequences(&changes, &pins, &mut out);
    for (change, hosts) in &changes {
        let _ = write!(out, "\n## {} on {}\n\n", title(change), listed(hosts));
        let _ = write!(out, "```diff\n{}```\n", change.body);
    }
    out
}

fn summary(
    compared: Comparison,
    changes: &BTreeMap<&FileDiff, Vec<&str>>,
    hosts: &[&str],
) -> String {
    let count = |kind: Change| -> usize {
        changes.iter().filter(|(it, _)| it.change == kind).map(|(_, hosts)| hosts.len()).sum()
    };
    let (changed, added, removed) =
        (count(Change::Changed), count(Change::Added), count(Change::Removed));
    let what = format!(
        "Compared {} and {}",
        counted(compared.hosts, "host"),
        counted(compared.files, "file")
    );
    if compared.hosts == 0 {
        return String::new();
    }
    if hosts.is_empty() {
        return format!("{what}: nothing changed.\n");
    }
    format!(
        "{what}: {changed} changed, {added} added, {removed} removed, on {}.\n",
        counted(hosts.len(), "host")
    )
}

/// New one-time steps: in which order over the hosts stands in the runbook.
fn to_be_done(steps: &[(&str, &[String])], out: &mut String) {
    let mut steps = steps.iter().filter(|(_, steps)| !steps.is_empty()).peekable();
    if steps.peek().is_none() {
        return;
    }
    out.push_str("\n**to be done once, in the order of RUNBOOK.md**\n\n");
    for (host, steps) in steps {
        let steps: Vec<String> = steps.iter().map(|it| format!("`{it}`")).collect();
        let _ = writeln!(out, "- {host}: {}", steps.join(", "));
    }
}

/// What will happen where, the worst first.
fn consequences(
    changes: &BTreeMap<&FileDiff, Vec<&str>>,
    pins: &BTreeMap<&PinDiff, Vec<&str>>,
    out: &mut String,
) {
    for consequence in Consequence::ALL.into_iter().rev() {
        let mut lines = Vec::new();
        for (pin, hosts) in pins.iter().filter(|(pin, _)| pin.consequence == consequence) {
            let PinDiff { key, old, new, .. } = pin;
            lines.push(format!("`{key}` from `{old}` to `{new}` on {}", listed(hosts)));
        }
        for (change, hosts) in changes.iter().filter(|(it, _)| it.consequence == consequence) {
            let unit =
                if change.unit.is_empty() { String::new() } else { format!("{}: ", change.unit) };
            lines.push(format!("{unit}{} on {}", title(change), listed(hosts)));
        }
        if !lines.is_empty() {
            let _ = write!(out, "\n**{}**\n\n", consequence.word());
            for line in lines {
                let _ = writeln!(out, "- {line}");
            }
        }
    }
}

fn title(change: &FileDiff) -> String {
    let verb = match change.change {
        Change::Added => "new ",
        Change::Changed => "",
        Change::Removed => "no longer ",
    };
    let place =
        if change.place.is_empty() { String::new() } else { format!(" ({})", change.place) };
    format!("{verb}`{}`{place}", change.path)
}

fn listed(hosts: &[&str]) -> String {
    let (shown, more) = hosts.split_at(hosts.len().min(NAMES));
    let names = shown.join(", ");
    if more.is_empty() { names } else { format!("{names} and {} more", more.len()) }
}

/// `changes.diff` of one host.
#[must_use]
pub fn host_text(diff: &HostDiff) -> String {
    match diff {
        HostDiff::Same { .. } | HostDiff::Gone { .. } => String::new(),
        HostDiff::New { host, files, .. } => {
            format!("# {host} is new: all of its {}\n", counted(*files, "file"))
        }
        HostDiff::Changed { changes, pins, .. } => {
            let mut out = String::new();
            for PinDiff { key, old, new, consequence } in pins {
                let _ = writeln!(out, "# {key}: {old} -> {new} ({})", consequence.word());
            }
            for change in changes {
                let name = |there: bool, side: &str| {
                    if there {
                        format!("{side}/{}", change.path.trim_start_matches('/'))
                    } else {
                        "/dev/null".to_owned()
                    }
                };
                let _ = writeln!(out, "--- {}", name(change.change != Change::Added, "a"));
                let _ = writeln!(out, "+++ {}", name(change.change != Change::Removed, "b"));
                out.push_str(&change.body);
            }
            out
        }
    }
}
