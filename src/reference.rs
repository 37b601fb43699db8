//! The reference of the language, as Markdown that also reads well in a terminal.
//!
//! In: the schema and the platforms. Out: [`whole`], which is `schema/REFERENCE.md`, and
//! [`section`] for one node. Not here: any sentence about a single node; those stand in `schema/`.

use std::collections::BTreeMap;

use crate::Knowledge;
use crate::diag::{and_list, or_list, suggestion};
use crate::platform::Platforms;
use crate::schema::{Child, NodeSchema, OnlyOne, Schema, Stage, Type};

const HEAD: &str = "\
# The language

Every node that a description takes, as `clustergen schema` prints it; `clustergen schema NODE` prints
one of them, and `clustergen schema nginx/site` a node within a node. A description is
[KDL 2](https://kdl.dev): a node has arguments (`\"front\"`), properties (`port=8443`) and, between
braces, children. `include \"hosts.kdl\"` takes in another file of the description's folder.

An argument has to be written where it does not say `optional`. A property or a child may be left
out where it does not say `required`, and a child stands at most once where it does not say how
many. Kinds of values stand in brackets, as [label]; [Types](#types) says what they take.
";

/// The whole reference.
#[must_use]
pub fn whole(knowledge: &Knowledge) -> String {
    let schema = &knowledge.schema;
    let mut out = HEAD.to_owned();
    let stages = [
        (Stage::Inventory, "Inventory", "What there is, before any service is named."),
        (Stage::Service, "Services", "What runs on the hosts, and what lies there."),
        (Stage::Product, "Products", "Services with a product's paths and order filled in."),
    ];
    for (stage, title, sentence) in stages {
        out.push_str(&format!("\n## {title}\n\n{sentence}\n"));
        for node in schema.nodes.values().filter(|node| node.stage == Some(stage)) {
            out.push_str(&format!("\n### {}\n\n{}", node.name, body(node)));
        }
    }
    out.push_str(&format!("\n## Platforms\n\n{}", platforms(&knowledge.platforms)));
    let types = types_of(schema.nodes.values());
    out.push_str(&format!("\n## Types\n\n{}\n", explained(&types)));
    for word in types.keys() {
        out.push_str(&format!("[{word}]: #types\n"));
    }
    out
}

/// One node, as `nginx` or `nginx/site/location`, with the types that it uses.
///
/// # Errors
/// There is no such node: a sentence.
pub fn section(schema: &Schema, path: &str) -> Result<String, String> {
    let node = find(schema, path)?;
    let types = explained(&types_of([node]));
    let types = if types.is_empty() { types } else { format!("\n## Types\n\n{types}") };
    Ok(format!("# {path}\n\n{}{types}", body(node)))
}

fn find<'a>(schema: &'a Schema, path: &str) -> Result<&'a NodeSchema, String> {
    let mut parts = path.split('/');
    let first = parts.next().unwrap_or_default();
    let unknown = |name: &str, place: &str, known: Vec<&str>| {
        let help = suggestion(name, known.iter().copied(), || match known.as_slice() {
            [] => "it has no children".to_owned(),
            known => format!("write {}", or_list(known)),
        });
        format!("{place} no node `{name}`: {help}")
    };
    let top = schema.nodes.get(first);
    let known = || schema.nodes.keys().map(String::as_str).collect();
    let mut node = top.ok_or_else(|| unknown(first, "the language has", known()))?;
    for name in parts {
        let known = || node.children.iter().map(|child| child.node.name.as_str()).collect();
        let child = node.child(name);
        let place = format!("`{}` has", node.name);
        node = &child.ok_or_else(|| unknown(name, &place, known()))?.node;
    }
    Ok(node)
}

/// Sentence, example, and what it takes.
fn body(node: &NodeSchema) -> String {
    let mut out = format!("{}.\n", node.doc);
    if let Some(example) = example(node) {
        out.push_str(&format!("\n```kdl\n{example}\n```\n"));
    }
    let mut list = String::new();
    parts(node, "", &mut list);
    if !list.is_empty() {
        out.push_str(&format!("\n{list}"));
    }
    out
}

