//! What Gluu is told of the cluster: its cache, its directories, and that all nodes sign with the same keys.
//!
//! These are values in its own directory, which all nodes share, so one node writes them; then each node
//! has its applications read what they read only when they start. `oxCacheConfiguration` and
//! `oxIDPAuthentication` of `ou=configuration,o=gluu`, `oxAuthConfDynamic` of `ou=oxauth` below it
//! (community-edition-setup, `configuration.ldif` of 4.0 to 4.5.5; the guide names those of 3.x). Values are
//! JSON: what else a person has set in them stays, and whether oxAuth asks the directories that are named
//! there (`enabled`) is theirs: where it does not, it asks the one of its own node.
//!
//! oxAuth looks up its directories twice a minute (`AppInitializer`), and reads where the cache is once,
//! as all others do (`ApplicationFactory`; oxAuth and oxTrust, 4.0 to 4.5.5). Left alone, each node draws new
//! keys every 48 hours into a store of its own and takes those that are not in it off the list that all
//! nodes show (`KeyGeneratorTimer`); cluster-mgr forbids that too. Keys beyond their end go on signing: their
//! age is a line in the log (`AbstractCryptoProvider.checkKeyExpiration`).

use std::net::SocketAddr;

use super::Parts;
use super::cache::TUNNEL;
use super::steps::{INSIDE, RESTART, decode, ensure, file, made, script, secret_file};
use crate::products::part::node;
use crate::source::Span;
use crate::syntax::node::Node;

const DIRECTORY: &str = include_str!("../../../templates/gluu/directory.sh");
const CONFIGURE: &str = include_str!("../../../templates/gluu/configure.sh");
const WANTED: &str = include_str!("../../../templates/gluu/configure.py");
const REREAD: &str = include_str!("../../../templates/gluu/reread.sh");

/// In OpenDJ, as the service `opendj` keeps them; or anybody, where those of the installer stay.
const TRUST: &str = "--trustStorePath /opt/opendj/config/truststore --trustStorePasswordFile /opt/opendj/config/keystore.pin";
const TRUST_ALL: &str = "--trustAll";

/// On the first node, and what the others do after it.
pub(super) fn nodes(parts: &Parts, gluu: &Node, span: Span) -> Vec<Node> {
    let mut nodes = vec![told(parts, gluu.child("cache").is_some(), span)];
    if !parts.further().is_empty() {
        nodes.push(reread(parts, span));
    }
    nodes
}

/// When the data of all nodes is one.
fn told(parts: &Parts, cached: bool, span: Span) -> Node {
    let port = parts.ldaps;
    let peers = parts.addresses.iter().map(|it| SocketAddr::new(*it, port).to_string());
    // each node's own first: every node reads the same list
    let servers: Vec<String> = [format!("localhost:{port}")].into_iter().chain(peers).collect();
    let told = [
        ("cache", format!("localhost:{TUNNEL}")),
        ("cached", if cached { "yes" } else { "no" }.to_owned()),
        ("servers", servers.join(" ")),
    ];
    let told = [&known(parts)[..], &told].concat();
    let scripts = [INSIDE, DIRECTORY, CONFIGURE, RESTART, REREAD];
    let title = "Gluu knows its cache, its directories and its nodes' common keys, and has read where the cache is";
    let password = cached.then(|| secret_file("password", &parts.cache(), span));
    ensure(&format!("{}-configuration", parts.name), vec![parts.first_value()], title, span)
        .with_children(parts.has_replicated().iter().map(|it| node("after", &[it], span)))
        .with_children(password)
        .with_child(decode(parts, span))
        .with_child(file("configure.py", &(made(parts) + WANTED), span))
        .with_child(file("configure", &script(&told, &scripts, parts), span))
        .with_child(node("holds", &[r#"to=look sh -e "$files/configure""#], span))
        .with_child(node("run", &[r#"to=change sh -e "$files/configure""#], span))
}

fn reread(parts: &Parts, span: Span) -> Node {
    let script = script(&known(parts), &[INSIDE, DIRECTORY, RESTART, REREAD], parts);
    let title = "Gluu has read where its cache is";
    let data = format!("opendj-{}-data-o-gluu", parts.name);
    ensure(&format!("{}-cache", parts.name), parts.further(), title, span)
        .with_child(node("after", &[&data], span))
        .with_child(decode(parts, span))
        .with_child(file("reread", &script, span))
        .with_child(node("holds", &[r#"to=look sh -e "$files/reread""#], span))
        .with_child(node("run", &[r#"to=change sh -e "$files/reread""#], span))
}

/// How the directory is asked.
fn known(parts: &Parts) -> [(&'static str, String); 2] {
    let trust = if parts.keeps_certificates { TRUST_ALL } else { TRUST };
    [("ldaps", parts.ldaps.to_string()), ("trust", trust.to_owned())]
}

impl Parts {
    /// The first node's steps after which all nodes have its data.
    fn has_replicated(&self) -> Vec<String> {
        let further = self.hosts.iter().skip(1);
        further.map(|it| format!("opendj-{}-initialize-{it}-o-gluu", self.name)).collect()
    }
}
