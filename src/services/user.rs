//! `user`: an account and its group, made before the files that it owns are.
//!
//! One that is there already keeps its number, home and shell, whoever made it; only groups are
//! added. Not here: its home, which is a `directory` like any other.

use super::decode::set;
use super::{Checking, Declare, Decode, Located, Lowering, Service, read};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::{Claim, ClaimKind};
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
    /// Where they are written.
    home: Option<Spanned<AbsPath>>,
    shell: Option<Spanned<AbsPath>>,
}

impl Service for OwnUser {
    const KIND: &'static str = "user";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        let name = read::text(node.args.first()?)?;
        let system = node.child("system").is_some();
        let group = read::first(node, "group").and_then(read::text);
        let written = |child: &str| read::first(node, child).and_then(read::path);
        let path = |written: &Option<Spanned<AbsPath>>, otherwise: &str| {
            let written = written.as_ref().map(|it| it.value.clone());
            written.unwrap_or_else(|| AbsPath::known(otherwise))
        };
        let (own_home, own_shell) = (written("home"), written("shell"));
        let (home, shell) = if system {
            ("/nonexistent".to_owned(), "/usr/sbin/nologin")
        } else {
            (format!("/home/{}", name.value), "/bin/bash")
        };
        let user = User {
            name: name.value.clone(),
            group: group.as_ref().unwrap_or(&name).value.clone(),
            home: path(&own_home, &home),
            shell: path(&own_shell, shell),
            system,
            groups: read::texts(node, "groups").into_iter().map(|it| it.value).collect(),
        };
        let on = set(&cx.managed_hosts(node, "on"));
        Some(Self { name, on, user, group, home: own_home, shell: own_shell })
    }

    fn hosts(&self) -> HostSet {
        self.on.clone()
    }

    fn declare(&self, _: &Inventory, _: &mut Declare) {}

    fn check(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        for name in [Some(&self.name), self.group.as_ref()].into_iter().flatten() {
            if name.value == "root" {
                let message = "`root` is there, and is nobody's to describe";
                let help = "give the program a user and a group of its own";
                let diagnostic = Diagnostic::error(Code::Unsafe, message);
                diagnostics.push(diagnostic.at(name.span, "").help(help));
            }
        }
        for path in [&self.home, &self.shell].into_iter().flatten() {
            if path.value.as_str().contains(':') {
                let message = format!("`{}` has a colon", path.value);
                let help = "choose another path: in `/etc/passwd` a field ends there (passwd(5))";
                let diagnostic = Diagnostic::error(Code::WrongValue, message);
                diagnostics.push(diagnostic.at(path.span, "").help(help));
            }
        }
        self.check_home(cx, diagnostics);
    }

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        for service in services {
            let user = &service.options.user;
            cx.add(service.owner(), Kind::Group(user.group.clone()));
            cx.add(service.owner(), Kind::User(user.clone()));
        }
    }
}

impl OwnUser {
    /// Whether something else of the description makes a file where its home is.
    fn check_home(&self, cx: &Checking, diagnostics: &mut Diagnostics) {
        let home = &self.user.home;
        let file = |it: &&Claim| {
            let file = !matches!(it.kind, ClaimKind::Folder | ClaimKind::Synced { .. });
            file && it.path.covers(home)
        };
        let Some(file) = self.on.iter().find_map(|host| cx.facts.claims_of(host).find(file)) else {
            return;
        };
        let message =
            format!("the home of `{}` would be in the file `{}`", self.name.value, file.path);
        diagnostics.push(
            Diagnostic::error(Code::PathTaken, message)
                .at(self.home.as_ref().map_or(self.name.span, |it| it.span), "")
                .at(file.origin.span, format!("`{}` writes it", file.owner))
                .help("choose another `home`"),
        );
    }
}
