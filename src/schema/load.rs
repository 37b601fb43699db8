//! Reads the schema files. They are our own: a fault in them is a fault of clustergen's, found by
//! the first test that loads them.

use super::{Child, Field, NodeSchema, OnlyOne, Schema, Stage, Type, files};
use crate::diag::Diagnostics;
use crate::source::Sources;
use crate::syntax::node::{Node, Scalar, Value};
use crate::syntax::parse_one;

/// Loads the embedded schema.
///
/// # Errors
/// A sentence for clustergen's makers.
pub fn load(sources: &mut Sources) -> Result<Schema, String> {
    let mut schema = Schema::default();
    for (name, text) in files() {
        let id = sources.add(&format!("schema/{name}"), text.to_owned());
        let mut diagnostics = Diagnostics::default();
        let document = parse_one(sources, id, &mut diagnostics);
        if let Some(fault) = diagnostics.sorted().first() {
            return Err(format!("schema/{name}: {}", fault.message));
        }
        for node in &document.nodes {
            let mut loaded = node_schema(node).map_err(|why| format!("schema/{name}: {why}"))?;
            loaded.stage = Some(match node.name.value.as_str() {
                "inventory" => Stage::Inventory,
                "product" => Stage::Product,
                "service" => Stage::Service,
                other => return Err(format!("schema/{name}: `{other}` is no stage")),
            });
            schema.nodes.insert(loaded.name.clone(), loaded);
        }
    }
    Ok(schema)
}

fn node_schema(node: &Node) -> Result<NodeSchema, String> {
    let mut schema = NodeSchema {
        name: text(node.args.first()).ok_or("a node without a name")?,
        doc: text(node.prop("doc")).ok_or_else(|| format!("`{}` has no doc", node.key()))?,
        example: text(node.prop("example")).unwrap_or_default(),
        like: text(node.prop("like")),
        ..NodeSchema::default()
    };
    for part in &node.children {
        match part.name.value.as_str() {
            "arg" => schema.args.push(field(part, true)?),
            "prop" => schema.props.push(field(part, false)?),
            "rest" => {
                let least = integer(part.prop("min")).unwrap_or(1);
                let least = usize::try_from(least).map_err(|_| "a negative `min`")?;
                schema.rest = Some((field(part, false)?, least));
            }
            "child" => schema.children.push(Child {
                node: node_schema(part)?,
                required: flag(part, "required", false),
                repeat: flag(part, "repeat", false),
            }),
            "only-one" => schema.only_one.push(OnlyOne {
                names: part.args.iter().filter_map(|arg| text(Some(arg))).collect(),
                required: flag(part, "required", false),
            }),
            other => return Err(format!("`{other}` in `{}`", node.key())),
        }
    }
    Ok(schema)
}

fn field(node: &Node, required: bool) -> Result<Field, String> {
    let name = text(node.args.first()).ok_or("a field without a name")?;
    let word = text(node.prop("type")).ok_or_else(|| format!("`{name}` has no type"))?;
    let ty = match word.as_str() {
        "string" => Type::String,
        "text" => Type::Text,
        "label" => Type::Label,
        "domain" => Type::Domain,
        "host" => Type::Host,
        "host-or-domain" => Type::HostOrDomain,
        "address" => Type::Address,
        "server" => Type::Server,
        "port" => Type::Port,
        "duration" => Type::Duration,
        "size" => Type::Size,
        "path" => Type::Path,
        "mode" => Type::Mode,
        "account" => Type::Account,
        "login" => Type::Login,
        "file-name" => Type::FileName,
        "variable" => Type::Variable,
        "package" => Type::Package,
        "unit" => Type::Unit,
        "schedule" => Type::Schedule,
        "version" => Type::Version,
        "zone" => Type::Zone,
        "bool" => Type::Bool,
        "secret" => Type::Secret,
        "text-or-secret" => Type::TextOrSecret,
        "location" => Type::Location,
        "file" => Type::LocalFile,
        "file-or-path" => Type::FileOrPath,
        "secret-or-path" => Type::SecretOrPath,
        "integer" => Type::Integer {
            min: integer(node.prop("min")).ok_or("an integer without `min`")?,
            max: integer(node.prop("max")).ok_or("an integer without `max`")?,
        },
        "one-of" => Type::OneOf(node.args[1..].iter().filter_map(|arg| text(Some(arg))).collect()),
        other => return Err(format!("`{name}` is of an unknown type `{other}`")),
    };
    let doc = text(node.prop("doc")).ok_or_else(|| format!("`{name}` has no doc"))?;
    let filled = flag(node, "filled", false);
    Ok(Field { name, ty, required: flag(node, "required", required), filled, doc })
}

fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(str::to_owned)
}

fn integer(value: Option<&Value>) -> Option<i128> {
    match value?.scalar {
        Scalar::Integer(number) => Some(number),
        _ => None,
    }
}

fn flag(node: &Node, name: &str, otherwise: bool) -> bool {
    match node.prop(name).map(|value| &value.scalar) {
        Some(Scalar::Bool(yes)) => *yes,
        _ => otherwise,
    }
}
