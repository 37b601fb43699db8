//! The inventory: the cluster, its hosts and groups, before any service is read.
//!
//! In: a [`Document`], the platforms. Out: [`Inventory`], hosts sorted by name, groups flattened.
//! Not here: secrets and certificates, which products may add (see `decode`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::diag::{Code, Diagnostic, Diagnostics, suggestion};
use crate::model::facts::Origin;
use crate::model::host::{HostId, HostSet};
use crate::model::name::Label;
use crate::model::value::{Port, host_address};
use crate::platform::{Platform, Platforms};
use crate::schema::{Schema, Stage, check::check};
use crate::source::{Span, Spanned};
use crate::syntax::node::{Document, Node, Scalar, Value};

/// Deepest nesting of groups in groups.
const GROUP_DEPTH: usize = 32;

/// The cluster node's own words.
#[derive(Clone, Debug)]
pub struct ClusterInfo {
    pub name: String,
    pub domain: String,
    pub timezone: Option<Spanned<String>>,
    pub time_servers: Vec<Spanned<String>>,
    pub templates: Option<Spanned<String>>,
    pub origin: Origin,
}

/// One of a host's addresses.
#[derive(Clone, Debug)]
pub struct Address {
    pub ip: IpAddr,
    /// `replication`; `None` for the host's own.
    pub purpose: Option<Label>,
    pub span: Span,
}

/// A machine.
#[derive(Clone, Debug)]
pub struct Host {
    pub name: String,
    pub fqdn: String,
    /// Its own addresses first, as written.
    pub addresses: Vec<Address>,
    pub aliases: Vec<Spanned<String>>,
    pub platform: Arc<Platform>,
    pub managed: bool,
    pub origin: Origin,
}

impl Host {
    /// The address that the others dial, for a purpose where the host has one for it.
    #[must_use]
    pub fn address(&self, purpose: Option<&Label>) -> &Address {
        let special = |it: &&Address| purpose.is_some() && it.purpose.as_ref() == purpose;
        let own = |it: &&Address| it.purpose.is_none();
        self.addresses
            .iter()
            .find(special)
            .or_else(|| self.addresses.iter().find(own))
            .unwrap_or(&self.addresses[0])
    }

    /// The addresses that serve a purpose; its own where it has none for it.
    fn serving(&self, purpose: Option<&Label>) -> impl Iterator<Item = &Address> {
        let known =
            purpose.filter(|it| self.addresses.iter().any(|a| a.purpose.as_ref() == Some(it)));
        self.addresses.iter().filter(move |it| it.purpose.as_ref() == known)
    }

    /// The same, as `from` dials it: of a family, IPv4 or IPv6, in which both have one. Both of two
    /// hosts choose the same family: some programs compare a caller's address with its name's.
    #[must_use]
    pub fn address_for(&self, purpose: Option<&Label>, from: &Self) -> &Address {
        let reach = |it: &Self, peer: &Self| {
            let common = |a: &&Address| peer.serves(purpose, a.ip.is_ipv6());
            it.serving(purpose).find(common).map(|a| a.ip.is_ipv6())
        };
        let families = (reach(self, from), reach(from, self));
        let six = match families {
            (Some(first), Some(second)) => first && second,
            _ => return self.address(purpose),
        };
        let chosen = self.serving(purpose).find(|it| it.ip.is_ipv6() == six);
        chosen.unwrap_or_else(|| self.address(purpose))
    }

    /// Whether one of the addresses for a purpose is of a family.
    #[must_use]
    pub fn serves(&self, purpose: Option<&Label>, six: bool) -> bool {
        self.serving(purpose).any(|it| it.ip.is_ipv6() == six)
    }

    /// The name that goes with [`Self::address`]: `node1`, or `node1-replication`.
    #[must_use]
    pub fn dialled(&self, purpose: Option<&Label>) -> String {
        match &self.address(purpose).purpose {
            Some(purpose) => format!("{}-{purpose}", self.name),
            None => self.name.clone(),
        }
    }

