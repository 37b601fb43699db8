//! Links and doors for programs: every host by its name, every door with the addresses from which
//! its visitors come. The format's number changes with what programs rely on.

use serde::Serialize;

use super::{doors, sources};
use crate::inventory::Inventory;
use crate::model::facts::{Audience, Facts, Link};
use crate::model::host::{HostId, HostSet};
use crate::model::name::Label;

#[derive(Serialize)]
struct LinksJson<'a> {
    format: u32,
    cluster: &'a str,
    links: Vec<LinkJson<'a>>,
    hosts: Vec<HostJson<'a>>,
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct LinkJson<'a> {
    from: Vec<&'a str>,
    to: Vec<&'a str>,
    port: u16,
    protocol: &'static str,
    /// Which of the target's addresses is dialled, where it has one for this.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    purpose: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<TlsJson<'a>>,
    why: &'a str,
    node: &'a str,
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct TlsJson<'a> {
    certificate: &'a str,
    /// `null`: the name by which the target is dialled.
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct HostJson<'a> {
    name: &'a str,
    managed: bool,
    addresses: Vec<String>,
    doors: Vec<DoorJson<'a>>,
}

#[derive(Serialize)]
struct DoorJson<'a> {
    port: u16,
    protocol: &'static str,
    audience: &'static str,
    described: bool,
    what: Vec<String>,
    from: Vec<&'a str>,
    addresses: Vec<String>,
}

/// One object, printed for people too.
#[must_use]
pub fn json(inventory: &Inventory, facts: &Facts) -> String {
    let mut links: Vec<LinkJson> = facts.links.iter().map(|it| link(inventory, it)).collect();
    links.sort();
    let json = LinksJson {
        format: 1,
        cluster: &inventory.cluster.name,
        links,
        hosts: inventory.ids().map(|id| host(inventory, facts, id)).collect(),
    };
    // nothing in here can fail to be written: strings, numbers and lists
    serde_json::to_string_pretty(&json).unwrap_or_default() + "\n"
}

fn names<'a>(inventory: &'a Inventory, set: &HostSet) -> Vec<&'a str> {
    set.iter().map(|host| inventory.host(host).name.as_str()).collect()
}

fn link<'a>(inventory: &'a Inventory, link: &'a Link) -> LinkJson<'a> {
    LinkJson {
        from: names(inventory, &link.from),
        to: names(inventory, &link.to.hosts),
        port: link.to.port.get(),
        protocol: link.to.protocol.word(),
        purpose: link.to.purpose.as_ref().map(Label::as_str),
        tls: link
            .tls
            .as_ref()
            .map(|tls| TlsJson { certificate: &tls.leaf, name: tls.name.as_deref() }),
        why: &link.why,
        node: &link.origin.path,
    }
}

fn host<'a>(inventory: &'a Inventory, facts: &Facts, id: HostId) -> HostJson<'a> {
    let host = inventory.host(id);
    let doors = doors(facts, id).into_iter().map(|door| DoorJson {
        port: door.port.get(),
        protocol: door.protocol.word(),
        audience: match door.audience {
            Audience::Public => "public",
            Audience::Peers => "peers",
        },
        described: door.described,
        addresses: sources(inventory, &door.visitors(id))
            .iter()
            .map(|(ip, _)| ip.to_string())
            .collect(),
        from: names(inventory, &door.from),
        what: door.what.into_iter().collect(),
    });
    HostJson {
        name: &host.name,
        managed: host.managed,
        addresses: host.addresses.iter().map(|it| it.ip.to_string()).collect(),
        doors: doors.collect(),
    }
}
