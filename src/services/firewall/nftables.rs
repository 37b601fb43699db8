//! A table of nftables of the cluster's own, and the unit that loads it.

use super::super::{Located, Lowering};
use super::{Firewall, rules};
use crate::model::plan::OnChange;
use crate::model::view::Fields;
use crate::quote::{comment, fixed, raw_lines};

pub(super) fn file(cluster: &str) -> String {
    format!("/etc/clustergen/{cluster}/firewall.nft")
}

pub(super) fn unit_file(cluster: &str) -> String {
    format!("/etc/systemd/system/{}", unit(cluster))
}

fn unit(cluster: &str) -> String {
    format!("clustergen-firewall-{cluster}.service")
}

pub(super) fn lower(service: &Located<Firewall>, cx: &mut Lowering) {
    let (owner, span) = (service.owner(), service.options.span);
    let cluster = cx.inventory.cluster.name.clone();
    let (path, unit) = (file(&cluster), unit(&cluster));
    let table = format!("clustergen_{cluster}");
    let rules = rules(cx);
    let known = rules.iter().filter(|rule| rule.door.described);
    let doors = known.map(|rule| rule.view(comment(&rule.what(), span), span));
    let view = Fields::new(span)
        .text("table", fixed(&table, span))
        .list("doors", doors)
        .texts("extra", service.options.extra.iter().map(|lines| raw_lines(lines, 8)));
    let reload = OnChange::Reload(unit.clone());
    cx.template(owner, &path, 0o644, "firewall/firewall.nft", view, reload);
    let view = Fields::new(span)
        .text("cluster", fixed(&cluster, span))
        .text("file", fixed(&path, span))
        .text("table", fixed(&table, span));
    let restart = OnChange::Restart(unit.clone());
    cx.template(owner, &unit_file(&cluster), 0o644, "firewall/nftables.service", view, restart);
    cx.unit(owner, &unit, &[]);
    cx.check(owner, &format!("nft -c -f {path}"), &[0], &[&path]);
    let proof = format!("nft list table inet {table}");
    cx.verify(owner, "the firewall's table is loaded", &proof);
}
