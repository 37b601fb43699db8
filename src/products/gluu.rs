//! Gluu Server 4: web tier and file replication.
//!
//! Makes: the certificate for `hostname`, nginx before the nodes, csync2 between them, and the
//! name in `/etc/hosts`. Not yet: the directory's replication, the cache and its tunnels, the
//! hand-over of `setup.properties`; the build says so.
//!
//! Sources: Gluu's cluster guide for 4.x, and the lists of cluster-mgr, its own tool: the guide
//! forgets `/idp` and what a node must keep for itself.

use super::Expand;
use super::part::{node, overlay};
use crate::diag::{Code, Diagnostic};
use crate::model::value::Version;
use crate::schema::check::check;
use crate::source::{Span, Spanned};
use crate::syntax::node::{Node, Value};

/// Where the container lies, from 4.0 on.
const ROOT: &str = "/opt/gluu-server";

/// What csync2 keeps alike, below [`ROOT`].
const REPLICATED: [&str; 7] = [
    "/etc/gluu/conf",
    "/opt/gluu/jetty/identity/conf/shibboleth3/idp",
    "/opt/gluu/jetty/identity/conf/shibboleth3/sp",
    "/opt/shibboleth-idp/conf",
    "/opt/shibboleth-idp/metadata",
    "/opt/shibboleth-idp/sp",
    "/opt/shibboleth-idp/temp_metadata",
];

/// What each node keeps for itself below them: its directory's address, and its salt.
const OWN: [&str; 2] = ["/etc/gluu/conf/gluu-ldap.properties", "/etc/gluu/conf/salt"];

/// Where csync2 keeps what it replaces, as Gluu's guide to csync2 has it.
const BACKUPS: &str = "/var/backups/csync2";

/// The web applications, and whether a session has to stay on its node.
const LOCATIONS: [(&str, bool); 7] = [
    ("= /", false),
    ("/.well-known", false),
    ("/oxauth", false),
    ("/identity", true),
    ("/idp", false),
    ("/cas", false),
    ("/passport", false),
];

/// Releases that Gluu's installation guides for 4.x name, where we support them too.
const PLATFORMS: [&str; 5] = ["debian-11", "ubuntu-18.04", "ubuntu-20.04", "rhel-7", "rhel-8"];

pub(super) fn expand(gluu: &Node, cx: &mut Expand) -> Vec<Node> {
    // a version that is not covered has other children: the version is told, not they
    if !covered(gluu, cx) || !check(gluu, cx.schema, cx.diagnostics) {
        return Vec::new();
    }
    let Some(parts) = Parts::read(gluu) else { return Vec::new() };
    parts.judge(gluu, cx);
    let mut nodes = vec![
        parts.certificate(gluu),
        parts.hosts(gluu),
        parts.nginx(gluu, cx),
        parts.csync2(gluu, cx),
    ];
    for (node, part) in
        nodes.iter_mut().zip(["hostname", "nodes", "load-balancer", "file-replication"])
    {
        node.made_by = Some(format!("{}/{part}", gluu.key()));
    }
    nodes
}

/// Whether it is a version that is known here; what is no version at all the schema tells.
fn covered(gluu: &Node, cx: &mut Expand) -> bool {
    let Some(value) = gluu.prop("version") else { return true };
    let Some(Ok(version)) = value.as_str().map(Version::parse) else { return true };
    if (0..=5).any(|minor| version.starts_with(&[4, minor])) {
        return true;
    }
    let message = format!("Gluu Server {version} is not covered");
    let diagnostic = Diagnostic::error(Code::ProductVersion, message);
    cx.diagnostics.push(diagnostic.at(value.span, "").help("clustergen knows 4.0 to 4.5"));
    false
}

/// What the description says of it.
struct Parts {
    name: String,
    version: Version,
    hostname: Spanned<String>,
    /// The first one seeds the others.
    nodes: Vec<Value>,
    nodes_span: Span,
    balancer: Node,
}

impl Parts {
    fn read(gluu: &Node) -> Option<Self> {
        let version = gluu.prop("version")?;
        let hostname = gluu.child("hostname")?.args.first()?;
        let nodes = gluu.child("nodes")?;
        Some(Self {
            name: gluu.label()?.to_owned(),
            version: Version::parse(version.as_str()?).ok()?,
            hostname: Spanned::new(hostname.as_str()?.to_owned(), hostname.span),
            nodes: nodes.args.clone(),
            nodes_span: nodes.head,
            balancer: gluu.child("load-balancer")?.clone(),
        })
    }

