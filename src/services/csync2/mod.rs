//! `csync2`: folders that are kept alike on the members of a group.
//!
//! Files: `csync2.cfg`, the group's key, the host's TLS pair, the peers' certificates, all in the
//! one folder that the binary was built for; what listens for peers (a socket unit, xinetd, inetd); a crontab with
//! this host's own minute; the logs of actions are rotated. Several groups on one host share cfg, pair and listener.
//!
//! Sources: csync2 2.0's `cfgfile_parser.y`, `csync2.c`, `daemon.c`; csync2(8). What the lab saw:
//! - GnuTLS shows a certificate only where its issuer is among those that the server names, and
//!   the server names the subjects in its own certificate file: the authority is appended.
//! - The caller's address is compared with a look-up of its name: `/etc/hosts` is part of it.
//! - `-N` says who one is in every call, or the host's own name has to be spelt alike everywhere.

mod first_sync;
mod lower;
mod peers;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::decode::set;
use super::{Checking, Declare, Decode, Located, Lowering, Service, grid, read, rotation};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::consequence::Consequence;
use crate::model::facts::{
    Audience, Bind, Chapter, ClaimKind, Endpoint, Link, Listener, Protocol, Secret, SecretSource,
    StepFact, TlsName, Usage,
};
use crate::model::host::{HostId, HostSet};
use crate::model::name::Label;
use crate::model::value::{AbsPath, Duration, Port, Version};
use crate::source::{Span, Spanned};
use crate::syntax::node::Node;

/// The port that csync2 is registered for.
const PORT: Port = Port::known(30865);

/// The longest key that `csync2 -k` writes has so many characters.
const KEY_LENGTH: usize = 64;

/// The file that rotates the logs of actions.
const ROTATION: &str = "clustergen-csync2";

/// A member's certificate is pinned by its peers, so it is long-lived: ten years.
const PAIR_VALIDITY: Duration = Duration::from_seconds(3650 * 86_400);

pub(super) struct Csync2 {
    name: String,
    members: Vec<Spanned<HostId>>,
    includes: Vec<Spanned<AbsPath>>,
    excludes: Vec<Spanned<String>>,
    actions: Vec<Action>,
    backup_directory: Option<Spanned<AbsPath>>,
    backup_generations: u64,
    auto: Spanned<String>,
    listener: Spanned<Daemon>,
    port: Spanned<Port>,
    every: Spanned<Duration>,
    version: Option<Spanned<Version>>,
    extra: Vec<Spanned<String>>,
    /// Whether every name among the members is known.
    complete: bool,
    span: Span,
}

struct Action {
    patterns: Vec<Spanned<String>>,
    execs: Vec<Spanned<String>>,
    logfile: Spanned<String>,
    /// `do-local` or `do-local-only`.
    local: Option<&'static str>,
    span: Span,
}

/// What starts csync2 for a peer that connects.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Daemon {
    Systemd,
    Xinetd,
    Inetd,
}

