//! What a `redis` node says, typed, each value with its place.

use super::super::decode::set;
use super::super::{Decode, read};
use super::PORT;
use crate::model::host::{HostId, HostSet};
use crate::model::value::{Port, Size, Version};
use crate::platform::Platform;
use crate::source::{Span, Spanned};
use crate::syntax::node::Node;

pub(in crate::services) struct Redis {
    pub(super) name: String,
    pub(super) on: Vec<Spanned<HostId>>,
    pub(super) primary: Option<Spanned<HostId>>,
    pub(super) replicas: Vec<Spanned<HostId>>,
    pub(super) port: Spanned<Port>,
    pub(super) password: Option<Spanned<String>>,
    pub(super) memory: Option<Spanned<Size>>,
    pub(super) policy: Spanned<String>,
    pub(super) persistence: Spanned<Persistence>,
    pub(super) tls: Option<Span>,
    pub(super) clients: Vec<Spanned<HostId>>,
    /// Who may read a client's key.
    pub(super) group: String,
    pub(super) reached_by: Vec<Spanned<HostId>>,
    /// Where the tunnel of those begins.
    pub(super) tunnel: Spanned<Port>,
    pub(super) version: Option<Spanned<Version>>,
    pub(super) extra: Vec<Spanned<String>>,
    pub(super) span: Span,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Persistence {
    None,
    Snapshots,
    AppendOnly,
}

impl Persistence {
    /// The kind of files that it starts from.
    pub(super) fn files(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Snapshots => Some("snapshots"),
            Self::AppendOnly => Some("append-only"),
        }
    }
}

pub(super) fn decode(node: &Node, cx: &mut Decode) -> Option<Redis> {
    let first = |child: &str| read::first(node, child);
    let prop = |child: &str, name: &str| node.child(child).and_then(|it| it.prop(name));
    let password = first("password").and_then(read::text);
    if let Some(name) = &password {
        cx.secret(name)?;
    }
    let persistence = first("persistence").map(|value| {
        let how = match value.as_str() {
            Some("none") => Persistence::None,
            Some("append-only") => Persistence::AppendOnly,
            _ => Persistence::Snapshots,
        };
        Spanned::new(how, value.span)
    });
    let group = prop("clients", "group").and_then(|it| it.as_str());
    Some(Redis {
        name: node.label()?.to_owned(),
        on: cx.managed_hosts(node, "on"),
        primary: cx.managed_hosts(node, "primary").first().cloned(),
        replicas: cx.managed_hosts(node, "replicas"),
        port: first("port").and_then(read::port).unwrap_or_else(|| Spanned::new(PORT, node.head)),
        password,
        memory: first("max-memory").and_then(read::size),
        policy: prop("max-memory", "policy")
            .and_then(read::text)
            .unwrap_or_else(|| Spanned::new("noeviction".to_owned(), node.head)),
        persistence: persistence.unwrap_or_else(|| Spanned::new(Persistence::Snapshots, node.head)),
        tls: node.child("tls").map(|it| it.head),
        clients: cx.managed_hosts(node, "clients"),
        group: group.unwrap_or("root").to_owned(),
        reached_by: cx.managed_hosts(node, "reached-by"),
        tunnel: prop("reached-by", "port")
            .and_then(read::port)
            .unwrap_or_else(|| Spanned::new(PORT, node.head)),
        version: first("version").and_then(read::version),
        extra: read::texts(node, "extra"),
        span: node.head,
    })
}

impl Redis {
    /// Where it runs, in the order in which it is written.
    pub(super) fn places(&self) -> impl Iterator<Item = &Spanned<HostId>> {
        self.on.iter().chain(&self.primary).chain(&self.replicas)
    }

    pub(super) fn members(&self) -> HostSet {
        let places: Vec<Spanned<HostId>> = self.places().cloned().collect();
        set(&places)
    }

    pub(super) fn replicates(&self) -> bool {
        !self.replicas.is_empty()
    }

    /// Whether it copies itself, to disk or to others.
    pub(super) fn forks(&self) -> bool {
        self.replicates() || self.persistence.value != Persistence::None
    }

    /// The version that runs on a platform.
    pub(super) fn version_on(&self, platform: &Platform) -> Option<Version> {
        let written = self.version.as_ref().map(|version| version.value.clone());
        written.or_else(|| platform.version("redis.version"))
    }

    pub(super) fn at_least(&self, platform: &Platform, parts: &[u32]) -> bool {
        self.version_on(platform).is_none_or(|it| it.at_least(parts))
    }
}
