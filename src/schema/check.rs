//! Holds a node against the schema. Tells every fault; each names the constraint that it breaks,
//! so that a test can prove that no constraint is without a case.

use std::collections::BTreeSet;

use super::{Child, Field, NodeSchema, Schema, Type};
use crate::diag::{Code, Diagnostic, Diagnostics, and_list, or_list, suggestion};
use crate::quote::RESERVED;
use crate::source::Span;
use crate::syntax::node::{Node, Scalar, Value};

/// Every constraint that [`check`] can find broken, as `nginx/site/location#path:type`.
///
/// The first few hold for all nodes alike.
#[must_use]
pub fn constraints(schema: &Schema) -> Vec<String> {
    let general = ["node:unknown", "property:unknown", "property:repeated", "argument:too-many"];
    let mut list: Vec<String> = general.iter().map(|it| format!("*{it}")).collect();
    list.extend(["*annotation", "*reserved", "*placeholder", "*reset"].map(str::to_owned));
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
    let mut diagnostic =
        Diagnostic::error(Code::UnknownNode, message).at(node.name.span, "").help(help);
    diagnostic.constraint = Some("*node:unknown".to_owned());
    diagnostic
}

struct Run<'a> {
    schema: &'a Schema,
    diagnostics: &'a mut Diagnostics,
    fine: bool,
}

impl Run<'_> {
    fn fault(
        &mut self,
        code: Code,
        message: String,
        span: Span,
        label: &str,
        help: String,
        constraint: String,
    ) {
        let mut diagnostic = Diagnostic::error(code, message).at(span, label).help(help);
        diagnostic.constraint = Some(constraint);
        self.diagnostics.push(diagnostic);
        self.fine = false;
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
                None => self.fault(
                    Code::TooMany,
                    format!("`{}` takes {}", form.name, arguments(form)),
                    value.span,
                    "one too many",
                    format!("write `{}`", usage(form)),
                    "*argument:too-many".to_owned(),
                ),
            }
        }
        let missing = form.args.get(node.args.len()..).unwrap_or_default();
        let rest = form.rest.as_ref().filter(|(_, least)| {
            whole && node.args.len() < form.args.len() + least && missing.is_empty()
        });
        let missing = missing.iter().find(|field| field.required).or(rest.map(|(field, _)| field));
        if let Some(field) = missing {
            self.fault(
                Code::Missing,
                format!("`{}` needs {}", form.name, described(field)),
                node.head,
                "",
                format!("write `{}`", usage(form)),
                format!("{path}#{}:missing", field.name),
            );
        }
    }

    fn props(&mut self, node: &Node, form: &NodeSchema, path: &str) {
        let mut seen = BTreeSet::new();
        for prop in &node.props {
            let name = &prop.name.value;
            if !seen.insert(name) {
                self.fault(
                    Code::Repeated,
                    format!("`{name}` is written twice"),
                    prop.name.span,
                    "the second one",
                    "keep one of them".to_owned(),
                    "*property:repeated".to_owned(),
                );
            }
            match form.props.iter().find(|field| field.name == *name) {
                Some(field) => self.value(&prop.value, field, &format!("{path}@{name}")),
                None => {
                    let known: Vec<&str> = form.props.iter().map(|it| it.name.as_str()).collect();
                    self.fault(
                        Code::UnknownProperty,
                        format!("`{}` has no property `{name}`", form.name),
                        prop.name.span,
                        "",
                        known_words(name, &known, "property"),
                        "*property:unknown".to_owned(),
                    );
                }
            }
        }
        for field in form.props.iter().filter(|field| field.required) {
            if node.prop(&field.name).is_none() {
                self.fault(
                    Code::Missing,
                    format!("`{}` needs the property `{}`", form.name, field.name),
                    node.head,
                    "",
                    format!("add `{}=…`: {}", field.name, field.doc),
                    format!("{path}@{}:missing", field.name),
                );
            }
        }
    }

    fn value(&mut self, value: &Value, field: &Field, constraint: &str) {
        if let Some(annotation) = &value.annotation
            && !(matches!(field.ty, Type::Secret | Type::TextOrSecret | Type::SecretOrPath)
                && annotation.value == "secret")
        {
            self.fault(
                Code::Annotation,
                format!("`({})` says nothing here", annotation.value),
                annotation.span,
                "",
                "only secrets are annotated, as `(secret)\"name\"`; take it out".to_owned(),
                "*annotation".to_owned(),
            );
            return;
        }
        if field.ty == Type::Secret && value.annotation.is_none() {
            self.fault(
                Code::WrongValue,
                format!("{} is no reference to a secret", shown(value)),
                value.span,
                "",
                "write `(secret)\"name\"`, and declare `secret \"name\"`; no value stands in a description".to_owned(),
                format!("{constraint}:type"),
            );
            return;
        }
        if let Scalar::String(text) = &value.scalar {
            if text.contains(RESERVED) || text.contains('\0') {
                self.fault(
                    Code::Reserved,
                    "the characters U+0000 to U+0005 are not taken".to_owned(),
                    value.span,
                    "",
                    "take them out".to_owned(),
                    "*reserved".to_owned(),
                );
                return;
            }
            if text.contains("CGSECRET_") {
                self.fault(
                    Code::Reserved,
                    "`CGSECRET_` marks the place of a secret in a file".to_owned(),
                    value.span,
                    "",
                    "take it out; `{{ secret(\"…\") }}` puts a secret there".to_owned(),
                    "*reserved".to_owned(),
                );
                return;
            }
            if let Some(what) = placeholder(text) {
                self.fault(
                    Code::Placeholder,
                    format!("{what} is a placeholder that was left in"),
                    value.span,
                    "",
                    format!("write the real {}: {}", field.ty.word(), field.doc),
                    "*placeholder".to_owned(),
                );
                return;
            }
        }
        if let Err(wrong) = field.ty.check(value) {
            self.fault(
                Code::WrongValue,
                format!("{} {}", shown(value), wrong.why),
                value.span,
                &field.doc,
                wrong.help,
                format!("{constraint}:type"),
            );
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
            self.fault(
                Code::UnknownNode,
                format!("`{}` has no `{name}`", node.name.value),
                child.name.span,
                "",
                known_words(name, &known, "child"),
                "*node:unknown".to_owned(),
            );
        }
    }

    /// `reset "include"`: names of children that hold lists.
    fn reset(&mut self, node: &Node, service: &NodeSchema) {
        let names = service.children.iter().map(|it| it.node.name.as_str());
        let lists: Vec<&str> = names.filter(|name| service.repeats(name)).collect();
        let fine = node.args.iter().all(|arg| arg.as_str().is_some_and(|it| lists.contains(&it)));
        if !fine || node.args.is_empty() || !node.props.is_empty() || !node.children.is_empty() {
            self.fault(
                Code::WrongValue,
                "`reset` takes names of lists".to_owned(),
                node.head,
                "",
                format!("`{}` has the lists {}", service.name, and_list(&lists)),
                "*reset".to_owned(),
            );
        }
    }

    fn presence(&mut self, node: &Node, child: &Child, path: &str, whole: bool) {
        let name = &child.node.name;
        let mut found = node.children_named(name);
        let first = found.next();
        if first.is_none() && child.required && whole {
            self.fault(
                Code::Missing,
                format!("`{}` needs `{name}`", node.name.value),
                node.head,
                "",
                format!("add `{}`: {}", usage(&child.node), child.node.doc),
                format!("{path}/{name}:missing"),
            );
        }
        if let (false, Some(second)) = (child.repeat, found.next()) {
            self.fault(
                Code::Repeated,
                format!("`{name}` is written twice"),
                second.head,
                "the second one",
                "keep one of them".to_owned(),
                format!("{path}/{name}:repeated"),
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
                self.fault(
                    Code::OnlyOneOf,
                    format!("`{}` takes only one of {}", form.name, and_list(&only.names)),
                    node.head,
                    "",
                    format!("keep {}", or_list(&there)),
                    format!("{path}:only-one-of-{names}"),
                );
            }
            if there.is_empty() && only.required && whole {
                self.fault(
                    Code::OnlyOneOf,
                    format!("`{}` needs one of {}", form.name, and_list(&only.names)),
                    node.head,
                    "",
                    format!("add {}", or_list(&only.names)),
                    format!("{path}:none-of-{names}"),
                );
            }
        }
    }
}

