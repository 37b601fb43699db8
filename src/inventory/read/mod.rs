//! The nodes of the inventory, read: the cluster's own words, then hosts, then groups, which name
//! hosts.
//!
//! In: a [`Document`], the schema, the platforms. Out: [`Inventory`], and all that is wrong with it.

mod groups;
mod hosts;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::names::Names;
use super::{Authority, ClusterInfo, Inventory, origin};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::key_type::KeyType;
use crate::model::name::{Domain, Label};
use crate::platform::{Platform, Platforms};
use crate::schema::{Schema, Stage, check::check};
use crate::source::{Span, Spanned};
use crate::syntax::node::{Document, Node, Value};

/// Reads the inventory. `None` where there is no cluster to speak of.
pub fn inventory(
    document: &Document,
    schema: &Schema,
    platforms: &Platforms,
    whole: Span,
    diagnostics: &mut Diagnostics,
) -> Option<Inventory> {
    let (nodes, broken) = sound(document, schema, diagnostics);
    let named = |kind: &str| nodes.get(kind).map(Vec::as_slice).unwrap_or_default();
    let written = |kind: &str| document.nodes.iter().any(|node| node.is(kind));
    if !written("cluster") {
        let help = "add `cluster \"name\" domain=\"example.org\" platform=\"debian-12\"`";
        let message = "the description has no `cluster`";
        let start = Span { end: whole.start, ..whole };
        diagnostics.push(Diagnostic::error(Code::Missing, message).at(start, "").help(help));
    }
    let sound = one_cluster(named("cluster"), diagnostics);
    // what is wrong with it is told; the rest is looked at as if it were any other
    let cluster = sound.or_else(|| document.nodes.iter().find(|node| node.is("cluster")))?;
    if !written("host") {
        let help = "add `host \"name\" address=\"192.0.2.10\"`";
        let message = "the description has no `host`";
        diagnostics.push(Diagnostic::error(Code::Missing, message).at(cluster.head, "").help(help));
    }
    let names = Names { broken, ..Names::default() };
    let mut reading = Reading { platforms, names, diagnostics };
    let platform = reading.platform(cluster.prop("platform"));
    let platform = platform.or_else(|| platforms.find("debian-12").ok().cloned())?;
    let cluster = cluster_info(cluster, sound.is_some());
    let hosts = reading.hosts(named("host"), &platform, &cluster.domain);
    let listeners = reading.groups(named("group"));
    let vault = vault(named("vault"), reading.diagnostics);
    Some(Inventory { cluster, hosts, names: reading.names, listeners, vault })
}

/// The inventory's nodes that keep to the schema, by kind; the names of those that do not.
fn sound<'a>(
    document: &'a Document,
    schema: &Schema,
    diagnostics: &mut Diagnostics,
) -> (BTreeMap<&'a str, Vec<&'a Node>>, BTreeSet<String>) {
    let mut nodes: BTreeMap<&str, Vec<&Node>> = BTreeMap::new();
    let mut broken = BTreeSet::new();
    for node in &document.nodes {
        let form = schema.nodes.get(&node.name.value);
        if form.is_none_or(|form| form.stage != Some(Stage::Inventory)) {
            continue;
        }
        if check(node, schema, diagnostics) {
            nodes.entry(node.name.value.as_str()).or_default().push(node);
        } else {
            broken.extend(node.label().map(str::to_owned));
        }
    }
    (nodes, broken)
}

fn one_cluster<'a>(nodes: &[&'a Node], diagnostics: &mut Diagnostics) -> Option<&'a Node> {
    only_one(nodes, "keep one of them; another cluster is another description", diagnostics)
}

/// The recipients of the vault.
fn vault(nodes: &[&Node], diagnostics: &mut Diagnostics) -> Vec<Spanned<String>> {
    let node = only_one(nodes, "write all recipients into one of them", diagnostics);
    let recipients = node.into_iter().flat_map(|it| it.children_named("recipient"));
    recipients.flat_map(|it| &it.args).filter_map(spanned).collect()
}

fn only_one<'a>(nodes: &[&'a Node], help: &str, diagnostics: &mut Diagnostics) -> Option<&'a Node> {
    if let [_, second, ..] = nodes {
        let message = format!("a description has one `{}`", second.name.value);
        let diagnostic = Diagnostic::error(Code::Repeated, message);
        diagnostics.push(diagnostic.at(second.head, "the second one").help(help));
    }
    nodes.first().copied()
}

fn cluster_info(node: &Node, is_sound: bool) -> ClusterInfo {
    let name = node.label().filter(|name| Label::parse(name).is_ok());
    let domain = node.prop("domain").and_then(Value::as_str);
    let domain = domain.filter(|name| Domain::parse(name).is_ok());
    ClusterInfo {
        is_sound,
        name: name.unwrap_or("cluster").to_owned(),
        domain: domain.unwrap_or("example.net").to_owned(),
        timezone: node.prop("timezone").and_then(spanned),
        time_servers: node
            .child("time-servers")
            .map_or_else(Vec::new, |it| it.args.iter().filter_map(spanned).collect()),
        authority: node.child("authority").map(authority).unwrap_or_default(),
        templates: node.child("templates").and_then(|it| it.args.first()).and_then(spanned),
        origin: origin(node),
    }
}

fn authority(node: &Node) -> Authority {
    let text = |name: &str| node.prop(name).and_then(spanned);
    let key_type =
        text("key-type").and_then(|it| Some(Spanned::new(KeyType::parse(&it.value)?, it.span)));
    Authority { cert: text("cert"), key: text("key"), key_type }
}

fn spanned(value: &Value) -> Option<Spanned<String>> {
    value.as_str().map(|text| Spanned::new(text.to_owned(), value.span))
}

/// What is known while nodes are read.
struct Reading<'a> {
    platforms: &'a Platforms,
    names: Names,
    diagnostics: &'a mut Diagnostics,
}

impl Reading<'_> {
    fn platform(&mut self, value: Option<&Value>) -> Option<Arc<Platform>> {
        let value = value?;
        let name = value.as_str()?;
        match self.platforms.find(name) {
            Ok(platform) => Some(Arc::clone(platform)),
            Err(wrong) => {
                let message = format!("`{name}` {}", wrong.why);
                let diagnostic = Diagnostic::error(Code::UnknownPlatform, message);
                self.diagnostics.push(diagnostic.at(value.span, "").help(wrong.help));
                None
            }
        }
    }

    fn name_taken(&mut self, name: &str, node: &Node, first: Span) {
        let span = node.args.first().map_or(node.head, |arg| arg.span);
        self.diagnostics.push(
            Diagnostic::error(Code::NameTaken, format!("`{name}` is described twice"))
                .at(span, "the second one")
                .at(first, "the first one")
                .help("give one of them another name, or take it out"),
        );
    }
}
