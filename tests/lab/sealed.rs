//! Secrets that come sealed in the bundle: opened on the host that they are for, and nowhere else.
//!
//! Keys are those of the real ssh-keygen, blobs of the real age. Not here: what a build seals.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::apply::SHELLS;
use crate::built::said;
use crate::bundle::{Bundle, bad, failed, good, host_with_units, refused, start};
use crate::host::Host;
use crate::host_key::{self, key};

const AGE: &str = "/usr/bin/age";
const TABLE: &str = "file 0600 root:root /etc/key none -";

/// A host on which something is installed, without SSH keys.
fn host() -> Host {
    let host = host_key::without("h");
    good(&Bundle::of("", &[]).on(&host, &[]).0);
    host
}

/// A bundle whose secret is to stand in `/etc/key`.
fn bundle(token: &str) -> Bundle {
    Bundle::of(TABLE, &[("files/etc/key", &format!("k={token}\n"))])
}

fn sealed(token: &str, value: &str, keys: &[&str]) -> Bundle {
    let bundle = bundle(token);
    bundle.seal(&[(token, value), ("CGSECRET_other", "x\n")], keys);
    bundle
}

/// Files in which a value stands, but for the one that it is for, and where generations are.
fn traces(host: &Host, value: &str) -> String {
    let places = ["/var/lib/clustergen", "/run", "/var/log", "/etc"];
    let found = host.run(&[&["grep", "-rlF", value][..], &places].concat());
    let found = String::from_utf8_lossy(&found.stdout).into_owned();
    let kept = |line: &&str| !line.contains("/generations/") && *line != "/etc/key";
    found.lines().filter(kept).collect()
}

#[test]
fn a_host_opens_what_is_sealed_for_one_of_its_keys() {
    let value = " \\1 & $(id)\n\nlast line";
    for (shell, kind) in SHELLS.iter().zip(["ed25519", "rsa", "rsa"]) {
        let host = host();
        let own = key(&host, kind);
        let bundle = sealed("CGSECRET_k_1", value, &[&own]);
        let done = good(&bundle.on_with(shell, &host, &[]).0);
        assert!(done.contains("1 changed"), "{done}");
        assert_eq!(host.read("/etc/key"), format!("k={value}\n"));
        assert_eq!(traces(&host, "$(id)"), "", "{shell:?}");
    }
}

#[test]
fn a_key_of_another_kind_is_passed_over() {
    let host = host();
    let own = key(&host, "rsa");
    let bundle = sealed("CGSECRET_k_1", "Sesame\n", &[&own]);
    let ecdsa = key(&host, "ecdsa");
    assert!(ecdsa.starts_with("ecdsa-"));
    good(&host.run(&["mv", "/etc/ssh/ssh_host_ecdsa_key", "/etc/ssh/ssh_host_ed25519_key"]));
    good(&bundle.on(&host, &[]).0);
    assert_eq!(host.read("/etc/key"), "k=Sesame\n");
}

#[test]
fn what_is_known_is_not_opened_again() {
    for shell in SHELLS {
        let host = host();
        let own = key(&host, "ed25519");
        let first = sealed("CGSECRET_k_1", "Sesame-1\n", &[&own]);
        let second = sealed("CGSECRET_k_2", "Sesame-2\n", &[&own]);
        good(&first.on_with(shell, &host, &[]).0);
        good(&second.on_with(shell, &host, &[]).0);
        host.without(AGE);
        host.without("/etc/ssh/ssh_host_ed25519_key");

        let before = host.disk();
        assert!(good(&second.on_with(shell, &host, &[]).0).contains("nothing to change"));
        let writes = before.writes(&host.disk());
        assert!(writes.is_empty(), "{writes:#?}");
        // another generation with the same secret, which is lost on the disk besides
        second.becomes("h", &format!("{TABLE}\nlink /etc/new key none -"), &[]);
        host.without("/etc/key");
        good(&second.on_with(shell, &host, &[]).0);
        assert_eq!(host.read("/etc/key"), "k=Sesame-2\n");
        for wanted in ["Sesame-2", "Sesame-1"] {
            good(&second.on_with(shell, &host, &["--rollback"]).0);
            assert_eq!(host.read("/etc/key"), format!("k={wanted}\n"));
        }
    }
}

