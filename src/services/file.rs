//! `file`: content of one's own, with the few names that differ from host to host.
//!
//! The only names are `host.name`, `host.address`, `host.fqdn` and `secret("…")`; everything else
//! between double braces is a fault, so that no typing error reaches a host.

use super::decode::set;
use super::{Checking, Declare, Decode, Located, Lowering, Service, read};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::ClaimKind;
use crate::model::host::HostSet;
use crate::model::plan::{Body, Encoding, File, Kind, OnChange};
use crate::model::value::{AbsPath, Mode};
use crate::model::view::Fields;
use crate::quote::verbatim;
use crate::source::{Span, Spanned};
use crate::syntax::node::Node;

pub(super) struct OwnFile {
    path: Spanned<AbsPath>,
    on: HostSet,
    parts: Vec<Part>,
    span: Span,
    mode: Mode,
    owner: String,
    group: String,
    on_change: OnChange,
}

/// A piece of the content.
enum Part {
    Literal(String),
    HostName,
    HostAddress,
    HostFqdn,
    Secret(String),
}

impl Service for OwnFile {
    const KIND: &'static str = "file";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        let content = read::text(read::first(node, "content")?)?;
        let on = set(&cx.managed_hosts(node, "on"));
        let parts = parts(&content, cx)?;
        let secret = parts.iter().any(|part| matches!(part, Part::Secret(_)));
        let mode = read::first(node, "mode").and_then(read::mode);
        let owner = node.child("owner");
        let word = |value: Option<&crate::syntax::node::Value>| {
            value.and_then(|it| it.as_str()).unwrap_or("root").to_owned()
        };
        let unit =
            |child: &str| read::first(node, child).and_then(|it| it.as_str()).map(str::to_owned);
        Some(Self {
            path: read::path(node.args.first()?)?,
            on,
            parts,
            span: content.span,
            mode: mode.map_or(Mode::known(if secret { 0o600 } else { 0o644 }), |it| it.value),
            owner: word(owner.and_then(|it| it.args.first())),
            group: word(owner.and_then(|it| it.prop("group"))),
            on_change: unit("reload")
                .map(OnChange::Reload)
                .or_else(|| unit("restart").map(OnChange::Restart))
                .unwrap_or(OnChange::Nothing),
        })
    }

    fn hosts(&self) -> HostSet {
        self.on.clone()
    }

    fn declare(&self, _: &Inventory, declare: &mut Declare) {
        let own = self.parts.iter().any(|part| !matches!(part, Part::Literal(_)));
        let kind = if own { ClaimKind::PerHost } else { ClaimKind::Alike };
        declare.claim(&self.on, &self.path.value, kind, self.path.span);
    }

    fn check(&self, _: &Checking, diagnostics: &mut Diagnostics) {
        if self.path.value.as_str() == "/" {
            let diagnostic = Diagnostic::error(Code::WrongValue, "`/` is a folder, and no file");
            let help = "name the file, as `/etc/motd`";
            diagnostics.push(diagnostic.at(self.path.span, "").help(help));
        }
        let secret = self.parts.iter().any(|part| matches!(part, Part::Secret(_)));
        if secret && self.mode.bits() & 0o007 != 0 {
            let message = format!("everybody may read a secret in `{}`", self.path.value);
            diagnostics.push(
                Diagnostic::error(Code::Unsafe, message)
                    .at(self.path.span, format!("its mode is {}", self.mode))
                    .help("write `mode \"0640\"` and name the group that reads it"),
            );
        }
    }

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        for service in services {
            let file = service.options;
            let host = cx.this();
            let (name, fqdn) = (host.name.clone(), host.fqdn.clone());
            let address = host.address(None).ip.to_string();
            let mut text = String::new();
            for part in &file.parts {
                match part {
                    Part::Literal(literal) => text.push_str(literal),
                    Part::HostName => text.push_str(&name),
                    Part::HostAddress => text.push_str(&address),
                    Part::HostFqdn => text.push_str(&fqdn),
                    Part::Secret(key) => text.push_str(&cx.secret(key, Encoding::Raw)),
                }
            }
            // the template ends the last line
            if text.ends_with('\n') {
                text.pop();
            }
            let view = Fields::new(file.span).text("content", verbatim(text, file.span));
            let resource = File {
                path: file.path.value.clone(),
                mode: file.mode,
                owner: file.owner.clone(),
                group: file.group.clone(),
                body: Body::Template { name: "file/file", view },
                on_change: file.on_change.clone(),
            };
            cx.add(service.owner(), Kind::File(resource));
        }
    }
}

