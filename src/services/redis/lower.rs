//! What one host has of a `redis`: the daemon, or what asks it from elsewhere.

use super::super::lowering::Owner;
use super::super::{Located, Lowering};
use super::Redis;
use super::options::Persistence;
use crate::model::plan::{Body, Condition, File, Kind, OnChange};
use crate::model::value::{AbsPath, Mode, Size};
use crate::model::view::Fields;
use crate::quote::{Encoding, Text, fixed, number, plain, raw_lines};
use crate::services::Service;
use crate::source::Spanned;

pub(super) fn lower(service: &Located<Redis>, cx: &mut Lowering) {
    let (redis, owner) = (service.options, service.owner());
    let here = redis.here(&cx.inventory.cluster.name);
    let member = redis.members().contains(cx.host);
    if member && cx.fact("redis.package", owner).is_empty() {
        return;
    }
    cx.directory(owner, &here, 0o755);
    redis.lower_ping(owner, &here, cx);
    let (unit, group) = if member {
        (cx.fact("redis.unit", owner), cx.fact("redis.account", owner))
    } else {
        (String::new(), redis.group.clone())
    };
    let restart = if member { OnChange::Restart(unit.clone()) } else { OnChange::Nothing };
    let mut reads = Vec::new();
    if redis.tls.is_some() {
        reads = lower_pair(owner, &here, (&group, &restart), cx);
    }
    if member {
        redis.lower_daemon(owner, &here, (&unit, restart), reads, cx);
    }
    redis.prove(owner, &here, cx);
}

/// `maxmemory`: Redis's own `m` is a million.
fn memory(size: Size) -> String {
    let text = size.to_string();
    match text.chars().next_back() {
        Some(unit @ ('K' | 'M' | 'G')) => {
            format!("{}{}b", &text[..text.len() - 1], unit.to_ascii_lowercase())
        }
        _ => text,
    }
}

/// The pair and the authority: a server's, and a client's. The paths that were made.
fn lower_pair(
    owner: Owner,
    here: &str,
    (group, restart): (&str, &OnChange),
    cx: &mut Lowering,
) -> Vec<String> {
    let pem = cx.leaf(Redis::KIND).map(|leaf| leaf.pem.clone()).unwrap_or_default();
    let token = cx.private_key(Redis::KIND);
    let bits = if group == "root" { 0o600 } else { 0o640 };
    let parts = [
        ("cert.pem", 0o644, "root", Body::Certificate { pem }),
        ("key.pem", bits, group, Body::Secret { token }),
        ("ca.pem", 0o644, "root", Body::Certificate { pem: cx.authority() }),
    ];
    let mut paths = Vec::new();
    for (name, mode, group, body) in parts {
        let path = format!("{here}/{name}");
        cx.add(
            owner,
            Kind::File(File {
                path: AbsPath::known(path.clone()),
                mode: Mode::known(mode),
                owner: "root".to_owned(),
                group: group.to_owned(),
                seed: false,
                body,
                on_change: restart.clone(),
            }),
        );
        paths.push(path);
    }
    let cert = Spanned::new(AbsPath::known(&paths[0]), owner.origin.span);
    cx.shipped_lasts(owner, &cert, Condition::default());
    paths
}

impl Redis {
    /// What `--verify` says to Redis: it has the password, so that no argument list has it.
    fn lower_ping(&self, owner: Owner, here: &str, cx: &mut Lowering) {
        let password = self.password_text(cx);
        let view = Fields::new(self.span).text("password", password);
        cx.template(owner, &format!("{here}/ping"), 0o600, "redis/ping", view, OnChange::Nothing);
    }

    fn password_text(&self, cx: &mut Lowering) -> Text {
        let span = self.password.as_ref().map_or(self.span, |it| it.span);
        let token = cx.secret(&self.password_key(), Encoding::Redis);
        fixed(&token, span)
    }

