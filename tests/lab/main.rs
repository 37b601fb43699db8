//! Real programs read what clustergen writes: nginx, csync2, xinetd, systemd, three shells.
//!
//! In: descriptions, short ones in the tests and those in `examples/`. Out: what the programs say
//! of the bundles. Not here: what the bundles look like, which is golden's.
//!
//! Programs run on hosts made of namespaces ([`host`]), so root is needed, and nothing of the
//! machine is touched. Debian 12, the packages that `.ci/test` lists.
//! machine is touched. Debian 12: `nginx libnginx-mod-stream csync2 xinetd cron shellcheck busybox
//! dash iproute2 util-linux firewalld nftables perl-base openssl sqlite3 systemd
//! unzip tar`.
//! dash mawk gawk python3 iproute2 util-linux openssl sqlite3 systemd`.
//! machine is touched. Debian 12: `nginx libnginx-mod-stream csync2 xinetd cron logrotate shellcheck
//! busybox dash iproute2 util-linux openssl sqlite3 systemd`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// Tests write descriptions and wait for daemons.
#![allow(clippy::disallowed_methods)]

mod accounts;
mod apply;
mod built;
mod bundle;
mod calendar;
mod certificates;
mod csync2;
mod csync2_cfg;
mod firewall;
mod firewalld;
mod host;
mod hosts;
mod injection;
mod jobs;
mod keys;
mod keys_random;
mod keystore;
mod nginx;
mod nginx_conf;
mod pack;
mod properties;
mod readers;
mod scripts;
mod steps;
mod sync;
mod time;
mod units;
mod verbs;
