//! What an `opendj` node says, typed, each value with its place.

use crate::model::host::HostId;
use crate::model::value::{AbsPath, Port, Version};
use crate::services::after::After;
use crate::services::{Decode, read};
use crate::source::{Span, Spanned};
use crate::syntax::node::Node;

pub(in crate::services) struct Opendj {
    pub(super) name: String,
    /// The first one's data is given to the others.
    pub(super) servers: Vec<Spanned<HostId>>,
    pub(super) version: Option<Spanned<Version>>,
    pub(super) bases: Vec<Spanned<String>>,
    pub(super) folder: Spanned<AbsPath>,
    pub(super) container: Option<Container>,
    pub(super) java: Option<Spanned<AbsPath>>,
    pub(super) bind_dn: Spanned<String>,
    pub(super) password: String,
    pub(super) admin: Spanned<String>,
    /// One is made where it is not said.
    pub(super) admin_password: Option<String>,
    pub(super) ports: Ports,
    pub(super) restart: Spanned<String>,
    pub(super) after: Vec<After>,
    pub(super) vendor_certificates: Option<Span>,
    /// Whether the servers are all that were meant.
    pub(super) complete: bool,
    pub(super) span: Span,
}

pub(super) struct Container {
    pub(super) path: Spanned<AbsPath>,
    pub(super) enter: Spanned<AbsPath>,
}

pub(super) struct Ports {
    pub(super) admin: Spanned<Port>,
    pub(super) replication: Spanned<Port>,
    pub(super) ldaps: Spanned<Port>,
}

pub(super) fn decode(node: &Node, cx: &mut Decode) -> Option<Opendj> {
    let text = |child: &str| read::first(node, child).and_then(read::text);
    let or = |child: &str, otherwise: &str| {
        text(child).unwrap_or_else(|| Spanned::new(otherwise.to_owned(), node.head))
    };
    let path = |child: &str| read::first(node, child).and_then(read::path);
    let password = text("password")?;
    cx.secret(&password)?;
    let admin_password =
        node.child("admin").and_then(|it| it.prop("password")).and_then(read::text);
    if let Some(secret) = &admin_password {
        cx.secret(secret)?;
    }
    let container = node.child("container").and_then(|child| {
        let path = read::path(child.args.first()?)?;
        Some(Container { path, enter: read::path(child.prop("enter")?)? })
    });
    Some(Opendj {
        name: node.label()?.to_owned(),
        complete: cx.inventory.is_whole(read::all(node, "servers")),
        servers: cx.managed_hosts(node, "servers"),
        version: read::first(node, "version").and_then(read::version),
        bases: read::texts(node, "base"),
        folder: path("folder")
            .unwrap_or_else(|| Spanned::new(AbsPath::known("/opt/opendj"), node.head)),
        container,
        java: path("java"),
        bind_dn: or("bind-dn", "cn=Directory Manager"),
        password: password.value,
        admin: or("admin", "admin"),
        admin_password: admin_password.map(|it| it.value),
        ports: ports(node),
        restart: or("restart", "systemctl restart opendj"),
        after: After::all(node, cx),
        vendor_certificates: node.child("keep-vendor-certificates").map(|it| it.head),
        span: node.head,
    })
}

fn ports(node: &Node) -> Ports {
    let port = |child: &str, otherwise: u16| {
        let written =
            node.child("ports").and_then(|it| read::first(it, child)).and_then(read::port);
        written.unwrap_or(Spanned::new(Port::known(otherwise), node.head))
    };
    Ports {
        admin: port("admin", 4444),
        replication: port("replication", 8989),
        ldaps: port("ldaps", 1636),
    }
}
