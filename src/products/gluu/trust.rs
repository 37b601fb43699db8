//! Whom Gluu's applications believe.
//!
//! `setup.py` has them believe the certificate that it made for the node's directory, and Java's own list.
//! What they are shown is signed by the cluster's authority now: one step on each node puts that into
//! both stores, before OpenDJ shows it. Gluu's guide has `keystore_Config.py` do so for one name.

use super::super::part::node;
use super::steps::{file, script, step};
use super::{Parts, ROOT};
use crate::source::Span;
use crate::syntax::node::Node;

const TRUST: &str = include_str!("../../../templates/gluu/trust.sh");

/// Below `/var/lib/clustergen`: what the service `opendj` has there.
pub(super) fn node_of(parts: &Parts, cluster: &str, span: Span) -> Node {
    let authority = format!("/var/lib/clustergen/{cluster}/opendj/{}/ca.pem", parts.name);
    let alias = format!("clustergen-{cluster}");
    let told = [("authority", authority.as_str()), ("alias", &alias)];
    let title = format!("Gluu and Java in {ROOT} believe the cluster's authority");
    step(&parts.trusts(), parts.nodes.clone(), &title, span)
        .with_children(parts.is_installed(span))
        .with_child(file("trust", &script(&told, &[TRUST], parts), span))
        .with_child(node("run", &[r#"to=change sh -e "$files/trust""#], span))
        .with_child(node("proof", &[r#"to=look sh -e "$files/trust""#], span))
}

impl Parts {
    /// The step on each node.
    pub(super) fn trusts(&self) -> String {
        format!("{}-trust", self.name)
    }
}
