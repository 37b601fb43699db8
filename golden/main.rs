//! The golden runner: descriptions and what comes of them, as plain files.
//!
//! - `ok/<case>/`: `cluster.kdl`, its `state/` without the vault, and `out/`, the bundles.
//! - `err/**/<claim>.case`: a good description with one edit, and the whole message.
//! - `steps.kdl`: the steps of the vendors' guides, and which case shows what does each.
//! - `diff/<claim>/`: `before.kdl`, `after.kdl`, the state of before, and the page of changes.
//! - `links/<case>.txt` and `.json`: what `clustergen links` says of `ok/<case>`.
//! - `pack/`: what is listed of archives, and what is said where none is written.
//! - `vault/`: what is said of a vault that is encrypted to others than it should be.
//! - `against/`: what is said where there is no output to compare with.
//!
//! Cases are found, not listed. `GOLDEN=update cargo test --test golden` writes what differs and
//! derives the cases that the schema asks for; read the difference before you commit it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]
// tests prepare what they look at
#![allow(clippy::disallowed_methods, clippy::too_many_lines)]

mod adopted;
mod against;
mod authority;
mod carried;
mod certs;
mod cli;
mod crash;
mod derive;
mod diffs;
mod encodings;
mod err;
mod exact;
mod forged;
mod frozen;
mod guards;
mod hidden;
mod house;
mod import;
mod links;
mod lost;
mod manual;
mod merged;
mod nowhere;
mod ok;
mod opendj;
mod origins;
mod pack;
mod reference;
mod renew;
mod revoke;
mod same;
mod schedules;
mod secrets;
mod starters;
mod steps;
mod stopped;
mod support;
mod traces;
mod vault;
mod verify;
mod watch;
