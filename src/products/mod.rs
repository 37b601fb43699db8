//! Products: nothing but services with a product's paths, versions and order filled in.
//!
//! In: the document, the inventory. Out: a document of services, which `clustergen expand`
//! prints, and which builds to the same bundles. A product is one module here, one file in
//! `schema/` and one line in [`ALL`].

mod balancer;
mod gluu;
mod part;

use crate::diag::Diagnostics;
use crate::inventory::Inventory;
use crate::model::host::HostSet;
use crate::schema::{Schema, Stage};
use crate::syntax::node::{Document, Node, Value};

/// What a product may look at.
pub struct Expand<'a> {
    pub inventory: &'a Inventory,
    pub schema: &'a Schema,
    pub diagnostics: &'a mut Diagnostics,
}

/// A product's name, and what makes services of it; nothing where it does not keep to its schema.
type Product = (&'static str, fn(&Node, &mut Expand) -> Vec<Node>);

/// Every product, by name.
pub const ALL: &[Product] = &[("gluu", gluu::expand)];

/// Writes the products out, and what every cluster has.
pub fn expand(
    document: &Document,
    inventory: &Inventory,
    schema: &Schema,
    diagnostics: &mut Diagnostics,
) -> Document {
    let mut nodes = Vec::new();
    for node in &document.nodes {
        let product = ALL.iter().find(|(name, _)| node.is(name));
        let stage = schema.nodes.get(&node.name.value).and_then(|form| form.stage);
        match product {
            Some((_, expand)) if stage == Some(Stage::Product) => {
                nodes.extend(expand(node, &mut Expand { inventory, schema, diagnostics }));
            }
            _ => nodes.push(node.clone()),
        }
    }
    for (kind, name) in ALWAYS {
        if !nodes.iter().any(|node| node.is(kind) && node.label() == Some(name)) {
            nodes.extend(on_all(kind, name, inventory));
        }
    }
    let firewall = firewall(&mut nodes, inventory);
    nodes.extend(firewall);
    Document { nodes }
}

/// `firewall` of the cluster is short for one on every host that has none of its own.
fn firewall(nodes: &mut [Node], inventory: &Inventory) -> Option<Node> {
    let cluster = nodes.iter_mut().find(|node| node.is("cluster"))?;
    let at = cluster.children.iter().position(|child| child.is("firewall"))?;
    let short = cluster.children.remove(at);
    let own = nodes.iter().filter(|node| node.is("firewall"));
    let own = own.flat_map(|node| node.children_named("on")).flat_map(|on| &on.args);
    let own: Vec<HostSet> =
        own.filter_map(|name| name.as_str().and_then(|name| inventory.set(name))).collect();
    let rest: Vec<Value> = inventory
        .managed()
        .filter(|id| !own.iter().any(|set| set.contains(*id)))
        .map(|id| Value::string(&inventory.host(id).name, short.head))
        .collect();
    // one that names no program is told as the cluster's
    if rest.is_empty() || short.args.is_empty() {
        return None;
    }
    let on = Node::new("on", rest, short.head);
    let mut node = Node::new("firewall", short.args, short.head).with_child(on);
    // a host of its own beside it may have the same program
    if nodes.iter().any(|own| own.key() == node.key()) {
        node = node.with_prop("name", Value::string("cluster", short.head));
    }
    node.made_by = Some(format!("{}/firewall", inventory.cluster.origin.path));
    Some(node)
}

/// What every cluster has: the names of a host's peers, and clocks that agree.
const ALWAYS: [(&str, &str); 2] = [("hosts", "peers"), ("time", "clock")];

/// A service of all hosts that get a bundle.
fn on_all(kind: &str, name: &str, inventory: &Inventory) -> Option<Node> {
    let origin = &inventory.cluster.origin;
    let all: Vec<Value> = inventory
        .managed()
        .map(|id| Value::string(&inventory.host(id).name, origin.span))
        .collect();
    if all.is_empty() {
        return None;
    }
    let mut node = Node::new(kind, vec![Value::string(name, origin.span)], origin.span)
        .with_child(Node::new("on", all, origin.span));
    node.made_by = Some(origin.path.to_string());
    Some(node)
}
