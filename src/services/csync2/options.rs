//! What a `csync2` node says, typed, each value with its place.

use super::PORT;
use crate::model::host::HostId;
use crate::model::value::{AbsPath, Duration, Port, Version};
use crate::services::after::After;
use crate::services::{Decode, read};
use crate::source::{Span, Spanned};
use crate::syntax::node::Node;

pub(in crate::services) struct Csync2 {
    pub(super) name: String,
    pub(super) members: Vec<Spanned<HostId>>,
    pub(super) includes: Vec<Spanned<AbsPath>>,
    pub(super) excludes: Vec<Spanned<String>>,
    pub(super) actions: Vec<Action>,
    pub(super) backup_directory: Option<Spanned<AbsPath>>,
    pub(super) backup_generations: u64,
    pub(super) auto: Spanned<String>,
    pub(super) listener: Spanned<Daemon>,
    pub(super) port: Spanned<Port>,
    pub(super) every: Spanned<Duration>,
    pub(super) version: Option<Spanned<Version>>,
    /// Steps that come before the first sync.
    pub(super) after: Vec<After>,
    pub(super) extra: Vec<Spanned<String>>,
    /// Whether the members are all that were meant.
    pub(super) complete: bool,
    pub(super) span: Span,
}

pub(super) struct Action {
    pub(super) patterns: Vec<Spanned<String>>,
    pub(super) execs: Vec<Spanned<String>>,
    pub(super) logfile: Spanned<String>,
    /// `do-local` or `do-local-only`.
    pub(super) local: Option<&'static str>,
    pub(super) span: Span,
}

/// What starts csync2 for a peer that connects.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Daemon {
    Systemd,
    Xinetd,
    Inetd,
}

pub(super) fn decode(node: &Node, cx: &mut Decode) -> Option<Csync2> {
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
    Some(Csync2 {
        name: node.label()?.to_owned(),
        complete: cx.inventory.is_whole(read::all(node, "members")),
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
        after: After::all(node, cx),
        extra: read::texts(node, "extra"),
        span: node.head,
    })
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
