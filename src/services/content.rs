//! Text of a person's own, with the few names that differ from host to host.
//!
//! In: a text of the description. Out: its parts, and on a host, what they come to. The only names
//! are `host.name`, `host.address`, `host.fqdn` and `secret("…")`, with an encoding behind the name
//! where the text is XML, JSON or the like; everything else between double
//! braces is a fault, so that no typing error reaches a host.

use super::{Decode, Lowering};
use crate::diag::{Code, Diagnostic};
use crate::model::view::Fields;
use crate::quote::{Encoding, Piece, verbatim};
use crate::source::{Span, Spanned};
use crate::syntax::node::{Node, Value};

/// A text, taken apart.
pub(super) struct Content {
    parts: Vec<Part>,
    pub(super) span: Span,
}

/// A piece of it.
enum Part {
    Literal(String),
    HostName,
    HostAddress,
    HostFqdn,
    /// Its name, and the encoding that was asked for.
    Secret(String, Option<Encoding>),
}

impl Content {
    /// Takes a text apart at its double braces; `(secret)"name"` is nothing but the secret.
    pub(super) fn decode(value: &Value, cx: &mut Decode) -> Option<Self> {
        let text = Spanned::new(value.as_str()?.to_owned(), value.span);
        let parts = if value.annotation.is_some() {
            cx.secret(&text)?;
            vec![Part::Secret(text.value, None)]
        } else {
            parts(&text, cx)?
        };
        Some(Self { parts, span: value.span })
    }

    /// The files that a node's commands find as `$files/NAME`.
    pub(super) fn files(node: &Node, cx: &mut Decode) -> Option<Vec<(String, Self)>> {
        let mut files = Vec::new();
        for child in node.children_named("file") {
            let [name, content] = child.args.as_slice() else { continue };
            files.push((name.as_str()?.to_owned(), Self::decode(content, cx)?));
        }
        Some(files)
    }

    pub(super) fn secrets(&self) -> impl Iterator<Item = &String> {
        self.parts.iter().filter_map(|part| match part {
            Part::Secret(name, _) => Some(name),
            _ => None,
        })
    }

    pub(super) fn has_secret(&self) -> bool {
        self.secrets().next().is_some()
    }

    /// Whether a secret is written in the words of another format than the file's own. What is
    /// plain in every format goes into any.
    pub(super) fn is_of_another_format(&self) -> bool {
        let plain = [Encoding::Url, Encoding::Base64];
        let other = |part: &Part| matches!(part, Part::Secret(_, Some(it)) if !plain.contains(it));
        self.parts.iter().any(other)
    }

    /// Whether it may differ from host to host.
    pub(super) fn is_own(&self) -> bool {
        self.parts.iter().any(|part| !matches!(part, Part::Literal(_)))
    }

    /// For the template of a whole file.
    pub(super) fn view(&self, cx: &mut Lowering) -> Fields {
        let pieces = self.pieces(cx, Encoding::Raw);
        let mut text: String = pieces.iter().map(Piece::as_str).collect();
        // the template ends the last line
        if text.ends_with('\n') {
            text.pop();
        }
        Fields::new(self.span).text("content", verbatim(text, self.span))
    }

    /// What it comes to on a host; secrets are tokens for their values in this encoding.
    pub(super) fn pieces(&self, cx: &mut Lowering, encoding: Encoding) -> Vec<Piece> {
        let host = cx.this();
        let (name, fqdn) = (host.name.clone(), host.fqdn.clone());
        let address = host.address(None).ip.to_string();
        let piece = |part: &Part| match part {
            Part::Literal(literal) => Piece::Text(literal.clone()),
            Part::HostName => Piece::Text(name.clone()),
            Part::HostAddress => Piece::Text(address.clone()),
            Part::HostFqdn => Piece::Text(fqdn.clone()),
            Part::Secret(key, own) => Piece::Token(cx.secret(key, own.unwrap_or(encoding))),
        };
        self.parts.iter().map(piece).collect()
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
        let [Part::Secret(name, _), next] = pair else { continue };
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
    let (secret, encoding) = call.map_or((None, None), |call| match call.split_once(',') {
        Some((secret, encoding)) => (quoted(secret.trim()), Some(encoding.trim())),
        None => (quoted(call.trim()), None),
    });
    if let Some(secret) = secret {
        let encoding = match encoding {
            Some(word) => Some(asked_for(word, span, cx)?),
            None => None,
        };
        cx.secret(&Spanned::new(secret.clone(), span))?;
        return Some(Part::Secret(secret, encoding));
    }
    unknown(name, "this is none of them", span, cx);
    None
}

/// The encoding behind a secret's name.
fn asked_for(word: &str, span: Span, cx: &mut Decode) -> Option<Encoding> {
    let known = Encoding::ASKED_FOR;
    let found = known.into_iter().find(|it| word == format!("\"{}\"", it.word()));
    if found.is_none() {
        let words: Vec<&str> = known.iter().map(|it| it.word()).collect();
        let message = format!("`{word}` is no way in which a secret is written");
        let help = format!("write {}, in quotes; or leave it out", words.join(", "));
        let diagnostic = Diagnostic::error(Code::ContentName, message);
        cx.diagnostics.push(diagnostic.at(span, "").help(help));
    }
    found
}

fn unknown(name: &str, label: &str, span: Span, cx: &mut Decode) {
    let shown: String = name.chars().take_while(|c| *c != '\n').take(40).collect();
    let message = format!("`{shown}` is no name between braces");
    let help = "the names are `host.name`, `host.address`, `host.fqdn`, `secret(\"…\")` and `secret(\"…\", \"xml\")`; \
                `{{ \"{{\" }}` writes the braces";
    cx.diagnostics.push(Diagnostic::error(Code::ContentName, message).at(span, label).help(help));
}
