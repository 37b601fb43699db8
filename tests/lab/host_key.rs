//! `apply.sh --host-key`: what a description needs to have secrets sealed for a host.
//!
//! Keys are those of the real ssh-keygen. Not here: opening what is sealed ([`crate::sealed`]).

use serde_json::{Value, json};

use crate::apply::SHELLS;
use crate::built::said;
use crate::bundle::{Bundle, bad, good, root_with, start};
use crate::host::Host;

/// A host without SSH keys.
pub(crate) fn without(name: &str) -> Host {
    let host = start(name);
    good(&host.run(&["sh", "-c", "rm -f /etc/ssh/ssh_host_*"]));
    host
}

/// Makes the host's key of a kind; its public half.
pub(crate) fn key(host: &Host, kind: &str) -> String {
    let path = format!("/etc/ssh/ssh_host_{kind}_key");
    host.run(&["rm", "-f", &path]);
    let make = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "root@h", "-f", &path];
    good(&host.run(&make));
    host.read(&format!("{path}.pub")).trim_end().to_owned()
}

/// A bundle without the secret that it needs.
fn unfilled() -> Bundle {
    let files = [("files/etc/key", "k=CGSECRET_k_1\n")];
    Bundle::of("file 0600 root:root /etc/key none -", &files)
}

#[test]
fn the_host_says_what_to_seal_for() {
    for shell in SHELLS {
        let host = without("h");
        let bundle = unfilled();
        let ask = |args: &[&str]| {
            let before = host.disk();
            bundle.bring(&host);
            host.run(&["chmod", "-R", "a+rX", "/tmp/bundle"]);
            let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
            let words =
                [&nobody[..], shell, &["/tmp/bundle/apply.sh", "--host-key"], args].concat();
            let done = host.run(&words);
            assert!(before.writes(&host.disk()).is_empty());
            done
        };
        bad(
            &ask(&[]),
            "this host has no SSH key that secrets can be sealed for, ed25519 or RSA: make one with ssh-keygen -A",
        );
        key(&host, "ecdsa");
        bad(&ask(&[]), "ssh-keygen -A");
        let words = |key: String| key.rsplit_once(' ').unwrap().0.to_owned();
        let rsa = words(key(&host, "rsa"));
        let line = |key: &str| format!("ssh-host-key \"{key}\"\n");
        assert_eq!(String::from_utf8(ask(&[]).stdout).unwrap(), line(&rsa));
        let ed25519 = words(key(&host, "ed25519"));
        let done = ask(&[]);
        assert_eq!(String::from_utf8(done.stdout).unwrap(), line(&ed25519) + &line(&rsa));
        let done = ask(&["--json"]);
        let found: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(found["host_keys"], json!([ed25519, rsa]), "{}", said(&done));
        assert_eq!(found["mode"], "host-key");

        host.run(&["rm", "/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_ed25519_key.pub"]);
        bad(
            &ask(&[]),
            "ssh-keygen -y -f /etc/ssh/ssh_host_ed25519_key >/etc/ssh/ssh_host_ed25519_key.pub makes it",
        );
        bundle.becomes("elsewhere", "file 0600 root:root /etc/key none -", &[]);
        bad(&ask(&[]), "this bundle is for elsewhere");
    }
}

#[test]
fn of_a_host_without_keys_below_a_folder_it_says_so_too() {
    let (root, _) = root_with("etc/x", "");
    bad(&unfilled().apply(root.path(), &["--host-key"]), "ssh-keygen -A");
}
