//! The cache that all nodes share, and the way to it.
//!
//! Makes: a Redis that its own host alone reaches, a tunnel from each node to it, and its password.
//! Gluu 4.x itself speaks to the node's end of the tunnel, at [`TUNNEL`] on loopback.

use super::super::part::{node, overlay, port};
use super::Parts;
use crate::products::Expand;
use crate::source::Span;
use crate::syntax::node::{Node, Value};

/// Where a node's end of the tunnel is, as in Gluu's guide.
pub(super) const TUNNEL: u16 = 16379;

/// Redis's own.
const REDIS: u16 = 6379;

/// Nothing where no cache is described.
pub(super) fn nodes(parts: &Parts, gluu: &Node, cx: &Expand) -> Vec<Node> {
    let Some(cache) = gluu.child("cache") else { return Vec::new() };
    let Some(host) = cache.args.first() else { return Vec::new() };
    vec![password(parts, cache.head), redis(parts, cache, host, cx), tunnel(parts, cache, host)]
}

/// One that the directory can be told, too.
fn password(parts: &Parts, span: Span) -> Node {
    let length = Value::integer(32, span);
    node("secret", &[&parts.cache()], span)
        .with_child(node("generate", &[], span).with_prop("length", length))
}

fn redis(parts: &Parts, cache: &Node, host: &Value, cx: &Expand) -> Node {
    let span = cache.head;
    let secret = Value::string(parts.cache(), span).annotated("secret");
    let base = node("redis", &[&parts.name], span)
        .with_child(Node::new("on", vec![host.clone()], span))
        .with_child(Node::new("password", vec![secret], span))
        .with_child(
            Node::new("reached-by", parts.nodes.clone(), parts.nodes_span)
                .with_prop("port", Value::integer(TUNNEL, span)),
        );
    match cx.schema.nodes.get("redis") {
        Some(form) => overlay(base, cache, form),
        None => base,
    }
}

fn tunnel(parts: &Parts, cache: &Node, host: &Value) -> Node {
    let span = cache.head;
    let to = cache.child("port").and_then(port);
    let server = Node::new("server", vec![host.clone()], span)
        .with_prop("port", Value::integer(TUNNEL, span))
        .with_prop("to", Value::integer(to.unwrap_or(REDIS), span));
    let clients = Node::new("clients", parts.nodes.clone(), parts.nodes_span)
        .with_prop("port", Value::integer(TUNNEL, span));
    node("stunnel", &[&parts.name], span).with_child(server).with_child(clients)
}

impl Parts {
    /// The secret that the cache's password is.
    pub(super) fn cache(&self) -> String {
        format!("{}-cache", self.name)
    }
}