#[test]
fn who_only_looks_opens_nothing() {
    let host = host();
    let own = key(&host, "ed25519");
    let bundle = sealed("CGSECRET_k_1", "Sesame\n", &[&own]);
    host.program("/usr/local/sbin/age", "#!/bin/sh\n: >/tmp/opened\nexit 1\n");
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh"];
    for shell in [&["sh"][..], &nobody] {
        for (args, code) in [("--check", 2), ("--dry-run", 0), ("--verify", 0), ("--list", 0)] {
            bundle.bring(&host);
            host.run(&["chmod", "-R", "a+rX", "/tmp/bundle"]);
            let done = host.run(&[shell, &["/tmp/bundle/apply.sh", args]].concat());
            assert_eq!(done.status.code(), Some(code), "{args}: {}", said(&done));
            let plan = code == 2 || args == "--dry-run";
            assert_eq!(plan, said(&done).contains("change /etc/key"), "{}", said(&done));
        }
    }
    assert!(!host.path("/tmp/opened").exists());
    bad(&bundle.on(&host, &[]).0, "age has not said why");
    assert!(host.path("/tmp/opened").exists());
}

#[test]
fn what_is_given_goes_before_what_is_sealed() {
    let host = host();
    key(&host, "ed25519");
    let foreign = start("other");
    let bundle = sealed("CGSECRET_k_1", "sealed\n", &[&key(&foreign, "ed25519")]);
    bundle.secret("CGSECRET_k_1", "packed\n");
    good(&bundle.on(&host, &[]).0);
    assert_eq!(host.read("/etc/key"), "k=packed\n");
    host.write("/root/given/CGSECRET_k_1", "given\n");
    host.without("/etc/key");
    good(&bundle.on(&host, &["--secrets", "/root/given"]).0);
    assert_eq!(host.read("/etc/key"), "k=given\n");
}

#[test]
fn what_cannot_be_opened_says_what_to_do_and_changes_nothing() {
    let host = host();
    let own = key(&host, "ed25519");
    let other = start("other");
    let foreign = sealed("CGSECRET_k_1", "Sesame\n", &[&key(&other, "ed25519")]);
    let to_build = "put what apply.sh --host-key says here into the description, and build again";
    refused(&foreign, &host, &[], 1, to_build);
    key(&host, "rsa");
    refused(&foreign, &host, &[], 1, "sealed for other SSH keys than those of this host");

    let bundle = sealed("CGSECRET_k_1", "Sesame\n", &[&own]);
    let blob = bundle.folder.path().join("secrets.age");
    let whole = fs::read(&blob).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() - 30] ^= 1;
    let halves = [&whole[..whole.len() / 2], &whole[..100], &[][..], b"no such file\n"];
    for bytes in halves.into_iter().chain([&*damaged]) {
        fs::write(&blob, bytes).unwrap();
        refused(&bundle, &host, &[], 1, "the bundle is not as it was built, so copy it here again");
        bundle.says("# with the right sum");
        refused(&bundle, &host, &[], 1, "copy the bundle here again, or build it again");
    }
    fs::write(&blob, &whole).unwrap();
    bundle.sums("ls -d apply.sh host.sh files/etc/key");
    refused(&bundle, &host, &[], 1, "SHA256SUMS does not list secrets.age");

    bundle.seal(&[("CGSECRET_other", "x\n")], &[&own]);
    refused(&bundle, &host, &[], 1, "the value of CGSECRET_k_1 is neither in /tmp/bundle/secrets");
    bundle.seal(&[("CGSECRET_k_1", "")], &[&own]);
    refused(&bundle, &host, &[], 1, "nor in secrets.age: build again");
    bundle.seal_file(Path::new("/etc/passwd"), &[&own]);
    refused(&bundle, &host, &[], 1, "nor in secrets.age: build again");
    assert_eq!(traces(&host, "Sesame"), "");
}

