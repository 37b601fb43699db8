//! Rules over the whole cluster: what no single service can see.
//!
//! In: the facts. Out: diagnostics. One file per rule, each with a stable code.

mod certificates;
mod clocks;
mod families;
mod paths;
mod ports;
mod steps;
mod sync;
mod unused;

use crate::decode::Cluster;
use crate::diag::Diagnostics;
use crate::inventory::Inventory;
use crate::model::facts::Facts;
use crate::services::{Checking, find};
use crate::syntax::node::Document;

/// A rule.
type Rule = fn(&Inventory, &Facts, &mut Diagnostics);

/// All rules, in the order in which they run.
const ALL: &[Rule] = &[
    families::somebody_can_be_reached,
    ports::no_port_twice,
    paths::no_path_twice,
    paths::nothing_of_apply_sh,
    paths::nothing_of_the_system,
    certificates::no_certificate_of_a_service_s,
    sync::nothing_own_under_a_sync,
    steps::steps_have_an_order,
    clocks::time_servers_are_enough,
];

/// Asks every service what is wrong with it, then every rule.
pub fn check(
    document: &Document,
    cluster: &Cluster,
    inventory: &Inventory,
    facts: &Facts,
    diagnostics: &mut Diagnostics,
) {
    for instance in &cluster.instances {
        if let Some(entry) = find(instance.kind) {
            (entry.check)(&Checking { inventory, facts, instance }, diagnostics);
        }
    }
    for rule in ALL {
        rule(inventory, facts, diagnostics);
    }
    unused::nothing_forgotten(document, diagnostics);
}
