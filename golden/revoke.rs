//! Certificates that nobody may believe any more: OpenSSL does not, nginx is told so, and new ones
//! stand in for them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::cli::{clustergen, code, text};
use crate::support::tree;

const DESCRIPTION: &str = r#"
cluster "c" domain="example.net" platform="debian-12"
host "lb" address="10.0.0.1"
host "a" address="10.0.0.2"
host "b" address="10.0.0.3"
certificate "app" {
    names "app.example.net"
    on "a" "b" cert="/etc/app.crt" key="/etc/app.key"
}
nginx "front" {
    on "lb"
    upstream "app" { servers "a" "b" port=8443; tls "app"; }
    site "www.example.net" { location "/" to="app"; }
}
"#;

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cluster.kdl"), DESCRIPTION).unwrap();
    well(folder.path(), &["build"]);
    folder
}

fn well(folder: &Path, args: &[&str]) -> String {
    let done = clustergen(folder, args, &[]);
    assert_eq!(code(&done), 0, "{args:?}: {}", text(&done));
    text(&done)
}

/// OpenSSL's judgement, as nginx has it asked: with the list, of every certificate.
fn verify(folder: &Path, cert: &str) -> Output {
    let nginx = "out/lb/files/etc/nginx/ssl";
    let args = format!(
        "verify -x509_strict -crl_check_all -CAfile {nginx}/cluster-ca.pem -CRLfile {nginx}/cluster-ca.crl {cert}"
    );
    Command::new("openssl").args(args.split(' ')).current_dir(folder).output().unwrap()
}

fn lock(folder: &Path) -> String {
    fs::read_to_string(folder.join("cluster.state/lock")).unwrap()
}

#[test]
fn what_is_revoked_is_believed_by_nobody_who_has_the_list() {
    let folder = project();
    let configuration = folder.path().join("out/lb/files/etc/nginx/nginx.conf");
    assert!(!fs::read_to_string(&configuration).unwrap().contains("proxy_ssl_crl"));
    fs::copy(folder.path().join("out/a/files/etc/app.crt"), folder.path().join("old.crt")).unwrap();
    let told = well(folder.path(), &["certs", "revoke", "cluster.kdl", "a/app"]);
    assert!(told.starts_with("a/app: revoked, until 20"), "{told}");
    let page = well(folder.path(), &["build"]);
    assert!(page.contains("revokes 1"), "{page}");
    let old = verify(folder.path(), "old.crt");
    assert!(text(&old).contains("certificate revoked"), "{}", text(&old));
    for cert in ["out/a/files/etc/app.crt", "out/b/files/etc/app.crt"] {
        let new = verify(folder.path(), cert);
        assert!(new.status.success(), "{}", text(&new));
    }
    let configuration = fs::read_to_string(&configuration).unwrap();
    let line = "proxy_ssl_crl                  /etc/nginx/ssl/cluster-ca.crl;";
    assert!(configuration.contains(line), "{configuration}");
    well(folder.path(), &["build", "--check"]);
    well(folder.path(), &["pack"]);
    // a second one is added, none goes
    well(folder.path(), &["certs", "revoke", "cluster.kdl", "b/app"]);
    assert!(well(folder.path(), &["build"]).contains("revokes 2"));
    assert!(!verify(folder.path(), "old.crt").status.success());
    assert_eq!(lock(folder.path()).lines().filter(|it| it.starts_with("revoked ")).count(), 2);
}

/// Two branches revoke one each: git keeps the lines of both, and the next build makes one list.
#[test]
fn after_a_merge_the_list_has_what_both_sides_revoked() {
    let folder = project();
    well(folder.path(), &["certs", "revoke", "cluster.kdl", "a/app"]);
    let path = folder.path().join("cluster.state/lock");
    let other = "revoked 4a11223344556677889900aabbccddee 2026-11-01\n";
    let merged =
        lock(folder.path()).replace("certificate a/app", &format!("{other}certificate a/app"));
    fs::write(&path, merged).unwrap();
    assert!(well(folder.path(), &["build"]).contains("revokes 2"));
    well(folder.path(), &["build", "--check"]);
    fs::write(&path, lock(folder.path()).replace("revoked 4a", "revoked zz")).unwrap();
    let refused = clustergen(folder.path(), &["build"], &[]);
    assert!(text(&refused).contains("this line of the lock cannot be read"), "{}", text(&refused));
}

#[test]
fn what_cannot_be_revoked_is_told_and_nothing_is_written() {
    let folder = project();
    let before = tree(folder.path());
    for (name, said) in [("a/ap", "did you mean `a/app`?"), ("ca", "hosts that trust both")] {
        let done = clustergen(folder.path(), &["certs", "revoke", "cluster.kdl", name], &[]);
        assert_eq!(code(&done), 1, "{}", text(&done));
        assert!(text(&done).contains(said), "{}", text(&done));
    }
    assert!(before == tree(folder.path()), "something was written");
    fs::write(folder.path().join("cluster.state/certs/ca.crl.pem"), "x\n").unwrap();
    well(folder.path(), &["certs", "revoke", "cluster.kdl", "a/app"]);
    fs::write(folder.path().join("cluster.state/certs/ca.crl.pem"), "x\n").unwrap();
    let refused = clustergen(folder.path(), &["build"], &[]);
    assert_eq!(code(&refused), 1);
    let said = "`certs/ca.crl.pem` is not the one that the lock names";
    assert!(text(&refused).contains(said), "{}", text(&refused));
}
