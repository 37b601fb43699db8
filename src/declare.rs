//! What services ask and offer, collected, and what follows from it.
//!
//! In: the typed cluster. Out: [`Facts`], sorted, with the names that certificates must carry and
//! the lists per host. Not here: whether the facts agree (see `check`).

use std::collections::{BTreeMap, BTreeSet};

use crate::decode::Cluster;
use crate::inventory::{Host, Inventory};
use crate::model::facts::{
    Audience, Bind, Certificate, CertificateSource, Endpoint, Facts, HostIndex, LeafKey, Link,
    Listener, Protocol, Secret, StepFact,
};
use crate::model::host::{HostId, HostSet};
use crate::services::{Declare, find};

/// Asks every service, in the order of the keys.
#[must_use]
pub fn declare(cluster: &Cluster, inventory: &Inventory) -> Facts {
    let mut facts = Facts::default();
    for (name, secret) in &cluster.names.secrets {
        let (source, origin) = (secret.source.clone(), secret.origin.clone());
        facts.secrets.insert(name.clone(), Secret { source, origin });
    }
    facts.certificates.clone_from(&cluster.names.certificates);
    for foreign in &inventory.listeners {
        facts.listeners.push(Listener {
            hosts: foreign.hosts.clone(),
            bind: Bind::Any,
            port: foreign.port,
            protocol: Protocol::Tcp,
            audience: Audience::Peers,
            what: foreign.what.clone(),
            shared: None,
            mutual_tls: false,
            origin: foreign.origin.clone(),
        });
        if !foreign.from.is_empty() {
            let (hosts, port) = (foreign.hosts.clone(), foreign.port);
            let to = Endpoint { hosts, port, protocol: Protocol::Tcp, purpose: None };
            let (from, why) = (foreign.from.clone(), foreign.what.clone());
            let origin = foreign.origin.clone();
            facts.links.push(Link { from, to, tls: None, why, origin });
        }
    }
    for instance in &cluster.instances {
        if let Some(entry) = find(instance.kind) {
            let origin = instance.origin.clone();
            let mut sink = Declare::new(instance.key.clone(), origin, &mut facts);
            (entry.declare)(instance, inventory, &mut sink);
        }
    }
    name_leaves(&mut facts, inventory);
    facts.step_order = order(&facts.steps);
    index(&mut facts, inventory);
    facts
}

/// Steps in an order in which each comes behind those that it waits for; else as they were
/// declared.
fn order(steps: &[StepFact]) -> Vec<u32> {
    let places: BTreeMap<(HostId, &str), usize> =
        steps.iter().enumerate().map(|(at, step)| ((step.host, step.key.as_str()), at)).collect();
    let mut later: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
    let mut open = vec![0_usize; steps.len()];
    for (at, step) in steps.iter().enumerate() {
        for (host, key) in &step.after {
            if let Some(first) = places.get(&(*host, key.as_str())) {
                later[*first].push(at);
                open[at] += 1;
            }
        }
    }
    let mut ready: BTreeSet<usize> = (0..steps.len()).filter(|at| open[*at] == 0).collect();
    let mut order = Vec::with_capacity(steps.len());
    while let Some(at) = ready.pop_first() {
        order.push(u32::try_from(at).unwrap_or(u32::MAX));
        for next in &later[at] {
            open[*next] -= 1;
            if open[*next] == 0 {
                ready.insert(*next);
            }
        }
    }
    order
}

/// A certificate carries every name by which some peer dials its host or asks for, and the address
/// where that is what is dialled, if its authority is the cluster's: others sign no such thing.
fn name_leaves(facts: &mut Facts, inventory: &Inventory) {
    let ours = |certificate: &Certificate| certificate.source == CertificateSource::ClusterCa;
    for link in &facts.links {
        let Some(tls) = &link.tls else { continue };
        let from = families(&link.from, inventory);
        let by_address = facts.certificates.get(&tls.leaf).is_none_or(ours);
        for target in link.to.hosts.iter() {
            let key = LeafKey { host: target, name: tls.leaf.clone() };
            let Some(leaf) = facts.leaves.get_mut(&key) else { continue };
            let host: &Host = inventory.host(target);
            let purpose = link.to.purpose.as_ref();
            match &tls.name {
                Some(name) => {
                    leaf.names.insert(name.clone());
                    if by_address {
                        let dialled = from.iter().map(|it| host.address_for(purpose, it).ip);
                        leaf.addresses.extend(dialled);
                    }
                }
                // dialled by its name: a certificate that peers pin outlives an address
                None => {
                    leaf.names.insert(host.dialled(purpose));
                }
            }
        }
    }
}

/// One host for each choice of IPv4 and IPv6 among them: the others dial the same addresses.
fn families<'a>(hosts: &HostSet, inventory: &'a Inventory) -> Vec<&'a Host> {
    let mut seen = BTreeSet::new();
    let order = |host: &Host| -> Vec<bool> {
        let own = host.addresses.iter().filter(|it| it.purpose.is_none());
        own.map(|it| it.ip.is_ipv6()).collect()
    };
    let hosts = hosts.iter().map(|id| inventory.host(id));
    hosts.filter(|host| seen.insert(order(host))).collect()
}

fn index(facts: &mut Facts, inventory: &Inventory) {
    let mut by_host = vec![HostIndex::default(); inventory.hosts.len()];
    let mut each = |hosts: &HostSet, at: usize, list: fn(&mut HostIndex) -> &mut Vec<u32>| {
        for host in hosts.iter() {
            list(&mut by_host[host.index()]).push(u32::try_from(at).unwrap_or(u32::MAX));
        }
    };
    for (at, listener) in facts.listeners.iter().enumerate() {
        each(&listener.hosts, at, |index| &mut index.listeners);
    }
    for (at, link) in facts.links.iter().enumerate() {
        each(&link.from, at, |index| &mut index.links_from);
        each(&link.to.hosts, at, |index| &mut index.links_to);
    }
    for (at, claim) in facts.claims.iter().enumerate() {
        each(&claim.hosts, at, |index| &mut index.claims);
    }
    for (at, entry) in facts.hosts_entries.iter().enumerate() {
        each(&entry.on, at, |index| &mut index.hosts_entries);
    }
    for (at, pin) in facts.pins.iter().enumerate() {
        each(&pin.hosts, at, |index| &mut index.pins);
    }
    facts.by_host = by_host;
}
