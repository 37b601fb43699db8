//! `nginx`: sites, the upstreams behind them, and TCP ports that are passed on.
//!
//! Files: the whole of `nginx.conf`, so that a reviewer sees all that holds, and one key pair per
//! certificate under `/etc/nginx/ssl`. Several `nginx` nodes on one host share the file.
//! Limits: proxies to HTTP and TLS upstreams, redirects, TCP streams; serves no files itself.
//!
//! Sources: nginx.org/en/docs for the directives and since when they are there; what the lab saw:
//! host names in `upstream` are resolved at start, so servers are written by address.

mod lower;
mod options;

use std::collections::BTreeMap;

use super::declare::twice;
use super::decode::set;
use super::pair::{Trust, trust};
use super::{Checking, Declare, Decode, Located, Lowering, Service};
use crate::diag::{Code, Diagnostic, Diagnostics, suggestion};
use crate::inventory::Inventory;
use crate::model::facts::{
    Audience, Bind, Certificate, ClaimKind, Endpoint, Link, Listener, Origin, Protocol, TlsName,
};
use crate::model::host::HostSet;
use crate::model::value::{Port, Version};
use crate::platform::Platform;
use crate::source::{Span, Spanned};
use crate::syntax::node::Node;
pub(super) use options::Nginx;
use options::{Affinity, Answer, Servers};

const HTTP: Port = Port::known(80);
const HTTPS: Port = Port::known(443);

/// Where key pairs lie.
const SSL: &str = "/etc/nginx/ssl";

