//! `time`: clocks that agree, and one time zone.
//!
//! Servers and zone stand at `cluster`, so that no host can have others. Where they are not
//! written nothing is installed or changed; that the clock is in sync, by whatever keeps it, is
//! proven all the same, because `auto younger`, certificates and replication rest on it.

use super::decode::set;
use super::lowering::Owner;
use super::{Checking, Declare, Decode, Located, Lowering, Service, read};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::ClaimKind;
use crate::model::host::HostSet;
use crate::model::plan::{Body, Check, Condition, File, Kind, Link, OnChange, Verify};
use crate::model::value::{AbsPath, Mode};
use crate::model::view::Fields;
use crate::quote::{Text, fixed, plain, raw_lines, sh_word};
use crate::source::Spanned;
use crate::syntax::node::Node;

/// Where every distribution keeps the zones (tzdata).
const ZONES: &str = "/usr/share/zoneinfo";
const LOCALTIME: &str = "/etc/localtime";

/// By the kernel's flag, which every daemon that steers the clock sets (adjtimex(2)); the words
/// are those of systemd before 239 as well as after. Without D-Bus the daemons are asked.
const IN_SYNC: &str = "timedatectl | grep \"synchronized: yes\" ||
chronyc -n waitsync 1 1 ||
ntpq -c rv | grep sync_ntp";

/// Within a second, asked six times in a minute: a daemon that has just started takes some.
const FOLLOWS: &str = "chronyc -n waitsync 6 1";

pub(super) struct Time {
    on: HostSet,
    containers: Vec<Spanned<AbsPath>>,
    extra: Vec<Spanned<String>>,
}

impl Service for Time {
    const KIND: &'static str = "time";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        Some(Self {
            on: set(&cx.managed_hosts(node, "on")),
            containers: read::all(node, "zone-in").into_iter().filter_map(read::path).collect(),
            extra: read::texts(node, "extra"),
        })
    }

    fn hosts(&self) -> HostSet {
        self.on.clone()
    }

    fn declare(&self, inventory: &Inventory, declare: &mut Declare) {
        for id in self.on.iter() {
            let (host, platform) = (HostSet::one(id), &inventory.host(id).platform);
            let mut paths = Vec::new();
            if !inventory.cluster.time_servers.is_empty() {
                paths.extend(platform.fact("chrony.conf").map(str::to_owned));
            }
            if inventory.cluster.timezone.is_some() {
                for root in self.roots() {
                    let files = [Some(LOCALTIME), platform.fact("time.zone-file")];
                    paths.extend(files.into_iter().flatten().map(|it| format!("{root}{it}")));
                }
            }
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            declare.claims(&host, &paths, &ClaimKind::Alike);
        }
    }

    fn check(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        let Some(extra) = self.extra.first() else { return };
        if cx.inventory.cluster.time_servers.is_empty() {
            let message = "there is no chrony that could read these lines";
            let help = "add `time-servers` to the `cluster`";
            diagnostics
                .push(Diagnostic::error(Code::Missing, message).at(extra.span, "").help(help));
        }
    }

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        let [first, ..] = services else { return };
        let cluster = &cx.inventory.cluster;
        one_daemon(first.owner(), cx);
        if cluster.time_servers.is_empty() {
            cx.verify(first.owner(), "the clock is in sync", IN_SYNC);
        } else {
            chrony(services, &cluster.time_servers, first.owner(), cx);
        }
        let Some(zone) = &cluster.timezone else { return };
        cx.package(first.owner(), "tzdata".to_owned());
        for service in services {
            for root in service.options.roots() {
                set_zone(root, zone, service.owner(), cx);
            }
        }
    }
}

impl Time {
    /// The host itself, and its containers.
    fn roots(&self) -> impl Iterator<Item = &str> {
        std::iter::once("").chain(self.containers.iter().map(|root| root.value.as_str()))
    }
}

