//! `RUNBOOK.md`: what people do with the bundles, with this cluster's hosts and steps in order.
//!
//! In: the inventory and the facts. Out: the view of its template. Not here: the sentences, which
//! are the template's, and those that services declared.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::MadeFrom;
use super::ports::page;
use crate::inventory::{Host, Inventory};
use crate::model::facts::{Chapter, Facts, RunbookLine, SecretSource, StepFact};
use crate::model::host::HostId;
use crate::model::view::Fields;
use crate::quote::{Text, comment, fixed, markdown, number, verbatim};
use crate::source::Span;

/// On a host, as root, at home: a new folder in place of the old one, closed to others.
const UNPACK: &str = "rm -rf clustergen && mkdir -m 700 clustergen && \
    tar -xf - -C clustergen --strip-components=1";

/// What the template is given.
#[must_use]
pub fn view(inventory: &Inventory, facts: &Facts, from: &MadeFrom) -> Fields {
    let span = Span::default();
    let asked = asked(facts);
    // values of people's, where there are any, then backing up and packing
    let mut next = counter();
    if !asked.is_empty() {
        next();
    }
    let [vault_number, pack_number] = [next(), next()];
    let order = bring_up_order(inventory, facts);
    let shows = |id: &HostId| facts.leaves.keys().any(|leaf| leaf.host == *id);
    let renewed: Vec<Fields> =
        order.iter().filter(|id| shows(id)).map(|id| host(inventory.host(*id))).collect();
    let hosts: Vec<Fields> =
        order.into_iter().map(|id| host(inventory.host(id)).text("number", next())).collect();
    let steps = steps(inventory, facts, &mut next);
    let bring_up = numbered(facts, Chapter::BringUp, &mut next);
    let state = from.description.strip_suffix(".kdl").unwrap_or(from.description);
    let fields = Fields::new(span)
        .text("cluster", comment(from.cluster, span))
        .text("description", comment(from.description, span))
        .text("state", comment(&format!("{state}.state"), span))
        .flag("has_recipients", !inventory.vault.is_empty())
        .flag("has_known_hosts", inventory.hosts.iter().any(|it| !it.ssh_keys.is_empty()))
        .flag("has_sealed", inventory.hosts.iter().any(|it| it.sealing_keys().next().is_some()))
        .flag("has_steps", !steps.is_empty())
        .flag("has_asked", !asked.is_empty())
        .list("asked", asked)
        .text("vault_number", vault_number)
        .text("pack_number", pack_number)
        .text("verify_number", next())
        .list("hosts", hosts)
        .list("steps", steps)
        .list("bring_up", bring_up)
        .flag("has_certificates", !renewed.is_empty())
        .list("renewed", renewed)
        .text("ports", verbatim(page(inventory, facts), span));
    chapters(fields, facts)
}

/// What services say in the other chapters.
fn chapters(fields: Fields, facts: &Facts) -> Fields {
    let span = Span::default();
    let mut next = counter();
    let removing = numbered(facts, Chapter::Removing, &mut next);
    // the template's own lines, behind theirs
    let removal =
        Fields::new(span).text("others", next()).text("own", next()).text("description", next());
    let single_points = lines(facts, Chapter::SinglePoints);
    let load_balancer = blocks(facts, Chapter::LoadBalancer);
    fields
        .list("adding", lines(facts, Chapter::Adding))
        .list("removing", removing)
        .fields("removal", removal)
        .list("replacing", lines(facts, Chapter::Replacing))
        .list("renewal", lines(facts, Chapter::Renewal))
        .list("new_keys", lines(facts, Chapter::NewKeys))
        .flag("has_load_balancer", !load_balancer.is_empty())
        .list("load_balancer", load_balancer)
        .flag("has_single_points", !single_points.is_empty())
        .list("single_points", single_points)
}

/// The one-time steps in their order, each behind what it is handed.
fn steps(inventory: &Inventory, facts: &Facts, next: &mut impl FnMut() -> Text) -> Vec<Fields> {
    let count = facts.step_order.len();
    let in_order = facts.step_order.iter().map(|at| &facts.steps[*at as usize]);
    let mut handed = BTreeSet::new();
    let one = |(place, fact): (usize, &StepFact)| {
        let place = format!("{}/{count}", place + 1);
        let from: BTreeSet<HostId> = born(facts, fact).filter(|it| handed.insert(*it)).collect();
        let hand_over = hand_over(inventory, facts, &from, next);
        step(inventory, fact)
            .flag("has_hand_over", !hand_over.is_empty())
            .list("hand_over", hand_over)
            .text("place", fixed(&place, fact.origin.span))
            .text("number", next())
    };
    in_order.enumerate().map(one).collect()
}

