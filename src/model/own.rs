//! Where clustergen keeps its own on a host: root's alone, and nobody else's to write.
//!
//! `apply.sh` has its state there, and services what they make things of that are no files of theirs:
//! key stores, entries of a directory.

use super::facts::service_kind;

/// Everything of every cluster is below it.
pub const STATE: &str = "/var/lib/clustergen";

/// What each run did, of every cluster.
const LOG: &str = "/var/log/clustergen.log";

/// The folder of one service: `/var/lib/clustergen/CLUSTER/keystore/java` of `keystore[java]`.
#[must_use]
pub fn folder(cluster: &str, kind: &str, name: &str) -> String {
    format!("{STATE}/{cluster}/{kind}/{name}")
}

/// What is there when a one-time step of the host is done.
#[must_use]
pub fn mark(cluster: &str, step: &str) -> String {
    format!("{STATE}/{cluster}/done/{step}")
}

/// Whether a path lies there, and is not in the folder of the service itself.
#[must_use]
pub fn is_of_others(path: &str, cluster: &str, service: &str) -> bool {
    let below = |folder: &str| {
        path.strip_prefix(folder).is_some_and(|it| it.is_empty() || it.starts_with('/'))
    };
    let kind = service_kind(service);
    let name = service[kind.len()..].trim_matches(['[', ']']);
    path == LOG || below(STATE) && !below(&folder(cluster, kind, name))
}
