//! `nginx.conf` and what lies beside it, for one host.
//!
//! In: all the `nginx` nodes of the host. Out: its packages, key pairs and unit, the one file with
//! the check that reads them. Not here: what stands in the file (see [`configuration`]), and
//! what proves that it works (see [`proofs`]).

mod configuration;
mod here;
mod pairs;
mod proofs;
mod sites;
mod upstreams;

pub(super) use pairs::{certificate_path, key_path};

use super::SSL;
use super::options::Nginx;
use crate::model::plan::{Body, OnChange};
use crate::services::pair::revoked_beside;
use crate::services::{Located, Lowering};
use configuration::configuration;
use pairs::key_pairs;
use proofs::prove;

const CONFIGURATION: &str = "/etc/nginx/nginx.conf";

fn reload() -> OnChange {
    OnChange::Reload("nginx.service".to_owned())
}

pub(super) fn lower(services: &[Located<Nginx>], cx: &mut Lowering) {
    let [first, ..] = services else { return };
    let owner = first.owner();
    let package = cx.fact("nginx.package", owner);
    cx.package(owner, package);
    if services.iter().any(|it| !it.options.streams.is_empty()) {
        let module = cx.fact("nginx.stream-package", owner);
        cx.package(owner, module);
    }
    let mut reads = vec![CONFIGURATION.to_owned()];
    for service in services {
        reads.extend(key_pairs(service, cx));
    }
    for service in services {
        let platform = cx.this().platform.clone();
        for (path, name) in service.options.trusts(&platform) {
            let body = Body::Certificate { pem: cx.authority_of(name) };
            cx.directory(service.owner(), SSL, 0o755);
            cx.root_file(service.owner(), &path, 0o644, body, reload());
            if let (Some(pem), Some(path)) = (&cx.settled.crl, revoked_beside(&path)) {
                let body = Body::Certificate { pem: pem.to_string() };
                cx.root_file(service.owner(), &path, 0o644, body, reload());
                if !reads.contains(&path) {
                    reads.push(path);
                }
            }
            if !reads.contains(&path) {
                reads.push(path);
            }
        }
    }
    let view = configuration(services, cx);
    cx.template(owner, CONFIGURATION, 0o644, "nginx/nginx.conf", view, reload());
    let reads: Vec<&str> = reads.iter().map(String::as_str).collect();
    cx.check(owner, "nginx -t -q", &[0], &reads);
    cx.unit(owner, "nginx.service", &[]);
    prove(services, cx);
}