#[test]
fn a_host_that_has_nothing_to_open_it_with_says_so() {
    let host = host();
    let own = key(&host, "ed25519");
    let bundle = sealed("CGSECRET_k_1", "Sesame\n", &[&own]);
    for program in ["age", "tar"] {
        let [path, away] = ["", ".away"].map(|end| format!("/usr/bin/{program}{end}"));
        good(&host.run(&["mv", &path, &away]));
        let why = format!("install the package {program}, or bring their values with clustergen");
        refused(&bundle, &host, &[], 1, &why);
        good(&host.run(&["mv", &away, &path]));
    }
    host.write("/etc/ssh/ssh_host_ed25519_key", "no key\n");
    refused(&bundle, &host, &[], 1, "has none that fits (reading \"/etc/ssh/ssh_host_ed25519_key");
    host.without("/etc/ssh/ssh_host_ed25519_key");
    refused(&bundle, &host, &[], 1, "make one with ssh-keygen -A");
}

#[test]
fn a_trial_below_a_folder_opens_with_the_keys_there() {
    let host = host();
    let bundle = sealed("CGSECRET_k_1", "Sesame\n", &[&key(&host, "ed25519")]);
    bundle.bring(&host);
    let trial = |user: &str| {
        let become_user = [&format!("--reuid={user}"), "--regid=65534", "--clear-groups"];
        let shell = ["sh", "/tmp/bundle/apply.sh", "--root", "/tmp/trial"];
        host.run(&[&["setpriv"][..], &become_user, &shell].concat())
    };
    let prepare = "mkdir -p /tmp/trial/etc/ssh; cp /etc/ssh/ssh_host_ed25519_key /tmp/trial/etc/ssh
        chmod -R a+rwX /tmp/trial /tmp/bundle; chmod 0600 /tmp/trial/etc/ssh/ssh_host_ed25519_key";
    good(&host.run(&["sh", "-ec", prepare]));
    bad(&trial("65534"), "only root can read that: run this as root");
    assert!(!host.path("/tmp/trial/etc/key").exists());
    good(&host.run(&["chown", "65534", "/tmp/trial/etc/ssh/ssh_host_ed25519_key"]));
    good(&trial("65534"));
    assert_eq!(host.read("/tmp/trial/etc/key"), "k=Sesame\n");
}

/// Names that lead out, links, a pipe, a folder.
const HOSTILE: &str = r"
mkdir out CGSECRET_folder
echo planted >out/CGSECRET_up
echo planted >planted
ln -s /etc/passwd CGSECRET_link
ln planted CGSECRET_hard
mkfifo CGSECRET_pipe
(cd out && tar -Pcf ../all.tar --transform 's,^,../../../../../etc/,' CGSECRET_up)
tar -Prf all.tar --transform 's,^planted,/etc/planted,' planted CGSECRET_hard
tar -rf all.tar CGSECRET_link CGSECRET_pipe CGSECRET_folder
";

#[test]
fn a_blob_can_put_nothing_on_the_disk_but_values() {
    let folder = TempDir::new().unwrap();
    let mut make = Command::new("sh");
    make.args(["-ec", HOSTILE]).current_dir(folder.path());
    good(&make.output().unwrap());
    let host = host();
    let own = key(&host, "ed25519");
    for token in ["up", "link", "hard", "pipe", "folder"] {
        let bundle = bundle(&format!("CGSECRET_{token}"));
        bundle.seal_file(&folder.path().join("all.tar"), &[&own]);
        refused(&bundle, &host, &[], 1, "nor in secrets.age");
    }
}