/// Takes the content apart at its double braces.
fn parts(content: &Spanned<String>, cx: &mut Decode) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = content.value.as_str();
    let mut fine = true;
    while let Some(open) = rest.find("{{") {
        parts.push(Part::Literal(rest[..open].to_owned()));
        let Some(close) = end_of_braces(&rest[open..]) else {
            unknown(&rest[open..], "the braces are not closed", content.span, cx);
            return None;
        };
        let name = rest[open + 2..open + close].trim();
        match part(name, content.span, cx) {
            Some(part) => parts.push(part),
            None => fine = false,
        }
        rest = &rest[open + close + 2..];
    }
    parts.push(Part::Literal(rest.to_owned()));
    fine &= secrets_stand_apart(&parts, content.span, cx);
    fine.then_some(parts)
}

/// A token ends where a character comes that is no part of one.
fn secrets_stand_apart(parts: &[Part], span: Span, cx: &mut Decode) -> bool {
    let mut fine = true;
    let parts: Vec<&Part> = parts
        .iter()
        .filter(|part| !matches!(part, Part::Literal(text) if text.is_empty()))
        .collect();
    for pair in parts.windows(2) {
        let [Part::Secret(name), next] = pair else { continue };
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let apart = matches!(next, Part::Literal(text) if !text.starts_with(word));
        if !apart {
            let message = format!("text stands right behind the secret `{name}`");
            let help = "put a space, a quote or a line break between them";
            cx.diagnostics
                .push(Diagnostic::error(Code::Unquotable, message).at(span, "").help(help));
            fine = false;
        }
    }
    fine
}

/// Where `}}` closes, strings left out: `{{ "{{" }}`.
fn end_of_braces(text: &str) -> Option<usize> {
    let mut quoted = false;
    for (at, c) in text.char_indices().skip(2) {
        match c {
            '"' => quoted = !quoted,
            '\n' => return None,
            '}' if !quoted && text[at..].starts_with("}}") => return Some(at),
            _ => {}
        }
    }
    None
}

fn part(name: &str, span: Span, cx: &mut Decode) -> Option<Part> {
    match name {
        "host.name" => return Some(Part::HostName),
        "host.address" => return Some(Part::HostAddress),
        "host.fqdn" => return Some(Part::HostFqdn),
        _ => {}
    }
    let quoted = |text: &str| Some(text.strip_prefix('"')?.strip_suffix('"')?.to_owned());
    if let Some(literal) = quoted(name) {
        return Some(Part::Literal(literal));
    }
    let call = name.strip_prefix("secret(").and_then(|it| it.strip_suffix(')'));
    if let Some(secret) = call.and_then(|it| quoted(it.trim())) {
        cx.secret(&Spanned::new(secret.clone(), span))?;
        return Some(Part::Secret(secret));
    }
    unknown(name, "this is none of them", span, cx);
    None
}

fn unknown(name: &str, label: &str, span: Span, cx: &mut Decode) {
    let shown: String = name.chars().take_while(|c| *c != '\n').take(40).collect();
    let message = format!("`content` does not know `{shown}`");
    let help = "the names are `host.name`, `host.address`, `host.fqdn` and `secret(\"…\")`; \
                `{{ \"{{\" }}` writes the braces";
    cx.diagnostics.push(Diagnostic::error(Code::ContentName, message).at(span, label).help(help));
}
