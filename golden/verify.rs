//! OpenSSL believes every certificate of every good case, strictly, under each name and address by
//! which somebody connects.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use clustergen::disk::RealFolder;
use clustergen::model::facts::{CertificateSource, LeafKey, Usage};
use clustergen::run::{Report, look};
use time::Duration;

use crate::cli::text;
use crate::support::{Bench, day, folders, golden};

#[test]
fn openssl_believes_every_certificate_under_every_name() {
    let (mut verified, mut kinds) = (0, BTreeSet::new());
    for case in folders(&golden().join("ok")) {
        let bench = Bench::new(Some(&case.join("state")));
        let folder = RealFolder(case.clone());
        let report = look(bench.place(&folder, "cluster.kdl")).unwrap();
        let settled = &report.compiled.as_ref().unwrap().allotted.settled;
        for (key, leaf) in &settled.leaves {
            if !ours(&report, key) {
                continue;
            }
            let ca = settled.authority.as_deref().unwrap();
            let (pem, authority) = (bench.state.0.join("leaf.pem"), bench.state.0.join("top.pem"));
            fs::write(&pem, &leaf.pem).unwrap();
            fs::write(&authority, ca).unwrap();
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
    assert!(verified > 50, "only {verified}");
    let wanted = ["(256 bit)", "(384 bit)", "(3072 bit)", "(4096 bit)"];
    assert!(wanted.iter().all(|it| kinds.iter().any(|kind| kind.contains(it))), "{kinds:?}");
}

/// Whether the cluster's authority signs it.
fn ours(report: &Report, key: &LeafKey) -> bool {
    let named = report.compiled.as_ref().unwrap().facts.certificates.get(&key.name);
    named.is_none_or(|it| it.source == CertificateSource::ClusterCa)
}

/// What is asked of a certificate: by those who dial it under each name, and by those whom its host
/// dials.
fn asked(report: &Report, key: &LeafKey) -> Vec<String> {
    let leaf = &report.compiled.as_ref().unwrap().facts.leaves[key];
    let names = leaf.names.iter().map(|it| format!("-purpose sslserver -verify_hostname {it}"));
    let addresses = leaf.addresses.iter().map(|it| format!("-purpose sslserver -verify_ip {it}"));
    let client = (leaf.usage == Usage::Peer).then(|| "-purpose sslclient".to_owned());
    names.chain(addresses).chain(client).collect()
}
