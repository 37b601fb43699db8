//! A policy of firewalld's of the cluster's own (firewalld.policy(5), since 0.9), which comes
//! before the zones and leaves them alone.

use super::super::{Located, Lowering};
use super::{Firewall, rules};
use crate::model::facts::Chapter;
use crate::model::plan::OnChange;
use crate::model::view::Fields;
use crate::quote::{fixed, raw_lines, xml_comment};
use crate::services::Declare;

/// A policy's name has 17 characters at the most (firewalld.policy(5)).
const LONGEST: usize = 17;

/// A long cluster's name is cut: nobody has two on one host that begin alike.
fn policy(cluster: &str) -> String {
    let mut name = format!("cg-{cluster}");
    name.truncate(LONGEST);
    name
}

pub(super) fn file(cluster: &str) -> String {
    format!("/etc/firewalld/policies/{}.xml", policy(cluster))
}

/// Starting firewalld closes what no zone opens, and somebody's ssh may be among that: clustergen
/// never starts it.
pub(super) fn declare(declare: &mut Declare) {
    declare.runbook(
        Chapter::BringUp,
        "Where firewalld does not run yet: see that a zone of its lets you in by ssh, then \
         `systemctl enable --now firewalld`. clustergen adds a policy, and never starts it",
    );
}

pub(super) fn lower(service: &Located<Firewall>, cx: &mut Lowering) {
    let (owner, span) = (service.owner(), service.options.span);
    let cluster = cx.inventory.cluster.name.clone();
    let rules = rules(cx);
    let doors = rules.iter().map(|rule| rule.view(xml_comment(&rule.what(), span), span));
    let view = Fields::new(span)
        .text("cluster", fixed(&cluster, span))
        .list("doors", doors)
        .texts("extra", service.options.extra.iter().map(|lines| raw_lines(lines, 2)));
    let path = file(&cluster);
    let reload = OnChange::Reload("firewalld.service".to_owned());
    cx.template(owner, &path, 0o644, "firewall/policy.xml", view, reload);
    // it sees names and elements; an address that is none it only warns of (firewalld 1.3)
    cx.check(owner, "firewall-offline-cmd --check-config", &[0], &[&path]);
    let proof = format!("firewall-cmd --info-policy={}", policy(&cluster));
    cx.verify(owner, "firewalld has the cluster's policy", &proof);
}
