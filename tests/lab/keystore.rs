//! Key stores: the host's own keytool makes them, and reads back what the cluster's authority signed.

use crate::apply::apply;
use crate::built::{Built, said};
use crate::bundle::{bad, good, start};
use crate::host::Host;

const KDL: &str = r#"
cluster "c" domain="example.org" platform="debian-12"
host "n1" address="192.0.2.1"
secret "store" { generate; }
certificate "app" { names "app.example.org"; }
keystore "app" {
    on "n1"
    path "/etc/app/my store.p12"
    password (secret)"store"
    certificate "app"
    alias "tomcat"
    trust "cluster-ca"
    owner "root" group="www-data"
    restart "app.service"
}
"#;

/// Others: one of an old type, and one that somebody else has filled.
const MORE: &str = r#"
keystore "old" { on "n1"; path "/etc/app/old.jks"; type "JKS"; password (secret)"store"; certificate "app"; }
keystore "java" { on "n1"; path "/etc/app/cacerts"; password (secret)"store"; trust "c-ca"; shared; }
"#;

/// Where the parts of a store lie.
const HERE: &str = "/var/lib/clustergen/c/keystore";

/// Writes down the arguments of whoever runs it, then does it.
const SPY: &str =
    "#!/bin/sh\nprintf '%s\\n' \"$0 $*\" >>/tmp/argv\nexec /usr/bin/${0##*/} \"$@\"\n";

/// A host with Java, and a trust store that somebody else has put something into.
fn host(built: &Built) -> Host {
    let host = start("n1");
    for program in ["keytool", "openssl"] {
        let path = format!("/usr/local/sbin/{program}");
        host.write(&path, SPY);
        host.run(&["chmod", "0755", &path]);
    }
    host.write("/tmp/running", "");
    host.write("/tmp/password", password(built));
    host.run(&["mkdir", "-p", "/etc/app"]);
    let theirs = "openssl req -x509 -newkey rsa:2048 -nodes -keyout /tmp/k -out /tmp/theirs.pem -subj /CN=theirs &&
        keytool -importcert -noprompt -alias theirs -file /tmp/theirs.pem -keystore /etc/app/cacerts \
            -storepass:file /tmp/password && chmod 0604 /etc/app/cacerts && chown root:adm /etc/app/cacerts";
    good(&host.run(&["sh", "-c", theirs]));
    host
}

fn password(built: &Built) -> &'static str {
    let secrets = built.secrets("n1");
    let value = secrets.iter().find(|(token, _)| token.contains("_store_")).unwrap().1.clone();
    value.leak()
}

fn list(host: &Host, store: &str) -> String {
    good(&host.run(&[
        "keytool",
        "-list",
        "-v",
        "-keystore",
        store,
        "-storepass:file",
        "/tmp/password",
    ]))
}

fn fingerprint(host: &Host, pem: &str) -> String {
    let words = ["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", pem];
    good(&host.run(&words)).split_once('=').unwrap().1.trim().to_owned()
}