    #[must_use]
    pub fn has_ipv6(&self) -> bool {
        self.addresses.iter().any(|it| it.ip.is_ipv6())
    }
}

/// A port on which something listens that the description does not manage.
#[derive(Clone, Debug)]
pub struct ForeignListener {
    pub port: Port,
    pub what: String,
    pub hosts: HostSet,
    /// Who is said to come.
    pub from: HostSet,
    pub origin: Origin,
}

/// What there is.
#[derive(Debug)]
pub struct Inventory {
    pub cluster: ClusterInfo,
    /// Sorted by name; a [`HostId`] is a place in here.
    pub hosts: Vec<Host>,
    by_name: BTreeMap<String, HostId>,
    groups: BTreeMap<String, HostSet>,
    /// Names of hosts and groups in which something is wrong: told once, not again where they
    /// are named.
    broken: BTreeSet<String>,
    pub listeners: Vec<ForeignListener>,
}

impl Inventory {
    #[must_use]
    pub fn host(&self, id: HostId) -> &Host {
        &self.hosts[id.index()]
    }

    #[must_use]
    pub fn find(&self, name: &str) -> Option<HostId> {
        self.by_name.get(name).copied()
    }

    /// The hosts of a host's or a group's name.
    #[must_use]
    pub fn set(&self, name: &str) -> Option<HostSet> {
        self.find(name).map(HostSet::one).or_else(|| self.groups.get(name).cloned())
    }

    /// Groups and who is in them, sorted by name.
    pub fn groups(&self) -> impl Iterator<Item = (&str, &HostSet)> {
        self.groups.iter().map(|(name, set)| (name.as_str(), set))
    }

    pub fn ids(&self) -> impl Iterator<Item = HostId> + use<> {
        (0..self.hosts.len()).map(|at| HostId(u32::try_from(at).unwrap_or(u32::MAX)))
    }

    /// Hosts that get a bundle.
    pub fn managed(&self) -> impl Iterator<Item = HostId> {
        self.ids().filter(|id| self.host(*id).managed)
    }

    /// The hosts that a list of names stands for, in the order in which they are written.
    pub fn resolve(&self, values: &[Value], diagnostics: &mut Diagnostics) -> Vec<Spanned<HostId>> {
        let mut hosts: Vec<Spanned<HostId>> = Vec::new();
        let mut known = BTreeSet::new();
        for value in values {
            let Some(name) = value.as_str() else { continue };
            match self.set(name) {
                Some(set) => {
                    let new = set.iter().filter(|host| known.insert(*host));
                    hosts.extend(new.map(|host| Spanned::new(host, value.span)));
                }
                None if self.broken.contains(name) => {}
                None => diagnostics.push(self.unknown(name, value.span)),
            }
        }
        hosts
    }

    fn unknown(&self, name: &str, span: Span) -> Diagnostic {
        let known = self.by_name.keys().chain(self.groups.keys());
        unknown_host(name, span, known.map(String::as_str))
    }
}

fn unknown_host<'a>(name: &str, span: Span, known: impl Iterator<Item = &'a str>) -> Diagnostic {
    let help = suggestion(name, known, || {
        format!("add `host \"{name}\" address=\"…\"`, or name one that there is")
    });
    let message = format!("no host and no group is called `{name}`");
    Diagnostic::error(Code::UnknownHost, message).at(span, "").help(help)
}

