//! Who may come in where, and who goes out where to.
//!
//! In: the facts, the inventory. Out: per host its [`Door`]s and whom it dials, and both for all
//! hosts as a table or as JSON. Not here: what a firewall makes of it (see its service), the
//! runbook's page (see `output`).

mod json;
mod table;

pub use json::json;
pub(crate) use table::aligned;
pub use table::table;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::inventory::{Host, Inventory};
use crate::model::facts::{Audience, Bind, Facts, Link, Protocol};
use crate::model::host::{HostId, HostSet};
use crate::model::value::Port;

/// A port of a host that can be reached from outside.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Door {
    pub port: Port,
    pub protocol: Protocol,
    pub audience: Audience,
    /// What listens, each once. Where the description does not say it: why it is dialled.
    pub what: BTreeSet<String>,
    /// Whether the description says what listens here. Where it does not, it does not know who
    /// else may come either.
    pub described: bool,
    /// Those whom a link leads here; in a mesh the host itself is one of them.
    pub from: HostSet,
}

impl Door {
    fn new(port: Port, protocol: Protocol, described: bool) -> Self {
        let (audience, from) = (Audience::Peers, HostSet::default());
        Self { port, protocol, audience, what: BTreeSet::new(), described, from }
    }

    /// Whether everybody may come.
    #[must_use]
    pub fn public(&self) -> bool {
        self.audience == Audience::Public
    }

    /// Those who come from outside `host`.
    #[must_use]
    pub fn visitors(&self, host: HostId) -> HostSet {
        self.from.iter().filter(|from| *from != host).collect()
    }

    /// `443/tcp`.
    #[must_use]
    pub fn port(&self) -> String {
        port(self.port, self.protocol)
    }
}

/// `443/tcp`.
#[must_use]
pub fn port(port: Port, protocol: Protocol) -> String {
    format!("{port}/{}", protocol.word())
}

/// The doors of a host, by port. What listens on loopback alone is none.
#[must_use]
pub fn doors(facts: &Facts, host: HostId) -> Vec<Door> {
    let mut doors: BTreeMap<(Port, Protocol), Door> = BTreeMap::new();
    let mut inside = BTreeSet::new();
    for listener in facts.listeners_of(host) {
        let key = (listener.port, listener.protocol);
        if listener.bind == Bind::Loopback {
            inside.insert(key);
            continue;
        }
        let door = doors.entry(key).or_insert_with(|| Door::new(key.0, key.1, true));
        door.what.insert(listener.what.clone());
        if listener.audience == Audience::Public {
            door.audience = Audience::Public;
        }
    }
    for link in facts.links_to(host) {
        let key = (link.to.port, link.to.protocol);
        let from_outside = link.from.iter().any(|from| from != host);
        if !doors.contains_key(&key) && (inside.contains(&key) || !from_outside) {
            continue;
        }
        let door = doors.entry(key).or_insert_with(|| Door::new(key.0, key.1, false));
        door.from = door.from.union(&link.from);
        if !door.described {
            door.what.insert(link.why.clone());
        }
    }
    doors.into_values().collect()
}

/// The addresses from which hosts come. All that they have: which one a connection starts from is
/// for the routes of the one who dials, whatever address is dialled.
#[must_use]
pub fn sources<'a>(inventory: &'a Inventory, from: &HostSet) -> Vec<(IpAddr, &'a Host)> {
    from.iter()
        .map(|peer| inventory.host(peer))
        .flat_map(|peer| peer.addresses.iter().map(move |it| (it.ip, peer)))
        .collect()
}

/// Hosts that look the same from outside.
#[derive(Debug)]
pub struct Side<'a> {
    pub hosts: HostSet,
    pub doors: Vec<Door>,
    /// Whom they dial.
    pub dials: Vec<&'a Link>,
}

/// All hosts that have a door or dial somebody; those with the same doors and links are one. A
/// mesh of `n` is one side, not `n`.
#[must_use]
pub fn sides<'a>(inventory: &Inventory, facts: &'a Facts) -> Vec<Side<'a>> {
    let mut alike: BTreeMap<(Vec<Door>, &[u32]), Vec<HostId>> = BTreeMap::new();
    for host in inventory.ids() {
        let dials = facts.by_host[host.index()].links_from.as_slice();
        alike.entry((doors(facts, host), dials)).or_default().push(host);
    }
    let mut sides: Vec<Side> = alike
        .into_iter()
        .filter(|((doors, dials), _)| !doors.is_empty() || !dials.is_empty())
        .map(|((doors, dials), hosts)| Side {
            hosts: hosts.into_iter().collect(),
            doors,
            dials: dials.iter().map(|at| &facts.links[*at as usize]).collect(),
        })
        .collect();
    sides.sort_by(|a, b| a.hosts.cmp(&b.hosts));
    sides
}