#[test]
fn keytool_makes_the_stores_and_reads_what_is_in_them() {
    let built = Built::of(&format!("{KDL}{MORE}"));
    let host = host(&built);
    let (done, asked) = apply(&built, &host, "n1", &[]);
    good(&done);
    assert_eq!(
        asked.iter().filter(|it| it.contains("restart app.service")).count(),
        1,
        "{asked:?}"
    );

    let leaf = fingerprint(&host, &format!("{HERE}/app/cert.pem"));
    let ca = fingerprint(&host, &format!("{HERE}/app/ca.pem"));
    let store = list(&host, "/etc/app/my store.p12");
    for wanted in [
        "Keystore type: PKCS12",
        "2 entries",
        "Alias name: tomcat",
        "PrivateKeyEntry",
        "Certificate chain length: 2",
        "Alias name: cluster-ca",
        "trustedCertEntry",
        &leaf,
        &ca,
    ] {
        assert!(store.contains(wanted), "no {wanted} in {store}");
    }
    let old = list(&host, "/etc/app/old.jks");
    assert!(old.contains("Keystore type: JKS") && old.contains("Alias name: app"), "{old}");
    let trust = list(&host, "/etc/app/cacerts");
    assert!(trust.contains("Alias name: theirs") && trust.contains("Alias name: c-ca"), "{trust}");
    let stat = |path: &str| said(&host.run(&["stat", "-c", "%a %U:%G", path]));
    for (path, wanted) in [
        ("/etc/app/my store.p12", "640 root:www-data"),
        ("/etc/app/old.jks", "600 root:root"),
        ("/etc/app/cacerts", "604 root:adm"),
        (HERE, "755 root"),
        ("/var/lib/clustergen/c", "700 root"),
        (&format!("{HERE}/app"), "700 root"),
        (&format!("{HERE}/app/password"), "600 root"),
    ] {
        assert!(stat(path).contains(wanted), "{path}: {}", stat(path));
    }

    let seen = host.read("/tmp/argv");
    assert!(seen.contains("-importkeystore") && seen.contains("pkcs12 -export"), "{seen}");
    assert!(!seen.contains(password(&built)), "a password was in an argument: {seen}");
    let left = said(&host.run(&[
        "find",
        HERE,
        "/etc/app",
        "-name",
        "key.p12",
        "-o",
        "-name",
        "new",
        "-o",
        "-name",
        ".*.dpkg-new",
    ]));
    assert!(!left.contains('/'), "{left}");
    let (again, asked) = apply(&built, &host, "n1", &[]);
    assert!(good(&again).contains("nothing to change") && asked.is_empty(), "{asked:?}");
}

#[test]
fn a_store_that_is_not_what_it_should_be_is_made_anew() {
    let built = Built::of(KDL);
    let host = host(&built);
    good(&apply(&built, &host, "n1", &[]).0);
    let differs = |why: &str| {
        let (check, _) = apply(&built, &host, "n1", &["--check"]);
        assert_eq!(check.status.code(), Some(2), "{why}: {}", said(&check));
        assert!(said(&check).contains("make /etc/app/my store.p12"), "{why}: {}", said(&check));
        let done = good(&apply(&built, &host, "n1", &[]).0);
        assert!(done.contains("1 changed"), "{why}: {}{done}", said(&check));
    };
    host.run(&["chmod", "0644", "/etc/app/my store.p12"]);
    differs("readable by all");
    host.write("/etc/app/my store.p12", "\u{1}no store");
    differs("another type");
    let gone = [
        "-delete",
        "-alias",
        "cluster-ca",
        "-keystore",
        "/etc/app/my store.p12",
        "-storepass:file",
    ];
    good(&host.run(&[&["keytool"], &gone[..], &["/tmp/password"]].concat()));
    differs("an entry less");

    let before = fingerprint(&host, &format!("{HERE}/app/cert.pem"));
    built.rebuild(
        &KDL.replace("names \"app.example.org\"", "names \"app.example.org\" \"b.example.org\""),
    );
    good(&apply(&built, &host, "n1", &[]).0);
    let after = fingerprint(&host, &format!("{HERE}/app/cert.pem"));
    let store = list(&host, "/etc/app/my store.p12");
    assert!(before != after && store.contains(&after) && !store.contains(&before), "{store}");
}

#[test]
fn a_host_without_java_is_told_so_and_keeps_what_it_had() {
    let more = MORE.replace("shared;", "keytool \"/opt/jre/bin/keytool\";");
    let built = Built::of(&format!("{KDL}{more}"));
    let host = host(&built);
    host.write("/etc/app/old.jks", "theirs\n");
    bad(
        &apply(&built, &host, "n1", &[]).0,
        "/opt/jre/bin/keytool is not here: install a Java runtime",
    );
    assert_eq!(host.read("/etc/app/old.jks"), "theirs\n");
    assert!(!host.path("/etc/app/my store.p12").exists() && !host.path(HERE).exists());
}
