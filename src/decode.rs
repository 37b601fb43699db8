//! Nodes to a typed [`Cluster`]: one way for what was written and what a product filled in.
//!
//! In: the expanded document, the inventory. Out: services with typed options, and the names that
//! they refer to. Structural faults and faults of single values are told here.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::{Inventory, origin};
use crate::model::facts::{BornForm, Giver, SecretSource};
use crate::model::host::HostId;
use crate::model::value::AbsPath;
use crate::schema::{Schema, Stage, check::check};
use crate::services::{Decode, Instance, Names, SecretDecl, find, named_certificate};
use crate::source::Span;
use crate::syntax::node::{Document, Node, Scalar, Value};

/// The cluster, typed.
pub struct Cluster {
    /// Sorted by key.
    pub instances: Vec<Instance>,
    pub names: Names,
    /// Per host, the places in `instances` that put something on it, sorted.
    pub by_host: Vec<Vec<u32>>,
}

impl Cluster {
    /// The services on a host, sorted by kind, then name.
    pub fn on(&self, host: HostId) -> impl Iterator<Item = &Instance> {
        self.by_host[host.index()].iter().map(|at| &self.instances[*at as usize])
    }
}

/// Decodes everything that keeps to its schema; the rest is told and left out.
pub fn decode(
    document: &Document,
    inventory: &Inventory,
    schema: &Schema,
    diagnostics: &mut Diagnostics,
) -> Cluster {
    let mut fine: Vec<&Node> = Vec::new();
    for node in &document.nodes {
        let stage = schema.nodes.get(&node.name.value).and_then(|form| form.stage);
        match stage {
            // the inventory has checked its own, products have become services
            Some(Stage::Inventory | Stage::Product) => {}
            Some(Stage::Service) | None => {
                if check(node, schema, diagnostics) {
                    fine.push(node);
                }
            }
        }
    }
    let names = names(document, &fine, inventory, diagnostics);
    let mut instances: BTreeMap<String, Instance> = BTreeMap::new();
    for node in fine {
        let key = node.key();
        if let Some(first) = instances.get(&key) {
            diagnostics.push(taken(&key, node.head, first.origin.span));
            continue;
        }
        let Some(entry) = find(&node.name.value) else { continue };
        let mut cx = Decode { inventory, names: &names, diagnostics };
        if let Some(instance) = (entry.decode)(node, origin(node), &mut cx) {
            instances.insert(key, instance);
        }
    }
    let instances: Vec<Instance> = instances.into_values().collect();
    let mut by_host = vec![Vec::new(); inventory.hosts.len()];
    for (at, instance) in instances.iter().enumerate() {
        for host in instance.hosts.iter() {
            by_host[host.index()].push(u32::try_from(at).unwrap_or(u32::MAX));
        }
    }
    Cluster { instances, names, by_host }
}

fn taken(key: &str, second: Span, first: Span) -> Diagnostic {
    Diagnostic::error(Code::NameTaken, format!("`{key}` is described twice"))
        .at(second, "the second one")
        .at(first, "the first one")
        .help("give one of them another name, or take it out")
}

fn names(
    document: &Document,
    services: &[&Node],
    inventory: &Inventory,
    diagnostics: &mut Diagnostics,
) -> Names {
    let mut names = Names::default();
    for node in document.nodes.iter().filter(|node| node.is("secret")) {
        let (Some(name), Some(source)) =
            (node.label(), secret_source(node, inventory, diagnostics))
        else {
            continue;
        };
        if let Some(first) = names.secrets.get(name) {
            diagnostics.push(taken(&node.key(), node.head, first.origin.span));
            continue;
        }
        names.secrets.insert(name.to_owned(), SecretDecl { source, origin: origin(node) });
    }
    for node in services.iter().filter(|node| node.is("certificate")) {
        let Some(name) = node.label() else { continue };
        // of two with one name the first stays; the second is told as a service
        if !names.certificates.contains_key(name) {
            let certificate = named_certificate(node, origin(node), diagnostics);
            names.certificates.insert(name.to_owned(), certificate);
        }
    }
    names
}

fn secret_source(
    node: &Node,
    inventory: &Inventory,
    diagnostics: &mut Diagnostics,
) -> Option<SecretSource> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let told = |name: &str| node.child(name).and_then(|it| text(it.args.first()));
    if let Some(generate) = node.child("generate") {
        let length = match generate.prop("length").map(|value| &value.scalar) {
            Some(Scalar::Integer(length)) => usize::try_from(*length).ok()?,
            Some(_) => return None,
            None => 32,
        };
        return Some(SecretSource::Generate { length });
    }
    if let Some(born) = node.child("born-on") {
        let hosts = inventory.resolve(&born.args, diagnostics);
        let [host] = hosts.as_slice() else {
            if !hosts.is_empty() {
                let message = "a secret is made on one host";
                let diagnostic = Diagnostic::error(Code::WrongValue, message);
                let help = "name the host on which the installer runs first";
                diagnostics.push(diagnostic.at(born.head, "").help(help));
            }
            return None;
        };
        inventory.all_managed(&hosts, diagnostics);
        let host = host.value;
        let path = AbsPath::parse(&text(born.prop("path"))?).ok()?;
        return Some(SecretSource::Born { host, path, form: born_form(born, diagnostics)? });
    }
    let given = told("env").map(Giver::Env).or_else(|| told("file").map(Giver::File));
    let prompt = node.child("prompt").map(|_| Giver::Prompt);
    given.or(prompt).map(SecretSource::Given)
}

/// How what is made on a host becomes a value.
fn born_form(born: &Node, diagnostics: &mut Diagnostics) -> Option<BornForm> {
    let word = born.prop("as").and_then(Value::as_str);
    let except = born.child("except");
    if word == Some("tar") {
        let names = except.iter().flat_map(|it| &it.args).filter_map(Value::as_str);
        return Some(BornForm::Tar { except: names.map(str::to_owned).collect() });
    }
    if let Some(except) = except {
        let message = "there is nothing to leave out of one file";
        let diagnostic = Diagnostic::error(Code::OnlyOneOf, message);
        let help = "take `except` out, or name a folder and write `as=\"tar\"`";
        diagnostics.push(diagnostic.at(except.head, "").help(help));
        return None;
    }
    Some(if word == Some("base64") { BornForm::Base64 } else { BornForm::Text })
}
