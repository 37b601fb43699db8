//! Who can open what is encrypted, before and now.
//!
//! In: names of readers by what they open, as outputs keep them. Out: what is to be told. No file of a
//! host shows it, and what somebody could open once is known to them.

use std::collections::{BTreeMap, BTreeSet};

use super::{HostDiff, SAME_VALUES};
use crate::identity::{VAULT, sealed_in};

/// Whose readers changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReaderDiff {
    /// Where it lies: `vault`, `node1/secrets.age`.
    what: String,
    now: Vec<String>,
    no_longer: Vec<String>,
    /// Whether anybody can open it without a key.
    plain: bool,
}

/// Compares two outputs.
#[must_use]
pub fn readers(
    old: &BTreeMap<String, Vec<String>>,
    new: &BTreeMap<String, Vec<String>>,
) -> Vec<ReaderDiff> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let diffs = names.into_iter().map(|what| {
        let of = |all: &BTreeMap<String, Vec<String>>| all.get(what).cloned().unwrap_or_default();
        let (mut now, mut no_longer) = (of(new), of(old));
        let plain = what == VAULT && now.is_empty();
        now.retain(|it| !no_longer.contains(it));
        let new = of(new);
        no_longer.retain(|it| !new.contains(it));
        ReaderDiff { what: what.clone(), now, no_longer, plain }
    });
    diffs.filter(|it| !it.now.is_empty() || !it.no_longer.is_empty()).collect()
}

/// Hosts whose secrets were sealed anew without another value or key. Only the host can open them, so
/// nobody else sees whether other values are in there.
pub(super) fn unexplained<'a>(diffs: &'a [HostDiff], readers: &[ReaderDiff]) -> Vec<&'a str> {
    let resealed = diffs.iter().filter_map(|diff| match diff {
        HostDiff::Changed { host, changes, .. } => {
            changes.iter().any(|it| it.body == SAME_VALUES).then_some(host.as_str())
        }
        _ => None,
    });
    let explained = |host: &str| readers.iter().any(|it| it.what == sealed_in(host));
    resealed.filter(|host| !explained(host)).collect()
}

impl ReaderDiff {
    /// As a reviewer reads it.
    pub(super) fn line(&self) -> String {
        let quoted = |all: &[String]| {
            let all: Vec<String> = all.iter().map(|it| format!("`{it}`")).collect();
            all.join(", ")
        };
        let mut parts = Vec::new();
        if !self.now.is_empty() {
            parts.push(format!("now {}", quoted(&self.now)));
        }
        if !self.no_longer.is_empty() {
            parts.push(format!("no longer {}", quoted(&self.no_longer)));
        }
        if self.plain {
            parts.push("it is not encrypted any more".to_owned());
        }
        format!("`{}`: {}", self.what, parts.join("; "))
    }
}
