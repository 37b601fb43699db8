//! Keys in files that others own, in whatever format: what `properties` and `ini` share.
//!
//! In: nodes with `set` and `unset`. Out: for each file of a host, what is to stand in it, from
//! all the services that have keys there. Not here: how a format writes a line (see `quote`).

use std::collections::BTreeMap;

use super::content::Content;
use super::decode::set;
use super::lowering::Owner;
use super::{Declare, Decode, Lowering, read};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::facts::ClaimKind;
use crate::model::host::HostSet;
use crate::model::plan::{KeyFormat, Keys, Kind, OnChange};
use crate::model::value::AbsPath;
use crate::model::view::Fields;
use crate::quote::{Encoding, Quoted, Text, comment, ini_line, ini_section, properties_line};
use crate::source::{Span, Spanned};
use crate::syntax::node::Node;

pub(super) struct Keyed {
    format: KeyFormat,
    path: Spanned<AbsPath>,
    pub(super) on: HostSet,
    keys: Vec<Key>,
    separator: String,
    create: bool,
    on_change: OnChange,
    head: Span,
}

struct Key {
    /// Empty before the first one.
    section: Spanned<String>,
    name: Spanned<String>,
    /// `None` is to go.
    value: Option<Content>,
}

/// A service that is nothing but keys.
pub(super) type Located<'a> = (&'a Keyed, Owner<'a>);

impl Keyed {
    pub(super) fn decode(format: KeyFormat, node: &Node, cx: &mut Decode) -> Option<Self> {
        let on = set(&cx.managed_hosts(node, "on"));
        let mut keys = Vec::new();
        let mut fine = collect(node, &Spanned::new(String::new(), node.head), &mut keys, cx);
        for section in node.children_named("section") {
            let name = read::text(section.args.first()?)?;
            fine &= collect(section, &name, &mut keys, cx);
        }
        let separator = read::first(node, "separator").and_then(|it| it.as_str());
        let usual = match format {
            KeyFormat::Properties => "=",
            KeyFormat::Ini => " = ",
        };
        let path = read::path(node.args.first()?)?;
        let missing = read::first(node, "missing").and_then(|it| it.as_str());
        fine.then(|| Self {
            format,
            path,
            on,
            keys,
            separator: separator.unwrap_or(usual).to_owned(),
            create: missing == Some("create"),
            on_change: read::on_change(node),
            head: node.head,
        })
    }

    pub(super) fn declare(&self, declare: &mut Declare) {
        let own = self.keys.iter().any(|key| key.value.as_ref().is_some_and(Content::is_own));
        let kind = if own { ClaimKind::PerHost } else { ClaimKind::Shared };
        declare.claim(&self.on, &self.path.value, kind, self.path.span);
    }

    pub(super) fn check(&self, diagnostics: &mut Diagnostics) {
        if self.keys.is_empty() {
            let message = format!("nothing is set in `{}`", self.path.value);
            let help = "add `set \"…\" \"…\"` or `unset \"…\"`, or take it out";
            diagnostics
                .push(Diagnostic::error(Code::Missing, message).at(self.head, "").help(help));
        }
    }
}

/// The keys of a node: of the file, or of a section.
fn collect(node: &Node, section: &Spanned<String>, keys: &mut Vec<Key>, cx: &mut Decode) -> bool {
    let mut fine = true;
    for child in node.children_named("set") {
        let name = child.args.first().and_then(read::text);
        let value = child.args.get(1).and_then(|value| Content::decode(value, cx));
        match (name, value) {
            (Some(name), Some(value)) => {
                keys.push(Key { section: section.clone(), name, value: Some(value) });
            }
            _ => fine = false,
        }
    }
    for name in read::texts(node, "unset") {
        keys.push(Key { section: section.clone(), name, value: None });
    }
    fine
}

