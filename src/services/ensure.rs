//! `ensure`: something that is no file, and has to be so on a host with each apply.
//!
//! Its commands are the person's own. What they read lies on the host, root's alone, so that they can be
//! asked at any time: unlike a one-time step, it is state, and `--check` says where it is not so.
//!
//! It is made so last, when the units of the same bundle are up: an application that is told of a tunnel
//! may use it at once, and no tunnel that does not come up is told of.

use super::content::Content;
use super::decode::set;
use super::{Checking, Declare, Decode, Located, Lowering, Service, read};
use crate::diag::Diagnostics;
use crate::inventory::Inventory;
use crate::model::facts::ClaimKind;
use crate::model::host::HostSet;
use crate::model::own;
use crate::model::plan::{Body, Condition, Ensure, Kind, OnChange};
use crate::model::value::AbsPath;
use crate::quote::sh_word;
use crate::source::Spanned;
use crate::syntax::node::Node;

pub(super) struct OwnEnsure {
    name: String,
    on: HostSet,
    title: String,
    after: Vec<Spanned<String>>,
    files: Vec<(String, Content)>,
    holds: Spanned<String>,
    run: Spanned<String>,
    on_change: OnChange,
}

impl Service for OwnEnsure {
    const KIND: &'static str = "ensure";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        let name = node.label()?.to_owned();
        let text = |child: &str| read::first(node, child).and_then(read::text);
        Some(Self {
            on: set(&cx.managed_hosts(node, "on")),
            title: text("title").map_or_else(|| name.clone(), |it| it.value),
            after: read::texts(node, "after"),
            files: Content::files(node, cx)?,
            holds: text("holds")?,
            run: text("run")?,
            on_change: read::on_change(node),
            name,
        })
    }

    fn hosts(&self) -> HostSet {
        self.on.clone()
    }

    fn declare(&self, inventory: &Inventory, declare: &mut Declare) {
        for host in self.on.iter() {
            for step in &self.after {
                declare.waits_for(host, step);
            }
        }
        let folder = self.folder(&inventory.cluster.name);
        for (name, content) in &self.files {
            let path = AbsPath::known(format!("{folder}/{name}"));
            declare.claim(&self.on, &path, ClaimKind::PerHost, content.span);
        }
    }

    fn check(&self, _: &Checking, _: &mut Diagnostics) {}

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        for service in services {
            let ensure = service.options;
            let from = ensure.lower_files(service, cx);
            let holds = vec![ensure.command(&ensure.holds, cx)];
            let run = vec![ensure.command(&ensure.run, cx)];
            let kind = Kind::Ensure(Ensure {
                key: ensure.name.clone(),
                title: ensure.title.clone(),
                holds,
                run,
                from,
                last: true,
                on_change: ensure.on_change.clone(),
            });
            let steps = ensure.after.iter().map(|it| it.value.clone()).collect();
            cx.add_when(service.owner(), kind, Condition { steps, folder: None });
        }
    }
}

impl OwnEnsure {
    fn folder(&self, cluster: &str) -> String {
        own::folder(cluster, Self::KIND, &self.name)
    }

    fn lower_files(&self, service: &Located<Self>, cx: &mut Lowering) -> Vec<AbsPath> {
        let folder = self.folder(&cx.inventory.cluster.name);
        if !self.files.is_empty() {
            cx.directory(service.owner(), &folder, 0o700);
        }
        let mut paths = Vec::new();
        for (name, content) in &self.files {
            let path = format!("{folder}/{name}");
            let body = Body::Template { name: "file/file", view: content.view(cx) };
            cx.root_file(service.owner(), &path, 0o600, body, OnChange::Nothing);
            paths.push(AbsPath::known(path));
        }
        paths
    }

    /// A line of sh: the command as one quoted word, so that a brace too many is its own fault.
    fn command(&self, command: &Spanned<String>, cx: &mut Lowering) -> String {
        let word = cx.text(sh_word(command.value.trim_end(), command.span), command.span);
        let shell = format!("sh -ec {}", word.as_str());
        if self.files.is_empty() {
            return shell;
        }
        format!("files={} {shell}", self.folder(&cx.inventory.cluster.name))
    }
}
