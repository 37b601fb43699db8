//! `hosts`: a block in `/etc/hosts` with the names that a host's peers go by.
//!
//! The lines follow from the links: whom a host dials, and who dials it. Everything else in the
//! file stays. Where no `hosts "peers"` is written, every managed host gets one. Names are what
//! csync2, TLS and people use, so they must not depend on DNS. cloud-init, where it is, is told
//! to leave the file alone; `--verify` looks each name up.

use std::collections::BTreeMap;

use super::decode::set;
use super::{Checking, Declare, Decode, Located, Lowering, Service, read};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::ClaimKind;
use crate::model::host::{HostId, HostSet};
use crate::model::name::is_everybodys;
use crate::model::plan::{Body, Condition, File, Kind, OnChange};
use crate::model::value::{AbsPath, Mode};
use crate::model::view::Fields;
use crate::quote::{Text, hosts_name, plain};
use crate::source::{Span, Spanned};
use crate::syntax::node::Node;

pub(super) struct Hosts {
    on: HostSet,
    entries: Vec<Entry>,
}

struct Entry {
    name: Spanned<String>,
    of: Option<HostId>,
}

impl Service for Hosts {
    const KIND: &'static str = "hosts";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        let on = set(&cx.managed_hosts(node, "on"));
        let mut entries = Vec::new();
        for child in node.children_named("entry") {
            let of = child.prop("of").cloned();
            let host = match of {
                Some(value) => Some(cx.inventory.resolve(&[value], cx.diagnostics).first()?.value),
                None => None,
            };
            entries.push(Entry { name: read::text(child.args.first()?)?, of: host });
        }
        Some(Self { on, entries })
    }

    fn hosts(&self) -> HostSet {
        self.on.clone()
    }

    fn declare(&self, inventory: &Inventory, declare: &mut Declare) {
        declare.claims(&self.on, &["/etc/hosts"], &ClaimKind::Shared);
        let drop_in = cloud_init(&inventory.cluster.name);
        declare.claims(&self.on, &[&drop_in], &ClaimKind::Alike);
        for entry in &self.entries {
            let name = entry.name.value.clone();
            declare.hosts_entry(self.on.clone(), name, entry.of, entry.name.span);
        }
    }

    fn check(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        for (name, first, second) in
            super::declare::twice(&self.entries, |it| (it.name.value.as_str(), it.name.span))
        {
            diagnostics.push(two_entries(name, first, second));
        }
        for entry in &self.entries {
            self.check_name(entry, cx, diagnostics);
            if let Some(first) = self.elsewhere(entry, cx) {
                diagnostics.push(two_entries(&entry.name.value, first, entry.name.span));
            }
        }
    }

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        let [service, ..] = services else { return };
        let lines = lines(cx);
        let mut elements = Vec::new();
        for line in lines.into_values() {
            let address = cx.text(plain(&line.address, line.span), line.span);
            let names: Vec<Text> = line
                .names
                .iter()
                .map(|name| cx.text(hosts_name(&name.value, name.span), name.span))
                .collect();
            elements.push(Fields::new(line.span).text("address", address).texts("names", names));
        }
        let view = Fields::new(service.origin.span).list("lines", elements);
        cx.block(service.owner(), "/etc/hosts", "hosts/hosts.block", view, OnChange::Nothing);
        leave_it_alone(service, cx);
        let looked_up = LOOKED_UP.replace("MARK", &cx.inventory.cluster.name);
        cx.verify(service.owner(), "each name of /etc/hosts leads where it says", &looked_up);
    }
}

impl Hosts {
    /// Nobody's name leads elsewhere: neither what every host calls itself, nor another host's own.
    fn check_name(&self, entry: &Entry, cx: &Checking, diagnostics: &mut Diagnostics) {
        let name = &entry.name;
        if is_everybodys(&name.value) {
            let message = format!("`{}` is what every host calls itself", name.value);
            let help = "take it out: `/etc/hosts` has a line for it, above the block";
            let diagnostic = Diagnostic::error(Code::WrongValue, message);
            diagnostics.push(diagnostic.at(name.span, "").help(help));
        }
        let mut leads_to = self.on.iter().map(|host| entry.of.unwrap_or(host));
        let called = cx.inventory.ids().find(|id| {
            let host = cx.inventory.host(*id);
            name.value.starts_with(&host.name) && host.names().contains(&name.value)
        });
        let Some(called) = called.filter(|called| leads_to.any(|it| it != *called)) else { return };
        let host = cx.inventory.host(called);
        let message = format!("`{}` is a name of the host `{}`", name.value, host.name);
        diagnostics.push(
            Diagnostic::error(Code::NameTaken, message)
                .at(name.span, "this would lead to another one")
                .at(host.origin.span, "")
                .help("write another name, or call the host otherwise; its own names are there by themselves"),
        );
    }

