//! What csync2 keeps alike on the nodes.

use super::{Parts, ROOT};
use crate::products::Expand;
use crate::products::part::{node, overlay};
use crate::syntax::node::{Node, Value};

/// What csync2 keeps alike, below [`ROOT`].
const REPLICATED: [&str; 8] = [
    "/etc/gluu/conf",
    "/opt/gluu/jetty/identity/conf/shibboleth3/idp",
    "/opt/gluu/jetty/identity/conf/shibboleth3/sp",
    "/opt/shibboleth-idp/conf",
    // by which any node reads a session's cookie
    "/opt/shibboleth-idp/credentials",
    "/opt/shibboleth-idp/metadata",
    "/opt/shibboleth-idp/sp",
    "/opt/shibboleth-idp/temp_metadata",
];

/// What each node keeps for itself below them: its directory's address, and its salt.
const OWN: [&str; 2] = ["/etc/gluu/conf/gluu-ldap.properties", "/etc/gluu/conf/salt"];

/// Where csync2 keeps what it replaces, as Gluu's guide to csync2 has it.
const BACKUPS: &str = "/var/backups/csync2";

/// When each node is one.
pub(super) fn csync2(parts: &Parts, gluu: &Node, cx: &Expand) -> Node {
    let over = gluu.child("file-replication");
    let span = over.map_or(gluu.head, |it| it.head);
    let paths = |list: &[&str]| -> Vec<Value> {
        list.iter().map(|path| Value::string(format!("{ROOT}{path}"), span)).collect()
    };
    let base = node("csync2", &[&parts.name], gluu.head)
        .with_child(Node::new("members", parts.nodes.clone(), parts.nodes_span))
        .with_children(
            paths(&REPLICATED).into_iter().map(|it| Node::new("include", vec![it], span)),
        )
        .with_child(node("exclude", &["*~", ".*"], span))
        .with_child(Node::new("exclude", paths(&OWN), span))
        // the younger file wins in silence: what it replaces can be looked up
        .with_child(node("backup-directory", &[BACKUPS], span))
        .with_children(parts.is_installed(span));
    match (over, cx.schema.nodes.get("csync2")) {
        (Some(over), Some(form)) => overlay(base, over, form),
        _ => base,
    }
}
