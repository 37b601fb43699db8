//! What Gluu is told of the cluster: its cache, and its directories.
//!
//! Both are values in its own directory, which all nodes share, so one node writes them; then each node
//! has its applications read them. `oxCacheConfiguration` and `oxIDPAuthentication` of
//! `ou=configuration,o=gluu` (community-edition-setup, `templates/configuration.ldif` of 4.0 to 4.5.5; the
//! guide names those of 3.x). Values are JSON: what else a person has set in them stays.

use std::net::SocketAddr;

use super::super::part::node;
use super::Parts;
use super::cache::TUNNEL;
use super::container::RUN;
use super::steps::{after, file, script, secret_file, step};
use crate::source::Span;
use crate::syntax::node::Node;

const CONFIGURE: &str = include_str!("../../../templates/gluu/configure.sh");
const WANTED: &str = include_str!("../../../templates/gluu/configure.py");
const RESTART: &str = include_str!("../../../templates/gluu/restart.sh");

/// In OpenDJ, as the service `opendj` keeps them; or anybody, where those of the installer stay.
const TRUST: &str = "--trustStorePath /opt/opendj/config/truststore --trustStorePasswordFile /opt/opendj/config/keystore.pin";
const TRUST_ALL: &str = "--trustAll";

pub(super) fn nodes(parts: &Parts, gluu: &Node, span: Span) -> [Node; 2] {
    [told(parts, gluu, span), restarted(parts, span)]
}

/// When the directory is one.
fn told(parts: &Parts, gluu: &Node, span: Span) -> Node {
    let cache = gluu.child("cache").map(|_| format!("localhost:{TUNNEL}"));
    let port = parts.ldaps;
    let peers = parts.addresses.iter().map(|it| SocketAddr::new(*it, port).to_string());
    // each node's own first: every node reads the same list
    let servers: Vec<String> = [format!("localhost:{port}")].into_iter().chain(peers).collect();
    let told = [
        ("ldaps", &*port.to_string()),
        ("trust", if parts.keeps_certificates { TRUST_ALL } else { TRUST }),
        ("cache", cache.as_deref().unwrap_or("-")),
        ("servers", &servers.join(" ")),
    ];
    let title = "Gluu knows its cache, and all of its directories";
    let data = format!("opendj-{}-data-o-gluu", parts.name);
    let password = match &cache {
        Some(_) => secret_file("cache", &parts.cache(), span),
        None => file("cache", "none", span),
    };
    step(&parts.configuration(), vec![parts.first_value()], title, span)
        .with_child(after(&parts.installed(), parts.first(), span))
        .with_children(parts.hosts.iter().skip(1).map(|name| after(&data, name, span)))
        .with_child(secret_file("admin", &parts.admin(), span))
        .with_child(password)
        .with_child(file("configure.py", WANTED, span))
        .with_child(file("configure", &script(&told, &[CONFIGURE], parts), span))
        .with_child(node("run", &[r#"to=change sh -e "$files/configure""#], span))
        .with_child(node("proof", &[r#"to=look sh -e "$files/configure""#], span))
}

fn restarted(parts: &Parts, span: Span) -> Node {
    let title = "oxAuth and oxTrust have read what they were told";
    let proof = format!("{RUN} test -e /run/clustergen-configured");
    step(&parts.reads(), parts.nodes.clone(), title, span)
        .with_child(after(&parts.configuration(), parts.first(), span))
        .with_child(file("restart", &script(&[], &[RESTART], parts), span))
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
