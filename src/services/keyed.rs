//! Keys in files that others own, in whatever format: what `properties` and `ini` share.
//!
//! In: nodes with `set` and `unset`. Out: for each file of a host, what is to stand in it, from
//! all the services that have keys there. Not here: what is a format's own (a [`Format`]), and how
//! it writes a line (see `quote`).

use std::collections::BTreeMap;
use std::marker::PhantomData;

use super::content::Content;
use super::decode::set;
use super::{Checking, Declare, Decode, Located, Lowering, Service, read};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::ClaimKind;
use crate::model::host::HostSet;
use crate::model::plan::{KeyFormat, Keys, Kind, OnChange};
use crate::model::value::AbsPath;
use crate::model::view::Fields;
use crate::quote::{Encoding, Piece, Quoted, Text, comment, ini_section};
use crate::source::{Span, Spanned};
use crate::syntax::node::Node;

/// What a format of such files has of its own.
pub(super) trait Format: Send + Sync + 'static {
    /// The node's name.
    const KIND: &'static str;
    const FORMAT: KeyFormat;
    /// How a secret's value is written.
    const ENCODING: Encoding;
    /// What stands between a name and its value, unless the description says.
    const SEPARATOR: &'static str;

    /// A line as it stands in the file; without a value, the line that takes the key out.
    fn line(name: &str, separator: &str, value: Option<&[Piece]>, origin: Span) -> Quoted;
}

pub(super) struct Keyed<F> {
    format: PhantomData<F>,
    path: Spanned<AbsPath>,
    on: HostSet,
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

impl<F: Format> Service for Keyed<F> {
    const KIND: &'static str = F::KIND;

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        let on = set(&cx.managed_hosts(node, "on"));
        let mut keys = Vec::new();
        let mut fine = collect(node, &Spanned::new(String::new(), node.head), &mut keys, cx);
        for section in node.children_named("section") {
            let name = read::text(section.args.first()?)?;
            fine &= collect(section, &name, &mut keys, cx);
        }
        let separator = read::first(node, "separator").and_then(|it| it.as_str());
        let path = read::path(node.args.first()?)?;
        let missing = read::first(node, "missing").and_then(|it| it.as_str());
        fine.then(|| Self {
            format: PhantomData,
            path,
            on,
            keys,
            separator: separator.unwrap_or(F::SEPARATOR).to_owned(),
            create: missing == Some("create"),
            on_change: read::on_change(node),
            head: node.head,
        })
    }

    fn hosts(&self) -> HostSet {
        self.on.clone()
    }

    fn declare(&self, _: &Inventory, declare: &mut Declare) {
        let own = self.keys.iter().any(|key| key.value.as_ref().is_some_and(Content::is_own));
        let kind = if own { ClaimKind::PerHost } else { ClaimKind::Shared };
        declare.claim(&self.on, &self.path.value, kind, self.path.span);
    }

    fn check(&self, _: &Checking, diagnostics: &mut Diagnostics) {
        if self.keys.is_empty() {
            let message = format!("nothing is set in `{}`", self.path.value);
            let help = "add `set \"…\" \"…\"` or `unset \"…\"`, or take it out";
            diagnostics
                .push(Diagnostic::error(Code::Missing, message).at(self.head, "").help(help));
        }
    }

    /// One resource for each file, whoever has keys in it.
    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        let mut files: BTreeMap<&AbsPath, Vec<&Located<Self>>> = BTreeMap::new();
        for service in services {
            files.entry(&service.options.path.value).or_default().push(service);
        }
        for (path, mut services) in files {
            services.sort_by_key(|it| it.options.head);
            let [first, ..] = services.as_slice() else { continue };
            let (owner, span) = (first.owner(), first.options.path.span);
            let options: Vec<&Self> = services.iter().map(|it| it.options).collect();
            let view = Fields::new(span)
                .text("path", comment(path.as_str(), span))
                .list("sections", sections(&options, cx));
            let keys = Keys {
                path: path.clone(),
                format: F::FORMAT,
                create: options.iter().any(|it| it.create),
                template: "keys/wanted.keys",
                view,
                on_change: on_change(&options, cx),
            };
            cx.add(owner, Kind::Keys(keys));
        }
    }
}

/// The keys of a node: of the file, or of a section.
fn collect(node: &Node, section: &Spanned<String>, keys: &mut Vec<Key>, cx: &mut Decode) -> bool {
    let mut fine = true;
    for child in node.children_named("set") {
        let name = child.args.first().and_then(read::text);
        let value = child.args.get(1).and_then(|value| Content::decode(value, cx));
        if let Some(value) = value.as_ref().filter(|it| it.is_of_another_format()) {
            let message = "keys are written as their file's format wants it already";
            let help = "take away what stands behind the secret's name; only `url` and `base64` may stand here";
            let diagnostic = Diagnostic::error(Code::ContentName, message);
            cx.diagnostics.push(diagnostic.at(value.span, "").help(help));
            fine = false;
        }
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

/// Sections by name, those before the first one first, with their lines as they were written.
fn sections<F: Format>(services: &[&Keyed<F>], cx: &mut Lowering) -> Vec<Fields> {
    let mut seen: BTreeMap<(&str, &str), Span> = BTreeMap::new();
    let mut sections: BTreeMap<&str, (Span, Vec<Text>)> = BTreeMap::new();
    for service in services {
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

fn line<F: Format>(service: &Keyed<F>, key: &Key, cx: &mut Lowering) -> Text {
    let pieces = key.value.as_ref().map(|value| value.pieces(cx, F::ENCODING));
    let (name, span) = (key.name.value.as_str(), key.name.span);
    // what is wrong is the value, where the key alone could be written
    let place = match &key.value {
        Some(value) if F::line(name, "", None, span).is_ok() => value.span,
        _ => span,
    };
    cx.text(F::line(name, &service.separator, pieces.as_deref(), span), place)
}

fn twice<F>(service: &Keyed<F>, key: &Key, first: Span, cx: &mut Lowering) {
    let message = format!("`{}` is set twice in `{}`", key.name.value, service.path.value);
    cx.diagnostics.push(
        Diagnostic::error(Code::NameTaken, message)
            .at(key.name.span, "the second one")
            .at(first, "the first one")
            .help("take one of them out"),
    );
}

/// What happens when the file changes: one thing, or nothing.
fn on_change<F>(services: &[&Keyed<F>], cx: &mut Lowering) -> OnChange {
    let mut found: Option<&Keyed<F>> = None;
    for service in services.iter().filter(|it| it.on_change != OnChange::Nothing) {
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
