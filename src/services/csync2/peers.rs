//! The certificates of the peers, in the database in which csync2 looks for them.

use super::super::{Located, Lowering};
use super::{Csync2, myself, purpose};
use crate::model::facts::LeafKey;
use crate::model::plan::{Ensure, Kind, OnChange};
use crate::model::value::AbsPath;
use crate::model::view::Fields;
use crate::quote::fixed;
use crate::services::Service;
use crate::source::Span;

/// The certificates of all peers, known before the first of them calls: csync2 believes whoever
/// comes first under a name, and refuses everybody else from then on. It keeps them in its
/// database, where they stay when a run is put back: they are the peers' and not this host's.
pub(super) fn lower(services: &[Located<Csync2>], dir: &str, cx: &mut Lowering) {
    let [first, ..] = services else { return };
    let owner = first.owner();
    let members = services.iter().flat_map(|service| &service.options.members);
    let mut peers: Vec<(String, String, Span)> = Vec::new();
    for member in members.filter(|it| it.value != cx.host) {
        let key = LeafKey { host: member.value, name: Csync2::KIND.to_owned() };
        let Some(leaf) = cx.settled.leaves.get(&key) else { continue };
        let name = cx.inventory.host(member.value).dialled(purpose().as_ref());
        peers.push((name, leaf.der.clone(), member.span));
    }
    peers.sort();
    peers.dedup_by(|a, b| a.0 == b.0);
    let view = peers.iter().map(|(name, der, span)| {
        Fields::new(*span).text("name", fixed(name, *span)).text("der", fixed(der, *span))
    });
    let view = Fields::new(first.origin.span).list("peers", view);
    let path = format!("{dir}/csync2_peers");
    let from = vec![AbsPath::known(path.clone())];
    cx.template(owner, &path, 0o644, "csync2/peers", view, OnChange::Nothing);
    let package = cx.fact("sqlite.package", owner);
    cx.package(owner, package);
    let me = myself(cx);
    let database = format!("/var/lib/csync2/{me}.db3");
    let sqlite = format!("sqlite3 -cmd '.timeout 10000' {database}");
    let holds = vec![
        // to sqlite3, a look at what is not there is an order to make it
        format!("[ -s {database} ] || return 1"),
        format!("{sqlite} -separator ' ' 'select peername, certdata from x509_cert' |"),
        format!(
            "    awk 'FILENAME == \"-\" {{ known[$0]; next }} /^[^#]/ && !($0 in known) {{ exit 1 }}' - {path}"
        ),
    ];
    // -L makes the database, and gives 2 where it is empty
    let run = vec![
        format!("csync2 -N {me} -L >/dev/null || [ $? -eq 2 ] || return 1"),
        "awk 'BEGIN { print \"begin;\" }".to_owned(),
        "    /^[^#]/ {".to_owned(),
        "        printf \"delete from x509_cert where peername = \\047%s\\047;\\n\", $1".to_owned(),
        "        printf \"insert into x509_cert (peername, certdata) values (\\047%s\\047, \\047%s\\047);\\n\", $1, $2".to_owned(),
        "    }".to_owned(),
        format!("    END {{ print \"commit;\" }}' {path} |"),
        format!("    {sqlite}"),
    ];
    let (key, title) =
        ("csync2-peers".to_owned(), "csync2 knows its peers by their certificates".to_owned());
    let on_change = OnChange::Nothing;
    cx.add(owner, Kind::Ensure(Ensure { key, title, holds, run, from, on_change }));
}
