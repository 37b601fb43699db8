//! `nginx`: sites, the upstreams behind them, and TCP ports that are passed on.
//!
//! Files: the whole of `nginx.conf`, so that a reviewer sees all that holds, and one key pair per
//! certificate under `/etc/nginx/ssl`. Several `nginx` nodes on one host share the file.
//! Limits: proxies to HTTP and TLS upstreams, redirects, TCP streams; serves no files itself.
//!
//! Sources: nginx.org/en/docs for the directives and since when they are there; what the lab saw:
//! host names in `upstream` are resolved at start, so servers are written by address.

mod check;
mod lower;
mod options;

use std::collections::BTreeMap;

use super::decode::set;
use super::pair::{Trust, revoked_beside, trust};
use super::{Checking, Declare, Decode, Located, Lowering, Service};
use crate::diag::Diagnostics;
use crate::inventory::Inventory;
use crate::model::facts::{
    Audience, Bind, Certificate, Chapter, ClaimKind, Endpoint, Link, Listener, Origin, Protocol,
    TlsName,
};
use crate::model::host::HostSet;
use crate::model::value::{Port, Version};
use crate::platform::Platform;
use crate::source::{Span, Spanned};
use crate::syntax::node::Node;
pub(super) use options::Nginx;
use options::Servers;

const HTTP: Port = Port::known(80);
const HTTPS: Port = Port::known(443);

/// Where key pairs lie.
const SSL: &str = "/etc/nginx/ssl";

impl Service for Nginx {
    const KIND: &'static str = "nginx";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        options::decode(node, cx)
    }

    fn hosts(&self) -> HostSet {
        set(&self.on)
    }

    fn declare(&self, inventory: &Inventory, declare: &mut Declare) {
        let hosts = self.hosts();
        let mut listen = |port: Port, what: String, shared: Option<&'static str>, span: Span| {
            declare.listener(Listener {
                hosts: hosts.clone(),
                bind: Bind::Any,
                port,
                protocol: Protocol::Tcp,
                audience: Audience::Public,
                what,
                shared,
                mutual_tls: false,
                origin: declare.at(span),
            });
        };
        for (port, name) in self.http_ports() {
            // sites share the ports by their names
            listen(port, format!("nginx, {}", name.value), Some(Self::KIND), name.span);
        }
        for stream in &self.streams {
            let what = format!("nginx, {}", stream.name.value);
            listen(stream.port.value, what, None, stream.port.span);
        }
        for upstream in &self.upstreams {
            let tls = upstream.tls.as_ref().map(|(name, known)| TlsName {
                leaf: name.value.clone(),
                name: known.names.first().map(|first| first.value.clone()),
            });
            for servers in &upstream.servers {
                let why = format!("nginx asks `{}`", upstream.name.value);
                declare.link(link(&hosts, servers, tls.clone(), why, declare.at(servers.span)));
            }
        }
        for stream in &self.streams {
            for servers in &stream.servers {
                let why = format!("nginx passes `{}` on", stream.name.value);
                declare.link(link(&hosts, servers, None, why, declare.at(servers.span)));
            }
        }
        self.declare_single_point(inventory, declare);
        for (name, known) in self.certificates() {
            declare.shows(&hosts, name, known, inventory);
            if known.is_on_host() {
                continue;
            }
            for path in [lower::certificate_path(name), lower::key_path(name)] {
                declare.claims(&hosts, &[&path], &ClaimKind::PerHost);
            }
        }
        declare.claims(&hosts, &["/etc/nginx/nginx.conf"], &ClaimKind::PerHost);
        for host in &self.on {
            let shipped = self.trusts(&inventory.host(host.value).platform).into_keys();
            let with_list = |path: String| [revoked_beside(&path), Some(path)];
            for path in shipped.flat_map(with_list).flatten() {
                declare.claims(&HostSet::one(host.value), &[&path], &ClaimKind::PerHost);
            }
        }
    }

    fn check(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        self.check_all(cx, diagnostics);
    }

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        lower::lower(services, cx);
    }
}

fn link(from: &HostSet, to: &Servers, tls: Option<TlsName>, why: String, origin: Origin) -> Link {
    let to = Endpoint {
        hosts: set(&to.hosts),
        port: to.port.value,
        protocol: Protocol::Tcp,
        purpose: None,
    };
    Link { from: from.clone(), to, tls, why, origin }
}

impl Nginx {
    fn declare_single_point(&self, inventory: &Inventory, declare: &mut Declare) {
        let ([host], false) = (self.on.as_slice(), self.upstreams.is_empty()) else { return };
        let name = &inventory.host(host.value).name;
        declare.runbook(
            Chapter::SinglePoints,
            format!(
                "nginx on {name}: while it is down nobody comes through. It takes a second host beside it, and an address \
                 that moves between the two (VRRP, as keepalived has it), or that somebody else balances: clustergen \
                 makes the second nginx like the first, and not the address"
            ),
        );
    }

    /// Where its sites listen, each port once, with the first site there.
    fn http_ports(&self) -> BTreeMap<Port, &Spanned<String>> {
        let mut ports = BTreeMap::new();
        for site in &self.sites {
            if site.certificate.is_none() || site.redirect_http {
                ports.entry(HTTP).or_insert(&site.name);
            }
            if site.certificate.is_some() {
                ports.entry(HTTPS).or_insert(&site.name);
            }
        }
        ports
    }

    /// The certificates that its sites show, each once.
    fn certificates(&self) -> BTreeMap<&str, &Certificate> {
        let used = self.sites.iter().filter_map(|site| site.certificate.as_ref());
        used.map(|(name, known)| (name.value.as_str(), known)).collect()
    }

    /// The authorities of its own by which it verifies upstreams: where each lies, and a
    /// certificate that is verified with it.
    fn trusts(&self, platform: &Platform) -> BTreeMap<String, &str> {
        let named = self.upstreams.iter().filter_map(|it| it.tls.as_ref());
        let own = named.filter_map(|(name, known)| match trust(&name.value, known, platform) {
            Trust::Shipped(file) => Some((format!("{SSL}/{file}"), name.value.as_str())),
            Trust::Platform(_) => None,
        });
        own.collect()
    }

    /// The version that runs on a platform.
    fn version_on(&self, platform: &Platform) -> Option<Version> {
        let written = self.version.as_ref().map(|version| version.value.clone());
        written.or_else(|| platform.version("nginx.version"))
    }
}