/// The numbers of a list, from 1.
fn counter() -> impl FnMut() -> Text {
    let mut at: u32 = 0;
    move || {
        at += 1;
        number(at, Span::default())
    }
}

/// A chapter's lines, each with the next number.
fn numbered(facts: &Facts, chapter: Chapter, next: &mut impl FnMut() -> Text) -> Vec<Fields> {
    lines(facts, chapter).into_iter().map(|line| line.text("number", next())).collect()
}

fn host(host: &Host) -> Fields {
    let span = host.origin.span;
    let address = host.address(None).ip;
    // scp and rsync end a host's name at a colon
    let remote = match address {
        IpAddr::V6(v6) => format!("[{v6}]"),
        IpAddr::V4(v4) => v4.to_string(),
    };
    Fields::new(span)
        .text("name", comment(&host.name, span))
        .text("platform", comment(&host.platform.id, span))
        .text("address", fixed(&address.to_string(), span))
        .text("remote", fixed(&remote, span))
        .text("unpack", fixed(UNPACK, span))
}

fn step(inventory: &Inventory, fact: &StepFact) -> Fields {
    let (host, span) = (inventory.host(fact.host), fact.origin.span);
    Fields::new(span)
        .text("host", comment(&host.name, span))
        .text("address", fixed(&host.address(None).ip.to_string(), span))
        .text("key", comment(&fact.key, span))
        .text("title", markdown(&fact.title, span))
        .text("origin", comment(&fact.origin.path, span))
        .flag("destroys", fact.destroys)
}

/// The secrets that a person gives.
fn asked(facts: &Facts) -> Vec<Fields> {
    let given = facts.secrets.iter().filter(|(_, it)| matches!(it.source, SecretSource::Given(_)));
    given
        .map(|(name, it)| {
            let span = it.origin.span;
            Fields::new(span).text("name", comment(name, span))
        })
        .collect()
}

/// The hosts on which a secret is made that a step needs.
fn born<'a>(facts: &'a Facts, step: &'a StepFact) -> impl Iterator<Item = HostId> + 'a {
    step.needs.iter().filter_map(|name| match facts.secrets.get(name)?.source {
        SecretSource::Born { host, .. } => Some(host),
        _ => None,
    })
}

/// What is fetched from these hosts, and to whom it is carried.
fn hand_over(
    inventory: &Inventory,
    facts: &Facts,
    from: &BTreeSet<HostId>,
    next: &mut impl FnMut() -> Text,
) -> Vec<Fields> {
    let one = |id: &HostId| {
        let needs = |step: &&StepFact| born(facts, step).any(|it| it == *id);
        let to: BTreeSet<HostId> = facts.steps.iter().filter(needs).map(|it| it.host).collect();
        let to: Vec<Fields> = to.into_iter().map(|id| host(inventory.host(id))).collect();
        host(inventory.host(*id)).text("number", next()).list("to", to)
    };
    from.iter().map(one).collect()
}

/// What two services say in the same words is said once, of both.
fn lines(facts: &Facts, chapter: Chapter) -> Vec<Fields> {
    let mut told: Vec<(&RunbookLine, Vec<&str>)> = Vec::new();
    for line in facts.runbook.iter().filter(|it| it.chapter == chapter) {
        match told.iter_mut().find(|(first, _)| first.text == line.text) {
            Some((_, origins)) => origins.push(&line.origin.path),
            None => told.push((line, vec![&line.origin.path])),
        }
    }
    let line = |(line, origins): (&RunbookLine, Vec<&str>)| {
        let span = line.origin.span;
        Fields::new(span)
            .text("text", comment(&line.text, span))
            .text("origin", comment(&origins.join(", "), span))
    };
    told.into_iter().map(line).collect()
}

/// A chapter that a service has laid out itself: blocks of Markdown.
fn blocks(facts: &Facts, chapter: Chapter) -> Vec<Fields> {
    let told = facts.runbook.iter().filter(|it| it.chapter == chapter);
    told.map(|block| {
        let span = block.origin.span;
        Fields::new(span).text("text", verbatim(&block.text, span))
    })
    .collect()
}

/// Who is dialled comes before who dials; a mesh is in nobody's way.
fn bring_up_order(inventory: &Inventory, facts: &Facts) -> Vec<HostId> {
    let dials = |host: &HostId| facts.links_from(*host).any(|link| !link.to.hosts.contains(*host));
    let (later, first): (Vec<HostId>, Vec<HostId>) = inventory.managed().partition(dials);
    first.into_iter().chain(later).collect()
}
