//! `logrotate`: logs that are put away, compressed, and in the end thrown away.
//!
//! Not here: when logrotate runs, which is the distribution's timer or crontab, once a day.

use super::decode::set;
use super::rotation::{Rotation, path};
use super::{Checking, Declare, Decode, Located, Lowering, Service, read};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::ClaimKind;
use crate::model::host::HostSet;
use crate::model::value::{AbsPath, Size};
use crate::quote::{Text, fixed, logrotate_path, logrotate_script, raw_lines};
use crate::source::{Span, Spanned};
use crate::syntax::node::{Node, Value};

pub(super) struct Logrotate {
    name: Spanned<String>,
    on: HostSet,
    paths: Vec<Spanned<AbsPath>>,
    /// Whole lines in logrotate's words, of parts that stand as they are in every format.
    options: Vec<Spanned<String>>,
    /// logrotate's word, and the lines.
    scripts: Vec<(&'static str, Spanned<String>)>,
    extra: Vec<Spanned<String>>,
}

/// Options without a value: ours, and logrotate's.
const FLAGS: [(&str, &str); 7] = [
    ("compress", "compress"),
    ("delay-compress", "delaycompress"),
    ("missing-ok", "missingok"),
    ("not-if-empty", "notifempty"),
    ("copy-truncate", "copytruncate"),
    ("date-ext", "dateext"),
    ("shared-scripts", "sharedscripts"),
];

const SIZES: [(&str, &str); 3] =
    [("size", "size"), ("max-size", "maxsize"), ("min-size", "minsize")];

const SCRIPTS: [(&str, &str); 2] = [("pre-rotate", "prerotate"), ("post-rotate", "postrotate")];

impl Service for Logrotate {
    const KIND: &'static str = "logrotate";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        let script = |(ours, theirs): &(&str, &'static str)| {
            Some((*theirs, read::first(node, ours).and_then(read::text)?))
        };
        Some(Self {
            name: read::text(node.args.first()?)?,
            on: set(&cx.managed_hosts(node, "on")),
            paths: read::all(node, "path").into_iter().filter_map(read::path).collect(),
            options: options(node),
            scripts: SCRIPTS.iter().filter_map(script).collect(),
            extra: read::texts(node, "extra"),
        })
    }

    fn hosts(&self) -> HostSet {
        self.on.clone()
    }

    fn declare(&self, _: &Inventory, declare: &mut Declare) {
        let path = AbsPath::known(path(&self.name.value));
        declare.claim(&self.on, &path, ClaimKind::Alike, self.name.span);
    }

    fn check(&self, _: &Checking, diagnostics: &mut Diagnostics) {
        for (path, first, second) in
            super::declare::twice(&self.paths, |it| (it.value.as_str(), it.span))
        {
            diagnostics.push(
                Diagnostic::error(Code::NameTaken, format!("`{path}` is named twice"))
                    .at(second, "the second time")
                    .at(first, "the first time")
                    .help("keep one of them"),
            );
        }
    }

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        for service in services {
            let own = service.options;
            let paths = own
                .paths
                .iter()
                .map(|path| cx.text(logrotate_path(path.value.as_str(), path.span), path.span));
            let paths: Vec<Text> = paths.collect();
            let options = own.options.iter().map(|line| fixed(&line.value, line.span));
            let scripts = own.scripts.iter().map(|(word, lines)| {
                (fixed(word, lines.span), cx.text(logrotate_script(lines), lines.span))
            });
            let rotation = Rotation {
                name: &own.name.value,
                paths,
                options: options.collect(),
                scripts: scripts.collect(),
                extra: own.extra.iter().map(|lines| raw_lines(lines, 4)).collect(),
            };
            rotation.lower(service.owner(), service.origin.span, cx);
        }
    }
}

/// What a block says, in the order in which the schema has it.
fn options(node: &Node) -> Vec<Spanned<String>> {
    let mut lines = Vec::new();
    let mut line = |text: String, span: Span| lines.push(Spanned::new(text, span));
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if let Some(every) = read::first(node, "every") {
        line(word(every), every.span);
    }
    for (ours, theirs) in SIZES {
        if let Some(size) = read::first(node, ours).and_then(read::size) {
            line(format!("{theirs} {}", bytes(size.value)), size.span);
        }
    }
    if let Some(count) = read::first(node, "rotate").and_then(read::integer) {
        line(format!("rotate {}", count.value), count.span);
    }
    for (ours, theirs) in FLAGS {
        if let Some(flag) = node.child(ours) {
            line(theirs.to_owned(), flag.head);
        }
    }
    if let Some(create) = node.child("create") {
        let mode = read::first(node, "create").and_then(read::mode);
        let [owner, group] = ["owner", "group"].map(|it| create.prop(it).map(word));
        if let (Some(mode), Some(owner), Some(group)) = (mode, owner, group) {
            line(format!("create {} {owner} {group}", mode.value), create.head);
        }
    }
    if let Some(su) = node.child("su")
        && let (Some(user), Some(group)) = (su.args.first().map(word), su.prop("group").map(word))
    {
        line(format!("su {user} {group}"), su.head);
    }
    lines
}

/// A size as logrotate(8) has it, with a small `k`.
fn bytes(size: Size) -> String {
    size.to_string().replace('K', "k")
}
