//! The container of Gluu Server, as the hosts reach into it.
//!
//! Makes: a command that runs another one in the container, and a unit by which a reload of what
//! lies on the host reaches Apache in there. Everything that is done in the container goes by that
//! command, so how it is entered is said once.

use super::super::part::node;
use super::release::Release;
use super::steps::made;
use super::{Parts, RUN};
use crate::source::Span;
use crate::syntax::node::{Node, Value};

/// A reload of this is one of Apache in the container.
pub(super) const APACHE: &str = "gluu-apache.service";

/// nsenter(1) of util-linux is on every platform; `machinectl shell` passes on no exit code, and
/// Gluu's own `gluu-serverd login` is a shell over ssh that takes no command.
const ENTER: &str = include_str!("../../../templates/gluu/run.sh");

/// Apache is `apache2` or `httpd` there; one that is not up reads what lies there when it starts.
/// `$$` is systemd's `$`.
const RELOAD: &str = "/bin/sh -c 'for unit in apache2 httpd; do \
    if RUN systemctl -q is-active $$unit 2>/dev/null; then RUN systemctl reload $$unit || exit; fi; done'";

pub(super) fn nodes(parts: &Parts, span: Span) -> [Node; 2] {
    [enter(parts, span), apache(parts, span)]
}

fn enter(parts: &Parts, span: Span) -> Node {
    let machine = Release::of(&parts.version).machine;
    let content = format!("#!/bin/sh\n{}machine={machine}\n\n{ENTER}", made(parts));
    node("file", &[RUN], span)
        .with_child(parts.on_all())
        .with_child(node("content", &[&content], span))
        .with_child(node("mode", &["0755"], span))
}

fn apache(parts: &Parts, span: Span) -> Node {
    let set = |directive: &str, value: &str| {
        let args = vec![Value::string(directive, span), Value::string(value, span)];
        Node::new("set", args, span)
    };
    node("unit", &[APACHE], span)
        .with_child(parts.on_all())
        .with_child(node("section", &["Unit"], span).with_child(set(
            "Description",
            "Apache in Gluu Server's container: a reload of this is one there",
        )))
        .with_child(
            node("section", &["Service"], span)
                .with_child(set("Type", "oneshot"))
                .with_child(set("RemainAfterExit", "yes"))
                .with_child(set("ExecStart", "/bin/true"))
                .with_child(set("ExecReload", &RELOAD.replace("RUN", RUN))),
        )
        .with_child(
            node("section", &["Install"], span).with_child(set("WantedBy", "multi-user.target")),
        )
}
