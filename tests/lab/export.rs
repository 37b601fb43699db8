//! Secrets that are born on a host: handed over whole, to root alone, or not at all.
//!
//! Not here: what `clustergen import` does with them.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::apply::SHELLS;
use crate::built::said;
use crate::bundle::{Bundle, bad, good, refused, start};
use crate::host::Host;
use crate::scripts::mode;

const TABLE: &str = "born app-salt /opt/app/salt\nborn app-pin '/opt/app/the pin'";
const PLAIN: &str = "/var/lib/clustergen/c/export/h.tar";
const SALT: &[u8] = b"Sesame\0\xff\n\n";

/// A host whose installer has run.
fn host() -> Host {
    let host = start("h");
    host.write("/opt/app/the pin", "Sesame-pin");
    fs::write(host.path("/opt/app/salt"), SALT).unwrap();
    host
}

/// The entries of a tar on the host, and the bytes of each.
fn entries(host: &Host, tar: &str) -> Vec<(String, Vec<u8>)> {
    let names = host.run(&["tar", "-tf", tar]).stdout;
    let names = String::from_utf8(names).unwrap();
    let bytes = |name: &str| host.run(&["tar", "-xOf", tar, name]).stdout;
    names.lines().map(|name| (name.to_owned(), bytes(name))).collect()
}

fn wanted() -> Vec<(String, Vec<u8>)> {
    vec![("app-salt".to_owned(), SALT.to_vec()), ("app-pin".to_owned(), b"Sesame-pin".to_vec())]
}

#[test]
fn what_is_born_here_is_listed_and_handed_over_byte_for_byte() {
    for shell in SHELLS {
        let (host, bundle) = (host(), Bundle::of(TABLE, &[]));
        let list = || good(&bundle.on_with(shell, &host, &["--list"]).0);
        assert!(list().contains("waits") && list().contains("made here: app-salt app-pin"));
        good(&bundle.on_with(shell, &host, &[]).0);
        assert!(!host.path(PLAIN).exists(), "an apply exports nothing");
        let told = good(&bundle.on_with(shell, &host, &["--bootstrap", "export"]).0);
        assert!(told.contains(&format!("lie in {PLAIN}, not encrypted")), "{told}");
        assert!(told.contains("say clustergen import h h.tar there"), "{told}");
        assert_eq!(entries(&host, PLAIN), wanted());
        assert_eq!(mode(&host.path(PLAIN)), "0600");
        assert_eq!(mode(host.path(PLAIN).parent().unwrap()), "0700");
        assert!(list().contains("done  20"), "{}", list());

        // again, as it is now
        host.write("/opt/app/the pin", "2");
        let done = bundle.on_with(shell, &host, &["--bootstrap", "export", "--json"]).0;
        let found: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!((found["exit"].as_i64(), found["mode"].as_str()), (Some(0), Some("bootstrap")));
        assert_eq!(entries(&host, PLAIN)[1].1, b"2");
        let seen = said(&done) + &told + &host.read("/var/log/clustergen.log");
        assert!(seen.contains("export: done") && !seen.contains("Sesame"), "{seen}");
        good(&bundle.on_with(shell, &host, &["--uninstall"]).0);
        assert!(!host.path(PLAIN).exists());
    }
}

