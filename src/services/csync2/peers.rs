//! The certificates of the peers, in the database in which csync2 looks for them, and the script
//! that leaves out whom csync2 would stop for.
//!
//! What csync2 2.0 does where two do not agree (`conn.c`, `update.c`, `daemon.c`): who calls, and is
//! shown another certificate than it knows, ends at once, before it calls the next peer; who is
//! called answers `Identification failed!`, and goes on.

use super::super::{Located, Lowering};
use super::{Csync2, LOCK, SCRIPT, myself, purpose};
use crate::model::consequence::Consequence;
use crate::model::facts::LeafKey;
use crate::model::plan::{Ensure, Kind, OnChange};
use crate::model::value::AbsPath;
use crate::model::view::Fields;
use crate::quote::{fixed, sh_word};
use crate::services::Service;
use crate::source::Span;

/// The certificates of all peers, known before the first of them calls: csync2 believes whoever
/// comes first under a name, and refuses everybody else from then on. It keeps them in its
/// database, where they stay when a run is put back; the next line of the crontab puts the file's there.
pub(super) fn lower(services: &[Located<Csync2>], dir: &str, cx: &mut Lowering) {
    let [first, ..] = services else { return };
    let owner = first.owner();
    let peers = peers(services, cx);
    let view = peers.iter().map(|(name, der, span)| {
        Fields::new(*span).text("name", fixed(name, *span)).text("der", fixed(der, *span))
    });
    let view = Fields::new(first.origin.span).list("peers", view);
    let path = format!("{dir}/csync2_peers");
    let from = vec![AbsPath::known(path.clone())];
    cx.template(owner, &path, 0o644, "csync2/peers", view, OnChange::Nothing);
    let package = cx.fact("sqlite.package", owner);
    cx.package(owner, package);
    let script = lower_script(first, dir, cx);
    let (holds, run) = (vec![format!("{script} --known")], vec![format!("{script} --learn")]);
    let (key, title) =
        ("csync2-peers".to_owned(), "csync2 knows its peers by their certificates".to_owned());
    let on_change = OnChange::Nothing;
    cx.add(owner, Kind::Ensure(Ensure { key, title, holds, run, from, last: false, on_change }));
    let title = "csync2: this host and its peers know each other by their certificates";
    let steps = first.options.steps_of(cx.host, cx.inventory);
    cx.verify_after(owner, title, &format!("{script} --agree"), steps);
}

/// Names and certificates of all peers. Where one gets another, its peers learn it before it shows it.
fn peers(services: &[Located<Csync2>], cx: &mut Lowering) -> Vec<(String, String, Span)> {
    let members = services.iter().flat_map(|service| &service.options.members);
    let mut peers = Vec::new();
    for member in members {
        let key = LeafKey { host: member.value, name: Csync2::KIND.to_owned() };
        let Some(leaf) = cx.settled.leaves.get(&key) else { continue };
        let peer = cx.inventory.host(member.value);
        if member.value == cx.host {
            cx.pin("csync2.shown".to_owned(), &leaf.words, Consequence::ApplyLast);
        } else {
            peers.push((peer.dialled(purpose().as_ref()), leaf.der.clone(), member.span));
            cx.pin(format!("csync2.known[{}]", peer.name), &leaf.words, Consequence::ApplyFirst);
        }
    }
    peers.sort();
    peers.dedup_by(|a, b| a.0 == b.0);
    peers
}

/// What the crontab runs, and what asks csync2 for its peers: gives its path.
fn lower_script(first: &Located<Csync2>, dir: &str, cx: &mut Lowering) -> String {
    let span = first.origin.span;
    let me = myself(cx);
    let view = Fields::new(span)
        .text("me", cx.text(sh_word(&me, span), span))
        .text("port", fixed(&first.options.port_option(), span))
        .text("dir", fixed(dir, span))
        .text("lock", fixed(LOCK, span));
    let path = script(dir);
    cx.template(first.owner(), &path, 0o755, "csync2/sync", view, OnChange::Nothing);
    path
}

/// Where the script of a host lies.
pub(super) fn script(dir: &str) -> String {
    format!("{dir}/{SCRIPT}")
}
