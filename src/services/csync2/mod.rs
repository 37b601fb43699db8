//! `csync2`: folders that are kept alike on the members of a group.
//!
//! Files: `csync2.cfg`, the group's key, the host's TLS pair, the peers' certificates, all in the
//! one folder that the binary was built for; what listens for peers (a socket unit, xinetd, inetd);
//! a crontab with this host's own minute, and the script that it runs; the logs of actions are rotated. Several groups on one
//! host share cfg, pair and listener.
//!
//! Sources: csync2 2.0's `cfgfile_parser.y`, `csync2.c`, `daemon.c`; csync2(8). What the lab saw:
//! - GnuTLS shows a certificate only where its issuer is among those that the server names, and
//!   the server names the subjects in its own certificate file: the authority is appended.
//! - The caller's address is compared with a look-up of its name: `/etc/hosts` is part of it.
//! - `-N` says who one is in every call, or the host's own name has to be spelt alike everywhere.

mod check;
mod first_sync;
mod lower;
mod options;
mod peers;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::decode::set;
use super::{Checking, Declare, Decode, Located, Lowering, Service, grid, rotation};
use crate::diag::Diagnostics;
use crate::inventory::Inventory;
use crate::model::consequence::Consequence;
use crate::model::facts::{
    Audience, Bind, Chapter, ClaimKind, Endpoint, Link, Listener, Protocol, Secret, SecretSource,
    StepFact, TlsName, Usage,
};
use crate::model::host::{HostId, HostSet};
use crate::model::name::Label;
use crate::model::value::{Duration, Port};
use crate::syntax::node::Node;
pub(super) use options::Csync2;
use options::{Action, Daemon};

/// The port that csync2 is registered for.
const PORT: Port = Port::known(30865);

/// The longest key that `csync2 -k` writes has so many characters.
const KEY_LENGTH: usize = 64;

/// The file that rotates the logs of actions.
const ROTATION: &str = "clustergen-csync2";

/// What the crontab runs, beside `csync2.cfg`.
const SCRIPT: &str = "csync2_sync";

/// What no two runs of a host have at once, whether they are the crontab's or a step's.
const LOCK: &str = "/run/clustergen-csync2.lock";

/// A member's certificate is pinned by its peers, so it is long-lived: ten years.
const PAIR_VALIDITY: Duration = Duration::from_seconds(3650 * 86_400);

impl Service for Csync2 {
    const KIND: &'static str = "csync2";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        options::decode(node, cx)
    }

    fn hosts(&self) -> HostSet {
        set(&self.members)
    }

    fn declare(&self, inventory: &Inventory, declare: &mut Declare) {
        let members = self.hosts();
        declare.listener(Listener {
            hosts: members.clone(),
            bind: Bind::Any,
            port: self.port.value,
            protocol: Protocol::Tcp,
            audience: Audience::Peers,
            what: "csync2".to_owned(),
            shared: Some(Self::KIND),
            mutual_tls: false,
            origin: declare.at(self.port.span),
        });
        declare.link(Link {
            from: members.clone(),
            to: Endpoint {
                hosts: members.clone(),
                port: self.port.value,
                protocol: Protocol::Tcp,
                purpose: purpose(),
            },
            // csync2 asks for no name: its peers know each other's certificate itself
            tls: Some(TlsName { leaf: Self::KIND.to_owned(), name: None }),
            why: format!("csync2 keeps `{}` alike", self.name),
            origin: declare.origin.clone(),
        });
        declare.leaf(&members, Self::KIND, (Usage::Pinned, PAIR_VALIDITY), inventory);
        let source = SecretSource::Generate { length: KEY_LENGTH };
        let secret = Secret { source, origin: declare.origin.clone() };
        declare.secret(self.group_key(), secret);
        declare.schedule(&self.every, &members);
        self.declare_paths(inventory, declare);
        // what is newly included is held against the peers, and the younger file wins
        let mut includes: Vec<&str> = self.includes.iter().map(|it| it.value.as_str()).collect();
        includes.sort_unstable();
        declare.pin(&members, "include", includes.join(" "), Consequence::Resync);
        self.declare_first_sync(inventory, declare);
        let waits = "csync2 has one certificate of each peer: between a member with its new bundle and one with the \
            old, what has changed waits, and comes when both have theirs; `apply.sh --verify` says who waits for whom";
        declare.runbook(Chapter::Renewal, waits);
        declare.runbook(Chapter::NewKeys, waits);
    }

    fn check(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        self.check_members(cx, diagnostics);
        self.check_version(diagnostics);
        self.check_addresses(cx.inventory, diagnostics);
        grid::check(&self.every, diagnostics);
        self.check_includes(diagnostics);
    }

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        let dir = cx.this().platform.fact("csync2.system-dir").unwrap_or("/etc").to_owned();
        lower::lower(services, &dir, cx);
        peers::lower(services, &dir, cx);
        for service in services {
            first_sync::lower(service, services, &dir, cx);
        }
    }
}

