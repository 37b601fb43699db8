//! `certificate`: a name for a key pair, and the places where hosts keep theirs.
//!
//! Every host that shows it has a key of its own, signed by the cluster's authority: a stolen key
//! is one host's. Services that refer to a certificate place their own copy.

use super::decode::set;
use super::{Checking, Declare, Decode, Located, Lowering, Service, read};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::model::facts::{ClaimKind, Usage};
use crate::model::host::HostSet;
use crate::model::plan::{Body, File, Kind, OnChange};
use crate::model::value::{AbsPath, Duration, Mode};
use crate::source::{Span, Spanned};
use crate::syntax::node::Node;

pub(super) struct Certificate {
    name: String,
    names: Vec<String>,
    validity: Spanned<Duration>,
    places: Vec<Place>,
}

struct Place {
    hosts: HostSet,
    cert: Spanned<AbsPath>,
    key: Spanned<AbsPath>,
    owner: String,
    group: String,
    reload: Option<String>,
}

impl Service for Certificate {
    const KIND: &'static str = "certificate";

    fn decode(node: &Node, cx: &mut Decode) -> Option<Self> {
        let name = node.label()?.to_owned();
        let known = cx.names.certificates.get(&name)?.clone();
        let span = read::first(node, "validity").map_or(node.head, |value| value.span);
        let mut places = Vec::new();
        for child in node.children_named("on") {
            let only = Node::new(Self::KIND, Vec::new(), node.head).with_child(child.clone());
            places.push(Place {
                hosts: set(&cx.managed_hosts(&only, "on")),
                cert: read::path(child.prop("cert")?)?,
                key: read::path(child.prop("key")?)?,
                owner: child.prop("owner").and_then(|it| it.as_str()).unwrap_or("root").to_owned(),
                group: child.prop("group").and_then(|it| it.as_str()).unwrap_or("root").to_owned(),
                reload: child.prop("reload").and_then(|it| it.as_str()).map(str::to_owned),
            });
        }
        Some(Self {
            name,
            names: known.names.into_iter().map(|name| name.value).collect(),
            validity: Spanned::new(known.validity, span),
            places,
        })
    }

    fn hosts(&self) -> HostSet {
        self.places.iter().flat_map(|place| place.hosts.iter().collect::<Vec<_>>()).collect()
    }

    fn declare(&self, inventory: &Inventory, declare: &mut Declare) {
        for place in &self.places {
            let form = (Usage::Server, self.validity.value);
            declare.leaf(&place.hosts, &self.name, &self.names, form, inventory);
            for path in [&place.cert, &place.key] {
                declare.claim(&place.hosts, &path.value, ClaimKind::PerHost, path.span);
            }
        }
    }

    fn check(&self, _: &Checking, diagnostics: &mut Diagnostics) {
        if self.validity.value.days() == 0 {
            let message = format!("`{}` is too short for a certificate", self.validity.value);
            diagnostics.push(
                Diagnostic::error(Code::WrongValue, message)
                    .at(self.validity.span, "")
                    .help("write a day at least, as `397d`"),
            );
        }
    }

    fn lower(services: &[Located<Self>], cx: &mut Lowering) {
        for service in services {
            let here = service.options.places.iter().filter(|place| place.hosts.contains(cx.host));
            for place in here.collect::<Vec<_>>() {
                lower_place(service, place, cx);
            }
        }
    }
}

fn lower_place(service: &Located<Certificate>, place: &Place, cx: &mut Lowering) {
    let name = &service.options.name;
    let on_change = place.reload.clone().map_or(OnChange::Nothing, OnChange::Reload);
    let pem = cx.leaf(name).map(|leaf| leaf.pem.clone()).unwrap_or_default();
    let token = cx.private_key(name);
    let file = |path: &Spanned<AbsPath>, mode: u16, body: Body| File {
        path: path.value.clone(),
        mode: Mode::known(mode),
        owner: place.owner.clone(),
        group: place.group.clone(),
        body,
        on_change: on_change.clone(),
    };
    // a group that is named may read the key: it is named for nothing else
    let key_mode = if place.group == "root" { 0o600 } else { 0o640 };
    let origin_at = |span: Span| crate::model::facts::Origin { span, ..service.origin.clone() };
    for (path, mode, body) in [
        (&place.cert, 0o644, Body::Certificate { pem }),
        (&place.key, key_mode, Body::Secret { token }),
    ] {
        let origin = origin_at(path.span);
        let owner = super::lowering::Owner { key: service.key, origin: &origin };
        cx.add(owner, Kind::File(file(path, mode, body)));
    }
}
