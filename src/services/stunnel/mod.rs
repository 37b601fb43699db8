//! `stunnel`: a TLS tunnel from loopback ports of clients to a loopback port of servers.
//!
//! Files: `/etc/stunnel/NAME/` with `stunnel.conf`, the host's pair and the authority, and a unit of
//! the tunnel's own. Each end verifies the other: servers let in the clients of the tunnel by name,
//! and nobody else whom the authority has signed. Several tunnels on a host have nothing in common.
//! Limits: TCP; clients and servers are hosts of the description.
//!
//! Sources: stunnel(8) and NEWS of 5.68 for the options and since when they are there; what the
//! lab saw: a unit without `foreground = yes` ends at once, and there is no option that only checks.
//! `/etc/stunnel/*.conf` is started by the packages' own script as well, so nothing of ours lies there.

mod lower;

use std::collections::BTreeSet;

use super::declare::VALIDITY;
use super::decode::set;
use super::pair::{Trust, revoked_beside, trust};
use super::{Checking, Declare, Decode, Located, Lowering, Service, read};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::{
    Audience, Bind, Certificate, ClaimKind, Endpoint, Link, Listener, Protocol, TlsName, Usage,
};
use crate::model::host::{HostId, HostSet};
use crate::model::value::{Port, Version};
use crate::platform::Platform;
use crate::source::{Span, Spanned};
use crate::syntax::node::Node;

pub(super) struct Stunnel {
    name: String,
    servers: Vec<Spanned<HostId>>,
    port: Spanned<Port>,
    to: Spanned<Port>,
    clients: Vec<Spanned<HostId>>,
    local: Spanned<Port>,
    failover: Spanned<String>,
    certificate: Option<(Spanned<String>, Certificate)>,
    version: Option<Spanned<Version>>,
    extra: Vec<Spanned<String>>,
    span: Span,
}

impl Service for Stunnel {
    const KIND: &'static str = "stunnel";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        let (server, clients) = (node.child("server")?, node.child("clients")?);
        let failover = read::first(node, "failover").and_then(read::text);
        let certificate = match read::first(node, "certificate") {
            Some(value) => Some(cx.certificate(value)?),
            None => None,
        };
        Some(Self {
            name: node.label()?.to_owned(),
            servers: cx.managed_hosts(node, "server"),
            port: read::port(server.prop("port")?)?,
            to: read::port(server.prop("to")?)?,
            clients: cx.managed_hosts(node, "clients"),
            local: read::port(clients.prop("port")?)?,
            failover: failover.unwrap_or_else(|| Spanned::new("prio".to_owned(), server.head)),
            certificate,
            version: read::first(node, "version").and_then(read::version),
            extra: read::texts(node, "extra"),
            span: node.head,
        })
    }

    fn hosts(&self) -> HostSet {
        set(&self.servers).union(&set(&self.clients))
    }

    fn declare(&self, inventory: &Inventory, declare: &mut Declare) {
        let (servers, clients) = (set(&self.servers), set(&self.clients));
        let ends = [(&servers, Bind::Any, &self.port), (&clients, Bind::Loopback, &self.local)];
        for (hosts, bind, port) in ends {
            declare.listener(Listener {
                hosts: hosts.clone(),
                bind,
                port: port.value,
                protocol: Protocol::Tcp,
                audience: Audience::Peers,
                what: format!("stunnel, {}", self.name),
                shared: None,
                mutual_tls: bind == Bind::Any,
                origin: declare.at(port.span),
            });
        }
        let tls = match &self.certificate {
            Some((name, known)) => TlsName {
                leaf: name.value.clone(),
                name: known.names.first().map(|first| first.value.clone()),
            },
            None => TlsName { leaf: Self::KIND.to_owned(), name: None },
        };
        let (hosts, port) = (servers.clone(), self.port.value);
        declare.link(Link {
            from: clients.clone(),
            to: Endpoint { hosts, port, protocol: Protocol::Tcp, purpose: None },
            tls: Some(tls),
            why: format!("stunnel carries `{}`", self.name),
            origin: declare.origin.clone(),
        });
        let own = match &self.certificate {
            Some((name, known)) => {
                declare.shows(&servers, &name.value, known, inventory);
                clients
            }
            None => self.hosts(),
        };
        declare.leaf(&own, Self::KIND, (Usage::Peer, VALIDITY), inventory);
        self.declare_paths(inventory, declare);
    }

    fn check(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        if self.port.value == self.to.value {
            let message = format!("the tunnel `{}` would lead to its own beginning", self.name);
            diagnostics.push(
                Diagnostic::error(Code::PortTaken, message)
                    .at(self.port.span, "stunnel listens here, on all addresses")
                    .at(self.to.span, "and passes on to here")
                    .help("give one of them another port"),
            );
        }
        self.check_end(cx, diagnostics);
        for host in self.servers.iter().chain(&self.clients) {
            self.check_version(&cx.inventory.host(host.value).platform, host.span, diagnostics);
        }
    }

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        for service in services {
            lower::lower(service, cx);
        }
    }
}

