//! What Gluu is told of the cluster: its cache, and its directories.
//!
//! Both are values in its own directory, which all nodes share, so one node writes them; then each node
//! has its applications read them. `oxCacheConfiguration` and `oxIDPAuthentication` of
//! `ou=configuration,o=gluu` (community-edition-setup, `templates/configuration.ldif` of 4.0 to 4.5.5; the
//! guide names those of 3.x). Values are JSON: what else a person has set in them stays.

use super::super::part::node;
use super::Parts;
use super::cache::TUNNEL;
use super::container::RUN;
use super::hand_over::{after, file, script, secret};
use crate::source::Span;
use crate::syntax::node::Node;

const CONFIGURE: &str = include_str!("../../../templates/gluu/configure.sh");
const WANTED: &str = include_str!("../../../templates/gluu/configure.py");
const RESTART: &str = include_str!("../../../templates/gluu/restart.sh");

/// Each node's own directory first: every node reads the same list.
const OWN: &str = "localhost:1636";

/// In OpenDJ, as the service `opendj` keeps them; or anybody, where those of the installer stay.
const TRUST: &str = "--trustStorePath /opt/opendj/config/truststore --trustStorePasswordFile /opt/opendj/config/keystore.pin";
const TRUST_ALL: &str = "--trustAll";

pub(super) fn nodes(parts: &Parts, gluu: &Node, span: Span) -> [Node; 2] {
    [told(parts, gluu, span), restarted(parts, span)]
}

/// When the directory is one.
fn told(parts: &Parts, gluu: &Node, span: Span) -> Node {
    let cache = gluu.child("cache").map(|_| format!("localhost:{TUNNEL}"));
    let addresses = parts.addresses.iter().map(|it| format!(" {it}:1636"));
    let servers: Vec<String> = [OWN.to_owned()].into_iter().chain(addresses).collect();
    let known = format!(
        "trust='{}'\ncache={}\nservers='{}'\n",
        if parts.keeps_certificates { TRUST_ALL } else { TRUST },
        cache.as_deref().unwrap_or("-"),
        servers.concat(),
    );
    let as_it_is = |to: &str| script(&[&format!("to={to}\n{known}"), CONFIGURE], parts);
    let password = if cache.is_some() { secret(&parts.cache()) } else { "none".to_owned() };
    let mut step = node("step", &[&parts.configuration()], span)
        .with_child(Node::new("on", vec![parts.first_value()], span))
        .with_child(node("title", &["Gluu knows its cache, and all of its directories"], span))
        .with_child(after(&parts.installed(), parts.first(), span));
    for name in parts.hosts.iter().skip(1) {
        step = step.with_child(after(&format!("opendj-{}-data-o-gluu", parts.name), name, span));
    }
    step.with_child(file("admin", &secret(&parts.admin()), span))
        .with_child(file("cache", &password, span))
        .with_child(file("configure.py", WANTED, span))
        .with_child(file("look", &as_it_is("look"), span))
        .with_child(file("change", &as_it_is("change"), span))
        .with_child(node("run", &[r#"sh -e "$files/change""#], span))
        .with_child(node("proof", &[r#"sh -e "$files/look""#], span))
}

fn restarted(parts: &Parts, span: Span) -> Node {
    let proof = format!("{RUN} test -e /run/clustergen-configured");
    node("step", &[&parts.reads()], span)
        .with_child(parts.on_all())
        .with_child(node("title", &["oxAuth and oxTrust have read what they were told"], span))
        .with_child(after(&parts.configuration(), parts.first(), span))
        .with_child(file("restart", &script(&[RESTART], parts), span))
        .with_child(node("run", &[r#"sh -e "$files/restart""#], span))
        .with_child(node("proof", &[&proof], span))
}

impl Parts {
    fn configuration(&self) -> String {
        format!("{}-configuration", self.name)
    }

    fn reads(&self) -> String {
        format!("{}-restart", self.name)
    }
}
