//! When `apply.sh` does nothing: it says why and what to do about it, and nothing was written.
//!
//! In: hosts on which a bundle is installed, and another one that must not be. Not here: what
//! lies in the way ([`crate::obstacles`]), and disks that cannot be written to ([`crate::full`]).

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::bundle::{Bundle, failed, good, refused, start};
use crate::host::Host;

const TABLE: &str = "file 0644 root:root /etc/a.conf reload a.service
block c /etc/hosts none -
step 1/1 fill keeps 'the tables are there'";

const FIRST: [(&str, &str); 2] =
    [("files/etc/a.conf", "a\n"), ("edits/etc/hosts.block", "192.0.2.1 a\n")];
const SECOND: [(&str, &str); 3] = [
    ("files/etc/a.conf", "a2\n"),
    ("edits/etc/hosts.block", "192.0.2.2 a\n"),
    ("steps/fill/tables.sql", "x\n"),
];

/// A bundle is installed, and another one waits.
fn installed() -> (Host, Bundle) {
    let host = start("h");
    let bundle = Bundle::of(TABLE, &FIRST);
    good(&bundle.on(&host, &[]).0);
    bundle.becomes("h", TABLE, &SECOND);
    (host, bundle)
}

#[test]
fn a_bundle_of_another_host_is_refused() {
    let (host, bundle) = installed();
    refused(&bundle, &host, &["--i-am", "b"], 1, "this bundle is for h, not for b");
    bundle.becomes("other", TABLE, &SECOND);
    let why = "this bundle is for other, and this host is h; if it is other all the same, say --i-am other";
    for args in [&[][..], &["--dry-run"], &["--check"], &["--verify"], &["--bootstrap", "fill"]] {
        refused(&bundle, &host, args, 1, why);
    }
    // the name is right now, but another host's bundle was here before
    host.run(&["hostname", "other"]);
    let why = "this machine is h of c, and this bundle is for other; if it is other from now on, say --i-am other";
    refused(&bundle, &host, &[], 1, why);
}

#[test]
fn a_bundle_for_another_platform_is_refused_and_a_minor_release_is_none() {
    let (host, bundle) = installed();
    bundle.says("platform=rhel-9 releases='rhel:9 rocky:9'");
    host.without("/etc/os-release");
    refused(
        &bundle,
        &host,
        &[],
        1,
        "this bundle is for rhel-9, and this host has no /etc/os-release",
    );
    for (text, runs) in [
        ("ID=debian\nVERSION_ID=\"12\"\n", "debian 12"),
        ("ID=rocky\nVERSION_ID=\"8.9\"\n", "rocky 8.9"),
        ("ID=rocky\nVERSION_ID=\"90\"\n", "rocky 90"),
        ("ID=arch\n", "arch "),
    ] {
        host.write("/etc/os-release", text);
        let why = format!("this bundle is for rhel-9, and this host runs {runs}: say platform");
        refused(&bundle, &host, &[], 1, &why);
    }
    host.write("/etc/os-release", "ID='rocky\n");
    refused(&bundle, &host, &[], 1, "/etc/os-release cannot be read");
    host.write("/etc/os-release", "ID=\"rocky\"\nVERSION_ID=\"9.6\"\n");
    good(&bundle.on(&host, &[]).0);
}

#[test]
fn a_word_that_is_no_option_is_named() {
    let (host, bundle) = installed();
    for (args, why) in [
        (&["--force"][..], "'--force' is no option: --help says what there is"),
        (&["now"], "'now' is no option"),
        (&[""], "'' is no option"),
        (&["--root", ""], "--root wants a folder that is not /"),
        (&["--root", "/"], "--root wants a folder that is not /"),
        (&["--root"], "--root wants a folder"),
        (&["--bootstrap"], "--bootstrap wants a step"),
        (&["--secrets"], "--secrets wants a folder"),
        (&["--i-am"], "--i-am wants a name"),
        (&["--check", "--rollback"], "--rollback goes alone or with --dry-run"),
        (&["--uninstall", "--verify"], "--uninstall goes alone or with --dry-run"),
    ] {
        refused(&bundle, &host, args, 64, why);
    }
    refused(&bundle, &host, &["--bootstrap", "drain"], 1, "h has no step drain: --list says which");
}

#[test]
fn who_is_not_root_may_look_and_not_install() {
    let (host, bundle) = installed();
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh"];
    bundle.bring(&host);
    host.run(&["chmod", "-R", "a+rX", "/tmp/bundle"]);
    let before = host.disk();
    for args in [&[][..], &["--rollback"], &["--uninstall"], &["--bootstrap", "fill"]] {
        let done = host.run(&[&nobody[..], &["/tmp/bundle/apply.sh"], args].concat());
        failed(&done, 1, "only root can install or undo");
    }
    let done = host.run(&[&nobody[..], &["/tmp/bundle/apply.sh", "--check"]].concat());
    failed(&done, 2, "change /etc/a.conf, then reload a.service");
    let written = before.writes(&host.disk());
    assert!(written.is_empty(), "{written:#?}");
}

