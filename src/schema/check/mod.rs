//! Holds a node against the schema.
//!
//! In: a node. Out: every fault of it at once, each with the constraint that it breaks, by the
//! name that it has in [`constraints`]. Not here: what a type takes (see `types`).

mod constraints;
mod value;

pub use constraints::constraints;

use std::collections::BTreeSet;

use super::{Child, Field, NodeSchema, Schema};
use crate::diag::{Code, Diagnostic, Diagnostics, and_list, or_list, suggestion};
use crate::syntax::node::{Node, Value};

/// Whether a top-level node keeps to its schema.
pub fn check(node: &Node, schema: &Schema, diagnostics: &mut Diagnostics) -> bool {
    match schema.nodes.get(&node.name.value) {
        Some(form) => {
            let mut run = Run { schema, diagnostics, fine: true };
            run.node(node, form, &form.name, true);
            run.fine
        }
        None => {
            diagnostics.push(unknown_top_level(node, schema));
            false
        }
    }
}

fn unknown_top_level(node: &Node, schema: &Schema) -> Diagnostic {
    let name = &node.name.value;
    let known: Vec<&str> = schema.nodes.keys().map(String::as_str).collect();
    let otherwise = || format!("there are {}", and_list(&known));
    let help = suggestion(name, known.iter().copied(), otherwise);
    let message = format!("no service, product or part of the inventory is called `{name}`");
    let diagnostic = Diagnostic::error(Code::UnknownNode, message).at(node.name.span, "");
    diagnostic.help(help).breaks("*node:unknown")
}

struct Run<'a> {
    schema: &'a Schema,
    diagnostics: &'a mut Diagnostics,
    fine: bool,
}

