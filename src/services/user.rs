//! `user`: an account and its group, made before the files that it owns are.
//!
//! One that is there already keeps its number, home and shell, whoever made it; only groups are
//! added. Not here: its home, which is a `directory` like any other.

use super::decode::set;
use super::{Checking, Declare, Decode, Located, Lowering, Service, read};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::host::HostSet;
use crate::model::plan::{Kind, User};
use crate::model::value::AbsPath;
use crate::source::Spanned;
use crate::syntax::node::Node;

pub(super) struct OwnUser {
    name: Spanned<String>,
    on: HostSet,
    user: User,
    group: Option<Spanned<String>>,
}

impl Service for OwnUser {
    const KIND: &'static str = "user";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        let name = read::text(node.args.first()?)?;
        let system = node.child("system").is_some();
        let group = read::first(node, "group").and_then(read::text);
        let path = |child: &str, otherwise: &str| {
            let written = read::first(node, child).and_then(read::path);
            written.map_or_else(|| AbsPath::known(otherwise), |it| it.value)
        };
        let (home, shell) = if system {
            ("/nonexistent".to_owned(), "/usr/sbin/nologin")
        } else {
            (format!("/home/{}", name.value), "/bin/bash")
        };
        let user = User {
            name: name.value.clone(),
            group: group.as_ref().unwrap_or(&name).value.clone(),
            home: path("home", &home),
            shell: path("shell", shell),
            system,
            groups: read::texts(node, "groups").into_iter().map(|it| it.value).collect(),
        };
        Some(Self { name, on: set(&cx.managed_hosts(node, "on")), user, group })
    }

    fn hosts(&self) -> HostSet {
        self.on.clone()
    }

    fn declare(&self, _: &Inventory, _: &mut Declare) {}

    fn check(&self, _: &Checking, diagnostics: &mut Diagnostics) {
        for name in [Some(&self.name), self.group.as_ref()].into_iter().flatten() {
            if name.value == "root" {
                let message = "`root` is there, and is nobody's to describe";
                let help = "give the program a user and a group of its own";
                let diagnostic = Diagnostic::error(Code::Unsafe, message);
                diagnostics.push(diagnostic.at(name.span, "").help(help));
            }
        }
    }

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        for service in services {
            let user = &service.options.user;
            cx.add(service.owner(), Kind::Group(user.group.clone()));
            cx.add(service.owner(), Kind::User(user.clone()));
        }
    }
}