#[test]
fn killed_while_it_opens_it_leaves_no_value_after_the_next_run() {
    let host = host();
    let bundle = sealed("CGSECRET_k_1", "Sesame\n", &[&key(&host, "ed25519")]);
    let table = "file 0644 nobody:no /etc/key none -";
    let refusing = Bundle::of(table, &[("files/etc/key", "")]);
    for program in ["age", "tar"] {
        let shim = format!("#!/bin/sh\n/usr/bin/{program} \"$@\"\nkill -9 $PPID\n");
        host.program(&format!("/usr/local/sbin/{program}"), &shim);
        let (done, _) = bundle.on(&host, &[]);
        assert_eq!(done.status.code(), None, "killed by no signal: {}", said(&done));
        assert!(traces(&host, "Sesame").contains("/run/sealed/"), "nothing was open");
        host.without(&format!("/usr/local/sbin/{program}"));
        // also where that run installs nothing
        bad(&refusing.on(&host, &[]).0, "is to belong to nobody:no");
        assert_eq!(traces(&host, "Sesame"), "", "{program}");
    }
    good(&bundle.on(&host, &[]).0);
    assert_eq!(traces(&host, "Sesame"), "");
    assert_eq!(host.read("/etc/key"), "k=Sesame\n");
}

#[test]
fn a_run_that_cannot_put_everything_back_keeps_no_value() {
    let host = host_with_units(&["a.service"]);
    let own = key(&host, "ed25519");
    let table = "file 0600 root:root /etc/key reload a.service";
    let first = Bundle::of(table, &[("files/etc/key", "none\n")]);
    good(&first.on(&host, &[]).0);
    first.becomes("h", table, &[("files/etc/key", "CGSECRET_k_1\n")]);
    first.seal(&[("CGSECRET_k_1", "Sesame\n")], &[&own]);
    host.program("/tmp/at-reload-or-restart", "#!/bin/sh\nexit 1\n");
    failed(&first.on(&host, &[]).0, 4, "could not be put back");
    assert_eq!(traces(&host, "Sesame"), "");
    assert_eq!(host.read("/etc/key"), "none\n");
}

#[test]
fn a_step_has_what_was_sealed_for_it() {
    let table = "step 1/1 load keeps 'it is loaded'
}
run_load() {
    cat \"$files/password\" >/tmp/loaded
}
proof_load() {
    test -e /tmp/loaded";
    let host = host();
    let bundle = Bundle::of(table, &[("steps/load/password", "CGSECRET_p\n")]);
    bundle.seal(&[("CGSECRET_p", "Sesame\n")], &[&key(&host, "ed25519")]);
    good(&bundle.on(&host, &["--bootstrap", "load"]).0);
    assert_eq!(host.read("/tmp/loaded"), "Sesame\n");
    assert_eq!(traces(&host, "Sesame"), "");
    // an apply keeps it for later
    host.without("/tmp/loaded");
    assert_eq!(bundle.on(&host, &[]).0.status.code(), Some(0));
    host.run(&["rm", AGE, "/var/lib/clustergen/c/done/load"]);
    good(&bundle.on(&host, &["--bootstrap", "load"]).0);
    assert_eq!(host.read("/tmp/loaded"), "Sesame\n");
}

#[test]
fn on_a_full_disk_it_says_that_and_not_that_the_blob_is_wrong() {
    let host = host();
    let own = key(&host, "ed25519");
    let bundle = sealed("CGSECRET_k_1", &"Sesame\n".repeat(20_000), &[&own]);
    let mut sizes = (100..).step_by(40).map(|size| {
        let mount = format!("mount -t tmpfs -o size={size}k tmpfs /var/lib/clustergen");
        good(&host.run(&["sh", "-c", &mount]));
        let (done, _) = bundle.on(&host, &[]);
        let left = host.path("/var/lib/clustergen/c/run").exists();
        good(&host.run(&["umount", "/var/lib/clustergen"]));
        if done.status.success() {
            return true;
        }
        bad(&done, "apply.sh: ");
        let text = said(&done);
        assert!(text.contains("can be written to") || text.contains("No space left"), "{text}");
        assert!(!left && !host.path("/etc/key").exists(), "{text}");
        false
    });
    assert!(sizes.position(|whole| whole).is_some_and(|failed| failed > 10));
}
