//! Whom Gluu's applications believe.
//!
//! `setup.py` has them believe the certificate that it made for the node's directory, and Java's own list.
//! What they are shown is signed by the cluster's authority now: one step on each node puts that into
//! both stores, before OpenDJ shows it, and it is seen to from then on. Gluu's guide has
//! `keystore_Config.py` do so for one name.

use super::super::part::node;
use super::steps::{INSIDE, RESTART, decode, ensure, file, script, step};
use super::{Parts, ROOT};
use crate::model::own;
use crate::source::Span;
use crate::syntax::node::Node;

const TRUST: &str = include_str!("../../../templates/gluu/trust.sh");

pub(super) fn nodes(parts: &Parts, cluster: &str, span: Span) -> [Node; 2] {
    let name = parts.trusts();
    let authority = own::folder(cluster, "opendj", &parts.name) + "/ca.pem";
    let told = [("authority", authority), ("alias", format!("clustergen-{cluster}"))];
    let title = format!("Gluu and Java in {ROOT} believe the cluster's authority");
    // the step runs what is there for good
    let first = format!("export files={}; ", own::folder(cluster, "ensure", &name));
    let (look, change) = (r#"to=look sh -e "$files/trust""#, r#"to=change sh -e "$files/trust""#);
    [
        step(&name, parts.nodes.clone(), &title, span)
            .with_children(parts.is_installed(span))
            .with_child(node("run", &[&format!("{first}{change}")], span))
            .with_child(node("proof", &[&format!("{first}{look}")], span)),
        ensure(&name, parts.nodes.clone(), &title, span)
            .with_child(node("after", &[&name], span))
            .with_child(decode(parts, span))
            .with_child(file("trust", &script(&told, &[INSIDE, RESTART, TRUST], parts), span))
            .with_child(node("holds", &[look], span))
            .with_child(node("run", &[change], span)),
    ]
}

impl Parts {
    /// The step on each node.
    pub(super) fn trusts(&self) -> String {
        format!("{}-trust", self.name)
    }
}