impl Service for Csync2 {
    const KIND: &'static str = "csync2";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        let or = |child: &str, otherwise: &str| {
            let found = read::first(node, child).and_then(read::text);
            found.unwrap_or_else(|| Spanned::new(otherwise.to_owned(), node.head))
        };
        let listener = or("listener", "systemd");
        let daemon = match listener.value.as_str() {
            "xinetd" => Daemon::Xinetd,
            "inetd" => Daemon::Inetd,
            _ => Daemon::Systemd,
        };
        let every = read::first(node, "every").and_then(read::duration);
        let port = read::first(node, "port").and_then(read::port);
        let generations = read::first(node, "backup-generations").and_then(read::integer);
        let members = cx.managed_hosts(node, "members");
        Some(Self {
            name: node.label()?.to_owned(),
            complete: members.len() >= read::all(node, "members").len(),
            members,
            includes: read::all(node, "include").into_iter().filter_map(read::path).collect(),
            excludes: read::texts(node, "exclude"),
            actions: node.children_named("action").map(action).collect(),
            backup_directory: read::first(node, "backup-directory").and_then(read::path),
            backup_generations: generations.map_or(3, |it| it.value),
            auto: or("auto", "younger"),
            listener: Spanned::new(daemon, listener.span),
            port: port.unwrap_or(Spanned::new(PORT, node.head)),
            every: every.unwrap_or(Spanned::new(Duration::from_seconds(300), node.head)),
            version: read::first(node, "version").and_then(read::version),
            extra: read::texts(node, "extra"),
            span: node.head,
        })
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
        declare.leaf(&members, Self::KIND, (Usage::Peer, PAIR_VALIDITY), inventory);
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
        let known = "csync2 refuses whose certificate it does not know: syncs between a member with \
            its new bundle and one with the old fail until both have theirs";
        declare.runbook(Chapter::NewKeys, known);
    }

    fn check(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        if self.members.len() < 2 && self.complete {
            let message = format!("`{}` has nobody to keep files alike with", cx.instance.key);
            let span = self.members.first().map_or(self.span, |member| member.span);
            diagnostics.push(
                Diagnostic::error(Code::TooFew, message)
                    .at(span, "the only member")
                    .help("name two members at least"),
            );
        }
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

fn action(node: &Node) -> Action {
    let logfile = read::first(node, "logfile").and_then(read::text);
    let default = Spanned::new("/var/log/csync2_action.log".to_owned(), node.head);
    Action {
        patterns: read::texts(node, "pattern"),
        execs: read::texts(node, "exec"),
        logfile: logfile.unwrap_or(default),
        local: ["do-local", "do-local-only"].into_iter().find(|it| node.child(it).is_some()),
        span: node.head,
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
    /// Before 2.0 a backup's messages go into the connection of the peer (Gluu's guide to csync2);
    /// its database is another one, too. No release that is supported ships it.
    fn check_version(&self, diagnostics: &mut Diagnostics) {
        let Some(version) = self.version.as_ref().filter(|it| !it.value.at_least(&[2])) else {
            return;
        };
        let message = format!("csync2 {} is older than what clustergen writes for", version.value);
        let help = "its backups break the connection; take 2.0, as every platform here ships it";
        let diagnostic = Diagnostic::error(Code::TooOld, message).at(version.span, "");
        diagnostics.push(diagnostic.help(help));
    }

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
            let own = ["csync2.cfg", "csync2_peers", "csync2_ssl_key.pem", "csync2_ssl_cert.pem"];
            for name in own {
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

    /// csync2 calls from the address of its own name, and is known by it: a member with an inner
    /// address calls all others from there, and one without has to answer into that network.
    fn check_addresses(&self, inventory: &Inventory, diagnostics: &mut Diagnostics) {
        let has = |it: &&Spanned<HostId>| {
            inventory.host(it.value).address(purpose().as_ref()).purpose.is_some()
        };
        let (with, without): (Vec<_>, Vec<_>) = self.members.iter().partition(has);
        let (Some(with), Some(without)) = (with.first(), without.first()) else { return };
        let (with, without) = (inventory.host(with.value), inventory.host(without.value));
        let message = format!(
            "`{}` has an address for replication, and `{}` has none",
            with.name, without.name
        );
        diagnostics.push(
            Diagnostic::warning(Code::MixedPurpose, message)
                .at(without.origin.span, "it has to find a way to the inner address of the other")
                .at(with.address(purpose().as_ref()).span, "from here csync2 calls all members")
                .help("add `address \"…\" for=\"replication\"` to every member, or to none"),
        );
    }

    fn check_includes(&self, diagnostics: &mut Diagnostics) {
        let texts: Vec<(String, Span)> =
            self.includes.iter().map(|it| (it.value.as_str().to_owned(), it.span)).collect();
        for (path, first, second) in super::declare::twice(&texts, |it| (it.0.as_str(), it.1)) {
            diagnostics.push(
                Diagnostic::error(Code::NameTaken, format!("`{path}` is included twice"))
                    .at(second, "the second one")
                    .at(first, "the first one")
                    .help("keep one of them"),
            );
        }
        if let Some(root) = self.includes.iter().find(|it| it.value.as_str() == "/") {
            diagnostics.push(
                Diagnostic::error(Code::Unsafe, "csync2 would carry the whole file system over")
                    .at(root.span, "")
                    .help("name the folders that are to be alike"),
            );
        }
    }

    /// The first sync, in which the first member's files win; until it is done no crontab starts
    /// one, or the younger files of a fresh host would. The others wait for it.
    fn declare_first_sync(&self, inventory: &Inventory, declare: &mut Declare) {
        let Some(first) = self.members.first().map(|it| it.value) else { return };
        let winner = &inventory.host(first).name;
        for member in &self.members {
            let (title, after) = if member.value == first {
                (format!("csync2 `{}`: the files of {winner} go to all members", self.name), None)
            } else {
                let title = format!("csync2 `{}`: the files of {winner} have come", self.name);
                (title, Some((first, self.step_key())))
            };
            declare.step(StepFact {
                key: self.step_key(),
                host: member.value,
                after: after.into_iter().collect(),
                title,
                destroys: false,
                origin: declare.at(member.span),
            });
        }
    }

    /// The step's name, the same on every member.
    fn step_key(&self) -> String {
        format!("csync2-{}-first-sync", self.name)
    }

    /// The file that says that the first sync is done.
    fn seeded_mark(&self, cluster: &str) -> String {
        format!("/var/lib/clustergen/{cluster}/done/{}", self.step_key())
    }

    /// A call of csync2 for this group, as a host.
    fn call(&self, me: &str) -> String {
        let port = self.port.value;
        let port = if port == PORT { String::new() } else { format!(" -p {port}") };
        format!("csync2{port} -N {me} -G {}", self.name)
    }
}
