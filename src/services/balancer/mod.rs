//! `balancer`: a load balancer that somebody else runs, an F5 or a cloud's.
//!
//! Puts nothing on any host. It tells the hosts behind who connects (names, certificates and
//! firewall follow from the links), and its administrator, in a chapter of the runbook, what it has
//! to do and how to see that it does.

mod page;

use super::declare::twice;
use super::decode::set;
use super::{Checking, Declare, Decode, Located, Lowering, Service, read};
use crate::diag::{Code, Diagnostic, Diagnostics, suggestion};
use crate::inventory::Inventory;
use crate::model::facts::{Certificate, Chapter, Endpoint, Link, Protocol, TlsName};
use crate::model::host::{HostId, HostSet};
use crate::model::value::{Duration, Port};
use crate::source::{Span, Spanned};
use crate::syntax::node::Node;

pub(super) struct Balancer {
    address: String,
    from: HostSet,
    pools: Vec<Pool>,
    sites: Vec<Site>,
    streams: Vec<Stream>,
}

struct Pool {
    name: Spanned<String>,
    servers: Vec<Servers>,
    tls: Option<(Spanned<String>, Certificate)>,
    affinity: Option<String>,
    health: Option<(String, Option<Port>)>,
    max_fails: u64,
    fail_timeout: Duration,
    connect_timeout: Duration,
    read_timeout: Duration,
}

struct Servers {
    hosts: Vec<Spanned<HostId>>,
    port: Port,
    span: Span,
}

struct Site {
    name: Spanned<String>,
    redirect_http: bool,
    locations: Vec<(Spanned<String>, Spanned<String>)>,
}

struct Stream {
    name: Spanned<String>,
    port: Port,
    to: Spanned<String>,
}

impl Service for Balancer {
    const KIND: &'static str = "balancer";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        let mut pools = Vec::new();
        for child in node.children_named("pool") {
            pools.push(pool(child, cx)?);
        }
        Some(Self {
            address: read::first(node, "address")?.as_str()?.to_owned(),
            from: set(&cx.hosts(node, "from")),
            pools,
            sites: node.children_named("site").filter_map(site).collect(),
            streams: node.children_named("stream").filter_map(stream).collect(),
        })
    }

    fn hosts(&self) -> HostSet {
        HostSet::default()
    }

    fn declare(&self, inventory: &Inventory, declare: &mut Declare) {
        for pool in &self.pools {
            let tls = pool.tls.as_ref().map(|(name, known)| TlsName {
                leaf: name.value.clone(),
                name: known.names.first().map(|first| first.value.clone()),
            });
            for servers in &pool.servers {
                let check = pool.health.as_ref().and_then(|(_, port)| *port);
                let ports = [Some(servers.port), check.filter(|it| *it != servers.port)];
                for port in ports.into_iter().flatten() {
                    declare.link(Link {
                        from: self.from.clone(),
                        to: Endpoint {
                            hosts: set(&servers.hosts),
                            port,
                            protocol: Protocol::Tcp,
                            purpose: None,
                        },
                        tls: tls.clone().filter(|_| port == servers.port),
                        why: format!("the balancer asks `{}`", pool.name.value),
                        origin: declare.at(servers.span),
                    });
                }
            }
        }
        for block in page::blocks(self, &declare.origin.path, inventory) {
            declare.runbook(Chapter::LoadBalancer, block);
        }
    }

    fn check(&self, _: &Checking, diagnostics: &mut Diagnostics) {
        for (name, first, second) in twice(&self.pools, |it| (it.name.value.as_str(), it.name.span))
        {
            let message = format!("`{name}` is there twice");
            diagnostics.push(
                Diagnostic::error(Code::NameTaken, message)
                    .at(second, "the second one")
                    .at(first, "the first one")
                    .help("give one of them another name, or take it out"),
            );
        }
        let known = || self.pools.iter().map(|it| it.name.value.as_str());
        let locations = self.sites.iter().flat_map(|it| it.locations.iter().map(|(_, to)| to));
        for to in locations.chain(self.streams.iter().map(|it| &it.to)) {
            if known().any(|name| name == to.value) {
                continue;
            }
            let help = suggestion(&to.value, known(), || {
                format!("add `pool \"{}\" {{ servers \"…\" port=… }}`", to.value)
            });
            let message = format!("no pool is called `{}`", to.value);
            diagnostics
                .push(Diagnostic::error(Code::UnknownName, message).at(to.span, "").help(help));
        }
    }

    /// Nothing: it is somebody else's.
    fn lower(_: &[Located<Self>], _: &mut Lowering) {}
}

fn pool(node: &Node, cx: &mut Decode) -> Option<Pool> {
    let mut servers = Vec::new();
    for child in node.children_named("servers") {
        servers.push(Servers {
            hosts: cx.inventory.resolve(&child.args, cx.diagnostics),
            port: read::port(child.prop("port")?)?.value,
            span: child.head,
        });
    }
    let seconds = |child: &str, otherwise: u64| {
        let found = read::first(node, child).and_then(read::duration);
        found.map_or(Duration::from_seconds(otherwise), |it| it.value)
    };
    let health = node.child("health-check").and_then(|it| {
        let port = it.prop("port").and_then(read::port).map(|it| it.value);
        Some((it.args.first()?.as_str()?.to_owned(), port))
    });
    Some(Pool {
        name: read::text(node.args.first()?)?,
        servers,
        tls: read::first(node, "tls").and_then(|value| cx.certificate(value)),
        affinity: read::first(node, "affinity").and_then(|it| it.as_str()).map(str::to_owned),
        health,
        max_fails: read::first(node, "max-fails").and_then(read::integer).map_or(2, |it| it.value),
        fail_timeout: seconds("fail-timeout", 10),
        connect_timeout: seconds("connect-timeout", 2),
        read_timeout: seconds("read-timeout", 60),
    })
}

fn site(node: &Node) -> Option<Site> {
    let location = |it: &Node| Some((read::text(it.args.first()?)?, read::text(it.prop("to")?)?));
    Some(Site {
        name: read::text(node.args.first()?)?,
        redirect_http: node.child("redirect-http").is_some(),
        locations: node.children_named("location").filter_map(location).collect(),
    })
}

fn stream(node: &Node) -> Option<Stream> {
    Some(Stream {
        name: read::text(node.args.first()?)?,
        port: read::port(node.prop("port")?)?.value,
        to: read::text(node.prop("to")?)?,
    })
}
