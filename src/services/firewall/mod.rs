//! `firewall`: the cluster's own ports, open for those whom a link leads there.
//!
//! The rules follow from the doors, so there is nothing to write but which program. Only ports on
//! which the description knows what listens are closed, for everybody else; no other port of a
//! host is touched, and ssh's never. Not here: who may come (see `doors`), and the commands for
//! hosts on which nothing is installed (see the runbook's page of ports).

mod firewalld;
mod nftables;

use std::net::IpAddr;

use super::decode::set;
use super::{Checking, Declare, Decode, Located, Lowering, Service, read};
use crate::diag::{Code, Diagnostic, Diagnostics, or_list};
use crate::doors::{Door, doors, sources};
use crate::inventory::{Host, Inventory};
use crate::model::facts::{ByHand, ClaimKind, Facts, Listener};
use crate::model::host::{HostId, HostSet};
use crate::model::value::Port;
use crate::model::view::Fields;
use crate::quote::{Text, fixed, number};
use crate::source::{Span, Spanned};
use crate::syntax::node::Node;

/// Whoever is locked out of ssh cannot take it back.
const SSH: Port = Port::known(22);

/// Policies came with firewalld 0.9.
const POLICIES: [u32; 2] = [0, 9];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Program {
    Nftables,
    Firewalld,
    Ufw,
}

impl Program {
    const ALL: [Self; 3] = [Self::Nftables, Self::Firewalld, Self::Ufw];

    fn word(self) -> &'static str {
        match self {
            Self::Nftables => "nftables",
            Self::Firewalld => "firewalld",
            Self::Ufw => "ufw",
        }
    }

    fn package(self, host: &Host) -> Option<&str> {
        host.platform.fact(&format!("{}.package", self.word()))
    }

    /// How the rules come to a host where clustergen installs nothing.
    fn by_hand(self, host: &Host) -> Option<ByHand> {
        let version = host.platform.version("firewalld.version");
        match self {
            Self::Nftables => None,
            Self::Firewalld if version.is_some_and(|it| it.at_least(&POLICIES)) => None,
            Self::Firewalld => Some(ByHand::Firewalld),
            Self::Ufw => Some(ByHand::Ufw),
        }
    }
}

pub(super) struct Firewall {
    program: Program,
    on: Vec<Spanned<HostId>>,
    extra: Vec<Spanned<String>>,
    span: Span,
}

impl Service for Firewall {
    const KIND: &'static str = "firewall";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        let word = node.label()?;
        Some(Self {
            program: Program::ALL.into_iter().find(|it| it.word() == word)?,
            on: cx.managed_hosts(node, "on"),
            extra: read::texts(node, "extra"),
            span: node.head,
        })
    }

    fn hosts(&self) -> HostSet {
        set(&self.on)
    }

    fn declare(&self, inventory: &Inventory, declare: &mut Declare) {
        let cluster = &inventory.cluster.name;
        let mut installed = Vec::new();
        for host in &self.on {
            match self.program.by_hand(inventory.host(host.value)) {
                Some(firewall) => declare.by_hand(host.value, firewall),
                None => installed.push(host.value),
            }
        }
        let paths = match self.program {
            Program::Nftables => vec![nftables::file(cluster), nftables::unit_file(cluster)],
            Program::Firewalld => vec![firewalld::file(cluster)],
            Program::Ufw => Vec::new(),
        };
        if self.program == Program::Firewalld && !installed.is_empty() {
            firewalld::declare(declare);
        }
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        declare.claims(&installed.into_iter().collect(), &paths, &ClaimKind::PerHost);
    }

    fn check(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        for on in &self.on {
            let host = cx.inventory.host(on.value);
            if self.program.package(host).is_none() {
                diagnostics.push(self.not_packaged(host, on.span));
            }
            warn_of_closed_ports(on.value, cx, diagnostics);
        }
        let by_hand =
            |on: &&Spanned<HostId>| self.program.by_hand(cx.inventory.host(on.value)).is_some();
        if let (Some(extra), Some(on)) = (self.extra.first(), self.on.iter().find(by_hand)) {
            let name = &cx.inventory.host(on.value).name;
            let message = format!("nothing is installed on `{name}`, so nothing reads this");
            diagnostics.push(
                Diagnostic::error(Code::WrongValue, message)
                    .at(extra.span, "")
                    .at(on.span, "the rules of this host are commands in RUNBOOK.md")
                    .help("take it out, and type the rule there as well"),
            );
        }
    }

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        let [first, others @ ..] = services else { return };
        let firewall = first.options;
        for other in others {
            let mut places = [firewall, other.options].map(|it| it.place(cx.host));
            places.sort();
            let message = format!("`{}` has two firewalls", cx.plan.name);
            cx.diagnostics.push(
                Diagnostic::error(Code::OnlyOneOf, message)
                    .at(places[1], "the second one")
                    .at(places[0], "the first one")
                    .help("take it out of one of them"),
            );
        }
        let host = cx.this();
        let package = firewall.program.package(host).map(str::to_owned);
        let (Some(package), None) = (package, firewall.program.by_hand(host)) else { return };
        cx.package(first.owner(), package);
        match firewall.program {
            Program::Nftables => nftables::lower(first, cx),
            Program::Firewalld => firewalld::lower(first, cx),
            Program::Ufw => {}
        }
    }
}

