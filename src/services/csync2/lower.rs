//! `csync2.cfg` and what lies beside it, for one host.

use std::collections::BTreeSet;

use super::super::lowering::Owner;
use super::super::rotation::Rotation;
use super::super::{Located, Lowering, grid};
use super::peers::script;
use super::{Action, Csync2, Daemon, LOCK, ROTATION, myself, purpose};
use crate::diag::{Code, Diagnostic};
use crate::model::facts::{ClaimKind, LeafKey, service_kind};
use crate::model::host::HostId;
use crate::model::own;
use crate::model::plan::{Body, OnChange};
use crate::model::value::AbsPath;
use crate::model::view::Fields;
use crate::quote::{
    Encoding, Text, cron_command, csync2_pattern, csync2_string, csync2_word, fixed,
    logrotate_path, number, plain, raw_lines, xinetd_value,
};
use crate::services::Service;
use crate::source::{Span, Spanned};

pub(super) fn lower(services: &[Located<Csync2>], dir: &str, cx: &mut Lowering) {
    let [first, ..] = services else { return };
    let owner = first.owner();
    let package = cx.fact("csync2.package", owner);
    cx.package(owner, package);
    lower_config(services, dir, cx);
    lower_pair(services, dir, cx);
    lower_listener(services, cx);
    lower_schedule(services, dir, cx);
    lower_rotation(services, cx);
}

impl Csync2 {
    /// What csync2 itself has of this host's own under what it keeps alike: left out by itself.
    fn own_files(&self, cx: &Lowering) -> Vec<(String, Span)> {
        let includes: Vec<&AbsPath> = self.includes.iter().map(|it| &it.value).collect();
        let own = cx.facts.claims_of(cx.host).filter(|claim| {
            claim.kind == ClaimKind::PerHost
                && service_kind(&claim.owner) == Self::KIND
                && includes.iter().any(|include| include.covers(&claim.path))
        });
        let mut paths: Vec<(String, Span)> =
            own.map(|claim| (claim.path.to_string(), claim.origin.span)).collect();
        paths.sort();
        paths.dedup_by(|a, b| a.0 == b.0);
        paths
    }

    /// One `group` of csync2.cfg, for some of its members.
    pub(super) fn group(
        &self,
        owner: Owner,
        dir: &str,
        (members, auto): (&[Spanned<HostId>], &str),
        cx: &mut Lowering,
    ) -> Fields {
        let mut hosts: Vec<(String, Span)> = members
            .iter()
            .map(|it| (cx.inventory.host(it.value).dialled(purpose().as_ref()), it.span))
            .collect();
        hosts.sort();
        let hosts: Vec<Text> =
            hosts.iter().map(|(name, span)| cx.text(csync2_word(name, *span), *span)).collect();
        let paths = self.includes.iter().map(|it| (it.value.as_str(), it.span)).collect::<Vec<_>>();
        let includes = patterns(&paths, cx);
        let derived = self.own_files(cx);
        let own = self.excludes.iter().map(|it| (it.value.as_str(), it.span));
        let own: Vec<(&str, Span)> =
            own.chain(derived.iter().map(|(path, span)| (path.as_str(), *span))).collect();
        let excludes = patterns(&own, cx);
        let actions: Vec<Fields> = self.actions.iter().map(|it| it.view(cx)).collect();
        let backup = self.backup_directory.as_ref().map(|it| {
            cx.directory(owner, it.value.as_str(), 0o700);
            cx.text(csync2_pattern(it.value.as_str(), it.span), it.span)
        });
        let extra: Vec<Text> = self.extra.iter().map(|lines| raw_lines(lines, 4)).collect();
        Fields::new(self.span)
            .text("name", cx.text(csync2_word(&self.name, self.span), self.span))
            .texts("hosts", hosts)
            .text("key", fixed(&self.key_path(dir), self.span))
            .texts("includes", includes)
            .flag("has_excludes", !excludes.is_empty())
            .texts("excludes", excludes)
            .flag("has_actions", !actions.is_empty())
            .list("actions", actions)
            .maybe("backup_directory", "has_backup", backup)
            .text("backup_generations", number(self.backup_generations, self.span))
            .text("auto", fixed(auto, self.auto.span))
            .texts("extra", extra)
    }
}

fn patterns(list: &[(&str, Span)], cx: &mut Lowering) -> Vec<Text> {
    list.iter().map(|(text, span)| cx.text(csync2_pattern(text, *span), *span)).collect()
}

