//! What an `nginx` node says, typed, each value with its place.

use super::super::{Decode, read};
use crate::model::facts::Certificate;
use crate::model::host::HostId;
use crate::model::value::{Duration, Port, Size, Version};
use crate::source::{Span, Spanned};
use crate::syntax::node::Node;

pub(in crate::services) struct Nginx {
    pub(super) on: Vec<Spanned<HostId>>,
    pub(super) version: Option<Spanned<Version>>,
    pub(super) worker_connections: Spanned<u64>,
    pub(super) upstreams: Vec<Upstream>,
    pub(super) sites: Vec<Site>,
    pub(super) streams: Vec<Stream>,
    pub(super) extra: Vec<Spanned<String>>,
}

pub(super) struct Upstream {
    pub(super) name: Spanned<String>,
    pub(super) servers: Vec<Servers>,
    pub(super) tls: Option<(Spanned<String>, Certificate)>,
    pub(super) affinity: Option<Spanned<Affinity>>,
    pub(super) max_fails: Spanned<u64>,
    pub(super) fail_timeout: Spanned<Duration>,
    pub(super) keepalive: Spanned<u64>,
}

pub(super) struct Servers {
    pub(super) hosts: Vec<Spanned<HostId>>,
    pub(super) port: Spanned<Port>,
    pub(super) weight: Option<Spanned<u64>>,
    pub(super) backup: bool,
    pub(super) span: Span,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Affinity {
    ClientIp,
    Cookie,
}

pub(super) struct Site {
    pub(super) name: Spanned<String>,
    pub(super) aliases: Vec<Spanned<String>>,
    /// Whether it names a certificate, known or not.
    pub(super) tls: bool,
    pub(super) certificate: Option<(Spanned<String>, Certificate)>,
    pub(super) redirect_http: bool,
    pub(super) hsts: Option<Spanned<Duration>>,
    pub(super) max_body: Spanned<Size>,
    pub(super) locations: Vec<Location>,
    pub(super) extra: Vec<Spanned<String>>,
    pub(super) span: Span,
}

impl Site {
    /// Its names, the first one and its aliases.
    pub(super) fn names(&self) -> impl Iterator<Item = &Spanned<String>> {
        std::iter::once(&self.name).chain(&self.aliases)
    }
}

pub(super) struct Location {
    pub(super) path: Spanned<String>,
    pub(super) answer: Answer,
    pub(super) connect_timeout: Spanned<Duration>,
    pub(super) read_timeout: Spanned<Duration>,
    pub(super) request_headers: Vec<Header>,
    pub(super) response_headers: Vec<Header>,
    pub(super) extra: Vec<Spanned<String>>,
    pub(super) span: Span,
}

pub(super) enum Answer {
    Upstream(Spanned<String>),
    Redirect(Spanned<String>),
}

pub(super) struct Header {
    pub(super) name: Spanned<String>,
    pub(super) value: Spanned<String>,
}

pub(super) struct Stream {
    pub(super) name: Spanned<String>,
    pub(super) port: Spanned<Port>,
    pub(super) servers: Vec<Servers>,
    pub(super) affinity: bool,
    pub(super) connect_timeout: Spanned<Duration>,
    pub(super) idle_timeout: Spanned<Duration>,
    pub(super) span: Span,
}

/// The default of an option, at the node that leaves it out.
fn or<T>(found: Option<Spanned<T>>, otherwise: T, node: &Node) -> Spanned<T> {
    found.unwrap_or_else(|| Spanned::new(otherwise, node.head))
}

fn seconds(node: &Node, child: &str, otherwise: u64) -> Spanned<Duration> {
    let found = read::first(node, child).and_then(read::duration);
    or(found, Duration::from_seconds(otherwise), node)
}

pub(super) fn decode(node: &Node, cx: &mut Decode) -> Option<Nginx> {
    let connections = read::first(node, "worker-connections").and_then(read::integer);
    let mut nginx = Nginx {
        on: cx.managed_hosts(node, "on"),
        version: read::first(node, "version").and_then(read::version),
        worker_connections: or(connections, 4096, node),
        upstreams: Vec::new(),
        sites: Vec::new(),
        streams: Vec::new(),
        extra: read::texts(node, "extra"),
    };
    for child in &node.children {
        match child.name.value.as_str() {
            "upstream" => nginx.upstreams.push(upstream(child, cx)?),
            "site" => nginx.sites.push(site(child, cx)?),
            "stream" => nginx.streams.push(stream(child, cx)?),
            _ => {}
        }
    }
    Some(nginx)
}

fn upstream(node: &Node, cx: &mut Decode) -> Option<Upstream> {
    let affinity = read::first(node, "affinity").map(|value| {
        let by =
            if value.as_str() == Some("cookie") { Affinity::Cookie } else { Affinity::ClientIp };
        Spanned::new(by, value.span)
    });
    let tls = read::first(node, "tls").and_then(|value| cx.certificate(value));
    let integer = |child: &str| read::first(node, child).and_then(read::integer);
    Some(Upstream {
        name: read::text(node.args.first()?)?,
        servers: servers(node, cx)?,
        tls,
        affinity,
        max_fails: or(integer("max-fails"), 2, node),
        fail_timeout: seconds(node, "fail-timeout", 10),
        keepalive: or(integer("keepalive"), 16, node),
    })
}

fn servers(node: &Node, cx: &mut Decode) -> Option<Vec<Servers>> {
    let mut list = Vec::new();
    for child in node.children_named("servers") {
        list.push(Servers {
            hosts: cx.inventory.resolve(&child.args, cx.diagnostics),
            port: read::port(child.prop("port")?)?,
            weight: child.prop("weight").and_then(read::integer),
            backup: read::is_true(child.prop("backup")),
            span: child.head,
        });
    }
    Some(list)
}

fn site(node: &Node, cx: &mut Decode) -> Option<Site> {
    let written = read::first(node, "certificate");
    let max_body = read::first(node, "max-body").and_then(read::size);
    let sixteen = Size::parse("16M").ok()?;
    Some(Site {
        name: read::text(node.args.first()?)?,
        aliases: read::texts(node, "alias"),
        tls: written.is_some(),
        certificate: written.and_then(|value| cx.certificate(value)),
        redirect_http: node.child("redirect-http").is_some(),
        hsts: read::first(node, "hsts").and_then(read::duration),
        max_body: or(max_body, sixteen, node),
        locations: node.children_named("location").filter_map(location).collect(),
        extra: read::texts(node, "extra"),
        span: node.head,
    })
}

fn location(node: &Node) -> Option<Location> {
    let answer = match (node.prop("to"), node.prop("redirect")) {
        (Some(to), _) => Answer::Upstream(read::text(to)?),
        (None, redirect) => Answer::Redirect(read::text(redirect?)?),
    };
    Some(Location {
        path: read::text(node.args.first()?)?,
        answer,
        connect_timeout: seconds(node, "connect-timeout", 2),
        read_timeout: seconds(node, "read-timeout", 60),
        request_headers: headers(node, "request-header"),
        response_headers: headers(node, "response-header"),
        extra: read::texts(node, "extra"),
        span: node.head,
    })
}

fn headers(node: &Node, child: &str) -> Vec<Header> {
    let header = |it: &Node| {
        let [name, value] = it.args.as_slice() else { return None };
        Some(Header { name: read::text(name)?, value: read::text(value)? })
    };
    node.children_named(child).filter_map(header).collect()
}

fn stream(node: &Node, cx: &mut Decode) -> Option<Stream> {
    Some(Stream {
        name: read::text(node.args.first()?)?,
        port: read::port(node.prop("port")?)?,
        servers: servers(node, cx)?,
        affinity: node.child("affinity").is_some(),
        connect_timeout: seconds(node, "connect-timeout", 2),
        idle_timeout: seconds(node, "idle-timeout", 600),
        span: node.head,
    })
}
