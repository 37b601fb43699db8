//! Real programs read what clustergen writes: daemons, their checkers, the shells of `apply.sh`.
//!
//! In: descriptions, short ones in the tests and those in `examples/`. Out: what the programs say
//! of the bundles. Not here: what the bundles look like, which is golden's.
//!
//! Programs run on hosts made of namespaces: [`host`] has nothing in it but what a test starts,
//! [`cluster`] has several with a real systemd and everything that goes with it. Root is needed, and
//! cgroup2; nothing of the machine is touched. Debian 12 with the packages that `.ci/test` lists.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// Tests write descriptions and wait for daemons.
#![allow(clippy::disallowed_methods)]

mod accounts;
mod again;
mod apply;
mod booted;
mod boots;
mod built;
mod bundle;
mod calendar;
mod certificates;
mod cgroup;
mod cluster;
mod csync2;
mod csync2_cfg;
mod ensured;
mod export;
mod face;
mod firewall;
mod firewalld;
mod frozen;
mod full;
mod generations;
mod gluu;
mod host;
mod host_key;
mod hosts;
mod injection;
mod jobs;
mod joined;
mod kept_alike;
mod keys;
mod keys_random;
mod keystore;
mod killed;
mod load;
mod log;
mod nginx;
mod nginx_conf;
mod obstacles;
mod opendj;
mod opendj_server;
mod opendj_standin;
mod outcome;
mod pack;
mod pairs;
mod plan;
mod proofs;
mod properties;
mod readers;
mod redis;
mod refusals;
mod reload;
mod renewed;
mod rotation;
mod runbook;
mod scripts;
mod sealed;
mod secrets;
mod shims;
mod signed;
mod snapshot;
mod started;
mod steps;
mod stunnel;
mod sync;
mod takeover;
mod time;
mod tools;
mod trees;
mod units;
mod vendor;
mod verbs;
