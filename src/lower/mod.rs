//! Facts and allotments to one host's plan. Runs for many hosts at once; nothing is shared but
//! what is read.

mod syncs;

use crate::decode::Cluster;
use crate::diag::Diagnostics;
use crate::inventory::Inventory;
use crate::model::facts::{Facts, Origin, SecretSource};
use crate::model::host::HostId;
use crate::model::plan::{Born, Condition, HostPlan, Kind, Resource};
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
            let mut cx = Lowering {
                inventory,
                facts,
                settled,
                host,
                plan: &mut plan,
                diagnostics,
                for_step: false,
            };
            (entry.lower)(of_kind, &mut cx);
        }
    }
    opened_there(&mut plan, inventory);
    born_there(&mut plan, inventory, facts);
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
    add(plan, Kind::Package(package.to_owned()), &plan.origin.clone());
}

/// The secrets that an installer makes on this host.
fn born_there(plan: &mut HostPlan, inventory: &Inventory, facts: &Facts) {
    for (name, secret) in &facts.secrets {
        let SecretSource::Born { host, path, form } = &secret.source else { continue };
        if *host == plan.host {
            let born = Born { secret: name.clone(), path: path.clone(), form: form.clone() };
            add(plan, Kind::Born(born), &secret.origin);
            let recipients: Vec<String> =
                inventory.vault.iter().map(|it| it.value.clone()).collect();
            if !recipients.is_empty() {
                add(plan, Kind::BornTo(recipients), &inventory.cluster.origin);
            }
        }
    }
}

/// A resource of no service's. Of two alike one is enough.
fn add(plan: &mut HostPlan, kind: Kind, origin: &Origin) {
    let (key, owner, origin) = (kind.key(), origin.path.clone(), origin.clone());
    let condition = Condition::default();
    plan.resources.entry(key).or_insert(Resource { kind, condition, owner, origin });
}
