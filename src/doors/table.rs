//! Links and doors as two tables for a terminal, and what the groups in them mean.

use std::collections::{BTreeMap, BTreeSet};

use super::{Door, port, sides};
use crate::diag::turns;
use crate::inventory::Inventory;
use crate::model::facts::{Audience, Facts, Link};
use crate::model::host::HostSet;

/// From how many characters on a list of names goes on in the next line.
const WIDEST: usize = 40;

/// Who talks to whom, then which ports are open for whom.
#[must_use]
pub fn table(inventory: &Inventory, facts: &Facts) -> String {
    let mut names = Names::new(inventory);
    let mut links: Vec<Row> = facts.links.iter().map(|link| names.link(link)).collect();
    links.sort();
    links.dedup();
    let mut doors: Vec<Row> = Vec::new();
    for side in sides(inventory, facts) {
        let hosts = names.of(&side.hosts);
        for (at, door) in side.doors.iter().enumerate() {
            // the hosts are named once, before their first door
            let hosts = if at == 0 { hosts.clone() } else { vec![String::new()] };
            doors.push(names.door(hosts, door));
        }
    }
    let mut parts = Vec::new();
    if links.is_empty() {
        parts.push("Nobody talks to anybody.\n".to_owned());
    } else {
        parts.push(aligned(&["FROM", "TO", "PORT", "TLS NAME", "WHY"], links));
    }
    if !doors.is_empty() {
        parts.push(aligned(&["HOST", "PORT", "OPEN FOR", "WHAT"], doors));
    }
    parts.extend(names.legend());
    parts.join("\n")
}

/// Cells, each of one line or more.
pub(crate) type Row = Vec<Vec<String>>;

/// Sets by the name of their group, and the groups that were named.
struct Names<'a> {
    inventory: &'a Inventory,
    groups: BTreeMap<&'a HostSet, &'a str>,
    used: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    fn new(inventory: &'a Inventory) -> Self {
        let mut groups = BTreeMap::new();
        for (name, set) in inventory.groups().filter(|(_, set)| set.len() > 1) {
            // of two groups with the same hosts the first one names both
            groups.entry(set).or_insert(name);
        }
        Self { inventory, groups, used: BTreeSet::new() }
    }

    fn of(&mut self, set: &HostSet) -> Vec<String> {
        if let Some(group) = self.groups.get(set) {
            self.used.insert(group);
            return vec![(*group).to_owned()];
        }
        self.hosts(set)
    }

    fn hosts(&self, set: &HostSet) -> Vec<String> {
        wrapped(set.iter().map(|host| self.inventory.host(host).name.as_str()))
    }

    fn link(&mut self, link: &Link) -> Row {
        let mut to = self.of(&link.to.hosts);
        if let Some(purpose) = &link.to.purpose {
            let special = |host| self.inventory.host(host).address(Some(purpose)).purpose.is_some();
            if link.to.hosts.iter().any(special) {
                to.push(format!("(at their addresses for {purpose})"));
            }
        }
        let tls = match link.tls.as_ref().map(|tls| &tls.name) {
            Some(Some(name)) => name.as_str(),
            Some(None) => "as dialled",
            None => "-",
        };
        let port = port(link.to.port, link.to.protocol);
        vec![self.of(&link.from), to, vec![port], vec![tls.to_owned()], vec![link.why.clone()]]
    }

    fn door(&mut self, hosts: Vec<String>, door: &Door) -> Row {
        let open = match (door.audience, door.from.is_empty()) {
            (Audience::Public, _) => vec!["everybody".to_owned()],
            (Audience::Peers, true) => vec!["nobody".to_owned()],
            (Audience::Peers, false) => self.of(&door.from),
        };
        let mut what: Vec<String> = door.what.iter().cloned().collect();
        if !door.described {
            what.push("(what listens is not described)".to_owned());
        }
        vec![hosts, vec![door.port()], open, what]
    }

    /// What the groups that were named mean.
    fn legend(&self) -> Option<String> {
        let line = |name: &&str| {
            let set = self.inventory.set(name)?;
            Some(vec![vec![(*name).to_owned()], self.hosts(&set)])
        };
        let lines: Vec<Row> = self.used.iter().filter_map(line).collect();
        (!lines.is_empty()).then(|| aligned(&["GROUP", "HOSTS"], lines))
    }
}

/// Names with commas, in lines that are not too long.
fn wrapped<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> Vec<String> {
    let (last, mut lines) = (names.len().saturating_sub(1), vec![String::new()]);
    for (at, name) in names.enumerate() {
        if let Some(line) = lines.last_mut() {
            line.push_str(name);
            line.push_str(if at == last { "" } else { ", " });
            if line.len() > WIDEST && at != last {
                lines.push(String::new());
            }
        }
    }
    lines
}

/// Columns as wide as their widest line. What would move the cursor shows as a dot.
pub(crate) fn aligned(head: &[&str], rows: Vec<Row>) -> String {
    let head: Row = head.iter().map(|word| vec![(*word).to_owned()]).collect();
    let rows: Vec<Row> = [vec![head], rows].concat();
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |at: usize| {
        let lines = rows.iter().filter_map(|row| row.get(at)).flatten();
        lines.map(|line| line.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in &rows {
        for at in 0..row.iter().map(Vec::len).max().unwrap_or_default() {
            let cells = row.iter().zip(&widths).map(|(cell, width)| {
                format!("{:width$}", cell.get(at).map_or("", String::as_str).trim_end())
            });
            let line = cells.collect::<Vec<String>>().join("  ");
            out.push_str(&line.trim_end().replace(turns, "·"));
            out.push('\n');
        }
    }
    out
}