impl Firewall {
    /// Where the description names a host.
    fn place(&self, host: HostId) -> Span {
        self.on.iter().find(|on| on.value == host).map_or(self.span, |on| on.span)
    }

    fn not_packaged(&self, host: &Host, span: Span) -> Diagnostic {
        let program = self.program.word();
        let fit = Program::ALL.into_iter().filter(|it| it.package(host).is_some());
        let fit: Vec<String> = fit.map(|it| format!("firewall \"{}\"", it.word())).collect();
        let message = format!("`{}` has no {program} that its vendor supports", host.platform.id);
        let help = format!("write {} with `on \"{}\"`", or_list(&fit), host.name);
        Diagnostic::error(Code::NotPackaged, message)
            .at(span, format!("`{}` would get it", host.name))
            .help(help)
    }
}

/// What listens for peers and is dialled by nobody would be there for nobody.
fn warn_of_closed_ports(host: HostId, cx: &Checking, diagnostics: &mut Diagnostics) {
    for door in closed(cx.facts, host).filter(|door| door.from.is_empty()) {
        let known = |it: &&Listener| (it.port, it.protocol) == (door.port, door.protocol);
        let Some(listener) = cx.facts.listeners_of(host).find(known) else { continue };
        let message = format!("nobody may come to port {}", door.port());
        diagnostics.push(
            Diagnostic::warning(Code::ClosedPort, message)
                .at(listener.origin.span, "nothing in this description dials it")
                .help("write who comes (`listens … from=\"…\"`), or take it out where nothing listens"),
        );
    }
}

/// The doors that are closed to all but their visitors.
fn closed(facts: &Facts, host: HostId) -> impl Iterator<Item = Door> {
    let ours = |door: &Door| door.described && !door.public() && door.port != SSH;
    doors(facts, host).into_iter().filter(ours)
}

/// A door as the templates take it.
struct Rule {
    door: Door,
    /// Addresses and the names of their hosts.
    v4: Vec<(String, String)>,
    v6: Vec<(String, String)>,
}

/// All doors of the host but ssh's, with the addresses of their visitors.
fn rules(cx: &Lowering) -> Vec<Rule> {
    let doors = doors(cx.facts, cx.host).into_iter().filter(|door| door.port != SSH);
    let rule = |door: Door| {
        // who may come where everybody may is not asked
        let from = if door.public() { HostSet::default() } else { door.visitors(cx.host) };
        let visitors = sources(cx.inventory, &from).into_iter();
        let (v4, v6): (Vec<_>, Vec<_>) = visitors.partition(|(ip, _)| ip.is_ipv4());
        let plain = |list: Vec<(IpAddr, &Host)>| {
            list.into_iter().map(|(ip, host)| (ip.to_string(), host.name.clone())).collect()
        };
        Rule { door, v4: plain(v4), v6: plain(v6) }
    };
    doors.map(rule).collect()
}

impl Rule {
    /// What both programs' templates know of it; `what` is quoted for a comment of theirs.
    fn view(&self, what: Text, span: Span) -> Fields {
        Fields::new(span)
            .text("port", number(self.door.port.get(), span))
            .text("protocol", fixed(self.door.protocol.word(), span))
            .text("what", what)
            .flag("public", self.door.public())
            .flag("described", self.door.described)
            .flag("has_v4", !self.v4.is_empty())
            .list("v4", visitors(&self.v4, span))
            .flag("has_v6", !self.v6.is_empty())
            .list("v6", visitors(&self.v6, span))
    }

    fn what(&self) -> String {
        self.door.what.iter().map(String::as_str).collect::<Vec<&str>>().join("; ")
    }
}

/// Addresses in a column, with their hosts' names.
fn visitors(list: &[(String, String)], span: Span) -> Vec<Fields> {
    let width = list.iter().map(|(ip, _)| ip.len()).max().unwrap_or_default();
    let one = |(ip, name): &(String, String)| {
        let pad = " ".repeat(width - ip.len());
        let fields = Fields::new(span).text("address", fixed(ip, span));
        fields.text("pad", fixed(&pad, span)).text("name", fixed(name, span))
    };
    list.iter().map(one).collect()
}