/// `SITE.access.log` is a file, whose name has 255 bytes at the most.
const LONGEST_SITE: usize = 243;

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
            for path in shipped {
                declare.claims(&HostSet::one(host.value), &[&path], &ClaimKind::PerHost);
            }
        }
    }

    fn check(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        self.check_names(diagnostics);
        self.check_references(diagnostics);
        self.check_sites(diagnostics);
        self.check_upstreams(diagnostics);
        for host in &self.on {
            let version = self.version_on(&cx.inventory.host(host.value).platform);
            self.check_version(version, host.span, diagnostics);
        }
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

    fn check_names(&self, diagnostics: &mut Diagnostics) {
        let upstreams = twice(&self.upstreams, |it| (it.name.value.as_str(), it.name.span));
        let streams = twice(&self.streams, |it| (it.name.value.as_str(), it.name.span));
        let sites = self.sites.iter().flat_map(|site| {
            std::iter::once(&site.name).chain(&site.aliases).collect::<Vec<&Spanned<String>>>()
        });
        let sites: Vec<&Spanned<String>> = sites.collect();
        let sites = twice(&sites, |it| (it.value.as_str(), it.span));
        for (name, first, second) in upstreams.into_iter().chain(streams).chain(sites) {
            diagnostics.push(
                Diagnostic::error(Code::NameTaken, format!("`{name}` is there twice"))
                    .at(second, "the second one")
                    .at(first, "the first one")
                    .help("give one of them another name, or take it out"),
            );
        }
    }

    fn check_references(&self, diagnostics: &mut Diagnostics) {
        let known: Vec<&str> = self.upstreams.iter().map(|it| it.name.value.as_str()).collect();
        for location in self.sites.iter().flat_map(|site| &site.locations) {
            let Answer::Upstream(name) = &location.answer else { continue };
            if known.contains(&name.value.as_str()) {
                continue;
            }
            let help = suggestion(&name.value, known.iter().copied(), || {
                format!("add `upstream \"{}\" {{ servers \"…\" port=… }}`", name.value)
            });
            let message = format!("no upstream is called `{}`", name.value);
            diagnostics
                .push(Diagnostic::error(Code::UnknownName, message).at(name.span, "").help(help));
        }
    }

    fn check_sites(&self, diagnostics: &mut Diagnostics) {
        for site in &self.sites {
            if site.name.value.len() > LONGEST_SITE {
                let message = "the site's name is too long for the names of its logs";
                let help = format!(
                    "write the name in `alias`, and one of {LONGEST_SITE} characters at the most here"
                );
                diagnostics.push(
                    Diagnostic::error(Code::WrongValue, message).at(site.name.span, "").help(help),
                );
            }
            // for nginx `/a` and `^~ /a` are one
            let path = |it: &str| it.strip_prefix("^~ ").unwrap_or(it).to_owned();
            let paths: Vec<(String, Span)> =
                site.locations.iter().map(|it| (path(&it.path.value), it.path.span)).collect();
            let paths = twice(&paths, |it| (it.0.as_str(), it.1));
            for (path, first, second) in paths {
                diagnostics.push(
                    Diagnostic::error(
                        Code::NameTaken,
                        format!("the location `{path}` is there twice"),
                    )
                    .at(second, "the second one")
                    .at(first, "the first one")
                    .help("keep one of them"),
                );
            }
            if !site.tls && (site.redirect_http || site.hsts.is_some()) {
                let message = format!(
                    "`{}` has no certificate, so there is no TLS to send anybody to",
                    site.name.value
                );
                diagnostics.push(
                    Diagnostic::error(Code::Missing, message)
                        .at(site.name.span, "")
                        .help("add `certificate \"name\"`, or take `redirect-http` and `hsts` out"),
                );
            }
            if let Some((certificate, known)) = &site.certificate {
                for name in std::iter::once(&site.name).chain(&site.aliases) {
                    if known.names.iter().all(|it| it.value != name.value) {
                        let message = format!(
                            "the certificate `{}` does not carry `{}`",
                            certificate.value, name.value
                        );
                        let place = known.names.first().map_or(known.origin.span, |it| it.span);
                        diagnostics.push(
                            Diagnostic::error(Code::Missing, message)
                                .at(name.span, "browsers would refuse it")
                                .at(place, "these are its names")
                                .help(format!("add \"{}\" to its `names`", name.value)),
                        );
                    }
                }
            }
        }
    }

    fn check_upstreams(&self, diagnostics: &mut Diagnostics) {
        for upstream in &self.upstreams {
            let hashed = matches!(
                &upstream.affinity,
                Some(Spanned { value: Affinity::ClientIp | Affinity::Cookie, .. })
            );
            let backup = upstream.servers.iter().find(|servers| servers.backup);
            if let (true, Some(backup)) = (hashed, backup) {
                diagnostics.push(
                    Diagnostic::error(
                        Code::OnlyOneOf,
                        "nginx refuses `backup` where clients are kept on a server",
                    )
                    .at(backup.span, "")
                    .help("take `backup` or `affinity` out"),
                );
            }
            if upstream.servers.iter().all(|servers| servers.backup) {
                diagnostics.push(
                    Diagnostic::error(
                        Code::TooFew,
                        format!("`{}` has nothing but backups", upstream.name.value),
                    )
                    .at(upstream.name.span, "")
                    .help("take `backup` off the servers that are to answer"),
                );
            }
        }
    }

    fn check_version(&self, version: Option<Version>, place: Span, diagnostics: &mut Diagnostics) {
        let Some(version) = version else { return };
        let span = self.version.as_ref().map_or(place, |it| it.span);
        if !version.at_least(&[1, 10]) {
            let message = format!("nginx {version} is older than what clustergen writes for");
            let help = "1.10 is the oldest; take a platform or a package with a later one";
            diagnostics.push(Diagnostic::error(Code::TooOld, message).at(span, "").help(help));
        }
        let cookie = self.upstreams.iter().filter_map(|it| it.affinity.as_ref());
        for affinity in cookie.filter(|it| it.value == Affinity::Cookie) {
            if !version.at_least(&[1, 11]) {
                let message = format!("nginx {version} cannot make a routing cookie");
                diagnostics.push(
                    Diagnostic::error(Code::TooOld, message)
                        .at(affinity.span, "needs `$request_id`, which is there since 1.11.0")
                        .at(span, "this version")
                        .help("write `affinity \"client-ip\"`, or take a later nginx"),
                );
            }
        }
    }
}
