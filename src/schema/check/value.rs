//! Holds a value against its field.
//!
//! In: a value, the field that it stands for. Out: the first thing that is wrong with it; the rest
//! would follow from that.

use crate::diag::{Code, Diagnostic};
use crate::quote::RESERVED;
use crate::schema::{Field, Type};
use crate::syntax::node::{Scalar, Value};

pub(super) fn fault(value: &Value, field: &Field, constraint: &str) -> Option<Diagnostic> {
    let constraint = format!("{constraint}:type");
    annotation(value, field)
        .or_else(|| no_secret(value, field, &constraint))
        .or_else(|| value.as_str().and_then(|text| ours(text, value)))
        .or_else(|| value.as_str().and_then(|text| unfilled(text, value, field)))
        .or_else(|| value.as_str().and_then(|text| left_in(text, value, field)))
        .or_else(|| wrong_type(value, field, &constraint))
}

fn annotation(value: &Value, field: &Field) -> Option<Diagnostic> {
    let annotation = value.annotation.as_ref()?;
    let takes_secrets = matches!(field.ty, Type::Secret | Type::TextOrSecret | Type::SecretOrPath);
    if takes_secrets && annotation.value == "secret" {
        return None;
    }
    let message = format!("`({})` says nothing here", annotation.value);
    let help = "only secrets are annotated, as `(secret)\"name\"`; take it out";
    let diagnostic = Diagnostic::error(Code::Annotation, message).at(annotation.span, "");
    Some(diagnostic.help(help).breaks("*annotation"))
}

fn no_secret(value: &Value, field: &Field, constraint: &str) -> Option<Diagnostic> {
    if field.ty != Type::Secret || value.annotation.is_some() {
        return None;
    }
    let message = format!("{} is no reference to a secret", shown(value));
    let help =
        "write `(secret)\"name\"`, and declare `secret \"name\"`; no value stands in a description";
    let diagnostic = Diagnostic::error(Code::WrongValue, message).at(value.span, "");
    Some(diagnostic.help(help).breaks(constraint))
}

/// What clustergen keeps for itself.
fn ours(text: &str, value: &Value) -> Option<Diagnostic> {
    let (message, help) = if text.contains(RESERVED) || text.contains('\0') {
        ("the characters U+0000 to U+0005 are not taken", "take them out")
    } else if text.contains("CGSECRET_") {
        let help = "take it out; `{{ secret(\"…\") }}` puts a secret there";
        ("`CGSECRET_` marks the place of a secret in a file", help)
    } else {
        return None;
    };
    let diagnostic = Diagnostic::error(Code::Reserved, message).at(value.span, "");
    Some(diagnostic.help(help).breaks("*reserved"))
}

/// What would be filled in elsewhere, and here would reach the hosts as it is written. Braces of
/// others, as in `docker ps --format '{{.Names}}'`, are nothing of ours.
fn unfilled(text: &str, value: &Value, field: &Field) -> Option<Diagnostic> {
    let path_of_a_host = field.ty == Type::FileOrPath && text.starts_with('/');
    if field.filled && !path_of_a_host {
        return None;
    }
    let mut names = text.split("{{").skip(1).map(|it| it.split("}}").next().unwrap_or(it).trim());
    let name = names.find(|name| {
        ["host.name", "host.address", "host.fqdn"].contains(name) || name.starts_with("secret(")
    })?;
    let message = format!("`{{{{ {name} }}}}` is not filled in here, and would stay as it is");
    let help = "filled in is what stands in a `file`'s `content`, in the files of `step` and `ensure`, and what \
                `properties` and `ini` set: write it there, and have that read";
    let diagnostic = Diagnostic::error(Code::ContentName, message).at(value.span, "");
    Some(diagnostic.help(help).breaks("*unfilled"))
}

fn left_in(text: &str, value: &Value, field: &Field) -> Option<Diagnostic> {
    if !is_placeholder(text) {
        return None;
    }
    let message = format!("`{text}` is a placeholder that was left in");
    let help = format!("write the real {}: {}", field.ty.word(), field.doc);
    let diagnostic = Diagnostic::error(Code::Placeholder, message).at(value.span, "");
    Some(diagnostic.help(help).breaks("*placeholder"))
}

fn wrong_type(value: &Value, field: &Field, constraint: &str) -> Option<Diagnostic> {
    let wrong = field.ty.check(value).err()?;
    let message = format!("{} {}", shown(value), wrong.why);
    let diagnostic = Diagnostic::error(Code::WrongValue, message).at(value.span, &field.doc);
    Some(diagnostic.help(wrong.help).breaks(constraint))
}

/// Texts that guides leave for people to fill in (`xxx.xxx`, `<password>`, `changeme`).
fn is_placeholder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let inner = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    let word = |inner: &str| {
        let mut letters = inner.chars();
        !inner.is_empty() && letters.all(|c| c.is_ascii_alphanumeric() || "-_ ".contains(c))
    };
    lower.contains("xxx.xxx")
        || ["changeme", "change-me", "change_me"].contains(&lower.as_str())
        || inner.is_some_and(word)
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
