//! `certificate`: a name for a key pair, and the places where hosts keep theirs.
//!
//! - Of the cluster's authority: every host that shows it has a key of its own; a stolen key is one
//!   host's.
//! - Of files: what somebody else signed lies beside the description, its key in the vault.
//! - On the hosts: somebody else keeps the pair there; nothing is put there, and `--verify` looks
//!   at what is.
//!
//! Services that refer to a certificate place their own copy.

mod source;

pub use source::named;

use super::decode::set;
use super::lowering::Owner;
use super::{Checking, Declare, Decode, Located, Lowering, Service, read};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::{self, CertificateSource, ClaimKind, Origin, SecretSource};
use crate::model::host::HostSet;
use crate::model::plan::{Body, Condition, File, Kind, OnChange};
use crate::model::value::{AbsPath, Mode};
use crate::source::{Span, Spanned};
use crate::syntax::node::Node;

pub(super) struct Certificate {
    name: Spanned<String>,
    known: facts::Certificate,
    /// `validity`, or the node.
    validity: Span,
    places: Vec<Place>,
}

struct Place {
    hosts: HostSet,
    cert: Spanned<AbsPath>,
    key: Spanned<AbsPath>,
    owner: String,
    group: String,
    reload: Option<String>,
    /// Only where the host has this folder.
    folder: Option<AbsPath>,
    /// The first of `owner`, `group` and `reload` that is written.
    manner: Option<Span>,
}

impl Service for Certificate {
    const KIND: &'static str = "certificate";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        let name = read::text(node.args.first()?)?;
        let known = cx.names.certificates.get(&name.value)?.clone();
        let validity = read::first(node, "validity").map_or(node.head, |value| value.span);
        if let Some(key) = source::key_secret(&known) {
            given_secret(key, cx)?;
        }
        let mut places = Vec::new();
        for child in node.children_named("on") {
            let only = Node::new(Self::KIND, Vec::new(), node.head).with_child(child.clone());
            let manner = ["owner", "group", "reload"].iter().find_map(|it| child.prop(it));
            places.push(Place {
                hosts: set(&cx.managed_hosts(&only, "on")),
                cert: read::path(child.prop("cert")?)?,
                key: read::path(child.prop("key")?)?,
                owner: child.prop("owner").and_then(|it| it.as_str()).unwrap_or("root").to_owned(),
                group: child.prop("group").and_then(|it| it.as_str()).unwrap_or("root").to_owned(),
                reload: child.prop("reload").and_then(|it| it.as_str()).map(str::to_owned),
                folder: child.prop("where").and_then(read::path).map(|it| it.value),
                manner: manner.map(|it| it.span),
            });
        }
        Some(Self { name, known, validity, places })
    }

    fn hosts(&self) -> HostSet {
        self.places.iter().flat_map(|place| place.hosts.iter().collect::<Vec<_>>()).collect()
    }

    fn declare(&self, inventory: &Inventory, declare: &mut Declare) {
        for place in &self.places {
            declare.shows(&place.hosts, &self.name.value, &self.known, inventory);
            if self.known.is_on_host() {
                continue;
            }
            for path in [&place.cert, &place.key] {
                declare.claim(&place.hosts, &path.value, ClaimKind::PerHost, path.span);
            }
        }
    }

    fn check(&self, _: &Checking, diagnostics: &mut Diagnostics) {
        if self.known.validity.days() == 0 {
            let message = format!("`{}` is too short for a certificate", self.known.validity);
            diagnostics.push(
                Diagnostic::error(Code::WrongValue, message)
                    .at(self.validity, "")
                    .help("write a day at least, as `397d`"),
            );
        }
        for span in self.places.iter().filter_map(|place| place.manner) {
            if self.known.is_on_host() {
                let message = "`source \"on-host\"` puts nothing on the host";
                let help =
                    "take `owner`, `group` and `reload` out: who keeps the pair sees to them";
                source::refuse(message, span, help, diagnostics);
            }
        }
    }

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        for service in services {
            let here = service.options.places.iter().filter(|place| place.hosts.contains(cx.host));
            for place in here.collect::<Vec<_>>() {
                let Certificate { name, known, .. } = service.options;
                if let CertificateSource::OnHost { .. } = known.source {
                    let pair = [&place.cert, &place.key];
                    cx.kept_by_others(service.owner(), (&name.value, known), pair, &[]);
                } else {
                    lower_place(service, place, cx);
                }
            }
        }
    }
}

/// A private key is one that a person has: nothing draws it.
fn given_secret(key: &Spanned<String>, cx: &mut Decode) -> Option<()> {
    let secret = cx.secret(key)?;
    if !matches!(secret.source, SecretSource::Generate { .. }) {
        return Some(());
    }
    let message = format!("the secret `{}` is letters and digits, and no private key", key.value);
    let help = "declare it with `file`, `env` or `prompt`; or take `key` out and have `clustergen certs csr` make the key";
    cx.diagnostics.push(
        Diagnostic::error(Code::WrongValue, message)
            .at(key.span, "")
            .at(secret.origin.span, "`generate` stands here")
            .help(help),
    );
    None
}

fn lower_place(service: &Located<Certificate>, place: &Place, cx: &mut Lowering) {
    let name = &service.options.name.value;
    let on_change = place.reload.clone().map_or(OnChange::Nothing, OnChange::Reload);
    let pem = cx.leaf(name).map(|leaf| leaf.pem.clone()).unwrap_or_default();
    let token = cx.private_key(name);
    let file = |path: &Spanned<AbsPath>, mode: u16, body: Body| File {
        path: path.value.clone(),
        mode: Mode::known(mode),
        owner: place.owner.clone(),
        group: place.group.clone(),
        seed: false,
        body,
        on_change: on_change.clone(),
    };
    // a group that is named may read the key: it is named for nothing else
    let key_mode = if place.group == "root" { 0o600 } else { 0o640 };
    let condition = Condition { folder: place.folder.clone(), steps: Vec::new() };
    let origin_at = |span: Span| Origin { span, ..service.origin.clone() };
    for (path, mode, body) in [
        (&place.cert, 0o644, Body::Certificate { pem }),
        (&place.key, key_mode, Body::Secret { token }),
    ] {
        let origin = origin_at(path.span);
        let owner = Owner { key: service.key, origin: &origin };
        cx.add_when(owner, Kind::File(file(path, mode, body)), condition.clone());
    }
    cx.shipped_lasts(service.owner(), &place.cert, condition);
}
