//! Gluu Server 4: nodes that anyone of them can stand in for.
//!
//! Makes: the way into the container; the hand-over of what the first node's installation made; whom
//! Gluu's applications believe; OpenDJ's replication; the cache and its tunnels; what Gluu is told of both;
//! csync2 between the nodes; the certificate for `hostname`, nginx before the nodes or a page for who runs
//! another balancer there; the name in `/etc/hosts`, and the time zone in the container. Not here: the
//! installation of the first node, which is a person's, by Gluu's own guide.
//!
//! Sources: Gluu's cluster guide for 4.x, and the lists of cluster-mgr, its own tool: the guide
//! forgets `/idp` and what a node must keep for itself.

mod cache;
mod configuration;
mod container;
mod hand_over;
mod release;
mod steps;
mod trust;

use std::net::IpAddr;

use super::Expand;
use super::balancer::{Balancer, External};
use super::part::{node, overlay, port};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Host;
use crate::model::name::Label;
use crate::model::value::Version;
use crate::schema::check::check;
use crate::source::{Span, Spanned};
use crate::syntax::node::{Node, Value};
use steps::after;

/// Where the container lies, from 4.0 on.
const ROOT: &str = "/opt/gluu-server";

/// Where `setup.py` is, in the container.
const SETUP: &str = "/install/community-edition-setup";

/// OpenDJ's LDAPS, as `setup.py` has it.
const LDAPS: u16 = 1636;

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

/// What oxAuth answers with 200 while it works (OpenID Connect Discovery 1.0, section 4): it goes
/// through Apache and the application, and asks nothing of a client.
const HEALTH: &str = "/.well-known/openid-configuration";

/// Releases that Gluu's installation guides for 4.x name, where we support them too.
const PLATFORMS: [&str; 5] = ["debian-11", "ubuntu-18.04", "ubuntu-20.04", "rhel-7", "rhel-8"];

pub(super) fn expand(gluu: &Node, cx: &mut Expand) -> Vec<Node> {
    // a version that is not covered has other children: the version is told, not they
    if !covered(gluu, cx) || !check(gluu, cx.schema, cx.diagnostics) {
        return Vec::new();
    }
    let Some(parts) = Parts::read(gluu, cx) else { return Vec::new() };
    parts.judge(gluu, cx);
    let front = match &parts.balancer {
        Balancer::Ours(over) => parts.nginx(gluu, over, cx),
        Balancer::External(external) => parts.external(gluu, external),
    };
    let container = container::nodes(&parts, gluu.head).into_iter().map(|it| (Some(it), "nodes"));
    let handed = hand_over::nodes(&parts, gluu.head).into_iter().map(|it| (Some(it), "nodes"));
    let nodes = [
        (Some(parts.certificate(gluu)), "hostname"),
        (parts.public(gluu, cx), "certificate"),
        (Some(parts.hosts(gluu)), "nodes"),
        (Some(parts.time(gluu)), "nodes"),
        (Some(parts.directory(gluu, cx)), "directory"),
        (Some(front), "load-balancer"),
        (Some(parts.csync2(gluu, cx)), "file-replication"),
    ];
    let made = |(node, part): (Option<Node>, &str)| {
        let made_by = Some(format!("{}/{part}", gluu.key()));
        node.map(|node| Node { made_by, ..node })
    };
    let cache = cache::nodes(&parts, gluu, cx).into_iter().map(|it| (Some(it), "cache"));
    let span = gluu.head;
    let cluster = &cx.inventory.cluster.name;
    let trust = (!parts.keeps_certificates).then(|| trust::node_of(&parts, cluster, span));
    let told = configuration::nodes(&parts, gluu, span).map(|it| (Some(it), "directory"));
    container
        .chain(handed)
        .chain([(trust, "directory")])
        .chain(nodes)
        .chain(cache)
        .chain(told)
        .filter_map(made)
        .collect()
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

/// The hosts that are listed, each once; who is unknown is told by others.
fn hosts<'a>(list: &[Value], cx: &Expand<'a>) -> impl Iterator<Item = &'a Host> {
    let mut untold = Diagnostics::default();
    let (hosts, inventory) = (cx.inventory.resolve(list, &mut untold), cx.inventory);
    hosts.into_iter().map(|host| inventory.host(host.value))
}

/// What the description says of it.
struct Parts {
    name: String,
    version: Version,
    hostname: Spanned<String>,
    /// The first one seeds the others.
    nodes: Vec<Value>,
    nodes_span: Span,
    /// The same, by their own names.
    hosts: Vec<String>,
    /// By which they know each other's directory.
    addresses: Vec<IpAddr>,
    /// Where it answers, on each of them.
    ldaps: u16,
    /// OpenDJ goes on showing what `setup.py` made for it.
    keeps_certificates: bool,
    balancer: Balancer,
}