impl Stunnel {
    fn declare_paths(&self, inventory: &Inventory, declare: &mut Declare) {
        let here = self.here();
        let unit = format!("/etc/systemd/system/{}", self.unit());
        let [cert, key] = self.own_pair("");
        for path in [&format!("{here}/stunnel.conf"), &cert, &key, &unit] {
            declare.claims(&self.hosts(), &[path], &ClaimKind::PerHost);
        }
        let given = self.certificate.as_ref().filter(|(_, known)| !known.is_on_host());
        for path in given.iter().flat_map(|(name, _)| self.own_pair(&format!("{}.", name.value))) {
            declare.claims(&set(&self.servers), &[&path], &ClaimKind::PerHost);
        }
        for host in self.hosts().iter() {
            for path in self.authorities(host, &inventory.host(host).platform) {
                declare.claims(&HostSet::one(host), &[&path], &ClaimKind::PerHost);
            }
        }
    }

    /// The files by which it verifies on a host, with their lists of what is revoked.
    fn authorities(&self, host: HostId, platform: &Platform) -> BTreeSet<String> {
        let clients = set(&self.servers).contains(host).then(|| self.clients_authority());
        let servers = set(&self.clients).contains(host).then(|| self.servers_authority(platform));
        let all = clients.into_iter().chain(servers);
        let shipped = all.filter(|path| path.starts_with(&self.here()));
        shipped.flat_map(|path| [revoked_beside(&path), Some(path)]).flatten().collect()
    }

    /// By what a client verifies the servers.
    fn servers_authority(&self, platform: &Platform) -> String {
        let trust =
            self.certificate.as_ref().map(|(name, known)| trust(&name.value, known, platform));
        match trust {
            Some(Trust::Platform(path)) => path,
            Some(Trust::Shipped(file)) => format!("{}/{file}", self.here()),
            None => self.clients_authority(),
        }
    }

    /// By what a server verifies the clients: the cluster's authority.
    fn clients_authority(&self) -> String {
        format!("{}/cluster-ca.pem", self.here())
    }

    /// Everything that stunnel reads for this tunnel.
    fn here(&self) -> String {
        format!("/etc/stunnel/{}", self.name)
    }

    /// Where a pair lies that is put there for it.
    fn own_pair(&self, prefix: &str) -> [String; 2] {
        ["cert.pem", "key.pem"].map(|it| format!("{}/{prefix}{it}", self.here()))
    }

    fn unit(&self) -> String {
        format!("clustergen-stunnel-{}.service", self.name)
    }

    /// The version that runs on a platform.
    fn version_on(&self, platform: &Platform) -> Option<Version> {
        let written = self.version.as_ref().map(|version| version.value.clone());
        written.or_else(|| platform.version("stunnel.version"))
    }

    /// stunnel passes on in clear what came in by TLS.
    fn check_end(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        for server in &self.servers {
            let mut there = cx.facts.listeners_of(server.value);
            let deaf = |it: &&Listener| {
                it.port == self.to.value && it.port != self.port.value && it.mutual_tls
            };
            let Some(deaf) = there.find(deaf) else { continue };
            let message =
                format!("the tunnel `{}` leads in clear to what takes TLS alone", self.name);
            diagnostics.push(
                Diagnostic::error(Code::OnlyOneOf, message)
                    .at(self.to.span, "stunnel has taken the TLS off before")
                    .at(deaf.origin.span, format!("{}: takes TLS with a certificate", deaf.what))
                    .help(
                        "take `tls` out there, and leave it to the tunnel; or take this tunnel out, \
                         and have clients speak TLS with it themselves",
                    ),
            );
        }
    }

    fn check_version(&self, platform: &Platform, place: Span, diagnostics: &mut Diagnostics) {
        let version = self.version_on(platform);
        let Some(version) = version.filter(|it| !it.at_least(&[5, 34])) else { return };
        let place = self.version.as_ref().map_or(place, |it| it.span);
        let message = format!("stunnel {version} cannot verify who is at the other end by name");
        diagnostics.push(
            Diagnostic::error(Code::TooOld, message)
                .at(place, "needs `checkHost` (since 5.15) and `verifyChain` (since 5.34)")
                .help("5.34 is the oldest; take a platform or a package with a later one"),
        );
    }
}