    /// Where an earlier node says of the name, on a host that has both, that it is another's.
    fn elsewhere(&self, entry: &Entry, cx: &Checking) -> Option<Span> {
        self.on.iter().find_map(|host| {
            let differs = |of: Option<HostId>| of.unwrap_or(host) != entry.of.unwrap_or(host);
            let known = cx.facts.hosts_entries_of(host).find(|it| {
                let earlier = it.origin.span < entry.name.span && !self.has(it.origin.span);
                earlier && it.name == entry.name.value && differs(it.of)
            });
            known.map(|it| it.origin.span)
        })
    }

    fn has(&self, span: Span) -> bool {
        self.entries.iter().any(|entry| entry.name.span == span)
    }
}

fn two_entries(name: &str, first: Span, second: Span) -> Diagnostic {
    Diagnostic::error(Code::NameTaken, format!("`{name}` has two entries"))
        .at(second, "the second one")
        .at(first, "the first one")
        .help("keep one of them: the first address that `/etc/hosts` has for a name wins")
}

/// Looks up each name of the block, in the family of its address: where a line of somebody else's
/// has another address for it, glibc gives that one first, or both (host.conf(5), `multi`).
const LOOKED_UP: &str = r#"sed -n "/^# BEGIN clustergen MARK$/,/^# END clustergen MARK$/{ s/#.*//; p; }" /etc/hosts | {
    wrong=0
    while read -r address names; do
        case $address in *:*) family=6 ;; *) family=4 ;; esac
        for name in $names; do
            found=$(getent "ahostsv$family" "$name" | cut -d " " -f 1 | sort -u | xargs)
            [ "$found" != "$address" ] || continue
            wrong=1
            echo "$name leads to ${found:-nothing}, and not to $address alone; /etc/hosts says:"
            grep -niwF -e "$name" /etc/hosts
        done
    done
    exit $wrong
}"#;

/// The drop-in for cloud-init; the last one by name wins (cloud-init, "Configuration sources").
fn cloud_init(cluster: &str) -> String {
    format!("/etc/cloud/cloud.cfg.d/99-clustergen-{cluster}.cfg")
}

/// Where cloud-init is, it may write the file anew with every boot, without our block.
fn leave_it_alone(service: &Located<Hosts>, cx: &mut Lowering) {
    let file = File {
        path: AbsPath::known(cloud_init(&cx.inventory.cluster.name)),
        mode: Mode::known(0o644),
        owner: "root".to_owned(),
        group: "root".to_owned(),
        seed: false,
        body: Body::Template { name: "hosts/cloud.cfg", view: Fields::new(service.origin.span) },
        on_change: OnChange::Nothing,
    };
    let folder = Some(AbsPath::known("/etc/cloud"));
    cx.add_when(service.owner(), Kind::File(file), Condition { folder, steps: Vec::new() });
}

struct Line {
    address: String,
    names: Vec<Spanned<String>>,
    span: Span,
}

/// Lines by the order in which they stand: the host itself first, then its peers by name. A
/// peer's purpose keeps its own line.
fn lines(cx: &Lowering) -> BTreeMap<(bool, String), Line> {
    let mut lines: BTreeMap<(bool, String), Line> = BTreeMap::new();
    let index = &cx.facts.by_host[cx.host.index()];
    let links = index.links_from.iter().chain(&index.links_to);
    add_own(cx, cx.host, &mut lines);
    for link in links.map(|at| &cx.facts.links[*at as usize]) {
        let purpose = link.to.purpose.as_ref();
        let forth = link.from.contains(cx.host).then_some(&link.to.hosts);
        let back = link.to.hosts.contains(cx.host).then_some(&link.from);
        for peer in forth.into_iter().chain(back).flat_map(HostSet::iter) {
            if peer != cx.host {
                add_own(cx, peer, &mut lines);
            }
            let host = cx.inventory.host(peer);
            let address = host.address_for(purpose, cx.this());
            if address.purpose.is_some() {
                let name = host.dialled(purpose);
                lines.entry((peer != cx.host, name.clone())).or_insert_with(|| Line {
                    address: address.ip.to_string(),
                    names: vec![Spanned::new(name, address.span)],
                    span: address.span,
                });
            }
        }
    }
    for entry in cx.facts.hosts_entries_of(cx.host) {
        let of = entry.of.unwrap_or(cx.host);
        let name = Spanned::new(entry.name.clone(), entry.origin.span);
        add_own(cx, of, &mut lines);
        let key = (of != cx.host, cx.inventory.host(of).name.clone());
        if let Some(line) = lines.get_mut(&key)
            && line.names.iter().all(|known| known.value != name.value)
        {
            line.names.push(name);
        }
    }
    lines
}

/// A host's own address with its full name, its short name, and its aliases.
fn add_own(cx: &Lowering, id: HostId, lines: &mut BTreeMap<(bool, String), Line>) {
    let host = cx.inventory.host(id);
    let span = host.origin.span;
    lines.entry((id != cx.host, host.name.clone())).or_insert_with(|| {
        let own = [&host.fqdn, &host.name].map(|name| Spanned::new(name.clone(), span));
        let names = own.into_iter().chain(host.aliases.iter().cloned()).collect();
        Line { address: host.address_for(None, cx.this()).ip.to_string(), names, span }
    });
}