/// Members dial each other at the address that a host has for replication, where it has one.
fn purpose() -> Option<Label> {
    Label::parse("replication").ok()
}

/// The name that this host goes by among its peers.
fn myself(cx: &Lowering) -> String {
    cx.this().dialled(purpose().as_ref())
}

impl Csync2 {
    fn group_key(&self) -> String {
        format!("csync2[{}]/key", self.name)
    }

    fn key_path(&self, dir: &str) -> String {
        format!("{dir}/csync2_{}.key", self.name)
    }

    fn declare_paths(&self, inventory: &Inventory, declare: &mut Declare) {
        let excludes: Arc<[String]> = self.excludes.iter().map(|it| it.value.clone()).collect();
        let members = self.hosts();
        let Some(source) = self.members.first().map(|it| it.value) else { return };
        for include in &self.includes {
            let kind = ClaimKind::Synced { excludes: excludes.clone(), source };
            declare.claim(&members, &include.value, kind, include.span);
        }
        // the folder is the platform's, and members may be of several
        let mut by_dir: BTreeMap<String, Vec<HostId>> = BTreeMap::new();
        for member in &self.members {
            let platform = &inventory.host(member.value).platform;
            let dir = platform.fact("csync2.system-dir").unwrap_or("/etc");
            by_dir.entry(dir.to_owned()).or_default().push(member.value);
        }
        for (dir, hosts) in by_dir {
            let hosts: HostSet = hosts.into_iter().collect();
            let pair = ["csync2_ssl_key.pem", "csync2_ssl_cert.pem"];
            for name in ["csync2.cfg", "csync2_peers", SCRIPT].iter().chain(&pair) {
                declare.claims(&hosts, &[&format!("{dir}/{name}")], &ClaimKind::PerHost);
            }
            declare.claims(&hosts, &[&self.key_path(&dir)], &ClaimKind::PerHost);
        }
        declare.claims(&members, &["/etc/cron.d/clustergen-csync2"], &ClaimKind::PerHost);
        if !self.actions.is_empty() {
            declare.claims(&members, &[&rotation::path(ROTATION)], &ClaimKind::PerHost);
        }
        match self.listener.value {
            Daemon::Systemd => declare.claims(
                &members,
                &["/etc/systemd/system/csync2.socket", "/etc/systemd/system/csync2@.service"],
                &ClaimKind::PerHost,
            ),
            Daemon::Xinetd => {
                declare.claims(&members, &["/etc/xinetd.d/csync2"], &ClaimKind::PerHost);
            }
            Daemon::Inetd => declare.claims(&members, &["/etc/inetd.conf"], &ClaimKind::Shared),
        }
    }

    /// The first sync, in which the first member's files win: it gives them to each of the others,
    /// which wait for that. Until it is done no crontab starts one, or the younger files of a fresh
    /// host would.
    fn declare_first_sync(&self, inventory: &Inventory, declare: &mut Declare) {
        let [first, others @ ..] = self.members.as_slice() else { return };
        let winner = &inventory.host(first.value).name;
        for member in others {
            let name = &inventory.host(member.value).name;
            let gives = format!(
                "csync2 `{}`: the files of {winner} go to {name}, and replace what it has under their names",
                self.name
            );
            let after = self.after.iter().map(|it| it.of(first.value)).collect();
            let has_come = format!("csync2 `{}`: the files of {winner} have come", self.name);
            let given = vec![(first.value, self.given_to(name))];
            for (key, host, after, title, destroys) in [
                (self.given_to(name), first, after, gives, true),
                (self.has_come(), member, given, has_come, false),
            ] {
                declare.step(StepFact {
                    key,
                    host: host.value,
                    after,
                    title,
                    needs: Vec::new(),
                    destroys,
                    origin: declare.at(member.span),
                });
            }
        }
    }

    /// The first member's step for another one.
    fn given_to(&self, name: &str) -> String {
        format!("{}-{name}", self.has_come())
    }

    /// The step of each other member.
    fn has_come(&self) -> String {
        format!("csync2-{}-first-sync", self.name)
    }

    /// The steps of one host.
    fn steps_of(&self, host: HostId, inventory: &Inventory) -> Vec<String> {
        match self.members.as_slice() {
            [first, others @ ..] if first.value == host => {
                others.iter().map(|it| self.given_to(&inventory.host(it.value).name)).collect()
            }
            _ => vec![self.has_come()],
        }
    }

    /// A call of csync2 for this group, as a host.
    fn call(&self, me: &str) -> String {
        format!("csync2{} -N {me} -G {}", self.port_option(), self.name)
    }

    /// The port, where csync2 has to be told.
    fn port_option(&self) -> String {
        let port = self.port.value;
        if port == PORT { String::new() } else { format!(" -p {port}") }
    }
}