#[test]
fn a_bundle_that_is_not_as_it_was_built_is_refused_whatever_it_lacks() {
    let (host, bundle) = installed();
    let at = bundle.folder.path();
    fs::write(at.join("secrets.age"), "age-encryption.org/v1\n").unwrap();
    fs::write(at.join("manifest.json"), "{}\n").unwrap();
    bundle.sums("find * -type f ! -name SHA256SUMS");
    let sums = fs::read_to_string(at.join("SHA256SUMS")).unwrap();
    let names: Vec<&str> = sums.lines().map(|line| line.split_once("  ").unwrap().1).collect();
    assert_eq!(names.len(), 7, "{names:?}");
    for name in names {
        let path = at.join(name);
        let whole = fs::read(&path).unwrap();
        // a byte of its end: in scripts that is a comment, or an empty line
        let mut other = whole.clone();
        *other.last_mut().unwrap() = b' ';
        for (text, what) in [(Some(other), "FAILED"), (None, "No such file or directory")] {
            match text {
                Some(text) => fs::write(&path, text).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            if name == "apply.sh" && what != "FAILED" {
                continue;
            }
            for args in [&[][..], &["--check"], &["--bootstrap", "fill"], &["--uninstall"]] {
                if name == "host.sh" && what != "FAILED" {
                    refused(&bundle, &host, args, 1, "host.sh is not beside apply.sh");
                    continue;
                }
                refused(&bundle, &host, args, 1, "the bundle is not as it was built");
                refused(&bundle, &host, args, 1, &format!("{name}: {what}"));
                refused(&bundle, &host, args, 1, "copy it here again");
            }
        }
        fs::write(&path, whole).unwrap();
    }
    fs::remove_file(at.join("SHA256SUMS")).unwrap();
    refused(&bundle, &host, &[], 1, "SHA256SUMS");
    fs::write(at.join("SHA256SUMS"), sums).unwrap();
    good(&bundle.on(&host, &[]).0);
}

#[test]
fn a_bundle_that_was_replaced_is_refused_until_one_says_so() {
    let (host, bundle) = installed();
    good(&bundle.on(&host, &[]).0);
    bundle.becomes("h", TABLE, &FIRST);
    fs::remove_dir_all(bundle.folder.path().join("steps")).unwrap();
    bundle.sums("find apply.sh host.sh files edits -type f");
    let why = "it was generation 1 here, and generation 2 has replaced it. Copy the new one, or say --older";
    refused(&bundle, &host, &[], 1, why);
    good(&bundle.on(&host, &["--older"]).0);
    assert_eq!(host.read("/etc/a.conf"), "a\n");
}

/// Waits in the middle of its reload until `/tmp/go` is there.
const SLOW: &str = "#!/bin/sh
case $1 in is-* | show) exit 0 ;; esac
echo \"$@\" >>/tmp/slow
until [ -e /tmp/go ]; do sleep 0.05; done
";

#[test]
fn a_second_run_says_that_one_is_at_work_and_the_first_is_unharmed() {
    for flock in [true, false] {
        let (host, bundle) = installed();
        if !flock {
            host.without("/usr/bin/flock");
        }
        host.program("/usr/local/sbin/systemctl", SLOW);
        bundle.bring(&host);
        host.run(&["cp", "-r", "/tmp/bundle", "/tmp/first"]);
        let mut first = host.command(&["sh", "/tmp/first/apply.sh"]);
        let first = first.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        while !host.path("/tmp/slow").exists() {
            sleep(Duration::from_millis(20));
        }
        let why = "another apply.sh is at work";
        let looks = [&["--check"][..], &["--dry-run"]];
        for args in [&[][..], &["--rollback"], &["--bootstrap", "fill"]].iter().chain(&looks) {
            refused(&bundle, &host, args, 1, why);
        }
        good(&bundle.on(&host, &["--list"]).0);
        host.write("/tmp/go", "");
        good(&first.wait_with_output().unwrap());
        assert_eq!(host.read("/etc/a.conf"), "a2\n");
        assert_eq!(host.read("/tmp/slow"), "reload-or-restart a.service\n");
        for args in looks {
            let told = good(&bundle.on(&host, args).0);
            assert!(!told.contains(why) && !told.contains("change /etc"), "{told}");
        }
    }
}
