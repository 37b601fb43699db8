//! The way of a browser's request: the name, what is shown for it, and what balances the nodes.
//!
//! Makes: the certificate for `hostname` on the nodes, one of another authority on the load balancer where
//! the description has it, and nginx before the nodes, or a page for who runs another balancer there.

use super::{Parts, ROOT, container};
use crate::products::Expand;
use crate::products::balancer::{Balancer, External};
use crate::products::part::{node, overlay};
use crate::source::Span;
use crate::syntax::node::{Node, Value};

/// The web applications: since which release, and whether a session has to stay on its node. Apache's on the
/// node, `https_gluu.conf` of community-edition-setup 4.0 to 4.5.5, without its demonstration of a client.
const LOCATIONS: [(&str, [u32; 2], bool); 11] = [
    ("= /", [4, 0], false),
    ("/.well-known", [4, 0], false),
    ("/oxauth", [4, 0], false),
    ("/identity", [4, 0], true),
    ("/idp", [4, 0], false),
    ("/cas", [4, 0], false),
    ("/passport", [4, 0], false),
    ("/casa", [4, 0], true),
    ("/fido2", [4, 2], false),
    ("= /firebase-messaging-sw.js", [4, 2], false),
    ("= /device-code", [4, 3], false),
];

/// What oxAuth answers with 200 while it works (OpenID Connect Discovery 1.0, section 4): it goes
/// through Apache and the application, and asks nothing of a client.
const HEALTH: &str = "/.well-known/openid-configuration";

/// Each with the part of the product that it is of.
pub(super) fn nodes(parts: &Parts, gluu: &Node, cx: &Expand) -> Vec<(&'static str, Node)> {
    let front = match &parts.balancer {
        Balancer::Ours(over) => parts.nginx(gluu, over, cx),
        Balancer::External(external) => parts.external(gluu, external),
    };
    let public = parts.public(gluu, cx).map(|it| ("certificate", it));
    let own = ("hostname", parts.certificate(gluu));
    let behind = ("nodes", parts.apache());
    [own].into_iter().chain(public).chain([behind, ("load-balancer", front)]).collect()
}

impl Parts {
    /// One name for browsers, nginx and the nodes' Apache: the pair that the installer made is
    /// replaced on each node by one that nginx can verify.
    fn certificate(&self, gluu: &Node) -> Node {
        let span = self.hostname.span;
        let path = |file: &str| Value::string(format!("{ROOT}/etc/certs/{file}"), self.nodes_span);
        node("certificate", &[&self.name], gluu.head)
            .with_child(node("names", &[&self.hostname.value], span))
            .with_child(
                Node::new("on", self.nodes.clone(), self.nodes_span)
                    .with_prop("cert", path("httpd.crt"))
                    .with_prop("key", path("httpd.key"))
                    .with_prop("reload", Value::string(container::APACHE, self.nodes_span))
                    // the package is installed after the first apply, and wants its folder empty
                    .with_prop("where", Value::string(format!("{ROOT}/usr"), self.nodes_span)),
            )
    }

    /// What `setup.py` set up on the nodes, and whom nothing else may take the port from.
    fn apache(&self) -> Node {
        let span = self.nodes_span;
        let port = Value::integer(443, span);
        let what = Value::string("Gluu's Apache", span);
        node("listens", &[&self.name], span)
            .with_child(self.on_all())
            .with_child(Node::new("port", vec![port, what], span))
            .with_child(self.balancer.from())
    }

    /// What browsers are shown where it is not the cluster's authority that signs it; the nodes
    /// keep theirs, which nginx verifies.
    fn public(&self, gluu: &Node, cx: &Expand) -> Option<Node> {
        let over = gluu.child("certificate")?;
        let base = node("certificate", &[&self.public_name()], over.head).with_child(node(
            "names",
            &[&self.hostname.value],
            self.hostname.span,
        ));
        let form = cx.schema.nodes.get("certificate")?;
        Some(overlay(base, over, form))
    }

    fn public_name(&self) -> String {
        format!("{}-public", self.name)
    }

    fn nginx(&self, gluu: &Node, over: &Node, cx: &Expand) -> Node {
        let span = gluu.head;
        let public = gluu.child("certificate").map(|_| self.public_name());
        let shown = public.as_deref().unwrap_or(&self.name);
        let base = node("nginx", &[&self.name], span)
            .with_child(Node::new("on", over.args.clone(), over.head))
            .with_children(self.pools("upstream", span))
            .with_child(
                node("site", &[&self.hostname.value], self.hostname.span)
                    .with_child(node("certificate", &[shown], self.hostname.span))
                    .with_child(node("redirect-http", &[], span))
                    .with_children(self.locations(span)),
            );
        match cx.schema.nodes.get("nginx") {
            Some(form) => overlay(base, over, form),
            None => base,
        }
    }

    fn external(&self, gluu: &Node, external: &External) -> Node {
        let span = gluu.head;
        let check = || node("health-check", &[HEALTH], span);
        let pools = self.pools("pool", span).map(|pool| pool.with_child(check()));
        external.node(&self.name, span).with_children(pools).with_child(
            node("site", &[&self.hostname.value], self.hostname.span)
                .with_child(node("redirect-http", &[], span))
                .with_children(self.locations(span)),
        )
    }

    /// The nodes, once for requests that any of them answers, once for sessions.
    fn pools(&self, kind: &str, span: Span) -> [Node; 2] {
        let pool = |name: &str| {
            let servers = Node::new("servers", self.nodes.clone(), self.nodes_span)
                .with_prop("port", Value::integer(443, self.nodes_span));
            let tls = node("tls", &[&self.name], self.hostname.span);
            node(kind, &[name], span).with_child(servers).with_child(tls)
        };
        [pool("gluu"), pool("gluu-sticky").with_child(node("affinity", &["client-ip"], span))]
    }
}

impl Parts {
    fn locations(&self, span: Span) -> impl Iterator<Item = Node> {
        let known = LOCATIONS.iter().filter(|(_, since, _)| self.version.at_least(since));
        known.map(move |(path, _, stays)| {
            let to = if *stays { "gluu-sticky" } else { "gluu" };
            node("location", &[path], span).with_prop("to", Value::string(to, span))
        })
    }
}
