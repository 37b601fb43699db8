//! Requests for certificates, what comes back for them, and keys that do not fit. OpenSSL plays the
//! authority.

use std::fs;
use std::path::Path;
use std::process::Command;

use clustergen::diag::Code;
use clustergen::disk::RealFolder;
use clustergen::run::build;

use crate::cli::{clustergen, code, text};
use crate::support::{Bench, Edited, build_well, compare_text, day, golden, messages, no_faults};

const ONE: &str = r#"
cluster "c" domain="example.net" platform="debian-12"
host "a" address="10.0.0.1"
host "b" address="10.0.0.2"
secret "told" { prompt; }
certificate "www" {
    names "www.example.net" "example.net"
    source "files" cert="www.crt"
    on "a" "b" cert="/etc/www.crt" key="/etc/www.key"
}
certificate "each" {
    names "each.example.net"
    source "files" cert="{{ host.name }}.crt"
    on "a" "b" cert="/etc/each.crt" key="/etc/each.key"
}
certificate "told" {
    names "told.example.net"
    source "files" cert="www.crt" key=(secret)"told"
}
certificate "ours" { names "ours.example.net"; }
certificate "theirs" { names "theirs.example.net"; source "on-host" cert="/etc/t.crt" key="/etc/t.key"; }
"#;

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cluster.kdl"), ONE).unwrap();
    folder
}

fn openssl(folder: &Path, args: &str) -> String {
    let mut command = Command::new("openssl");
    let done = command.args(args.split(' ')).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "openssl {args}: {}", text(&done));
    text(&done)
}

fn csr(folder: &Path, args: &[&str]) -> std::process::Output {
    clustergen(folder, &[&["certs", "csr", "cluster.kdl"], args].concat(), &[])
}

#[test]
fn openssl_reads_a_request_with_all_names_in_their_order() {
    let folder = project();
    let done = csr(folder.path(), &["www"]);
    assert_eq!(code(&done), 0, "{}", text(&done));
    fs::write(folder.path().join("www.csr"), &done.stdout).unwrap();
    let told = openssl(folder.path(), "req -in www.csr -verify -noout -text");
    assert!(told.contains("verify OK"), "{told}");
    assert!(told.contains("Subject: CN = www.example.net\n"), "{told}");
    assert!(told.contains("DNS:www.example.net, DNS:example.net\n"), "{told}");
    assert!(told.contains("TLS Web Server Authentication"), "{told}");
}

#[test]
fn a_request_is_made_with_the_kind_of_key_that_is_written() {
    let folder = project();
    let kind = |kind: &str| {
        let text =
            ONE.replace("cert=\"www.crt\"\n", &format!("cert=\"www.crt\"\n key-type \"{kind}\"\n"));
        fs::write(folder.path().join("cluster.kdl"), text).unwrap();
        assert_eq!(code(&csr(folder.path(), &["www", "-o", "."])), 0);
        openssl(folder.path(), "req -in www.csr -verify -noout -text")
    };
    let told = kind("rsa-3072");
    assert!(told.contains("Public-Key: (3072 bit)"), "{told}");
    assert!(told.contains("Digital Signature, Key Encipherment"), "{told}");
    let keys = folder.path().join("cluster.state/vault/keys");
    let rsa = fs::read_to_string(keys.join("www.key")).unwrap();
    let told = kind("p-384");
    assert!(told.contains("ASN1 OID: secp384r1"), "{told}");
    // a certificate for the first key may still come back
    let files = crate::support::tree(&keys);
    assert_eq!(files.len(), 2, "{:?}", files.keys());
    assert!(files.iter().any(|(name, key)| name.starts_with("www.key.") && *key == rsa));
}

#[test]
fn a_key_is_made_once_and_for_nobody_s_eyes() {
    use std::os::unix::fs::PermissionsExt;
    let folder = project();
    assert_eq!(code(&csr(folder.path(), &["www", "-o", "requests"])), 0);
    let key = folder.path().join("cluster.state/vault/keys/www.key");
    let made = fs::read(&key).unwrap();
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let ignored = fs::read_to_string(folder.path().join("cluster.state/.gitignore")).unwrap();
    assert!(ignored.contains("/vault/"));
    assert_eq!(code(&csr(folder.path(), &["www", "-o", "requests"])), 0);
    assert_eq!(fs::read(&key).unwrap(), made);
    assert!(folder.path().join("requests/www.csr").exists());
}

#[test]
fn each_host_has_a_request_where_each_has_a_file() {
    let folder = project();
    let done = csr(folder.path(), &["each", "-o", "."]);
    assert_eq!(text(&done), "./a-each.csr\n./b-each.csr\n");
    let told = openssl(folder.path(), "req -in b-each.csr -noout -text");
    assert!(told.contains("DNS:each.example.net, DNS:b.example.net\n"), "{told}");
    let done = csr(folder.path(), &["each", "--host", "a", "-o", "one"]);
    assert_eq!(text(&done), "one/a-each.csr\n");
}

