//! `file`: content of one's own, with the few names that differ from host to host (`content`).

use super::content::Content;
use super::decode::set;
use super::{Checking, Declare, Decode, Located, Lowering, Service, read};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::ClaimKind;
use crate::model::host::HostSet;
use crate::model::plan::{Body, File, Kind, OnChange};
use crate::model::value::{AbsPath, Mode};
use crate::source::Spanned;
use crate::syntax::node::Node;

pub(super) struct OwnFile {
    path: Spanned<AbsPath>,
    on: HostSet,
    content: Content,
    mode: Mode,
    owner: String,
    group: String,
    seed: bool,
    on_change: OnChange,
}

impl Service for OwnFile {
    const KIND: &'static str = "file";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        let on = set(&cx.managed_hosts(node, "on"));
        let content = Content::decode(read::first(node, "content")?, cx)?;
        let secret = content.has_secret();
        let mode = read::first(node, "mode").and_then(read::mode);
        let owner = node.child("owner");
        let word = |value: Option<&crate::syntax::node::Value>| {
            value.and_then(|it| it.as_str()).unwrap_or("root").to_owned()
        };
        Some(Self {
            path: read::path(node.args.first()?)?,
            on,
            content,
            mode: mode.map_or(Mode::known(if secret { 0o600 } else { 0o644 }), |it| it.value),
            owner: word(owner.and_then(|it| it.args.first())),
            group: word(owner.and_then(|it| it.prop("group"))),
            seed: node.child("seed").is_some(),
            on_change: read::on_change(node),
        })
    }

    fn hosts(&self) -> HostSet {
        self.on.clone()
    }

    fn declare(&self, _: &Inventory, declare: &mut Declare) {
        let kind = if self.content.is_own() { ClaimKind::PerHost } else { ClaimKind::Alike };
        declare.claim(&self.on, &self.path.value, kind, self.path.span);
    }

    fn check(&self, _: &Checking, diagnostics: &mut Diagnostics) {
        if self.content.has_secret() && self.mode.bits() & 0o007 != 0 {
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
            let view = file.content.view(cx);
            let resource = File {
                path: file.path.value.clone(),
                mode: file.mode,
                owner: file.owner.clone(),
                group: file.group.clone(),
                seed: file.seed,
                body: Body::Template { name: "file/file", view },
                on_change: file.on_change.clone(),
            };
            cx.add(service.owner(), Kind::File(resource));
        }
    }
}