/// Reads the inventory. `None` where there is no cluster to speak of.
pub fn inventory(
    document: &Document,
    schema: &Schema,
    platforms: &Platforms,
    whole: Span,
    diagnostics: &mut Diagnostics,
) -> Option<Inventory> {
    let mut nodes: BTreeMap<&str, Vec<&Node>> = BTreeMap::new();
    let mut broken = BTreeSet::new();
    for node in &document.nodes {
        let form = schema.nodes.get(&node.name.value);
        if form.is_none_or(|form| form.stage != Some(Stage::Inventory)) {
            continue;
        }
        if check(node, schema, diagnostics) {
            nodes.entry(node.name.value.as_str()).or_default().push(node);
        } else {
            broken.extend(node.label().map(str::to_owned));
        }
    }
    let written = document.nodes.iter().any(|node| node.is("cluster"));
    let named = |kind: &str| nodes.get(kind).map(Vec::as_slice).unwrap_or_default();
    if let [_, second, ..] = named("cluster") {
        let message = "a description has one `cluster`";
        let help = "keep one of them; another cluster is another description";
        diagnostics.push(
            Diagnostic::error(Code::Repeated, message).at(second.head, "the second one").help(help),
        );
    }
    if !written {
        let help = "add `cluster \"name\" domain=\"example.org\" platform=\"debian-12\"`";
        let message = "the description has no `cluster`";
        let start = Span { end: whole.start, ..whole };
        diagnostics.push(Diagnostic::error(Code::Missing, message).at(start, "").help(help));
    }
    let cluster = named("cluster").first().copied()?;
    let mut build = Build { platforms, broken, diagnostics };
    let platform = build.platform(cluster.prop("platform"));
    // what is wrong with it is told; the rest is looked at as if it were any other
    let platform = platform.or_else(|| platforms.find("debian-12").ok().cloned())?;
    let domain = text(cluster.prop("domain")).unwrap_or_default();
    let hosts = build.hosts(named("host"), &platform, &domain);
    let by_name: BTreeMap<String, HostId> = hosts
        .iter()
        .enumerate()
        .map(|(at, host)| (host.name.clone(), HostId(u32::try_from(at).unwrap_or(u32::MAX))))
        .collect();
    build.addresses_differ(&hosts);
    let (groups, listeners) = build.groups(named("group"), &by_name);
    if hosts.is_empty() && named("host").is_empty() {
        let help = "add `host \"name\" address=\"192.0.2.10\"`";
        let message = "the description has no `host`";
        if !document.nodes.iter().any(|node| node.is("host")) {
            build
                .diagnostics
                .push(Diagnostic::error(Code::Missing, message).at(cluster.head, "").help(help));
        }
    }
    let broken = build.broken;
    let cluster = cluster_info(cluster, domain);
    Some(Inventory { cluster, hosts, by_name, groups, broken, listeners })
}

fn cluster_info(node: &Node, domain: String) -> ClusterInfo {
    ClusterInfo {
        name: node.label().unwrap_or_default().to_owned(),
        domain,
        timezone: node.prop("timezone").and_then(spanned),
        time_servers: node
            .child("time-servers")
            .map_or_else(Vec::new, |it| it.args.iter().filter_map(spanned).collect()),
        templates: node.child("templates").and_then(|it| it.args.first()).and_then(spanned),
        origin: origin(node),
    }
}

/// The origin of what a node makes: its place and its path.
#[must_use]
pub fn origin(node: &Node) -> Origin {
    let path = node.made_by.clone().unwrap_or_else(|| node.key());
    Origin { span: node.head, path: path.into() }
}

struct Build<'a> {
    platforms: &'a Platforms,
    broken: BTreeSet<String>,
    diagnostics: &'a mut Diagnostics,
}

