//! Facts and allotments to one host's plan. Runs for many hosts at once; nothing is shared but
//! what is read.

mod syncs;

use crate::decode::Cluster;
use crate::diag::Diagnostics;
use crate::inventory::Inventory;
use crate::model::facts::Facts;
use crate::model::host::HostId;
use crate::model::plan::{Condition, HostPlan, Kind, Resource};
use crate::model::settled::Settled;
use crate::services::{Instance, Lowering, find};

/// Lowers everything that concerns one host.
pub fn lower(
    cluster: &Cluster,
    inventory: &Inventory,
    facts: &Facts,
    settled: &Settled,
    host: HostId,
    diagnostics: &mut Diagnostics,
) -> HostPlan {
    let known = inventory.host(host);
    let mut plan = HostPlan {
        host,
        name: known.name.clone(),
        origin: known.origin.clone(),
        fqdn: known.fqdn.clone(),
        addresses: known.addresses.iter().map(|it| it.ip.to_string()).collect(),
        platform: known.platform.id.clone(),
        releases: known.platform.fact("os-release").unwrap_or_default().to_owned(),
        package_manager: known.platform.fact("package-manager").unwrap_or_default().to_owned(),
        ..HostPlan::default()
    };
    for pin in facts.pins_of(host) {
        plan.pins.insert(pin.pin.key.clone(), pin.pin.clone());
    }
    let instances: Vec<&Instance> = cluster.on(host).collect();
    // sorted by key, so the services of one kind stand together
    for of_kind in instances.chunk_by(|a, b| a.kind == b.kind) {
        if let Some(entry) = find(of_kind[0].kind) {
            let mut cx = Lowering { inventory, facts, settled, host, plan: &mut plan, diagnostics };
            (entry.lower)(of_kind, &mut cx);
        }
    }
    opened_there(&mut plan, inventory);
    syncs::leave_to_them(&mut plan, inventory, facts, diagnostics);
    plan
}

/// What is sealed to the host is opened by its distribution's `age`.
fn opened_there(plan: &mut HostPlan, inventory: &Inventory) {
    let host = inventory.host(plan.host);
    let package = host.platform.fact("age.package");
    let Some(package) = package.filter(|_| host.sealing_keys().next().is_some()) else { return };
    if plan.slots.is_empty() {
        return;
    }
    let resource = Resource {
        kind: Kind::Package(package.to_owned()),
        condition: Condition::default(),
        owner: plan.origin.path.clone(),
        origin: plan.origin.clone(),
    };
    plan.resources.entry(resource.kind.key()).or_insert(resource);
}
