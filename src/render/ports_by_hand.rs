//! Commands for the firewalls on which clustergen installs nothing.
//!
//! In: the doors of hosts that look alike. Out: lines of sh, the same for all of them: that a host
//! lets itself in changes nothing. What they do not open is left to the firewall's default.

use crate::doors::{Door, sources};
use crate::inventory::Inventory;
use crate::model::facts::ByHand;

/// What to know before the commands are typed.
pub(super) fn sentence(firewall: ByHand, cluster: &str) -> String {
    match firewall {
        ByHand::Ufw => format!(
            "`ufw status verbose` has to say `active` and `deny (incoming)`: ufw closes what it was \
             not told to open, ssh too. `ufw status numbered` shows older rules of this cluster by \
             `clustergen {cluster}`; take out with `ufw delete` what is not named here."
        ),
        ByHand::Firewalld => {
            "This firewalld has no policies, which came with 0.9, so the rules go \
             into the default zone, which closes what it was not told to open. `firewall-cmd \
             --list-all` shows older ones; take out with `--remove-rich-rule` what is not named \
             here."
                .to_owned()
        }
    }
}

/// The commands, in the order of the doors.
pub(super) fn commands(firewall: ByHand, inventory: &Inventory, doors: &[Door]) -> Vec<String> {
    let cluster = &inventory.cluster.name;
    let mut lines: Vec<String> = Vec::new();
    for door in doors {
        let (port, protocol) = (door.port, door.protocol.word());
        if door.public() {
            lines.push(match firewall {
                ByHand::Ufw => {
                    format!("ufw allow {port}/{protocol} comment 'clustergen {cluster}'")
                }
                ByHand::Firewalld => {
                    format!("firewall-cmd --permanent --add-port={port}/{protocol}")
                }
            });
            continue;
        }
        for (ip, _) in sources(inventory, &door.from) {
            let family = if ip.is_ipv4() { "ipv4" } else { "ipv6" };
            lines.push(match firewall {
                ByHand::Ufw => format!(
                    "ufw allow proto {protocol} from {ip} to any port {port} comment 'clustergen {cluster}'"
                ),
                ByHand::Firewalld => format!(
                    "firewall-cmd --permanent --add-rich-rule='rule family=\"{family}\" source \
                     address=\"{ip}\" port port=\"{port}\" protocol=\"{protocol}\" accept'"
                ),
            });
        }
    }
    if firewall == ByHand::Firewalld && !lines.is_empty() {
        lines.push("firewall-cmd --reload".to_owned());
    }
    lines
}