/// Texts that guides leave for people to fill in (`xxx.xxx`, `<password>`, `changeme`).
fn placeholder(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let angled = text.starts_with('<') && text.ends_with('>') && text.len() > 2;
    let known = lower.contains("xxx.xxx")
        || ["changeme", "change-me", "change_me"].contains(&lower.as_str())
        || (angled
            && text[1..text.len() - 1]
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_ ".contains(c)));
    known.then(|| format!("`{text}`"))
}

/// A value as a message shows it: in backticks, cut where it is long.
fn shown(value: &Value) -> String {
    let text = match &value.scalar {
        Scalar::String(text) => text.clone(),
        Scalar::Integer(number) => number.to_string(),
        Scalar::Float(number) => number.to_string(),
        Scalar::Bool(yes) => format!("#{yes}"),
        Scalar::Null => "#null".to_owned(),
    };
    let line: String = text.chars().map(|c| if c.is_control() { '·' } else { c }).collect();
    if line.chars().count() > 60 {
        return format!("`{}…`", line.chars().take(60).collect::<String>());
    }
    format!("`{line}`")
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

fn described(field: &Field) -> String {
    format!("{} ({})", field.name, field.doc)
}

/// How a node is written: its example, or its name.
fn usage(form: &NodeSchema) -> &str {
    if form.example.is_empty() { &form.name } else { &form.example }
}
