//! Bundles with their secrets on a host: archives that its own programs unpack, and what a build seals.
//!
//! Applied as they are. Not here: bundles written by hand ([`crate::sealed`]).

use std::fs;
use std::process::Command;

use crate::apply::apply;
use crate::built::{Built, examples, said};
use crate::bundle::{failed, good, start};
use crate::host::Host;
use crate::host_key;

/// Whether every file of a host's own has the values in it that the vault has.
fn filled(built: &Built, host: &Host, name: &str) {
    for (path, value) in [
        ("/etc/ssl/app/app.key", format!("keys/{name}/app.key")),
        ("/etc/csync2_ssl_key.pem", format!("keys/{name}/csync2.key")),
        ("/etc/csync2_content.key", "secrets/csync2[content]/key".to_owned()),
    ] {
        let wanted = fs::read_to_string(built.vault().join(value)).unwrap();
        assert!(
            host.read(path).trim_end() == wanted.trim_end(),
            "{path} is not what the vault has"
        );
    }
}

/// What the runbook says to run on a host to unpack its archive, read from standard input.
fn unpacking(built: &Built, name: &str) -> String {
    let runbook = fs::read_to_string(built.bundle(name).with_file_name("RUNBOOK.md")).unwrap();
    let line = runbook.lines().find(|it| it.ends_with(&format!("<packs/{name}.tar"))).unwrap();
    line.split('\'').nth(1).unwrap().to_owned()
}

#[test]
fn an_archive_is_unpacked_on_its_host_and_applied_as_it_is() {
    let built = Built::example("web.kdl");
    let by_runbook = format!("{{ {}; }} </tmp/app1.tar", unpacking(&built, "app1"));
    for (form, unpack, folder) in [
        ("zip", "unzip -q /tmp/app1.zip", "/root/app1"),
        ("tar", "tar xf /tmp/app1.tar", "/root/app1"),
        ("tar", &by_runbook, "/root/clustergen"),
    ] {
        let host = start("app1");
        fs::copy(built.packed("app1", form), host.path(&format!("/tmp/app1.{form}"))).unwrap();
        let script = format!("umask 022; cd /root; {unpack}; exec {folder}/apply.sh");
        let done = host.run(&["sh", "-ec", &script]);
        assert_eq!(done.status.code(), Some(5), "csync2 waits for its first sync: {}", said(&done));
        filled(&built, &host, "app1");
        let secrets = format!("{folder}/secrets");
        for wrong in [&[&*secrets, "-perm", "/077"][..], &[folder, "!", "-user", "root"]] {
            let found = host.run(&[&["find"], wrong].concat());
            assert_eq!(good(&found), "[exit status: 0] ", "{unpack}: {wrong:?}");
        }
        host.write("/tmp/running", "");
        let again = host.run(&[&format!("{folder}/apply.sh")]);
        assert!(said(&again).contains("nothing to change"), "{}", said(&again));
    }
}

#[test]
fn what_a_build_seals_for_the_keys_that_a_host_says_is_opened_there() {
    let built = Built::example("web.kdl");
    let host = host_key::without("app1");
    for kind in ["ed25519", "rsa"] {
        host_key::key(&host, kind);
    }
    let run = |words: &[&str]| {
        let mut copy = Command::new("cp");
        copy.arg("-rT").arg(built.bundle("app1")).arg(host.path("/tmp/bundle"));
        good(&copy.output().unwrap());
        host.run(&[&["sh", "/tmp/bundle/apply.sh"], words].concat())
    };
    let lines = String::from_utf8(run(&["--host-key"]).stdout).unwrap();
    let text = fs::read_to_string(examples().join("web.kdl")).unwrap();
    let line = text.lines().find(|it| it.starts_with("host \"app1\"")).unwrap();
    built.rebuild(&text.replace(line, &format!("{line} {{\n{lines}}}")));
    for only in ["rsa", "ed25519"] {
        let away = if only == "rsa" { "ed25519" } else { "rsa" };
        let [path, hidden] = ["", ".away"].map(|end| format!("/etc/ssh/ssh_host_{away}_key{end}"));
        good(&host.run(&["mv", &path, &hidden]));
        let done = run(&[]);
        assert_eq!(done.status.code(), Some(5), "csync2 waits for its first sync: {}", said(&done));
        filled(&built, &host, "app1");
        good(&host.run(&["mv", &hidden, &path]));
        good(&run(&["--uninstall"]));
        assert!(!host.path("/etc/csync2_ssl_key.pem").exists());
    }
}

#[test]
fn an_archive_for_another_host_is_refused() {
    let built = Built::example("web.kdl");
    let host = start("app1");
    fs::copy(built.packed("app2", "tar"), host.path("/tmp/app2.tar")).unwrap();
    let done = host.run(&["sh", "-c", "cd /root; tar xf /tmp/app2.tar; exec app2/apply.sh"]);
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    assert!(said(&done).contains("this bundle is for app2"), "{}", said(&done));
    assert!(!host.path("/etc/csync2_content.key").exists());
}

#[test]
fn a_signed_archive_is_taken_by_a_host_that_wants_one_and_a_committed_bundle_is_not() {
    let built = Built::example("web.kdl");
    let keygen = ["-q", "-t", "ed25519", "-N", "", "-C", "ops@example.net", "-f", "key"];
    good(&Command::new("ssh-keygen").args(keygen).current_dir(built.folder()).output().unwrap());
    let public = fs::read_to_string(built.folder().join("key.pub")).unwrap();
    let list = format!("ops@example.net namespaces=\"clustergen\" {public}");
    for (form, unpack) in [("zip", "unzip -q"), ("tar", "tar xf")] {
        let host = start("app1");
        host.write("/etc/clustergen/allowed_signers", &list);
        let archive = built.packed_with(&["--sign", "key"], "app1", form);
        fs::copy(archive, host.path("/root/archive")).unwrap();
        let script = format!("umask 022; cd /root; {unpack} archive; exec app1/apply.sh");
        let done = host.run(&["sh", "-ec", &script]);
        assert_eq!(done.status.code(), Some(5), "csync2 waits for its first sync: {}", said(&done));
        assert!(said(&done).contains("signed by ops@example.net\n"), "{}", said(&done));
        filled(&built, &host, "app1");

        let done = apply(&built, &host, "app1", &[]).0;
        failed(&done, 1, "and this one has no SIGNED");
    }
}