impl Action {
    fn view(&self, cx: &mut Lowering) -> Fields {
        let own: Vec<(&str, Span)> =
            self.patterns.iter().map(|it| (it.value.as_str(), it.span)).collect();
        let execs: Vec<Text> = self
            .execs
            .iter()
            .map(|it| cx.text(csync2_string(&it.value, it.span), it.span))
            .collect();
        let logfile = csync2_string(&self.logfile.value, self.logfile.span);
        Fields::new(self.span)
            .texts("patterns", patterns(&own, cx))
            .texts("execs", execs)
            .text("logfile", cx.text(logfile, self.logfile.span))
            .maybe("local", "has_local", self.local.map(|word| fixed(word, self.span)))
    }
}

fn lower_config(services: &[Located<Csync2>], dir: &str, cx: &mut Lowering) {
    let [first, ..] = services else { return };
    let pair = [format!("{dir}/csync2_ssl_cert.pem"), format!("{dir}/csync2_ssl_key.pem")];
    let mut reads = Vec::from(pair);
    let mut groups = Vec::new();
    for service in services {
        let group = service.options;
        groups.push(group.group(service.owner(), dir, (&group.members, &group.auto.value), cx));
        let token = cx.secret(&group.group_key(), Encoding::Raw);
        let path = group.key_path(dir);
        cx.root_file(service.owner(), &path, 0o600, Body::Secret { token }, OnChange::Nothing);
        reads.push(path);
    }
    let view = Fields::new(first.origin.span).list("groups", groups);
    let path = format!("{dir}/csync2.cfg");
    cx.template(first.owner(), &path, 0o644, "csync2/csync2.cfg", view, OnChange::Nothing);
    // a good file gives 0 (entries) or 2 (an empty database), a bad one 1
    let me = myself(cx);
    let command = format!("csync2 -N {me} -D \"$scratch\" -L");
    reads.push(path);
    let reads: Vec<&str> = reads.iter().map(String::as_str).collect();
    cx.check(first.owner(), &command, &[0, 2], &reads);
}

/// What this host shows, and behind it what its peers' certificates are issued by: who is not named
/// by these subjects shows none. One that signs itself is its own issuer.
fn lower_pair(services: &[Located<Csync2>], dir: &str, cx: &mut Lowering) {
    let [first, ..] = services else { return };
    let owner = first.owner();
    let own = cx.leaf(Csync2::KIND).cloned();
    let mut pem = own.as_ref().map(|it| it.pem.clone()).unwrap_or_default();
    let mut named: BTreeSet<String> = own.and_then(|it| it.signs_itself).into_iter().collect();
    let members = services.iter().flat_map(|it| &it.options.members).map(|it| it.value);
    let (mut others, mut signed) = (String::new(), false);
    for host in members.collect::<BTreeSet<_>>() {
        let key = LeafKey { host, name: Csync2::KIND.to_owned() };
        let Some(leaf) = cx.settled.leaves.get(&key) else { continue };
        match &leaf.signs_itself {
            Some(subject) if named.insert(subject.clone()) => others.push_str(&leaf.pem),
            Some(_) => {}
            None => signed = true,
        }
    }
    pem.extend(signed.then(|| cx.authority()));
    pem.push_str(&others);
    let body = Body::Certificate { pem };
    cx.root_file(owner, &format!("{dir}/csync2_ssl_cert.pem"), 0o644, body, OnChange::Nothing);
    let body = Body::Secret { token: cx.private_key(Csync2::KIND) };
    cx.root_file(owner, &format!("{dir}/csync2_ssl_key.pem"), 0o600, body, OnChange::Nothing);
}

