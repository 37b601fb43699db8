//! `redis`: a Redis on loopback, or with TLS for others, always with a password; one with replicas.
//!
//! Files: the whole of `redis.conf`, so that a reviewer sees all that holds, and
//! `/etc/clustergen/CLUSTER/redis-NAME/` with the pair and with what `--verify` says to it, which has
//! the password. Redis writes to its file when it is told to (`CONFIG REWRITE`), as Sentinel does:
//! that is drift, and undone. A promotion that is to stay is written in the description.
//! Limits: no Sentinel, no Redis Cluster, and none but the cluster's authority for TLS: Redis asks
//! for no names, and has one file for those who sign its clients and its primary.
//!
//! Sources: redis.conf and release notes of 3.2 to 8.0 for the directives and since when they are
//! there; `config.c` and `sds.c` of 7.0 for how lines are read.

mod check;
mod lower;
mod options;
mod proofs;

use super::declare::VALIDITY;
use super::decode::set;
use super::{Checking, Declare, Decode, Located, Lowering, Service};
use crate::diag::Diagnostics;
use crate::inventory::Inventory;
use crate::model::consequence::Consequence;
use crate::model::facts::{
    Audience, Bind, Chapter, ClaimKind, Endpoint, Link, Listener, Protocol, Secret, SecretSource,
    TlsName, Usage,
};
use crate::model::host::HostSet;
use crate::model::value::Port;
use crate::source::Span;
use crate::syntax::node::Node;
pub(super) use options::Redis;

const PORT: Port = Port::known(6379);

/// What is drawn where no password is named.
const PASSWORD_LENGTH: usize = 32;

impl Service for Redis {
    const KIND: &'static str = "redis";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        options::decode(node, cx)
    }

    fn hosts(&self) -> HostSet {
        let others = set(&self.clients).union(&set(&self.reached_by));
        self.members().union(&others)
    }

    fn declare(&self, inventory: &Inventory, declare: &mut Declare) {
        let members = self.members();
        let bind = if self.tls.is_some() { Bind::Any } else { Bind::Loopback };
        declare.listener(Listener {
            hosts: members.clone(),
            bind,
            port: self.port.value,
            protocol: Protocol::Tcp,
            audience: Audience::Peers,
            what: format!("redis, {}", self.name),
            shared: None,
            mutual_tls: self.tls.is_some(),
            origin: declare.at(self.port.span),
        });
        let clients = set(&self.clients);
        if self.tls.is_some() {
            let primary: HostSet = self.primary.iter().map(|it| it.value).collect();
            self.declare_link(&clients, &members, format!("asks redis `{}`", self.name), declare);
            let why = format!("redis `{}` copies", self.name);
            self.declare_link(&set(&self.replicas), &primary, why, declare);
            declare.leaf(&members.union(&clients), Self::KIND, (Usage::Peer, VALIDITY), inventory);
        }
        if self.password.is_none() {
            let source = SecretSource::Generate { length: PASSWORD_LENGTH };
            let secret = Secret { source, origin: declare.origin.clone() };
            declare.secret(self.password_key(), secret);
        }
        self.declare_paths(inventory, declare);
        self.declare_chapters(inventory, declare);
        // it starts from the files of its kind, and finds none of them
        if let Some(kind) = self.persistence.value.files() {
            declare.pin(&members, "persistence", kind.to_owned(), Consequence::DestroysData);
        }
        if let Some(primary) = &self.primary {
            // whoever was it before takes what the new one has, and drops the rest
            let name = inventory.host(primary.value).name.clone();
            declare.pin(&members, "primary", name, Consequence::DestroysData);
        }
    }

    fn check(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        self.check_all(cx, diagnostics);
    }

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        for service in services {
            lower::lower(service, cx);
        }
    }
}

impl Redis {
    fn declare_link(&self, from: &HostSet, to: &HostSet, why: String, declare: &mut Declare) {
        if from.is_empty() || to.is_empty() {
            return;
        }
        let (hosts, port) = (to.clone(), self.port.value);
        declare.link(Link {
            from: from.clone(),
            to: Endpoint { hosts, port, protocol: Protocol::Tcp, purpose: None },
            tls: Some(TlsName { leaf: Self::KIND.to_owned(), name: None }),
            why,
            origin: declare.origin.clone(),
        });
    }

    fn declare_paths(&self, inventory: &Inventory, declare: &mut Declare) {
        let here = self.here(&inventory.cluster.name);
        for host in self.members().iter() {
            let conf = inventory.host(host).platform.fact("redis.conf").unwrap_or_default();
            declare.claims(&HostSet::one(host), &[conf], &ClaimKind::PerHost);
        }
        let tls = ["cert.pem", "key.pem", "ca.pem"].iter().filter(|_| self.tls.is_some());
        for part in tls.chain(&["ping"]) {
            declare.claims(&self.hosts(), &[&format!("{here}/{part}")], &ClaimKind::PerHost);
        }
    }

    fn declare_chapters(&self, inventory: &Inventory, declare: &mut Declare) {
        let names: Vec<&str> =
            self.members().iter().map(|it| inventory.host(it).name.as_str()).collect();
        if self.forks() {
            declare.runbook(
                Chapter::BringUp,
                format!(
                    "Redis on {} copies itself to write to disk or to a replica: where memory is short, that \
                     fails unless `sysctl vm.overcommit_memory` is 1. It is the whole host's, so set it there \
                     yourself, in `/etc/sysctl.d`",
                    names.join(", ")
                ),
            );
        }
        let more = "Who wants that to happen by itself needs Sentinel on three hosts, or Redis Cluster, and \
            clients that speak with them; clustergen makes neither";
        match (&self.primary, self.members().len()) {
            (Some(primary), 2..) => {
                let here = self.here(&inventory.cluster.name);
                let promote = self.say(&here, "REPLICAOF NO ONE");
                let line = format!(
                    "Redis `{}` is written to on {} alone, and nobody takes its place by himself. To make a replica \
                     the primary, run `{promote}` on it; then name it in `primary`, build, and apply to it first and to \
                     the others after it. {more}",
                    self.name,
                    inventory.host(primary.value).name,
                );
                declare.runbook(Chapter::SinglePoints, line);
            }
            (_, 1) => declare.runbook(
                Chapter::SinglePoints,
                format!(
                    "Redis `{}` on {}: while it is down nobody has what it keeps. It takes a second host, \
                     and {}: then a person can make the replica the primary. {more}",
                    self.name,
                    names.join(", "),
                    self.with_replicas(),
                ),
            ),
            // each by itself
            _ => {}
        }
    }

    /// What is written for one that has replicas: those are reached by TLS of its own alone.
    fn with_replicas(&self) -> &'static str {
        if self.reached_by.is_empty() {
            "`primary`, `replicas` and `tls` in place of `on`"
        } else {
            "a `redis` with `primary`, `replicas` and `tls` of its own in place of the tunnel, and \
             clients that speak TLS"
        }
    }

    /// The secret that is its password.
    fn password_key(&self) -> String {
        let written = self.password.as_ref().map(|it| it.value.clone());
        written.unwrap_or_else(|| format!("redis[{}]/password", self.name))
    }

    /// What is not in `redis.conf`.
    fn here(&self, cluster: &str) -> String {
        format!("/etc/clustergen/{cluster}/redis-{}", self.name)
    }

    /// The place that makes it listen for others.
    fn asked_from_others(&self) -> Option<Span> {
        self.clients.iter().chain(&self.replicas).next().map(|it| it.span)
    }
}
