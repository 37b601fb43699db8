//! What the first node's installation hands over to the further ones.
//!
//! `setup.py` draws passwords, keys and key stores, and the others must have the same. It keeps its
//! answers in a file; that, and the folder of certificates, are secrets that are born on the first
//! node. On each further one two steps take them: `setup.py` with the answers and the node's own
//! address, then the certificates in the place of those that it drew there. No password is in an
//! argument list, and what a step needs is gone after it.

use super::super::part::node;
use super::release::Release;
use super::steps::{RESTART, after, file, script, secret_file, step};
use super::{Parts, ROOT, RUN, SETUP};
use crate::source::Span;
use crate::syntax::node::{Node, Value};

/// A node's own below `/etc/certs`: the pair of its Apache, and what it trusts of its directory.
const OWN_CERTIFICATES: [&str; 2] = ["httpd.*", "opendj.*"];

/// What the steps run, which a reviewer reads as files of theirs.
const DECRYPT: &str = include_str!("../../../templates/gluu/decrypt.sh");
const PLAIN: &str = include_str!("../../../templates/gluu/plain.sh");
const MAY_INSTALL: &str = include_str!("../../../templates/gluu/may-install.sh");
const INSTALL: &str = include_str!("../../../templates/gluu/install.sh");
const UNPACK: &str = include_str!("../../../templates/gluu/unpack.sh");
const SAME: &str = include_str!("../../../templates/gluu/same.sh");

/// The secrets, and the steps in their order.
pub(super) fn nodes(parts: &Parts, span: Span) -> Vec<Node> {
    let mut nodes = vec![
        node("secret", &[&parts.admin()], span).with_child(node("prompt", &[], span)),
        answers(parts, span),
        certificates(parts, span),
        installed(parts, span),
    ];
    if !parts.further().is_empty() {
        nodes.extend([setup(parts, span), keys(parts, span)]);
    }
    nodes
}

impl Parts {
    /// The secret that the administrator's password is.
    pub(super) fn admin(&self) -> String {
        format!("{}-admin", self.name)
    }

    fn answers(&self) -> String {
        format!("{}-answers", self.name)
    }

    fn certificates(&self) -> String {
        format!("{}-certificates", self.name)
    }

    /// The step that is done when the first node is installed.
    pub(super) fn installed(&self) -> String {
        format!("{}-installed", self.name)
    }

    /// The last step by which a further node is one.
    pub(super) fn has_keys(&self) -> String {
        format!("{}-certificates", self.name)
    }

    fn set_up(&self) -> String {
        format!("{}-setup", self.name)
    }
}

fn answers(parts: &Parts, span: Span) -> Node {
    let release = Release::of(&parts.version);
    let path = format!("{ROOT}{SETUP}/{}", release.answers);
    let form = if release.is_encrypted { "base64" } else { "text" };
    born(&parts.answers(), parts, (&path, form), span)
}

fn certificates(parts: &Parts, span: Span) -> Node {
    let mut secret =
        born(&parts.certificates(), parts, (&format!("{ROOT}/etc/certs"), "tar"), span);
    if let Some(born) = secret.children.first_mut() {
        born.children.push(node("except", &OWN_CERTIFICATES, span));
    }
    secret
}

fn born(name: &str, parts: &Parts, (path, form): (&str, &str), span: Span) -> Node {
    let born = node("born-on", &[parts.first()], span)
        .with_prop("path", Value::string(path, span))
        .with_prop("as", Value::string(form, span));
    node("secret", &[name], span).with_child(born)
}

/// A person installs the first node, and this waits for it.
fn installed(parts: &Parts, span: Span) -> Node {
    let title = format!(
        "Gluu Server {} is installed by its own guide; `setup.py` was told the hostname {} and, as the administrator's password, what the secret `{}` is",
        parts.version,
        parts.hostname.value,
        parts.admin()
    );
    // who says no in the end has answers, and no more
    let proof = format!(
        "test -s {ROOT}{SETUP}/{} && test -s {ROOT}/etc/gluu/conf/gluu.properties",
        Release::of(&parts.version).answers
    );
    step(&parts.installed(), vec![parts.first_value()], &title, span).with_child(node(
        "proof",
        &[&proof],
        span,
    ))
}

fn setup(parts: &Parts, span: Span) -> Node {
    let is_encrypted = Release::of(&parts.version).is_encrypted;
    let answers_of = if is_encrypted { DECRYPT } else { PLAIN };
    let title = format!(
        "the package of Gluu Server {} is installed and its container up; `setup.py` runs with the answers of {}",
        parts.version,
        parts.first()
    );
    let title = title.as_str();
    let guard = r#"sh -e "$files/guard""#;
    let answers = Release::of(&parts.version).answers;
    let kept = [("answers", answers.to_owned())];
    let proof =
        format!("{RUN} test -s /etc/gluu/conf/gluu.properties && {RUN} test -s {SETUP}/{answers}");
    let mut step = step(&parts.set_up(), parts.further(), title, span)
        .with_child(after(&parts.installed(), parts.first(), span))
        .with_child(secret_file("answers", &parts.answers(), span));
    if is_encrypted {
        step = step.with_child(secret_file("admin", &parts.admin(), span));
    }
    step.with_child(file("address", "{{ host.address }}", span))
        .with_child(file("guard", &script(&kept, &[MAY_INSTALL], parts), span))
        .with_child(file("install", &script(&kept, &[answers_of, INSTALL], parts), span))
        .with_child(node("guard", &[guard], span))
        .with_child(node("run", &[r#"sh -e "$files/install""#], span))
        .with_child(node("proof", &[&proof], span))
}

fn keys(parts: &Parts, span: Span) -> Node {
    let title = "certificates and key stores of the first node are in place";
    step(&parts.has_keys(), parts.further(), title, span)
        .with_child(node("after", &[&parts.set_up()], span))
        .with_child(secret_file("certificates", &parts.certificates(), span))
        .with_child(file("unpack", &script(&[], &[RESTART, UNPACK], parts), span))
        .with_child(file("same", &script(&[], &[SAME], parts), span))
        .with_child(node("run", &[r#"sh -e "$files/unpack""#], span))
        .with_child(node("proof", &[r#"sh -e "$files/same""#], span))
}