    fn lower_daemon(
        &self,
        owner: Owner,
        here: &str,
        (unit, restart): (&str, OnChange),
        mut reads: Vec<String>,
        cx: &mut Lowering,
    ) {
        for package in ["redis.package", "redis.tools-package"] {
            let package = cx.fact(package, owner);
            cx.package(owner, package);
        }
        let conf = cx.fact("redis.conf", owner);
        let account = cx.fact("redis.account", owner);
        let view = self.view(owner, here, cx);
        // as the package has it, and sets it again when it is upgraded
        let file = File {
            path: AbsPath::known(conf.clone()),
            mode: Mode::known(0o640),
            group: cx.fact("redis.conf-group", owner),
            seed: false,
            body: Body::Template { name: "redis/redis.conf", view },
            on_change: restart,
            owner: account.clone(),
        };
        cx.add(owner, Kind::File(file));
        reads.push(conf.clone());
        let reads: Vec<&str> = reads.iter().map(String::as_str).collect();
        cx.check(owner, &self.check_command(&account, &conf), &[0], &reads);
        cx.unit(owner, unit, &[]);
    }

    /// Redis reads all of its file, and its key, before it finds that it is to listen nowhere. As
    /// its own user: it would open its log, and has to be able to read its key. A line that it
    /// does not take is shown, but none with a password.
    fn check_command(&self, account: &str, conf: &str) -> String {
        let tls = if self.tls.is_some() { " --tls-port 0 --tls-replication yes" } else { "" };
        format!(
            "said=$(cd / && runuser -u {account} -- redis-server {conf} --port 0{tls} --daemonize no --supervised no --logfile \"\" 2>&1); \
             case $said in *\"not listen anywhere\"*) ;; \
             *) printf \"%s\\n\" \"$said\" | grep -Ev \"^>>> .(requirepass|masterauth)\"; exit 1 ;; esac"
        )
    }

    fn view(&self, owner: Owner, here: &str, cx: &mut Lowering) -> Fields {
        let span = self.span;
        let tls = self.tls.is_some();
        let is_replica = self.replicas.iter().any(|it| it.value == cx.host);
        let primary = self.primary.as_ref().filter(|_| is_replica).map(|primary| {
            let ip = cx.inventory.host(primary.value).address_for(None, cx.this()).ip;
            fixed(&format!("{ip} {}", self.port.value), primary.span)
        });
        let password = self.password_text(cx);
        let mut fact = |name: &str| fixed(&cx.fact(name, owner), span);
        let view = Fields::new(span)
            .text("pid", fact("redis.pid"))
            .text("log", fact("redis.log"))
            .text("data", fact("redis.data"));
        let mut path = |name: &str| cx.text(plain(&format!("{here}/{name}"), span), span);
        let (cert, key, authority) = (path("cert.pem"), path("key.pem"), path("ca.pem"));
        view.text("cert", cert)
            .text("key", key)
            .text("authority", authority)
            .flag("tls", tls)
            .text("bind", fixed(&self.bind(cx), span))
            .text("port", number(self.port.value.get(), self.port.span))
            .text("password", password)
            .flag("has_replication", self.replicates())
            .maybe("primary", "has_primary", primary)
            .flag("snapshots", self.persistence.value == Persistence::Snapshots)
            .flag("append_only", self.persistence.value == Persistence::AppendOnly)
            .text("policy", fixed(&self.policy.value, self.policy.span))
            .maybe(
                "memory",
                "has_memory",
                self.memory.as_ref().map(|it| fixed(&memory(it.value), it.span)),
            )
            .texts("extra", self.extra.iter().map(|lines| raw_lines(lines, 0)))
    }

    /// From 6.2 on Redis goes without an address that the host does not have, where `-` says so;
    /// some before do not start then.
    fn bind(&self, cx: &Lowering) -> String {
        let optional = self.at_least(&cx.this().platform, &[6, 2]);
        let (four, six) = if self.tls.is_some() { ("0.0.0.0", "::") } else { ("127.0.0.1", "::1") };
        let six = match (optional, self.tls.is_some() && cx.this().has_ipv6()) {
            (true, _) => format!(" -{six}"),
            (false, true) => format!(" {six}"),
            (false, false) => String::new(),
        };
        format!("{four}{six}")
    }
}
