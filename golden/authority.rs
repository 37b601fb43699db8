//! Authorities that are given: asked for, signed by OpenSSL, changed, and believed.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::cli::{clustergen, code, text};
use crate::support::{compare_text, golden, no_faults, tree};

const GIVEN: &str = r#"
cluster "c" domain="example.net" platform="debian-12" { authority cert="chain.pem"; }
host "a" address="10.0.0.1"
certificate "www" { names "www.example.net"; on "a" cert="/etc/www.crt" key="/etc/www.key"; }
"#;

fn own() -> String {
    GIVEN.replace(" { authority cert=\"chain.pem\"; }", "")
}

fn project(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), text);
    folder
}

fn write(folder: &Path, text: &str) {
    fs::write(folder.join("cluster.kdl"), text).unwrap();
}

fn sh(folder: &Path, script: &str) -> String {
    let done = Command::new("sh").args(["-ec", script]).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{script}: {}", text(&done));
    text(&done)
}

fn run(folder: &Path, args: &[&str]) -> Output {
    clustergen(folder, args, &[])
}

fn well(folder: &Path, args: &[&str]) -> String {
    let done = run(folder, args);
    assert_eq!(code(&done), 0, "{args:?}: {}", text(&done));
    text(&done)
}

const ROOT: &str = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key \
    -out root.crt -subj /CN=root -days 400 -addext keyUsage=critical,keyCertSign";

/// Signs the request as it asks, and puts the root behind it.
const SIGN: &str = "openssl x509 -req -in ca.csr -CA root.crt -CAkey root.key -days 300 \
    -copy_extensions copy -out ca.crt; cat ca.crt root.crt > chain.pem";

/// The description with an authority that a company's root has signed for a request of ours.
fn signed() -> tempfile::TempDir {
    let folder = project(GIVEN);
    well(folder.path(), &["certs", "csr", "cluster.kdl", "ca", "-o", "."]);
    sh(folder.path(), ROOT);
    sh(folder.path(), SIGN);
    folder
}

fn leaf(folder: &Path) -> String {
    fs::read_to_string(folder.join("cluster.state/certs/a/www.pem")).unwrap()
}

#[test]
fn an_authority_below_a_company_s_is_asked_for_and_signs() {
    let folder = signed();
    let asked = sh(folder.path(), "openssl req -in ca.csr -verify -noout -text 2>&1");
    assert!(asked.contains("verify OK"), "{asked}");
    assert!(asked.contains("CA:TRUE, pathlen:0"), "{asked}");
    assert!(asked.contains("Certificate Sign, CRL Sign"), "{asked}");
    well(folder.path(), &["build"]);
    sh(
        folder.path(),
        "openssl verify -x509_strict -purpose sslserver -verify_hostname www.example.net -CAfile root.crt -untrusted out/a/files/etc/www.crt out/a/files/etc/www.crt",
    );
    // 825 days are more than the authority has
    let warned = well(folder.path(), &["certs", "renew", "cluster.kdl", "www"]);
    assert!(warned.contains("`a/www` ends with the cluster's authority"), "{warned}");
    let listed = well(folder.path(), &["certs", "list"]);
    assert!(listed.contains("c cluster authority"), "{listed}");
    well(folder.path(), &["build"]);
    well(folder.path(), &["pack"]);
}

#[test]
fn one_of_the_same_name_and_key_leaves_all_as_it_is() {
    let folder = signed();
    well(folder.path(), &["build"]);
    let before = leaf(folder.path());
    sh(folder.path(), SIGN);
    let told = well(folder.path(), &["build"]);
    assert_eq!(leaf(folder.path()), before);
    assert!(!told.contains("another authority"), "{told}");
    well(folder.path(), &["build", "--check"]);
}

#[test]
fn another_authority_is_told_and_signs_all_anew_with_the_same_keys() {
    let folder = project(&own());
    well(folder.path(), &["build"]);
    let (before, keys) = (leaf(folder.path()), folder.path().join("cluster.state/vault/keys"));
    let old = tree(&keys);
    write(folder.path(), &GIVEN.replace("authority ", "authority key-type=\"p-384\" "));
    well(folder.path(), &["certs", "csr", "cluster.kdl", "ca", "-o", "."]);
    sh(folder.path(), ROOT);
    sh(folder.path(), SIGN);
    let done = run(folder.path(), &["build"]);
    assert_eq!(code(&done), 0, "{}", text(&done));
    let mut faults = Vec::new();
    let stored = golden().join("state/an-authority-that-changes.txt");
    let told = String::from_utf8(done.stderr).unwrap();
    let warning = told.split("\n\n").find(|it| it.contains("CG0526")).unwrap_or_default();
    compare_text(&stored, &format!("{warning}\n"), &mut faults);
    no_faults(&faults);
    assert_ne!(leaf(folder.path()), before);
    assert_eq!(tree(&keys), old);
    let kept = tree(&folder.path().join("cluster.state/vault"));
    assert!(kept.keys().any(|it| it.starts_with("ca.key.")), "{:?}", kept.keys());
    assert!(!well(folder.path(), &["build"]).contains("another authority"));
}

#[test]
fn what_cannot_sign_is_told() {
    let folder = signed();
    let key = folder.path().join("cluster.state/vault/ca.key");
    let held = fs::read(&key).unwrap();
    sh(
        folder.path(),
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other.key",
    );
    fs::copy(folder.path().join("other.key"), &key).unwrap();
    let refused = run(folder.path(), &["build"]);
    assert_eq!(code(&refused), 1);
    assert!(text(&refused).contains("is not the key of the authority"), "{}", text(&refused));
    fs::write(&key, held).unwrap();
    // rcgen knows each part of a name once
    sh(
        folder.path(),
        "openssl req -new -key cluster.state/vault/ca.key -subj /DC=org/DC=example/CN=ca -addext basicConstraints=CA:TRUE -addext keyUsage=keyCertSign -out ca.csr",
    );
    sh(folder.path(), SIGN);
    let refused = run(folder.path(), &["build"]);
    assert_eq!(code(&refused), 1, "{}", text(&refused));
    assert!(text(&refused).contains("under a common name"), "{}", text(&refused));
    assert!(!folder.path().join("out").exists());
    let refused = run(project(&own()).path(), &["certs", "csr", "cluster.kdl", "ca"]);
    assert_eq!(code(&refused), 1);
    assert!(text(&refused).contains("signs itself"), "{}", text(&refused));
}

#[test]
fn an_authority_is_made_with_the_kind_of_key_that_is_written() {
    let kind =
        |it: &str| own().replace("-12\"", &format!("-12\" {{ authority key-type=\"{it}\"; }}"));
    let folder = project(&kind("rsa-3072"));
    well(folder.path(), &["build"]);
    let told = sh(folder.path(), "openssl x509 -in cluster.state/certs/ca.pem -noout -text");
    assert!(told.contains("(3072 bit)"), "{told}");
    sh(
        folder.path(),
        "openssl verify -x509_strict -CAfile cluster.state/certs/ca.pem cluster.state/certs/a/www.pem",
    );
    write(folder.path(), &kind("p-384"));
    let refused = run(folder.path(), &["build"]);
    assert_eq!(code(&refused), 1);
    assert!(text(&refused).contains("made already, with a key of rsa-3072"), "{}", text(&refused));
}