impl Parts {
    fn read(gluu: &Node, cx: &mut Expand) -> Option<Self> {
        let version = gluu.prop("version")?;
        let hostname = gluu.child("hostname")?.args.first()?;
        let nodes = gluu.child("nodes")?;
        let purpose = Label::parse("replication").ok();
        let directory = gluu.child("directory");
        let ldaps = directory.and_then(|it| port(it.child("ports")?.child("ldaps")?));
        let vendor = directory.and_then(|it| it.child("keep-vendor-certificates"));
        Some(Self {
            name: gluu.label()?.to_owned(),
            version: Version::parse(version.as_str()?).ok()?,
            hostname: Spanned::new(hostname.as_str()?.to_owned(), hostname.span),
            nodes: nodes.args.clone(),
            nodes_span: nodes.head,
            hosts: hosts(&nodes.args, cx).map(|host| host.name.clone()).collect(),
            addresses: hosts(&nodes.args, cx)
                .map(|host| host.address(purpose.as_ref()).ip)
                .collect(),
            ldaps: ldaps.unwrap_or(LDAPS),
            keeps_certificates: vendor.is_some(),
            balancer: Balancer::read(gluu.child("load-balancer")?, cx)?,
        })
    }

    fn on_all(&self) -> Node {
        Node::new("on", self.nodes.clone(), self.nodes_span)
    }

    fn first(&self) -> &str {
        self.hosts.first().map_or("", String::as_str)
    }

    fn first_value(&self) -> Value {
        Value::string(self.first(), self.nodes_span)
    }

    /// All nodes but the first.
    fn further(&self) -> Vec<Value> {
        self.hosts.iter().skip(1).map(|name| Value::string(name, self.nodes_span)).collect()
    }

    /// What a careful administrator would want to know before the first build.
    fn judge(&self, gluu: &Node, cx: &mut Expand) {
        let hosts = cx.inventory.resolve(&self.nodes, cx.diagnostics);
        if hosts.len() < 2 && cx.inventory.is_whole(&self.nodes) {
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
        self.balancer.judge(cx);
        if let (Balancer::External(_), Some(public)) = (&self.balancer, gluu.child("certificate")) {
            let message = "an external load balancer has its certificate from who runs it";
            let diagnostic = Diagnostic::error(Code::OnlyOneOf, message);
            cx.diagnostics.push(diagnostic.at(public.head, "").help("take `certificate` out"));
        }
        if self.keeps_certificates {
            let message = "not made where the installer's certificates stay: the cluster's authority in Java's list";
            let help = "whoever calls the hostname from within a node needs it there: import it by `keytool`";
            let diagnostic = Diagnostic::warning(Code::ProductPart, message);
            cx.diagnostics.push(diagnostic.at(gluu.head, "").help(help));
        }
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
                    .with_prop("key", path("httpd.key"))
                    .with_prop("reload", Value::string(container::APACHE, self.nodes_span))
                    // the package is installed after the first apply, and wants its folder empty
                    .with_prop("where", Value::string(format!("{ROOT}/usr"), self.nodes_span)),
            )
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

    /// On a node the cluster's name is the node itself.
    fn hosts(&self, gluu: &Node) -> Node {
        node("hosts", &[&self.name], gluu.head)
            .with_child(Node::new("on", self.nodes.clone(), self.nodes_span))
            .with_child(node("entry", &[&self.hostname.value], self.hostname.span))
    }

    /// The directory that `setup.py` sets up on each node: the first one's data is given to the
    /// others, when all of them are installed.
    fn directory(&self, gluu: &Node, cx: &Expand) -> Node {
        let over = gluu.child("directory");
        let span = over.map_or(gluu.head, |it| it.head);
        let secret = Value::string(self.admin(), span).annotated("secret");
        let base = node("opendj", &[&self.name], span)
            .with_child(Node::new("servers", self.nodes.clone(), self.nodes_span))
            .with_child(node("base", &["o=gluu"], span))
            .with_child(
                node("container", &[ROOT], span)
                    .with_prop("enter", Value::string(container::RUN, span)),
            )
            .with_child(node("java", &["/opt/jre"], span))
            .with_child(node("bind-dn", &["cn=directory manager"], span))
            .with_child(Node::new("password", vec![secret], span))
            .with_children(if self.keeps_certificates {
                self.is_installed(span)
            } else {
                // who is to believe it does so first
                vec![node("after", &[&self.trusts()], span)]
            });
        match (over, cx.schema.nodes.get("opendj")) {
            (Some(over), Some(form)) => overlay(base, over, form),
            _ => base,
        }
    }

    /// The steps after which each node is one.
    fn is_installed(&self, span: Span) -> Vec<Node> {
        let further = self.hosts.iter().skip(1);
        let mut all = vec![after(&self.installed(), self.first(), span)];
        all.extend(further.map(|it| after(&self.has_keys(), it, span)));
        all
    }

    /// The container keeps a time zone of its own.
    fn time(&self, gluu: &Node) -> Node {
        node("time", &[&self.name], gluu.head)
            .with_child(Node::new("on", self.nodes.clone(), self.nodes_span))
            .with_child(node("zone-in", &[ROOT], gluu.head))
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
                    .with_children(locations(span)),
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
                .with_children(locations(span)),
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
            .with_child(node("backup-directory", &[BACKUPS], span))
            .with_children(self.is_installed(span));
        match (over, cx.schema.nodes.get("csync2")) {
            (Some(over), Some(form)) => overlay(base, over, form),
            _ => base,
        }
    }
}

fn locations(span: Span) -> [Node; 7] {
    LOCATIONS.map(|(path, stays)| {
        let to = if stays { "gluu-sticky" } else { "gluu" };
        node("location", &[path], span).with_prop("to", Value::string(to, span))
    })
}
