//! All that [`check`](super::check) can find broken, by name.
//!
//! In: a schema. Out: names as `nginx/site/location#path:type`, so that a test can prove that no
//! constraint is without a case. The checks beside this file give each fault such a name.

use crate::schema::{NodeSchema, Schema};

/// Every constraint, sorted; those that begin with `*` hold for all nodes alike.
#[must_use]
pub fn constraints(schema: &Schema) -> Vec<String> {
    let general = ["node:unknown", "property:unknown", "property:repeated", "argument:too-many"];
    let mut list: Vec<String> = general.iter().map(|it| format!("*{it}")).collect();
    list.extend(
        ["*annotation", "*reserved", "*unfilled", "*placeholder", "*reset"].map(str::to_owned),
    );
    for node in schema.nodes.values() {
        collect(node, &node.name, &mut list);
    }
    list.sort();
    list
}

fn collect(node: &NodeSchema, path: &str, list: &mut Vec<String>) {
    let fields = [('#', &node.args), ('@', &node.props)];
    for (sign, fields) in fields {
        for field in fields {
            list.push(format!("{path}{sign}{}:type", field.name));
            if field.required {
                list.push(format!("{path}{sign}{}:missing", field.name));
            }
        }
    }
    if let Some((field, least)) = &node.rest {
        list.push(format!("{path}#{}:type", field.name));
        if *least > 0 {
            list.push(format!("{path}#{}:missing", field.name));
        }
    }
    for only in &node.only_one {
        list.push(format!("{path}:only-one-of-{}", only.names.join("-")));
        if only.required {
            list.push(format!("{path}:none-of-{}", only.names.join("-")));
        }
    }
    for child in &node.children {
        let inner = format!("{path}/{}", child.node.name);
        if child.required {
            list.push(format!("{inner}:missing"));
        }
        if !child.repeat {
            list.push(format!("{inner}:repeated"));
        }
        collect(&child.node, &inner, list);
    }
}
