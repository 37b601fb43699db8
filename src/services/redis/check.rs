//! What is wrong with a `redis` node: who may come to it, who has a copy, the version that runs it.

use super::Redis;
use super::options::Persistence;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::value::Version;
use crate::services::Checking;
use crate::source::Span;

/// What `redis.conf` says already, and what would be undone by a second line: the last one counts.
const OURS: [&str; 8] = [
    "bind",
    "port",
    "protected-mode",
    "requirepass",
    "masterauth",
    "replicaof",
    "slaveof",
    "tls-auth-clients",
];

impl Redis {
    pub(super) fn check_all(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        self.check_in_clear(diagnostics);
        self.check_copies(cx, diagnostics);
        self.check_extra(diagnostics);
        self.check_tunnels(cx, diagnostics);
        for host in self.places() {
            let platform = &cx.inventory.host(host.value).platform;
            if let Some(version) = self.version_on(platform) {
                let place = self.version.as_ref().map_or(host.span, |it| it.span);
                self.check_version(&version, place, diagnostics);
            }
        }
    }

    fn check_in_clear(&self, diagnostics: &mut Diagnostics) {
        let (Some(place), None) = (self.asked_from_others(), self.tls) else { return };
        let message = format!(
            "redis `{}` would send its password and all it keeps over the network in clear",
            self.name
        );
        diagnostics.push(
            Diagnostic::error(Code::Unsafe, message).at(place, "it is on another host").help(
                "add `tls` (since Redis 6.0); for clients, a `stunnel` before it does as well",
            ),
        );
    }

    fn check_copies(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        let both = self
            .replicas
            .iter()
            .find(|it| self.primary.as_ref().is_some_and(|primary| primary.value == it.value));
        if let (Some(replica), Some(primary)) = (both, &self.primary) {
            let name = &cx.inventory.host(replica.value).name;
            diagnostics.push(
                Diagnostic::error(Code::OnlyOneOf, format!("`{name}` would be its own replica"))
                    .at(replica.span, "a replica")
                    .at(primary.span, "the primary")
                    .help("take it out of one of them"),
            );
        }
        if self.replicates() && self.persistence.value == Persistence::None {
            let message = "a primary that starts anew is empty, and its replicas follow it";
            diagnostics.push(
                Diagnostic::warning(Code::Unsafe, message)
                    .at(self.persistence.span, "nothing outlives a restart")
                    .help("write `persistence \"append-only\"` or `\"snapshots\"`"),
            );
        }
        let mut places = self.places();
        if let (Some(only), None) = (places.next(), places.next()) {
            let message = format!("one redis is a single point of failure for `{}`", self.name);
            let help = format!(
                "add replicas: {}; the runbook says what else it takes",
                self.with_replicas()
            );
            diagnostics
                .push(Diagnostic::warning(Code::SinglePoint, message).at(only.span, "").help(help));
        }
    }

    fn check_tunnels(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        let port = self.tunnel.value;
        for host in &self.reached_by {
            if cx.facts.listeners_of(host.value).any(|it| it.port == port) {
                continue;
            }
            let name = &cx.inventory.host(host.value).name;
            let message = format!("nothing listens on port {port} of `{name}`");
            diagnostics.push(
                Diagnostic::error(Code::Missing, message)
                    .at(host.span, "a tunnel is to lead from here")
                    .at(self.tunnel.span, "and begin at this port")
                    .help(format!(
                        "add a `stunnel` with `clients \"{name}\" port={port}`, or `listens` for what somebody else sets up"
                    )),
            );
        }
    }

    fn check_extra(&self, diagnostics: &mut Diagnostics) {
        for extra in &self.extra {
            let words = extra.value.lines().filter_map(|line| line.split_whitespace().next());
            let word = words.map(str::to_lowercase).find(|word| OURS.contains(&word.as_str()));
            let Some(word) = word else { continue };
            let message = format!("a second `{word}` would undo the one that `redis.conf` has");
            diagnostics.push(
                Diagnostic::error(Code::Unsafe, message)
                    .at(extra.span, "Redis goes by the last one")
                    .help(
                        "say it with `port`, `password`, `tls`, `clients`, `primary` or `replicas`",
                    ),
            );
        }
    }

    fn check_version(&self, version: &Version, place: Span, diagnostics: &mut Diagnostics) {
        let mut since = |parts: &[u32], what: Span, message: &str, why: &str, help: &str| {
            if version.at_least(parts) {
                return;
            }
            let message = format!("redis {version} {message}");
            let mut diagnostic = Diagnostic::error(Code::TooOld, message).at(what, why);
            if what != place {
                diagnostic = diagnostic.at(place, "this version");
            }
            diagnostics.push(diagnostic.help(help));
        };
        since(
            &[3, 2],
            place,
            "is older than what clustergen writes for",
            "needs `protected-mode`, which is there since 3.2",
            "3.2 is the oldest; take a platform or a package with a later one",
        );
        if let Some(tls) = self.tls {
            let help =
                "put a `stunnel` before it, or take a platform or a package with a later one";
            since(&[6], tls, "does not speak TLS", "is there since 6.0", help);
        }
        if self.policy.value.ends_with("-lfu") {
            let help = "write `allkeys-lru` or `volatile-lru`, or take a later redis";
            since(&[4], self.policy.span, "does not count uses", "is there since 4.0", help);
        }
    }
}