/// One listener serves all the groups of a host.
fn lower_listener(services: &[Located<Csync2>], cx: &mut Lowering) {
    let [first, others @ ..] = services else { return };
    for other in others.iter().map(|it| it.options) {
        let (group, host) = (first.options, &cx.plan.name);
        let apart = [
            (group.port.value != other.port.value, group.port.span, other.port.span),
            (
                group.listener.value != other.listener.value,
                group.listener.span,
                other.listener.span,
            ),
        ];
        for (_, first, second) in apart.into_iter().filter(|(differ, ..)| *differ) {
            let message = format!("one csync2 listens on `{host}`, for all of its groups");
            cx.diagnostics.push(
                Diagnostic::error(Code::OnlyOneOf, message)
                    .at(second, "this group says otherwise")
                    .at(first, "than this one")
                    .help("write the same `listener` and `port` in both"),
            );
        }
    }
    let (group, owner) = (first.options, first.owner());
    let me = myself(cx);
    let span = group.listener.span;
    let peers = peers(services, cx);
    let port = number(group.port.value.get(), group.port.span);
    let me_text = cx.text(xinetd_value(&me, span), span);
    let filters = cx.this().platform.version("systemd.version");
    let view = Fields::new(span)
        .text("me", me_text)
        .text("port", port)
        // IPAddressAllow is there since systemd 235
        .flag("filters", filters.is_some_and(|version| version.at_least(&[235])))
        .texts("peers", peers);
    match group.listener.value {
        Daemon::Systemd => {
            let folder = "/etc/systemd/system";
            let restart = OnChange::Restart("csync2.socket".to_owned());
            let socket = format!("{folder}/csync2.socket");
            cx.template(
                owner,
                &socket,
                0o644,
                "csync2/csync2.socket",
                view.clone(),
                restart.clone(),
            );
            let service = format!("{folder}/csync2@.service");
            cx.template(owner, &service, 0o644, "csync2/csync2@.service", view, OnChange::Nothing);
            cx.unit(owner, "csync2.socket", &[]);
        }
        Daemon::Xinetd => {
            let package = cx.fact("xinetd.package", owner);
            cx.package(owner, package);
            let reload = OnChange::Restart("xinetd.service".to_owned());
            cx.template(owner, "/etc/xinetd.d/csync2", 0o644, "csync2/xinetd", view, reload);
            cx.unit(owner, "xinetd.service", &["csync2.socket"]);
        }
        Daemon::Inetd => {
            let package = cx.fact("inetd.package", owner);
            cx.package(owner, package);
            let unit = cx.this().platform.fact("inetd.unit").unwrap_or("inetd.service").to_owned();
            let reload = OnChange::Restart(unit.clone());
            cx.block(owner, "/etc/inetd.conf", "csync2/inetd.block", view, reload);
            cx.unit(owner, &unit, &["csync2.socket"]);
        }
    }
}

/// The addresses from which members of any group may come.
fn peers(services: &[Located<Csync2>], cx: &mut Lowering) -> Vec<Text> {
    let mut list: Vec<(String, Span)> = services
        .iter()
        .flat_map(|service| &service.options.members)
        .filter(|it| it.value != cx.host)
        .map(|it| {
            let peer = cx.inventory.host(it.value);
            (peer.address_for(purpose().as_ref(), cx.this()).ip.to_string(), it.span)
        })
        .collect();
    list.sort();
    list.dedup_by(|a, b| a.0 == b.0);
    list.iter().map(|(ip, span)| cx.text(plain(ip, *span), *span)).collect()
}

fn lower_schedule(services: &[Located<Csync2>], dir: &str, cx: &mut Lowering) {
    let [first, ..] = services else { return };
    let owner = first.owner();
    let script = script(dir);
    let mut lines = Vec::new();
    for service in services {
        let group = service.options;
        let span = group.every.span;
        // the first one has begun as soon as it gave its files to anyone
        let mark = own::mark(&cx.inventory.cluster.name, &group.has_come());
        let is_first = group.members.first().is_some_and(|it| it.value == cx.host);
        let begun = if is_first {
            format!("ls {mark}* >/dev/null 2>&1")
        } else {
            format!("test -e {mark}")
        };
        let command = format!(
            "{begun} && flock -w 30 {LOCK} {script} {} 2>&1 | logger -t csync2",
            group.name
        );
        lines.push(
            Fields::new(span)
                .text("schedule", grid::fields(service.key, &group.every, cx))
                .text("command", cx.text(cron_command(&command, span), span))
                .text("every", fixed(&group.every.value.to_string(), span))
                .text("group", cx.text(csync2_word(&group.name, group.span), group.span)),
        );
    }
    let view = Fields::new(first.origin.span)
        .text("script", fixed(&script, first.origin.span))
        .list("lines", lines);
    cx.crontab(owner, "/etc/cron.d/clustergen-csync2", "csync2/cron", view);
}

/// The logs of all the groups' actions in one file: two groups may have one log.
fn lower_rotation(services: &[Located<Csync2>], cx: &mut Lowering) {
    let [first, ..] = services else { return };
    let actions = services.iter().flat_map(|service| &service.options.actions);
    let mut logs: Vec<&Spanned<String>> = actions.map(|action| &action.logfile).collect();
    logs.sort_by(|a, b| a.value.cmp(&b.value));
    logs.dedup_by(|a, b| a.value == b.value);
    if logs.is_empty() {
        return;
    }
    let paths: Vec<Text> =
        logs.iter().map(|log| cx.text(logrotate_path(&log.value, log.span), log.span)).collect();
    let span = first.origin.span;
    // csync2 opens its log anew for each command (action.c)
    let options = ["monthly", "rotate 12", "compress", "missingok", "notifempty"];
    let rotation = Rotation {
        name: ROTATION,
        paths,
        options: options.map(|word| fixed(word, span)).into(),
        scripts: Vec::new(),
        extra: Vec::new(),
    };
    rotation.lower(first.owner(), span, cx);
}