#[test]
fn what_is_no_text_and_whole_folders_are_handed_over_as_text() {
    let table =
        "born app-store /opt/app/salt base64\nborn app-certs /opt/app/certs tar '*.key' 'c*'";
    for shell in SHELLS {
        let (host, bundle) = (host(), Bundle::of(table, &[]));
        good(&bundle.on_with(shell, &host, &[]).0);
        let export = ["--bootstrap", "export"];
        fs::create_dir(host.path("/opt/app/certs")).unwrap();
        refused(&bundle, &host, &export, 1, "not here, or empty: /opt/app/certs: run the");
        host.write("/opt/app/certs/b.pem", "Sesame b");
        host.write("/opt/app/certs/a dir/a.jks", "Sesame a");
        host.write("/opt/app/certs/a dir/a.key", "the host's own");
        host.write("/opt/app/certs/c.pem", "the host's own");
        let mut found = Vec::new();
        for _ in 0..2 {
            good(&bundle.on_with(shell, &host, &export).0);
            found.push(entries(&host, PLAIN));
        }
        assert_eq!(found[0], found[1], "the same files are the same value");
        let [store, certs] = found.remove(0).try_into().unwrap();
        host.write("/tmp/store", &String::from_utf8(store.1).unwrap());
        assert_eq!(host.run(&["base64", "-d", "/tmp/store"]).stdout, SALT);
        host.write("/tmp/certs", &String::from_utf8(certs.1).unwrap());
        let tar = host.run(&["sh", "-c", "base64 -d /tmp/certs >/tmp/certs.tar"]);
        good(&tar);
        let inside = [("./a dir/a.jks", "Sesame a"), ("./b.pem", "Sesame b")]
            .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
        assert_eq!(entries(&host, "/tmp/certs.tar"), inside);
    }
}

/// A key of age's own, as its file has it; and its public half.
fn age_key() -> [String; 2] {
    let file = String::from_utf8(Command::new("age-keygen").output().unwrap().stdout).unwrap();
    let half = file.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap();
    [file.clone(), half.to_owned()]
}

#[test]
fn it_is_encrypted_where_that_can_be() {
    let host = host();
    let ([first, one], [second, two]) = (age_key(), age_key());
    let bundle = Bundle::of(&format!("{TABLE}\nborn_to {one} {two}"), &[]);
    let sealed = format!("{PLAIN}.age");
    host.write(&sealed, "from before");
    good(&host.run(&["mv", "/usr/bin/age", "/usr/bin/age.away"]));
    let told = good(&bundle.on(&host, &["--bootstrap", "export"]).0);
    assert!(told.contains("not encrypted"), "{told}");
    assert!(!host.path(&sealed).exists(), "what is older is gone");
    good(&host.run(&["mv", "/usr/bin/age.away", "/usr/bin/age"]));
    let told = good(&bundle.on(&host, &["--bootstrap", "export"]).0);
    assert!(told.contains(&format!("lie in {sealed}, encrypted")), "{told}");
    assert!(!host.path(PLAIN).exists(), "what was not encrypted is gone");
    assert_eq!(mode(&host.path(&sealed)), "0600");
    for identity in [&first, &second] {
        host.write("/tmp/identity", identity);
        good(&host.run(&["age", "-d", "-i", "/tmp/identity", "-o", "/tmp/all.tar", &sealed]));
        assert_eq!(entries(&host, "/tmp/all.tar"), wanted());
    }

    bundle.becomes("h", &format!("{TABLE}\nborn_to nobody"), &[]);
    refused(&bundle, &host, &["--bootstrap", "export"], 1, "age could not encrypt the secrets");
}

#[test]
fn what_is_not_here_is_named_and_nothing_is_written() {
    let (host, bundle) = (host(), Bundle::of(TABLE, &[]));
    good(&bundle.on(&host, &[]).0);
    host.write("/opt/app/the pin", "");
    let export = ["--bootstrap", "export"];
    refused(&bundle, &host, &export, 1, "not here, or empty: /opt/app/the pin: run the installer");
    host.without("/opt/app/salt");
    fs::create_dir(host.path("/opt/app/salt")).unwrap();
    let both = "not here, or empty: /opt/app/salt /opt/app/the pin";
    refused(&bundle, &host, &export, 1, both);
    host.without("/opt/app/the pin");
    refused(&bundle, &host, &export, 1, both);

    good(&bundle.on(&host, &["--mark-done", "export"]).0);
    assert!(good(&bundle.on(&host, &["--list"]).0).contains("done  20"));
    bundle.becomes("h", "", &[]);
    bad(&bundle.on(&host, &export).0, "h has no step export");
    assert!(!said(&bundle.on(&host, &["--list"]).0).contains("export"));
}
