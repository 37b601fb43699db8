//! `known_hosts`: the hosts' SSH keys, by every name and address that they have (sshd(8),
//! SSH_KNOWN_HOSTS FILE FORMAT).
//!
//! In: the inventory. Out: the file; nothing where no host has a key.

use crate::inventory::{Host, Inventory};

use super::MadeFrom;

/// The file, with a line for each key.
#[must_use]
pub fn known_hosts(inventory: &Inventory, from: &MadeFrom) -> Option<String> {
    let lines = inventory.hosts.iter().flat_map(lines);
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        return None;
    }
    let head = format!(
        "# The hosts' SSH keys, made by clustergen from {}: ssh -o UserKnownHostsFile=FILE …\n",
        from.description
    );
    Some(head + &lines.concat())
}

fn lines(host: &Host) -> Vec<String> {
    let mut names = vec![host.name.clone(), host.fqdn.clone()];
    names.extend(host.aliases.iter().map(|it| it.value.clone()));
    names.extend(host.addresses.iter().map(|it| it.ip.to_string()));
    let names = names.join(",");
    let mut keys: Vec<String> = host.ssh_keys.iter().map(|key| words(&key.line.value)).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter().map(|key| format!("{names} {key}\n")).collect()
}

/// Kind and key; a comment is its owner's, and may change.
fn words(line: &str) -> String {
    line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}
