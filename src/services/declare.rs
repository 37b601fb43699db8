//! What a service's `declare` may say. Everything lands in [`Facts`] with the service's origin.

use std::collections::{BTreeMap, BTreeSet};

use crate::inventory::Inventory;
use crate::model::consequence::Consequence;
use crate::model::facts::{
    Chapter, Claim, ClaimKind, Facts, HostsEntry, Leaf, LeafKey, Link, Listener, Origin, Pin,
    PinFact, RunbookLine, Schedule, Secret, ServiceKey, StepFact, Usage,
};
use crate::model::host::{HostId, HostSet};
use crate::model::value::{AbsPath, Duration};
use crate::source::{Span, Spanned};

/// A sink for one service's facts.
pub struct Declare<'a> {
    pub key: ServiceKey,
    pub origin: Origin,
    facts: &'a mut Facts,
}

impl<'a> Declare<'a> {
    pub fn new(key: ServiceKey, origin: Origin, facts: &'a mut Facts) -> Self {
        Self { key, origin, facts }
    }

    /// The service's origin with a narrower place.
    #[must_use]
    pub fn at(&self, span: Span) -> Origin {
        Origin { span, ..self.origin.clone() }
    }

    pub fn listener(&mut self, listener: Listener) {
        self.facts.listeners.push(listener);
    }

    pub fn link(&mut self, link: Link) {
        self.facts.links.push(link);
    }

    /// Each of the hosts shows a certificate of this name, with its own names beside `names`.
    pub fn leaf(
        &mut self,
        hosts: &HostSet,
        name: &str,
        names: &[String],
        (usage, validity): (Usage, Duration),
        inventory: &Inventory,
    ) {
        for host in hosts.iter() {
            let key = LeafKey { host, name: name.to_owned() };
            let leaf = self.facts.leaves.entry(key).or_insert_with(|| Leaf {
                names: BTreeSet::new(),
                addresses: BTreeSet::new(),
                validity,
                usage,
                origin: self.origin.clone(),
            });
            leaf.names.extend(names.iter().cloned());
            leaf.names.insert(inventory.host(host).fqdn.clone());
        }
    }

    pub fn secret(&mut self, key: String, secret: Secret) {
        self.facts.secrets.entry(key).or_insert(secret);
    }

    /// The members of this service run something at this period, never two in one minute.
    pub fn schedule(&mut self, every: &Spanned<Duration>, members: &HostSet) {
        let Some(period) = every.value.minutes() else { return };
        let origin = self.at(every.span);
        let schedule = Schedule { period, members: members.iter().collect(), origin };
        self.facts.schedules.insert(self.key.to_string(), schedule);
    }

    pub fn claim(&mut self, hosts: &HostSet, path: &AbsPath, kind: ClaimKind, span: Span) {
        self.facts.claims.push(Claim {
            hosts: hosts.clone(),
            path: path.clone(),
            kind,
            owner: self.key.clone(),
            origin: self.at(span),
        });
    }

    /// Claims that hold for these hosts alone, path by path.
    pub fn claims(&mut self, hosts: &HostSet, paths: &[&str], kind: &ClaimKind) {
        for path in paths {
            self.claim(hosts, &AbsPath::known(*path), kind.clone(), self.origin.span);
        }
    }

    pub fn hosts_entry(&mut self, on: HostSet, name: String, of: Option<HostId>, span: Span) {
        let origin = self.at(span);
        self.facts.hosts_entries.push(HostsEntry { on, name, of, origin });
    }

    pub fn step(&mut self, step: StepFact) {
        self.facts.steps.push(step);
    }

    pub fn runbook(&mut self, chapter: Chapter, text: impl Into<String>) {
        let origin = self.origin.clone();
        self.facts.runbook.push(RunbookLine { chapter, text: text.into(), origin });
    }

    /// A value whose change has a consequence that the files alone do not show.
    pub fn pin(&mut self, hosts: &HostSet, name: &str, value: String, consequence: Consequence) {
        let pin = Pin { key: format!("{}.{name}", self.key), value, consequence };
        let (hosts, origin) = (hosts.clone(), self.origin.clone());
        self.facts.pins.push(PinFact { hosts, pin, origin });
    }
}

/// Values counted by name, to find what is written twice.
pub(super) fn twice<'a, T>(
    items: &'a [T],
    name: impl Fn(&'a T) -> (&'a str, Span),
) -> Vec<(&'a str, Span, Span)> {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    let mut found = Vec::new();
    for item in items {
        let (name, span) = name(item);
        match seen.get(name) {
            Some(first) => found.push((name, *first, span)),
            None => {
                seen.insert(name, span);
            }
        }
    }
    found
}
