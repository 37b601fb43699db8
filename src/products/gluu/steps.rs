//! Parts of what is done on Gluu's nodes: one-time steps, and what is seen to from then on.
//!
//! What they run is a file of its own, so that a reviewer reads sh and not quoted sh. The scripts lie
//! in `templates/gluu/`; what they have to know of the cluster stands before them.

use super::super::part::node;
use super::{Parts, ROOT, RUN, SETUP};
use crate::source::Span;
use crate::syntax::node::{Node, Value};

/// How to work in the container, before a script that does.
pub(super) const INSIDE: &str = include_str!("../../../templates/gluu/inside.sh");
pub(super) const RESTART: &str = include_str!("../../../templates/gluu/restart.sh");
const DECODE: &str = include_str!("../../../templates/gluu/decode.py");

/// A step on some of the nodes.
pub(super) fn step(name: &str, on: Vec<Value>, title: &str, span: Span) -> Node {
    titled("step", name, on, title, span)
}

/// What has to be so on some of the nodes.
pub(super) fn ensure(name: &str, on: Vec<Value>, title: &str, span: Span) -> Node {
    titled("ensure", name, on, title, span)
}

fn titled(kind: &str, name: &str, on: Vec<Value>, title: &str, span: Span) -> Node {
    let title = node("title", &[title], span);
    node(kind, &[name], span).with_child(Node::new("on", on, span)).with_child(title)
}

/// What comes before, on a host.
pub(super) fn after(step: &str, on: &str, span: Span) -> Node {
    node("after", &[step], span).with_prop("on", Value::string(on, span))
}

/// What the step finds as `$files/NAME`.
pub(super) fn file(name: &str, content: &str, span: Span) -> Node {
    node("file", &[name, content], span)
}

/// A file with nothing but a secret in it.
pub(super) fn secret_file(name: &str, secret: &str, span: Span) -> Node {
    file(name, &format!("{{{{ secret(\"{secret}\") }}}}"), span)
}

/// Where a file of ours comes from.
pub(super) fn made(parts: &Parts) -> String {
    let name = &parts.name;
    format!(
        "# Made by clustergen for gluu[{name}]: what is changed here is lost with the next apply.\n"
    )
}

/// By which a script reads what Gluu keeps encoded.
pub(super) fn decode(parts: &Parts, span: Span) -> Node {
    file("decode.py", &(made(parts) + DECODE), span)
}

/// Scripts as one, with the variables that they use and are told here before them.
pub(super) fn script(told: &[(&str, String)], scripts: &[&str], parts: &Parts) -> String {
    let known = [
        ("run", RUN.to_owned()),
        ("root", ROOT.to_owned()),
        ("setup", SETUP.to_owned()),
        ("first", parts.first().to_owned()),
        ("admin", parts.admin()),
    ];
    let used = |name: &str| scripts.iter().any(|it| it.contains(&format!("${name}")));
    let known = known.iter().filter(|(name, _)| used(name));
    let lines: Vec<String> =
        known.chain(told).map(|(name, value)| format!("{name}='{value}'\n")).collect();
    format!("#!/bin/sh\n{}{}\n{}", made(parts), lines.concat(), scripts.join("\n"))
}
