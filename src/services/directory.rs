//! `directory`: a folder with its mode and owner.
//!
//! What is in it is whoever's. It is not removed when it is no longer described: there may be
//! somebody's data in it.

use super::decode::set;
use super::{Checking, Declare, Decode, Located, Lowering, Service, read};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::ClaimKind;
use crate::model::host::HostSet;
use crate::model::plan::{Directory, Kind};
use crate::model::value::{AbsPath, Mode};
use crate::source::Spanned;
use crate::syntax::node::{Node, Value};

/// The distribution's own (hier(7)): a slip in their mode or owner locks everybody out.
const TOP: [&str; 19] = [
    "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/media", "/mnt", "/opt", "/proc",
    "/root", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/var",
];

pub(super) struct OwnDirectory {
    path: Spanned<AbsPath>,
    on: HostSet,
    mode: Mode,
    owner: String,
    group: String,
}

impl Service for OwnDirectory {
    const KIND: &'static str = "directory";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        let owner = node.child("owner");
        let word =
            |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or("root").to_owned();
        let mode = read::first(node, "mode").and_then(read::mode);
        Some(Self {
            path: read::path(node.args.first()?)?,
            on: set(&cx.managed_hosts(node, "on")),
            mode: mode.map_or(Mode::known(0o755), |it| it.value),
            owner: word(owner.and_then(|it| it.args.first())),
            group: word(owner.and_then(|it| it.prop("group"))),
        })
    }

    fn hosts(&self) -> HostSet {
        self.on.clone()
    }

    fn declare(&self, _: &Inventory, declare: &mut Declare) {
        declare.claim(&self.on, &self.path.value, ClaimKind::Folder, self.path.span);
    }

    fn check(&self, _: &Checking, diagnostics: &mut Diagnostics) {
        if TOP.contains(&self.path.value.as_str()) {
            let message = format!("`{}` is the distribution's own folder", self.path.value);
            let help = "name a folder of your own below it";
            let diagnostic = Diagnostic::error(Code::Unsafe, message);
            diagnostics.push(diagnostic.at(self.path.span, "").help(help));
        }
    }

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        for service in services {
            let it = service.options;
            let directory = Directory {
                path: it.path.value.clone(),
                mode: it.mode,
                owner: it.owner.clone(),
                group: it.group.clone(),
                exact: true,
            };
            cx.add(service.owner(), Kind::Directory(directory));
        }
    }
}