/// Two would pull at one clock. A daemon may have several names.
fn one_daemon(owner: Owner, cx: &mut Lowering) {
    let (unit, rivals) = (cx.fact("chrony.unit", owner), cx.fact("chrony.rivals", owner));
    let command = format!(
        "daemons=$(\n\
         \x20   for unit in {unit} {rivals}; do\n\
         \x20       ! systemctl is-active -q $unit || systemctl show -p Id $unit\n\
         \x20   done | sort -u\n\
         )\n\
         [ \"$(printf '%s\\n' \"$daemons\" | wc -l)\" -lt 2 ] || {{ echo \"these do: $daemons\"; exit 1; }}"
    );
    cx.verify(owner, "no two daemons set the clock", &command);
}

fn chrony(
    services: &[Located<Time>],
    servers: &[Spanned<String>],
    owner: Owner,
    cx: &mut Lowering,
) {
    let mut fact = |name: &str| cx.fact(&format!("chrony.{name}"), owner);
    let (package, unit, conf) = (fact("package"), fact("unit"), fact("conf"));
    let (drift, rivals) = (fact("drift"), fact("rivals"));
    let servers: Vec<Text> =
        servers.iter().map(|it| cx.text(plain(&it.value, it.span), it.span)).collect();
    let extra = services.iter().flat_map(|it| &it.options.extra).map(|lines| raw_lines(lines, 0));
    let view = Fields::new(owner.origin.span)
        .text("drift", fixed(&drift, owner.origin.span))
        .texts("servers", servers)
        .texts("extra", extra.collect::<Vec<_>>());
    cx.package(owner, package);
    cx.template(owner, &conf, 0o644, "time/chrony.conf", view, OnChange::Restart(unit.clone()));
    // `-p` reads the file and ends (NEWS of 4.0); before there is no way but to start it
    if cx.this().platform.version("chrony.version").is_some_and(|it| it.at_least(&[4])) {
        cx.check(owner, &format!("chronyd -p -f {conf}"), &[0], &[&conf]);
    }
    cx.unit(owner, &unit, &rivals.split(' ').collect::<Vec<_>>());
    let title = "the clock follows the time servers, within a second";
    cx.verify(owner, title, FOLLOWS);
}

/// The zone of a host, or of the container whose root this is.
fn set_zone(root: &str, zone: &Spanned<String>, owner: Owner, cx: &mut Lowering) {
    // not `etc`, which other services may have put something into before there was a container
    let folder = (!root.is_empty()).then(|| AbsPath::known(format!("{root}/usr")));
    let condition = Condition { folder, steps: Vec::new() };
    let (path, target) = (format!("{root}{LOCALTIME}"), format!("{ZONES}/{}", zone.value));
    // cron reads the zone when it starts; of a container's nothing is known here
    let on_change = match cx.this().platform.fact("cron.unit") {
        Some(unit) if root.is_empty() => OnChange::Restart(unit.to_owned()),
        _ => OnChange::Nothing,
    };
    let link = Link { path: AbsPath::known(&path), target: AbsPath::known(&target), on_change };
    cx.add_when(owner, Kind::Link(link), condition.clone());
    if let Some(file) = cx.this().platform.fact("time.zone-file").map(|it| format!("{root}{it}")) {
        let text = cx.text(plain(&zone.value, zone.span), zone.span);
        let view = Fields::new(zone.span).text("zone", text);
        let file = File {
            path: AbsPath::known(file),
            mode: Mode::known(0o644),
            owner: "root".to_owned(),
            group: "root".to_owned(),
            seed: false,
            body: Body::Template { name: "time/timezone", view },
            on_change: OnChange::Nothing,
        };
        cx.add_when(owner, Kind::File(file), condition.clone());
    }
    let mut word = |text: &str| cx.text(sh_word(text, owner.origin.span), owner.origin.span);
    let known = format!("test -e {}", word(&format!("{root}{target}")).as_str());
    let leads = word(&path);
    // a link that leads nowhere is UTC, without a word
    let check = Check { command: known.clone(), good: vec![0], reads: vec![AbsPath::known(&path)] };
    cx.add_when(owner, Kind::Check(check), condition.clone());
    let place = if root.is_empty() { String::new() } else { format!(" in {root}") };
    let verify = Verify {
        title: format!("the time zone{place} is {}", zone.value),
        command: format!("readlink {} | grep -Fx {target} && {known}", leads.as_str()),
    };
    cx.add_when(owner, Kind::Verify(verify), condition);
}