/// One resource for each file, whoever has keys in it.
pub(super) fn lower(services: &[Located], cx: &mut Lowering) {
    let mut files: BTreeMap<&AbsPath, Vec<&Located>> = BTreeMap::new();
    for service in services {
        files.entry(&service.0.path.value).or_default().push(service);
    }
    for (path, mut services) in files {
        services.sort_by_key(|(it, _)| it.head);
        let [(first, owner), ..] = services.as_slice() else { continue };
        let (format, span) = (first.format, first.path.span);
        let view = Fields::new(span)
            .text("path", comment(path.as_str(), span))
            .list("sections", sections(&services, cx));
        let keys = Keys {
            path: path.clone(),
            format,
            create: services.iter().any(|(it, _)| it.create),
            template: "keys/wanted.keys",
            view,
            on_change: on_change(&services, cx),
        };
        cx.add(*owner, Kind::Keys(keys));
    }
}

/// Sections by name, those before the first one first, with their lines as they were written.
fn sections(services: &[&Located], cx: &mut Lowering) -> Vec<Fields> {
    let mut seen: BTreeMap<(&str, &str), Span> = BTreeMap::new();
    let mut sections: BTreeMap<&str, (Span, Vec<Text>)> = BTreeMap::new();
    for (service, _) in services {
        for key in &service.keys {
            let (section, name) = (key.section.value.as_str(), key.name.value.as_str());
            if let Some(first) = seen.insert((section, name), key.name.span) {
                twice(service, key, first, cx);
                continue;
            }
            let line = line(service, key, cx);
            let place = sections.entry(section).or_insert((key.section.span, Vec::new()));
            place.1.push(line);
        }
    }
    let fields = |(name, (span, lines)): (&str, (Span, Vec<Text>))| {
        let name = (!name.is_empty()).then(|| cx.text(ini_section(name, span), span));
        Fields::new(span).maybe("name", "has_name", name).texts("lines", lines)
    };
    sections.into_iter().map(fields).collect()
}

fn line(service: &Keyed, key: &Key, cx: &mut Lowering) -> Text {
    type Line = fn(&str, &str, Option<&[crate::quote::Piece]>, Span) -> Quoted;
    let (encoding, line): (Encoding, Line) = match service.format {
        KeyFormat::Properties => (Encoding::Properties, properties_line),
        KeyFormat::Ini => (Encoding::Ini, ini_line),
    };
    let pieces = key.value.as_ref().map(|value| value.pieces(cx, encoding));
    let (name, span) = (key.name.value.as_str(), key.name.span);
    // what is wrong is the value, where the key alone could be written
    let place = match &key.value {
        Some(value) if line(name, "", None, span).is_ok() => value.span,
        _ => span,
    };
    cx.text(line(name, &service.separator, pieces.as_deref(), span), place)
}

fn twice(service: &Keyed, key: &Key, first: Span, cx: &mut Lowering) {
    let message = format!("`{}` is set twice in `{}`", key.name.value, service.path.value);
    cx.diagnostics.push(
        Diagnostic::error(Code::NameTaken, message)
            .at(key.name.span, "the second one")
            .at(first, "the first one")
            .help("take one of them out"),
    );
}

/// What happens when the file changes: one thing, or nothing.
fn on_change(services: &[&Located], cx: &mut Lowering) -> OnChange {
    let mut found: Option<&Keyed> = None;
    for (service, _) in services.iter().filter(|(it, _)| it.on_change != OnChange::Nothing) {
        match found {
            Some(first) if first.on_change != service.on_change => {
                let path = &service.path.value;
                let message = format!("two things are to happen when `{path}` changes");
                cx.diagnostics.push(
                    Diagnostic::error(Code::OnlyOneOf, message)
                        .at(service.head, "the second one")
                        .at(first.head, "the first one")
                        .help("write the same `reload` or `restart`, or leave one of them out"),
                );
            }
            _ => found = Some(service),
        }
    }
    found.map_or(OnChange::Nothing, |it| it.on_change.clone())
}