    /// What a careful administrator would want to know before the first build.
    fn judge(&self, gluu: &Node, cx: &mut Expand) {
        let hosts = cx.inventory.resolve(&self.nodes, cx.diagnostics);
        if hosts.len() == 1 && self.nodes.len() == 1 {
            let diagnostic = Diagnostic::error(Code::TooFew, "one node is no cluster");
            cx.diagnostics.push(diagnostic.at(self.nodes_span, "").help("name two nodes at least"));
        }
        for host in hosts {
            let platform = &cx.inventory.host(host.value).platform;
            if !PLATFORMS.contains(&platform.id.as_str()) {
                let message =
                    format!("Gluu's guides for {} never named `{}`", self.version, platform.id);
                let help = format!("they name {}", PLATFORMS.join(", "));
                let diagnostic = Diagnostic::warning(Code::ProductPlatform, message);
                cx.diagnostics.push(diagnostic.at(host.span, "").help(help));
            }
        }
        let balancers = cx.inventory.resolve(&self.balancer.args, cx.diagnostics);
        if balancers.len() == 1 {
            let message = "one load balancer is a single point of failure";
            let help = "add a second host to `load-balancer`, and move the address between them";
            let diagnostic = Diagnostic::warning(Code::SinglePoint, message);
            cx.diagnostics.push(diagnostic.at(self.balancer.head, "").help(help));
        }
        let cache = gluu.child("cache");
        if let Some(value) = cache.and_then(|it| it.args.first()) {
            cx.inventory.resolve(std::slice::from_ref(value), cx.diagnostics);
        }
        let mut missing = vec![
            "OpenDJ's replication",
            "the hand-over of `setup.properties`",
            "the restart of Apache with its new certificate, and the authority in Java's trust store",
        ];
        missing.extend(cache.map(|_| "the Redis cache and its tunnels"));
        let message = format!("not made yet: {}", missing.join(", "));
        let help = "these steps of Gluu's guide are still yours";
        let diagnostic = Diagnostic::warning(Code::ProductPart, message);
        cx.diagnostics.push(diagnostic.at(gluu.head, "").help(help));
    }

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
                    .with_prop("key", path("httpd.key")),
            )
    }

    /// On a node the cluster's name is the node itself.
    fn hosts(&self, gluu: &Node) -> Node {
        node("hosts", &[&self.name], gluu.head)
            .with_child(Node::new("on", self.nodes.clone(), self.nodes_span))
            .with_child(node("entry", &[&self.hostname.value], self.hostname.span))
    }

    fn nginx(&self, gluu: &Node, cx: &Expand) -> Node {
        let span = gluu.head;
        let upstream = |name: &str| {
            let servers = Node::new("servers", self.nodes.clone(), self.nodes_span)
                .with_prop("port", Value::integer(443, self.nodes_span));
            node("upstream", &[name], span).with_child(servers).with_child(node(
                "tls",
                &[&self.name],
                self.hostname.span,
            ))
        };
        let sticky = upstream("gluu-sticky").with_child(node("affinity", &["client-ip"], span));
        let locations = LOCATIONS.map(|(path, stays)| {
            let to = if stays { "gluu-sticky" } else { "gluu" };
            node("location", &[path], span).with_prop("to", Value::string(to, span))
        });
        let site = node("site", &[&self.hostname.value], self.hostname.span)
            .with_child(node("certificate", &[&self.name], self.hostname.span))
            .with_child(node("redirect-http", &[], span))
            .with_children(locations);
        let base = node("nginx", &[&self.name], gluu.head)
            .with_child(Node::new("on", self.balancer.args.clone(), self.balancer.head))
            .with_child(upstream("gluu"))
            .with_child(sticky)
            .with_child(site);
        match cx.schema.nodes.get("nginx") {
            Some(form) => overlay(base, &self.balancer, form),
            None => base,
        }
    }

    fn csync2(&self, gluu: &Node, cx: &Expand) -> Node {
        let over = gluu.child("file-replication");
        let span = over.map_or(gluu.head, |it| it.head);
        let paths = |list: &[&str]| -> Vec<Value> {
            list.iter().map(|path| Value::string(format!("{ROOT}{path}"), span)).collect()
        };
        let base = node("csync2", &[&self.name], gluu.head)
            .with_child(Node::new("members", self.nodes.clone(), self.nodes_span))
            .with_children(
                paths(&REPLICATED).into_iter().map(|it| Node::new("include", vec![it], span)),
            )
            .with_child(node("exclude", &["*~", ".*"], span))
            .with_child(Node::new("exclude", paths(&OWN), span))
            // the younger file wins in silence: what it replaces can be looked up
            .with_child(node("backup-directory", &[BACKUPS], span));
        match (over, cx.schema.nodes.get("csync2")) {
            (Some(over), Some(form)) => overlay(base, over, form),
            _ => base,
        }
    }
}
