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
mod files;
mod hand_over;
mod release;
mod steps;
mod trust;
mod web;

use std::net::IpAddr;

use super::Expand;
use super::balancer::Balancer;
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

/// Runs a command in the container.
const RUN: &str = "/usr/local/sbin/gluu-run";

/// Where `setup.py` is, in the container.
const SETUP: &str = "/install/community-edition-setup";

/// OpenDJ's LDAPS, as `setup.py` has it.
const LDAPS: u16 = 1636;

/// What the nodes' directories share, as cluster-mgr has it: all of Gluu's, and under which numbers cache
/// refresh knows people, so that another node can go on with it. `o=metric` is each node's own.
const BASES: [&str; 2] = ["o=gluu", "o=site"];

/// Releases that Gluu's installation guides for 4.x name, where we support them too.
const PLATFORMS: [&str; 5] = ["debian-11", "ubuntu-18.04", "ubuntu-20.04", "rhel-7", "rhel-8"];

pub(super) fn expand(gluu: &Node, cx: &mut Expand) -> Vec<Node> {
    // a version that is not covered has other children: the version is told, not they
    if !covered(gluu, cx) || !check(gluu, cx.schema, cx.diagnostics) {
        return Vec::new();
    }
    let Some(parts) = Parts::read(gluu, cx) else { return Vec::new() };
    parts.judge(gluu, cx);
    if !parts.stand_apart(gluu, cx) {
        return Vec::new();
    }
    let span = gluu.head;
    let cluster = &cx.inventory.cluster.name;
    let trust = (!parts.keeps_certificates).then(|| trust::nodes(&parts, cluster, span));
    let made: [(&str, Vec<Node>); 7] = [
        ("nodes", container::nodes(&parts, span).into()),
        ("nodes", hand_over::nodes(&parts, span)),
        ("nodes", vec![parts.hosts(gluu), parts.time(gluu)]),
        ("directory", trust.map(Vec::from).unwrap_or_default()),
        ("directory", vec![parts.directory(gluu, cx)]),
        ("file-replication", vec![files::csync2(&parts, gluu, cx)]),
        ("cache", cache::nodes(&parts, gluu, cx)),
    ];
    let of = |(part, nodes): (&'static str, Vec<Node>)| nodes.into_iter().map(move |it| (part, it));
    let made = made.into_iter().flat_map(of).chain(web::nodes(&parts, gluu, cx));
    let told = configuration::nodes(&parts, gluu, span);
    made.chain(of(("directory", told)))
        .map(|(part, node)| Node { made_by: Some(format!("{}/{part}", gluu.key())), ..node })
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

    /// Each node has an Apache of its own and the tunnel's beginning: there is no room for the
    /// load balancer's nginx, nor for the tunnel's end at the cache.
    fn stand_apart(&self, gluu: &Node, cx: &mut Expand) -> bool {
        let nodes = cx.inventory.resolve(&self.nodes, cx.diagnostics);
        let cache = gluu.child("cache").map(|it| ("cache", it));
        let balancer = match &self.balancer {
            Balancer::Ours(written) => Some(("load balancer", written)),
            Balancer::External(_) => None,
        };
        let mut apart = true;
        for (what, child) in cache.into_iter().chain(balancer) {
            for host in cx.inventory.resolve(&child.args, cx.diagnostics) {
                let Some(node) = nodes.iter().find(|it| it.value == host.value) else { continue };
                let name = &cx.inventory.host(host.value).name;
                let message =
                    format!("the {what} cannot be on `{name}`, which is one of the nodes");
                cx.diagnostics.push(
                    Diagnostic::error(Code::OnlyOneOf, message)
                        .at(host.span, format!("the {what}"))
                        .at(node.span, "a node: its own programs have these ports")
                        .help(format!("name another host for the {what}")),
                );
                apart = false;
            }
        }
        apart
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
            .with_children(BASES.map(|base| node("base", &[base], span)))
            .with_child(
                node("container", &[ROOT], span).with_prop("enter", Value::string(RUN, span)),
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
}