impl Build<'_> {
    fn platform(&mut self, value: Option<&Value>) -> Option<Arc<Platform>> {
        let value = value?;
        let name = value.as_str()?;
        match self.platforms.find(name) {
            Ok(platform) => Some(Arc::clone(platform)),
            Err(wrong) => {
                let message = format!("`{name}` {}", wrong.why);
                self.diagnostics.push(
                    Diagnostic::error(Code::UnknownPlatform, message)
                        .at(value.span, "")
                        .help(wrong.help),
                );
                None
            }
        }
    }

    /// Hosts sorted by name; of two with one name the first stays.
    fn hosts(&mut self, nodes: &[&Node], default: &Arc<Platform>, domain: &str) -> Vec<Host> {
        let mut hosts: BTreeMap<String, Host> = BTreeMap::new();
        for node in nodes {
            let Some(name) = node.label() else { continue };
            if let Some(first) = hosts.get(name) {
                let first = first.origin.span;
                self.name_taken(name, node, first);
                continue;
            }
            self.usable(name, node);
            let own = self.platform(node.prop("platform"));
            let addresses = self.addresses(node);
            if addresses.is_empty() {
                self.broken.insert(name.to_owned());
                continue;
            }
            let aliases = node.children_named("alias").flat_map(|it| &it.args).filter_map(spanned);
            let host = Host {
                name: name.to_owned(),
                fqdn: format!("{name}.{domain}"),
                addresses,
                aliases: aliases.collect(),
                platform: own.unwrap_or_else(|| Arc::clone(default)),
                managed: node.prop("managed").is_none_or(|it| it.scalar != Scalar::Bool(false)),
                origin: origin(node),
            };
            hosts.insert(name.to_owned(), host);
        }
        hosts.into_values().collect()
    }

    /// A name that programs take for something else than this host.
    fn usable(&mut self, name: &str, node: &Node) {
        let why = match name {
            "localhost" => "is what every host calls itself",
            _ if name.bytes().all(|b| b.is_ascii_digit()) => "is taken for an address",
            _ => return,
        };
        let span = node.args.first().map_or(node.head, |arg| arg.span);
        let diagnostic = Diagnostic::error(Code::WrongValue, format!("`{name}` {why}"));
        self.diagnostics.push(diagnostic.at(span, "").help("give the host another name"));
    }

    fn name_taken(&mut self, name: &str, node: &Node, first: Span) {
        let span = node.args.first().map_or(node.head, |arg| arg.span);
        self.diagnostics.push(
            Diagnostic::error(Code::NameTaken, format!("`{name}` is described twice"))
                .at(span, "the second one")
                .at(first, "the first one")
                .help("give one of them another name, or take it out"),
        );
    }

    fn addresses(&mut self, node: &Node) -> Vec<Address> {
        let mut list = Vec::new();
        let head = node.prop("address").map(|value| (value, None));
        let children = node.children_named("address").filter_map(|child| {
            let purpose = child.prop("for").and_then(Value::as_str);
            Some((child.args.first()?, purpose.and_then(|it| Label::parse(it).ok())))
        });
        for (value, purpose) in head.into_iter().chain(children) {
            // the schema has seen that it is one
            if let Some(Ok(ip)) = value.as_str().map(host_address) {
                list.push(Address { ip, purpose, span: value.span });
            }
        }
        if list.iter().all(|it| it.purpose.is_some()) {
            let message =
                format!("`{}` has no address of its own", node.label().unwrap_or_default());
            let help = "add `address=\"192.0.2.10\"`: the address by which the others reach it";
            self.diagnostics
                .push(Diagnostic::error(Code::Missing, message).at(node.head, "").help(help));
            list.clear();
        }
        list
    }

    fn addresses_differ(&mut self, hosts: &[Host]) {
        let mut seen: BTreeMap<IpAddr, (&str, Span)> = BTreeMap::new();
        let mut all: Vec<(&Host, &Address)> =
            hosts.iter().flat_map(|host| host.addresses.iter().map(move |it| (host, it))).collect();
        all.sort_by_key(|(_, address)| address.span);
        for (host, address) in all {
            if let Some((first, span)) = seen.insert(address.ip, (&host.name, address.span)) {
                let message = format!("`{first}` and `{}` have one address", host.name);
                self.diagnostics.push(
                    Diagnostic::error(Code::AddressTaken, message)
                        .at(address.span, "the second one")
                        .at(span, "the first one")
                        .help("give each host its own"),
                );
            }
        }
    }

    fn groups(
        &mut self,
        nodes: &[&Node],
        hosts: &BTreeMap<String, HostId>,
    ) -> (BTreeMap<String, HostSet>, Vec<ForeignListener>) {
        let mut by_name: BTreeMap<&str, &Node> = BTreeMap::new();
        for node in nodes {
            let Some(name) = node.label() else { continue };
            match by_name.get(name) {
                Some(first) => self.name_taken(name, node, first.head),
                None if hosts.contains_key(name) => {
                    let message = format!("`{name}` is a host and a group");
                    let help = "give the group another name";
                    self.diagnostics.push(
                        Diagnostic::error(Code::NameTaken, message).at(node.head, "").help(help),
                    );
                }
                None => {
                    by_name.insert(name, node);
                }
            }
        }
        let mut done: BTreeMap<String, HostSet> = BTreeMap::new();
        for name in by_name.keys() {
            self.flatten(name, &by_name, hosts, &mut done, &mut Vec::new());
        }
        let mut listeners = Vec::new();
        for (name, node) in &by_name {
            for listens in node.children_named("listens") {
                let [port, what] = listens.args.as_slice() else { continue };
                let (Scalar::Integer(port), Some(what)) = (&port.scalar, what.as_str()) else {
                    continue;
                };
                let Ok(port) = Port::parse(*port) else { continue };
                let from = listens.prop("from").map(|name| self.visitors(name, hosts, &done));
                listeners.push(ForeignListener {
                    port,
                    what: what.to_owned(),
                    hosts: done.get(*name).cloned().unwrap_or_default(),
                    from: from.unwrap_or_default(),
                    origin: Origin { span: listens.head, path: node.key().into() },
                });
            }
        }
        (done, listeners)
    }

    /// The hosts of a name, told where there are none of it.
    fn visitors(
        &mut self,
        value: &Value,
        hosts: &BTreeMap<String, HostId>,
        groups: &BTreeMap<String, HostSet>,
    ) -> HostSet {
        let name = value.as_str().unwrap_or_default();
        let host = hosts.get(name).copied().map(HostSet::one);
        host.or_else(|| groups.get(name).cloned()).unwrap_or_else(|| {
            if !self.broken.contains(name) {
                let known = hosts.keys().chain(groups.keys()).map(String::as_str);
                self.diagnostics.push(unknown_host(name, value.span, known));
            }
            HostSet::default()
        })
    }

    fn flatten(
        &mut self,
        name: &str,
        groups: &BTreeMap<&str, &Node>,
        hosts: &BTreeMap<String, HostId>,
        done: &mut BTreeMap<String, HostSet>,
        open: &mut Vec<String>,
    ) -> HostSet {
        if let Some(set) = done.get(name) {
            return set.clone();
        }
        let node = groups[name];
        if open.len() == GROUP_DEPTH {
            let message = format!("more than {GROUP_DEPTH} groups in groups");
            let help = "name the hosts themselves somewhere in between";
            self.diagnostics
                .push(Diagnostic::error(Code::TooDeep, message).at(node.head, "").help(help));
            return HostSet::default();
        }
        open.push(name.to_owned());
        let mut members: Vec<HostId> = Vec::new();
        for value in node.children_named("members").flat_map(|it| &it.args) {
            let Some(member) = value.as_str() else { continue };
            if let Some(host) = hosts.get(member) {
                members.push(*host);
            } else if open.iter().any(|it| it == member) {
                let message = format!("the group `{member}` contains itself");
                let help = "take it out of its members";
                self.diagnostics.push(
                    Diagnostic::error(Code::GroupInItself, message).at(value.span, "").help(help),
                );
            } else if groups.contains_key(member) {
                members.extend(self.flatten(member, groups, hosts, done, open).iter());
            } else if !self.broken.contains(member) {
                let known = hosts.keys().map(String::as_str).chain(groups.keys().copied());
                self.diagnostics.push(unknown_host(member, value.span, known));
            }
        }
        open.pop();
        let set: HostSet = members.into_iter().collect();
        done.insert(name.to_owned(), set.clone());
        set
    }
}

fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(str::to_owned)
}

fn spanned(value: &Value) -> Option<Spanned<String>> {
    value.as_str().map(|text| Spanned::new(text.to_owned(), value.span))
}
