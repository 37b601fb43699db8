//! The runbook's chapter of ports: the page that a person hands to the network team.
//!
//! In: the inventory and the facts. Out: Markdown. Hosts that look alike from outside share a table.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::ports_by_hand::{commands, sentence};
use crate::doors::{Door, Side, port, sides};
use crate::inventory::Inventory;
use crate::model::facts::{Audience, ByHand, Facts, Link};
use crate::model::host::HostSet;

/// The chapter, from its head on.
pub(super) fn page(inventory: &Inventory, facts: &Facts) -> String {
    let mut out = "## Ports\n\n".to_owned();
    let sides = sides(inventory, facts);
    if sides.is_empty() {
        out.push_str("Nobody comes in from outside, and nobody dials anybody.");
        return out;
    }
    out.push_str(
        "What has to pass between the machines; answers pass with their connection. A host is named\n\
         with all of its addresses, because a connection may come from any of them, and dialled at\n\
         the one that is named under *goes out*. Where a host has a firewall of its own, these ports\n\
         have to be open in it too: what one table of nftables accepts, another may still drop.\n",
    );
    for side in &sides {
        one_side(inventory, side, &mut out);
        by_hand(inventory, facts, side, &mut out);
    }
    out.truncate(out.trim_end().len());
    out
}

fn one_side(inventory: &Inventory, side: &Side, out: &mut String) {
    let names = side.hosts.iter().map(|host| inventory.host(host).name.as_str());
    out.push_str(&format!("\n### {}\n", names.collect::<Vec<&str>>().join(", ")));
    if !side.doors.is_empty() {
        out.push_str("\n| comes in | from | what |\n|---|---|---|\n");
    }
    for door in &side.doors {
        let from = visitors(inventory, side, door);
        let what = door.what.iter().map(String::as_str).collect::<Vec<&str>>().join("; ");
        let unknown = if door.described { "" } else { " (what listens is not described)" };
        out.push_str(&row(&[&door.port(), &from, &format!("{what}{unknown}")]));
    }
    if !side.dials.is_empty() {
        out.push_str("\n| goes out | to | why |\n|---|---|---|\n");
    }
    for ((port, to), whys) in outward(inventory, side) {
        out.push_str(&row(&[&port, &to, &whys.join("; ")]));
    }
}

/// Commands for those of the hosts whose firewall a person keeps.
fn by_hand(inventory: &Inventory, facts: &Facts, side: &Side, out: &mut String) {
    let mut of: BTreeMap<ByHand, Vec<&str>> = BTreeMap::new();
    for host in side.hosts.iter() {
        if let Some(firewall) = facts.by_hand.get(&host) {
            of.entry(*firewall).or_default().push(&inventory.host(host).name);
        }
    }
    for (firewall, hosts) in of {
        let commands = commands(firewall, inventory, &side.doors);
        if !commands.is_empty() {
            let sentence = sentence(firewall, &inventory.cluster.name);
            let (hosts, commands) = (hosts.join(", "), commands.join("\n"));
            out.push_str(&format!("\nOn {hosts}, as root. {sentence}\n\n```sh\n{commands}\n```\n"));
        }
    }
}

/// Whom they dial at which port, each once, and why.
fn outward<'a>(inventory: &Inventory, side: &Side<'a>) -> BTreeMap<(String, String), Vec<&'a str>> {
    let mut outward: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
    for link in &side.dials {
        let key = (port(link.to.port, link.to.protocol), dialled(inventory, link));
        outward.entry(key).or_default().push(&link.why);
    }
    outward
}

fn visitors(inventory: &Inventory, side: &Side, door: &Door) -> String {
    match door.audience {
        Audience::Public => "everybody".to_owned(),
        Audience::Peers if door.from.is_empty() => "nobody in this description".to_owned(),
        Audience::Peers => {
            let each_other = if door.from == side.hosts { "each other: " } else { "" };
            each_other.to_owned() + &with_addresses(inventory, &door.from)
        }
    }
}

/// `app1 (10.0.0.1, 10.9.0.1), app2 (10.0.0.2)`.
fn with_addresses(inventory: &Inventory, set: &HostSet) -> String {
    let one = |host| {
        let host = inventory.host(host);
        named(&host.name, host.addresses.iter().map(|it| it.ip))
    };
    set.iter().map(one).collect::<Vec<String>>().join(", ")
}

fn dialled(inventory: &Inventory, link: &Link) -> String {
    let one = |host| {
        let host = inventory.host(host);
        named(&host.name, [host.address(link.to.purpose.as_ref()).ip].into_iter())
    };
    link.to.hosts.iter().map(one).collect::<Vec<String>>().join(", ")
}

fn named(name: &str, addresses: impl Iterator<Item = IpAddr>) -> String {
    let list: Vec<String> = addresses.map(|ip| ip.to_string()).collect();
    format!("{name} ({})", list.join(", "))
}

/// A row of a Markdown table: a cell's own bars and brackets stay what they are.
fn row(cells: &[&str]) -> String {
    let cell =
        |text: &&str| text.replace(char::is_control, " ").replace('|', "\\|").replace('<', "&lt;");
    format!("| {} |\n", cells.iter().map(cell).collect::<Vec<String>>().join(" | "))
}
