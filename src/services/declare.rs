//! What a service's `declare` may say. Everything lands in [`Facts`] with the service's origin.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::inventory::Inventory;
use crate::model::consequence::Consequence;
use crate::model::facts::{
    Awaited, ByHand, Certificate, Chapter, Claim, ClaimKind, Facts, HostsEntry, Leaf, LeafKey,
    Link, Listener, Origin, Pin, PinFact, RunbookLine, Schedule, Secret, ServiceKey, StepFact,
    Usage,
};
use crate::model::host::{HostId, HostSet};
use crate::model::key_type::KeyType;
use crate::model::value::{AbsPath, Duration};
use crate::source::{Span, Spanned};

/// How long a certificate is valid that nobody pins, where it is not said: the most that browsers took,
/// when they still took so much from a private authority.
pub(super) const VALIDITY: Duration = Duration::from_seconds(825 * 86_400);

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

    /// Each of the hosts shows a certificate of its own, for its own name, under the name of this
    /// service's kind.
    pub fn leaf(
        &mut self,
        hosts: &HostSet,
        name: &str,
        form: (Usage, Duration),
        inventory: &Inventory,
    ) {
        if !hosts.is_empty() {
            let asks = || self.origin.clone();
            self.facts.own_leaves.entry(name.to_owned()).or_insert_with(asks);
        }
        for host in hosts.iter() {
            let names = [inventory.host(host).fqdn.clone()];
            self.leaf_of(host, name, names, form, KeyType::default());
        }
    }

    /// A host's certificate of this service's kind is asked for by more: another name, an address.
    pub fn leaf_bears(&mut self, host: HostId, name: &str, more: &str, addresses: &[IpAddr]) {
        let key = LeafKey { host, name: name.to_owned() };
        if let Some(leaf) = self.facts.leaves.get_mut(&key) {
            leaf.names.insert(more.to_owned());
            leaf.addresses.extend(addresses);
        }
    }

    /// Each of the hosts shows a certificate that the description names.
    pub fn shows(
        &mut self,
        hosts: &HostSet,
        name: &str,
        certificate: &Certificate,
        inventory: &Inventory,
    ) {
        let form = (Usage::Server, certificate.validity);
        for host in hosts.iter() {
            let own = certificate.per_host().then(|| inventory.host(host).fqdn.clone());
            let names = certificate.names.iter().map(|it| it.value.clone()).chain(own);
            self.leaf_of(host, name, names, form, certificate.key_type);
        }
    }

    fn leaf_of(
        &mut self,
        host: HostId,
        name: &str,
        names: impl IntoIterator<Item = String>,
        (usage, validity): (Usage, Duration),
        key_type: KeyType,
    ) {
        let key = LeafKey { host, name: name.to_owned() };
        let leaf = self.facts.leaves.entry(key).or_insert_with(|| Leaf {
            names: BTreeSet::new(),
            addresses: BTreeSet::new(),
            validity,
            key_type,
            usage,
            origin: self.origin.clone(),
        });
        leaf.names.extend(names);
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

    /// Something else than a step waits for one of the host's.
    pub fn waits_for(&mut self, host: HostId, step: &Spanned<String>) {
        let origin = self.at(step.span);
        self.facts.awaited.push(Awaited { host, step: step.value.clone(), origin });
    }

    pub fn step(&mut self, step: StepFact) {
        self.facts.steps.push(step);
    }

    pub fn runbook(&mut self, chapter: Chapter, text: impl Into<String>) {
        let origin = self.origin.clone();
        self.facts.runbook.push(RunbookLine { chapter, text: text.into(), origin });
    }

    /// The ports of a host are kept by a person, with commands of this firewall.
    pub fn by_hand(&mut self, host: HostId, firewall: ByHand) {
        self.facts.by_hand.insert(host, firewall);
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