impl Run<'_> {
    fn tell(&mut self, fault: Diagnostic) {
        self.diagnostics.push(fault);
        self.fine = false;
    }

    fn value(&mut self, value: &Value, field: &Field, constraint: &str) {
        if let Some(fault) = value::fault(value, field, constraint) {
            self.tell(fault);
        }
    }

    /// `whole` is false for a node that only changes what a product fills in.
    fn node(&mut self, node: &Node, form: &NodeSchema, path: &str, whole: bool) {
        self.args(node, form, path, whole);
        self.props(node, form, path);
        for child in &node.children {
            self.child(node, child, form, path);
        }
        for child in &form.children {
            self.presence(node, child, path, whole);
        }
        self.only_one(node, form, path, whole);
    }

    fn args(&mut self, node: &Node, form: &NodeSchema, path: &str, whole: bool) {
        for (at, value) in node.args.iter().enumerate() {
            match form.args.get(at).or(form.rest.as_ref().map(|(field, _)| field)) {
                Some(field) => self.value(value, field, &format!("{path}#{}", field.name)),
                None => {
                    let message = format!("`{}` takes {}", form.name, arguments(form));
                    self.tell(
                        Diagnostic::error(Code::TooMany, message)
                            .at(value.span, "one too many")
                            .help(format!("write `{}`", usage(form)))
                            .breaks("*argument:too-many"),
                    );
                }
            }
        }
        let missing = form.args.get(node.args.len()..).unwrap_or_default();
        let rest = form.rest.as_ref().filter(|(_, least)| {
            whole && node.args.len() < form.args.len() + least && missing.is_empty()
        });
        let missing = missing.iter().find(|field| field.required).or(rest.map(|(field, _)| field));
        if let Some(field) = missing {
            let message = format!("`{}` needs {} ({})", form.name, field.name, field.doc);
            self.tell(
                Diagnostic::error(Code::Missing, message)
                    .at(node.head, "")
                    .help(format!("write `{}`", usage(form)))
                    .breaks(format!("{path}#{}:missing", field.name)),
            );
        }
    }

    fn props(&mut self, node: &Node, form: &NodeSchema, path: &str) {
        let mut seen = BTreeSet::new();
        for prop in &node.props {
            let name = &prop.name.value;
            if !seen.insert(name) {
                self.tell(
                    Diagnostic::error(Code::Repeated, format!("`{name}` is written twice"))
                        .at(prop.name.span, "the second one")
                        .help("keep one of them")
                        .breaks("*property:repeated"),
                );
            }
            match form.props.iter().find(|field| field.name == *name) {
                Some(field) => self.value(&prop.value, field, &format!("{path}@{name}")),
                None => {
                    let known: Vec<&str> = form.props.iter().map(|it| it.name.as_str()).collect();
                    let message = format!("`{}` has no property `{name}`", form.name);
                    self.tell(
                        Diagnostic::error(Code::UnknownProperty, message)
                            .at(prop.name.span, "")
                            .help(known_words(name, &known, "property"))
                            .breaks("*property:unknown"),
                    );
                }
            }
        }
        for field in form.props.iter().filter(|field| field.required) {
            if node.prop(&field.name).is_none() {
                let message = format!("`{}` needs the property `{}`", form.name, field.name);
                self.tell(
                    Diagnostic::error(Code::Missing, message)
                        .at(node.head, "")
                        .help(format!("add `{}=…`: {}", field.name, field.doc))
                        .breaks(format!("{path}@{}:missing", field.name)),
                );
            }
        }
    }

    fn child(&mut self, node: &Node, child: &Node, form: &NodeSchema, path: &str) {
        let name = child.name.value.as_str();
        let like = form.like.as_ref().and_then(|like| self.schema.nodes.get(like));
        if let Some(known) = form.child(name) {
            self.node(child, &known.node, &format!("{path}/{name}"), true);
        } else if let Some((service, known)) = like.and_then(|it| Some((it, it.child(name)?))) {
            self.node(child, &known.node, &format!("{}/{name}", service.name), true);
        } else if let Some(service) = like.filter(|_| name == "reset") {
            self.reset(child, service);
        } else {
            let mut known: Vec<&str> =
                form.children.iter().map(|it| it.node.name.as_str()).collect();
            known.extend(like.iter().flat_map(|it| &it.children).map(|it| it.node.name.as_str()));
            let message = format!("`{}` has no `{name}`", node.name.value);
            self.tell(
                Diagnostic::error(Code::UnknownNode, message)
                    .at(child.name.span, "")
                    .help(known_words(name, &known, "child"))
                    .breaks("*node:unknown"),
            );
        }
    }

    /// `reset "include"`: names of children that hold lists.
    fn reset(&mut self, node: &Node, service: &NodeSchema) {
        let names = service.children.iter().map(|it| it.node.name.as_str());
        let lists: Vec<&str> = names.filter(|name| service.repeats(name)).collect();
        let fine = node.args.iter().all(|arg| arg.as_str().is_some_and(|it| lists.contains(&it)));
        if !fine || node.args.is_empty() || !node.props.is_empty() || !node.children.is_empty() {
            self.tell(
                Diagnostic::error(Code::WrongValue, "`reset` takes names of lists")
                    .at(node.head, "")
                    .help(format!("`{}` has the lists {}", service.name, and_list(&lists)))
                    .breaks("*reset"),
            );
        }
    }

    fn presence(&mut self, node: &Node, child: &Child, path: &str, whole: bool) {
        let name = &child.node.name;
        let mut found = node.children_named(name);
        let first = found.next();
        if first.is_none() && child.required && whole {
            self.tell(
                Diagnostic::error(Code::Missing, format!("`{}` needs `{name}`", node.name.value))
                    .at(node.head, "")
                    .help(format!("add `{}`: {}", usage(&child.node), child.node.doc))
                    .breaks(format!("{path}/{name}:missing")),
            );
        }
        if let (false, Some(second)) = (child.repeat, found.next()) {
            self.tell(
                Diagnostic::error(Code::Repeated, format!("`{name}` is written twice"))
                    .at(second.head, "the second one")
                    .help("keep one of them")
                    .breaks(format!("{path}/{name}:repeated")),
            );
        }
    }

    fn only_one(&mut self, node: &Node, form: &NodeSchema, path: &str, whole: bool) {
        for only in &form.only_one {
            let there: Vec<&String> = only
                .names
                .iter()
                .filter(|name| node.child(name).is_some() || node.prop(name).is_some())
                .collect();
            let names = only.names.join("-");
            if there.len() > 1 {
                let message =
                    format!("`{}` takes only one of {}", form.name, and_list(&only.names));
                self.tell(
                    Diagnostic::error(Code::OnlyOneOf, message)
                        .at(node.head, "")
                        .help(format!("keep {}", or_list(&there)))
                        .breaks(format!("{path}:only-one-of-{names}")),
                );
            }
            if there.is_empty() && only.required && whole {
                let message = format!("`{}` needs one of {}", form.name, and_list(&only.names));
                self.tell(
                    Diagnostic::error(Code::OnlyOneOf, message)
                        .at(node.head, "")
                        .help(format!("add {}", or_list(&only.names)))
                        .breaks(format!("{path}:none-of-{names}")),
                );
            }
        }
    }
}

fn known_words(written: &str, known: &[&str], what: &str) -> String {
    suggestion(written, known.iter().copied(), || match known {
        [] => format!("it takes no {what}; take this out"),
        _ => format!("it takes {}", and_list(known)),
    })
}

fn arguments(form: &NodeSchema) -> String {
    match form.args.len() {
        0 => "no argument".to_owned(),
        1 => "one argument".to_owned(),
        n => format!("{n} arguments"),
    }
}

/// How a node is written: its example, or its name.
fn usage(form: &NodeSchema) -> &str {
    if form.example.is_empty() { &form.name } else { &form.example }
}