/// Arguments, properties and children: a line each, children of children further in.
fn parts(node: &NodeSchema, margin: &str, out: &mut String) {
    let line = |text: String| format!("{margin}- {text}\n");
    for field in &node.args {
        let optional = if field.required { "" } else { ", optional" };
        let kind = kind(&field.ty);
        out.push_str(&line(format!("`{}`, {kind}{optional}: {}", field.name, field.doc)));
    }
    if let Some((field, least)) = &node.rest {
        let least = if *least == 0 { "any number" } else { "at least one" };
        let kind = kind(&field.ty);
        out.push_str(&line(format!("`{}…`, each {kind}, {least}: {}", field.name, field.doc)));
    }
    for field in &node.props {
        let required = if field.required { ", required" } else { "" };
        let kind = kind(&field.ty);
        out.push_str(&line(format!("`{}=`, {kind}{required}: {}", field.name, field.doc)));
    }
    for only in &node.only_one {
        out.push_str(&line(alternatives(only)));
    }
    if let Some(like) = &node.like {
        out.push_str(&line(format!(
            "every child of `{like}`, none of them required: it takes the place of what would be filled in, or adds to it where there may be any number; `reset \"NAME\"` empties such a list first"
        )));
    }
    for child in &node.children {
        out.push_str(&line(headline(child)));
        parts(&child.node, &format!("{margin}  "), out);
    }
}

fn headline(child: &Child) -> String {
    let node = &child.node;
    let count = match (child.required, child.repeat) {
        (true, true) => ", required, any number",
        (true, false) => ", required",
        (false, true) => ", any number",
        (false, false) => "",
    };
    let example = example(node).map_or_else(String::new, |it| format!(". Example: `{it}`"));
    format!("**{}**{count}: {}{example}", node.name, node.doc)
}

/// How it is written, where the name alone does not say it.
fn example(node: &NodeSchema) -> Option<&str> {
    Some(node.example.as_str()).filter(|it| !it.is_empty() && *it != node.name)
}

fn alternatives(only: &OnlyOne) -> String {
    let names = and_list(&only.names);
    if only.required {
        format!("exactly one of {names}")
    } else {
        format!("at most one of {names}")
    }
}

/// A type in a sentence: `a [label]`.
fn kind(ty: &Type) -> String {
    let (article, word) = (ty.article(), ty.word());
    match ty {
        Type::OneOf(words) => or_list(words),
        Type::Integer { min, max } => format!("{article} [{word}] from {min} to {max}"),
        _ => format!("{article} [{word}]"),
    }
}

/// The types that nodes use, but for words, which are written out where they may stand.
fn types_of<'a>(
    nodes: impl IntoIterator<Item = &'a NodeSchema>,
) -> BTreeMap<&'static str, &'a Type> {
    let mut types = BTreeMap::new();
    let mut open: Vec<&NodeSchema> = nodes.into_iter().collect();
    while let Some(node) = open.pop() {
        let rest = node.rest.iter().map(|(field, _)| field);
        for field in node.args.iter().chain(&node.props).chain(rest) {
            if !matches!(field.ty, Type::OneOf(_)) {
                types.insert(field.ty.word(), &field.ty);
            }
        }
        open.extend(node.children.iter().map(|child| &child.node));
    }
    types
}

fn explained(types: &BTreeMap<&str, &Type>) -> String {
    let line = |(word, ty): (&&str, &&Type)| format!("- **{word}**: {}\n", ty.takes());
    types.iter().map(line).collect()
}

fn platforms(platforms: &Platforms) -> String {
    let mut names: BTreeMap<(&str, bool), Vec<&str>> = BTreeMap::new();
    for name in platforms.names() {
        if let Ok(platform) = platforms.find(name) {
            let others = names.entry((&platform.id, platform.proven)).or_default();
            others.extend((name != platform.id).then_some(name));
        }
    }
    let mut out = String::new();
    for ((id, proven), others) in names {
        let also =
            if others.is_empty() { String::new() } else { format!(", also {}", and_list(&others)) };
        let how = if proven {
            "generated files were read by its own programs"
        } else {
            "from documentation"
        };
        out.push_str(&format!("- `{id}`{also}: {how}\n"));
    }
    for (name, reason) in platforms.refused() {
        out.push_str(&format!("- `{name}` is refused: {reason}\n"));
    }
    out
}
