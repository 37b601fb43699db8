//! OpenSSL believes every certificate of every good case, strictly, under each name and address by
//! which somebody connects.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use clustergen::disk::RealFolder;
use clustergen::model::facts::{CertificateSource, Endpoint, LeafKey, TlsName, Usage};
use clustergen::run::{Report, look};
use time::Duration;

use crate::cli::text;
use crate::support::{Bench, day, folders, golden};

#[test]
fn openssl_believes_every_certificate_under_every_name() {
    let (mut verified, mut kinds, mut seen) = (0, BTreeSet::new(), BTreeSet::new());
    for case in folders(&golden().join("ok")) {
        let bench = Bench::new(Some(&case.join("state")));
        let folder = RealFolder(case.clone());
        let report = look(bench.place(&folder, "cluster.kdl")).unwrap();
        let settled = &report.compiled.as_ref().unwrap().allotted.settled;
        for (key, leaf) in &settled.leaves {
            let Some(top) = top(&report, key) else { continue };
            let (pem, authority) = (bench.state.0.join("leaf.pem"), bench.state.0.join("top.pem"));
            fs::write(&pem, &leaf.pem).unwrap();
            fs::write(&authority, top).unwrap();
            seen.insert(whose(&report, key));
            for asked in asked(&report, key) {
                let args = format!(
                    "verify -x509_strict -attime {} {asked} -CAfile {} -untrusted {} {}",
                    (day() + Duration::days(62)).unix_timestamp(),
                    authority.display(),
                    pem.display(),
                    pem.display()
                );
                let done = Command::new("openssl").args(args.split(' ')).output().unwrap();
                assert!(done.status.success(), "{}: {key:?}: {}", case.display(), text(&done));
                verified += 1;
            }
            let shown = Command::new("openssl")
                .args(["x509", "-noout", "-text", "-in"])
                .arg(&pem)
                .output()
                .unwrap();
            let shown = text(&shown);
            let bits = shown.lines().find(|it| it.contains("Public-Key:")).unwrap();
            kinds.insert(bits.trim().to_owned());
        }
    }
    assert!(verified > 100, "only {verified}");
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["below", "files", "ours"]);
    let wanted = ["(256 bit)", "(384 bit)", "(3072 bit)", "(4096 bit)"];
    assert!(wanted.iter().all(|it| kinds.iter().any(|kind| kind.contains(it))), "{kinds:?}");
}

/// Who signs it.
fn whose(report: &Report, key: &LeafKey) -> &'static str {
    let compiled = report.compiled.as_ref().unwrap();
    match compiled.facts.certificates.get(&key.name).map(|it| &it.source) {
        Some(CertificateSource::Files { .. }) => "files",
        Some(CertificateSource::OnHost { .. }) => "on-host",
        _ if compiled.allotted.settled.leaves[key].pem.matches("BEGIN").count() > 1 => "below",
        _ => "ours",
    }
}

/// What everybody trusts who is shown it: the cluster's authority, or the one that is named for
/// it; that of another one where the public's is meant. `None` where hosts keep it themselves.
fn top(report: &Report, key: &LeafKey) -> Option<String> {
    let settled = &report.compiled.as_ref().unwrap().allotted.settled;
    match whose(report, key) {
        "on-host" => None,
        "files" => {
            let named = settled.authorities.get(&key.name);
            named.or_else(|| settled.authorities.values().next()).map(ToString::to_string)
        }
        _ => settled.authority.as_deref().map(str::to_owned),
    }
}

/// What is asked of a certificate: by those who dial it under each name, and by those whom its host
/// dials.
fn asked(report: &Report, key: &LeafKey) -> Vec<String> {
    let leaf = &report.compiled.as_ref().unwrap().facts.leaves[key];
    let names = leaf.names.iter().map(|it| format!("-purpose sslserver -verify_hostname {it}"));
    let addresses = leaf.addresses.iter().map(|it| format!("-purpose sslserver -verify_ip {it}"));
    let dialled = dialled(report, key);
    let dialled = dialled.iter().map(|it| format!("-purpose sslserver -verify_hostname {it}"));
    let client = (leaf.usage == Usage::Peer).then(|| "-purpose sslclient".to_owned());
    names.chain(addresses).chain(dialled).chain(client).collect()
}

/// By which names some peer connects, as `links` has them.
fn dialled(report: &Report, key: &LeafKey) -> BTreeSet<String> {
    let compiled = report.compiled.as_ref().unwrap();
    let host = compiled.inventory.host(key.host);
    let links = compiled.facts.links.iter().filter(|it| it.to.hosts.contains(key.host));
    let shown = links.filter_map(|it| Some((&it.to, it.tls.as_ref()?)));
    let shown = shown.filter(|(_, tls)| tls.leaf == key.name);
    let name = |(to, tls): (&Endpoint, &TlsName)| {
        tls.name.clone().unwrap_or_else(|| host.dialled(to.purpose.as_ref()))
    };
    shown.map(name).collect()
}
