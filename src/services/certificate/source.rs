//! What a `certificate` node says of who makes it: of `source`, and what goes with each.
//!
//! In: a node that keeps to the schema. Out: a [`Certificate`], before any service is decoded:
//! they refer to it. Not here: what is in the files that it names (see `identity`).

use super::super::declare::VALIDITY;
use super::super::read;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::facts::{Certificate, CertificateSource, Origin};
use crate::model::key_type::KeyType;
use crate::source::{Span, Spanned};
use crate::syntax::node::{Node, Value};

/// What services refer to by the node's name. What is wrong with `source` is told; the rest is
/// looked at as if the cluster's authority made it.
pub fn named(node: &Node, origin: Origin, diagnostics: &mut Diagnostics) -> Certificate {
    let validity = read::first(node, "validity").and_then(read::duration);
    let source = node.child("source");
    let read = source.map(|it| read_source(it, diagnostics));
    let source_kind = read.flatten().unwrap_or(CertificateSource::ClusterCa);
    if let (Some(validity), Some(source)) = (&validity, source)
        && source.label().is_some_and(|it| it != "cluster-ca")
    {
        refuse(
            "`validity` is what the cluster's own authority gives",
            validity.span,
            "take it out: who signs this certificate decides",
            diagnostics,
        );
    }
    let key_type = read::first(node, "key-type").and_then(read::text);
    if let (Some(key_type), Some(why)) = (&key_type, kept_elsewhere(&source_kind)) {
        let help = "take it out: who makes the key decides";
        refuse(why, key_type.span, help, diagnostics);
    }
    Certificate {
        names: read::texts(node, "names"),
        validity: validity.map_or(VALIDITY, |it| it.value),
        key_type: key_type.and_then(|it| KeyType::parse(&it.value)).unwrap_or_default(),
        authority: source.and_then(|it| it.prop("authority")).and_then(read::text),
        source: source_kind,
        origin,
    }
}

/// Why it is not said here of what kind a key is.
fn kept_elsewhere(source: &CertificateSource) -> Option<&'static str> {
    match source {
        CertificateSource::Files { key: Some(_), .. } => {
            Some("a key that a person gives is of the kind that it is")
        }
        CertificateSource::OnHost { .. } => Some("a key on the hosts is of the kind that it is"),
        CertificateSource::ClusterCa | CertificateSource::Files { key: None, .. } => None,
    }
}

fn read_source(node: &Node, diagnostics: &mut Diagnostics) -> Option<CertificateSource> {
    match node.label()? {
        "files" => files(node, diagnostics),
        "on-host" => on_host(node, diagnostics),
        _ => {
            for prop in &node.props {
                let message = format!("the cluster's authority needs no `{}`", prop.name.value);
                let help = "take it out, or write `source \"files\"` or `source \"on-host\"`";
                refuse(&message, prop.name.span, help, diagnostics);
            }
            Some(CertificateSource::ClusterCa)
        }
    }
}

fn files(node: &Node, diagnostics: &mut Diagnostics) -> Option<CertificateSource> {
    let usage = "write `source \"files\" cert=\"certs/www.crt\"`, a file beside the description";
    let cert = read::text(prop(node, "cert", usage, diagnostics)?)?;
    if cert.value.starts_with('/') {
        wrong("the file leaves the description's folder", cert.span, usage, diagnostics);
        return None;
    }
    let key = match node.prop("key") {
        Some(value) if value.annotation.is_none() => {
            let diagnostic = Diagnostic::error(
                Code::Unsafe,
                "a private key lies in no folder that people review",
            );
            let help = "take it out where `clustergen certs csr` made the key; else declare `secret \"www-key\" { file \"…\" }` and write `key=(secret)\"www-key\"`";
            diagnostics.push(diagnostic.at(value.span, "").help(help));
            return None;
        }
        key => key.and_then(read::text),
    };
    Some(CertificateSource::Files { cert, key })
}

fn on_host(node: &Node, diagnostics: &mut Diagnostics) -> Option<CertificateSource> {
    let usage = "write `source \"on-host\" cert=\"/etc/…/fullchain.pem\" key=\"/etc/…/privkey.pem\"`: where the hosts have them";
    let cert = prop(node, "cert", usage, diagnostics);
    let key = prop(node, "key", usage, diagnostics);
    let mut path = |value: &Value| {
        let path = read::path(value).filter(|_| value.annotation.is_none());
        if path.is_none() {
            wrong("this is no path on a host", value.span, usage, diagnostics);
        }
        path
    };
    let (cert, key) = (path(cert?), path(key?));
    Some(CertificateSource::OnHost { cert: cert?, key: key? })
}

fn prop<'a>(
    node: &'a Node,
    name: &str,
    usage: &str,
    diagnostics: &mut Diagnostics,
) -> Option<&'a Value> {
    let found = node.prop(name);
    if found.is_none() {
        let message = format!("`source \"{}\"` needs `{name}`", node.label().unwrap_or_default());
        diagnostics.push(Diagnostic::error(Code::Missing, message).at(node.head, "").help(usage));
    }
    found
}

fn wrong(message: &str, span: Span, help: &str, diagnostics: &mut Diagnostics) {
    diagnostics.push(Diagnostic::error(Code::WrongValue, message).at(span, "").help(help));
}

/// Two things that do not go together.
pub(super) fn refuse(message: &str, span: Span, help: &str, diagnostics: &mut Diagnostics) {
    diagnostics.push(Diagnostic::error(Code::OnlyOneOf, message).at(span, "").help(help));
}

/// The secret that a certificate's file goes with.
pub(super) fn key_secret(certificate: &Certificate) -> Option<&Spanned<String>> {
    match &certificate.source {
        CertificateSource::Files { key, .. } => key.as_ref(),
        _ => None,
    }
}