#[test]
fn what_nobody_can_ask_for_is_told() {
    let folder = project();
    let said = |args: &[&str]| {
        let done = csr(folder.path(), args);
        assert_eq!(code(&done), 1, "{args:?}: {}", text(&done));
        text(&done)
    };
    assert!(said(&["wwww"]).contains("did you mean `www`?"));
    assert!(said(&["ours"]).contains("signed by the cluster's own authority"));
    assert!(said(&["theirs"]).contains("kept on the hosts by somebody else"));
    assert!(said(&["www", "--host", "a"]).contains("leave `--host` out"));
    assert!(said(&["each", "--host", "c"]).contains("no host `c` shows `each`"));
    assert!(said(&["told"]).contains("the secret `told`, which has no value yet"));
    assert!(!folder.path().join("cluster.state").exists(), "nothing was made");
}

#[test]
fn without_its_vault_a_cluster_makes_no_keys() {
    let bench = Bench::new(Some(&golden().join("ok/certificate-in-places/state")));
    let folder = project();
    let state = bench.state.0.to_str().unwrap();
    let done = csr(folder.path(), &["www", "--state", state]);
    assert_eq!(code(&done), 3);
    assert!(text(&done).contains("the vault is not here"), "{}", text(&done));
}

/// The description with one signed certificate.
fn signed(folder: &Path) -> Edited {
    let text = ONE.split("certificate \"each\"").next().unwrap().to_owned();
    Edited { base: RealFolder(folder.to_owned()), name: "cluster.kdl".to_owned(), text }
}

/// Signs a request as an authority would.
fn sign(folder: &Path) {
    openssl(
        folder,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -subj /CN=ca",
    );
    openssl(
        folder,
        "x509 -req -in www.csr -CA ca.crt -CAkey ca.key -copy_extensions copy -out www.crt",
    );
}

#[test]
fn the_answer_to_a_request_goes_with_the_key_in_the_vault() {
    let folder = project();
    assert_eq!(code(&csr(folder.path(), &["www", "-o", "."])), 0);
    sign(folder.path());
    let mut bench = Bench::new(None);
    bench.state = RealFolder(folder.path().join("cluster.state"));
    let edited = signed(folder.path());
    let report = build_well(bench.place(&edited, "cluster.kdl"));
    assert!(!messages(&report).contains("www"), "{}", messages(&report));
    let key = fs::read_to_string(bench.out.join("a/files/etc/www.key")).unwrap();
    assert_eq!(key, fs::read_to_string(bench.out.join("b/files/etc/www.key")).unwrap());
    let manifest = fs::read_to_string(bench.out.join("a/manifest.json")).unwrap();
    assert!(manifest.contains(&format!("\"{}\": \"key/www\"", key.trim())), "{manifest}");
}

#[test]
fn a_certificate_for_another_key_is_told() {
    let folder = project();
    assert_eq!(code(&csr(folder.path(), &["www", "-o", "."])), 0);
    sign(folder.path());
    fs::remove_file(folder.path().join("cluster.state/vault/keys/www.key")).unwrap();
    assert_eq!(code(&csr(folder.path(), &["www"])), 0);
    let mut bench = Bench::new(None);
    bench.state = RealFolder(folder.path().join("cluster.state"));
    let edited = signed(folder.path());
    let report = build(bench.place(&edited, "cluster.kdl"), &[], day()).unwrap();
    let sorted = report.diagnostics.sorted();
    assert!(sorted.iter().any(|it| it.code == Code::KeyMismatch), "{}", messages(&report));
    assert!(report.diffs.is_none());
    let mut faults = Vec::new();
    let stored = golden().join("state/a-certificate-for-another-key.txt");
    compare_text(&stored, &messages(&report), &mut faults);
    no_faults(&faults);
}

#[test]
fn a_key_in_an_old_form_is_told_with_the_way_out() {
    let folder = project();
    assert_eq!(code(&csr(folder.path(), &["www", "-o", "."])), 0);
    sign(folder.path());
    let key = folder.path().join("cluster.state/vault/keys/www.key");
    openssl(folder.path(), "ecparam -name prime256v1 -genkey -noout -out old.key");
    fs::copy(folder.path().join("old.key"), key).unwrap();
    let mut bench = Bench::new(None);
    bench.state = RealFolder(folder.path().join("cluster.state"));
    let edited = signed(folder.path());
    let report = build(bench.place(&edited, "cluster.kdl"), &[], day()).unwrap();
    assert!(messages(&report).contains("openssl pkey -in old.key"), "{}", messages(&report));
}
