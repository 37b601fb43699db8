//! Who may have made a bundle: what a host with a list of allowed signers takes, and what it refuses
//! before anything of a bundle is run.
//!
//! In: bundles signed by the real `ssh-keygen`. Not here: how `pack` signs, which is golden's, and
//! [`crate::pack`] all the way.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::apply::SHELLS;
use crate::bundle::{Bundle, failed, good, refused, start};
use crate::host::Host;

const LIST: &str = "/etc/clustergen/allowed_signers";
const TABLE: &str = "file 0600 root:root /etc/key none -
step 1/1 fill keeps 'the tables are there'
}
proof_fill() {
    test -e /etc/filled";
/// What a host would show on its disk if the table were run.
const RUN: &str = ": >/etc/ran";
const TOKEN: &str = "CGSECRET_k_1";

/// Private keys with their public ones beside them.
struct Keys(TempDir);

impl Keys {
    fn new() -> Self {
        let keys = Self(TempDir::new().unwrap());
        for name in ["alice", "bob", "authority"] {
            keys.keygen(&["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", name]);
        }
        keys
    }

    fn keygen(&self, words: &[&str]) {
        good(&Command::new("ssh-keygen").args(words).current_dir(self.0.path()).output().unwrap());
    }

    /// A line of a list of allowed signers.
    fn line(&self, names: &str, key: &str) -> String {
        let key = fs::read_to_string(self.0.path().join(format!("{key}.pub"))).unwrap();
        format!("{names} {key}")
    }

    /// Signs a bundle with its secrets, as `pack` does.
    fn sign(&self, bundle: &Bundle, key: &str, namespace: &str) {
        let at = bundle.folder.path();
        let _ = fs::remove_file(at.join("SIGNED.sig"));
        let script = "sha256sum SHA256SUMS secrets/* >SIGNED
            exec ssh-keygen -q -Y sign -f \"$1\" -n \"$2\" SIGNED";
        let mut command = Command::new("sh");
        command.args(["-ec", script, "sh"]).arg(self.0.path().join(key)).arg(namespace);
        good(&command.current_dir(at).output().unwrap());
    }

    /// A bundle that alice signed, and a host on which she may.
    fn signed(&self) -> (Host, Bundle) {
        let host = start("h");
        host.write(LIST, &self.line("alice@example.net", "alice"));
        let bundle = unsigned();
        self.sign(&bundle, "alice", "clustergen");
        (host, bundle)
    }
}

fn unsigned() -> Bundle {
    let bundle = Bundle::of(TABLE, &[("files/etc/key", &format!("{TOKEN}\n"))]);
    bundle.secret(TOKEN, "Sesame\n");
    bundle
}

#[test]
fn what_an_allowed_signer_signed_is_installed_by_each_shell() {
    let keys = Keys::new();
    for shell in SHELLS {
        let (host, bundle) = keys.signed();
        for args in [&["--dry-run"][..], &[]] {
            let told = good(&bundle.on_with(shell, &host, args).0);
            assert!(told.contains("signed by alice@example.net\n"), "{told}");
        }
        assert_eq!(host.read("/etc/key"), "Sesame\n");
        let log = host.read("/var/log/clustergen.log");
        assert!(log.contains("1 to change, signed by alice@example.net\n"), "{log}");
        for args in [&["--check"][..], &["--list"], &["--verify"], &["--uninstall"]] {
            good(&bundle.on_with(shell, &host, args).0);
        }
    }
}

#[test]
fn a_host_with_a_list_takes_nothing_unsigned_in_any_mode() {
    let keys = Keys::new();
    let (host, bundle) = keys.signed();
    good(&bundle.on(&host, &[]).0);
    let bundle = unsigned();
    bundle.says(RUN);
    let why = "this host takes only bundles that somebody in /etc/clustergen/allowed_signers signed, and this one has no SIGNED: bring what clustergen pack --sign makes";
    for args in [
        &[][..],
        &["--dry-run"],
        &["--check"],
        &["--verify"],
        &["--list"],
        &["--bootstrap", "fill"],
        &["--mark-done", "fill"],
        &["--rollback"],
        &["--uninstall"],
        &["--json"],
    ] {
        refused(&bundle, &host, args, 1, why);
    }
    // the machine's own list counts, and not that of a trial's folder
    let trial = ["--root", "/tmp/trial"];
    refused(&bundle, &host, &trial, 1, why);
    host.run(&["mv", "/etc/clustergen", "/etc/away"]);
    host.write("/tmp/trial/etc/clustergen/allowed_signers", "");
    good(&bundle.on(&host, &trial).0);
}

#[test]
fn a_host_without_a_list_takes_all_and_says_what_nobody_asked() {
    let keys = Keys::new();
    let note = "note: the bundle is signed, and nobody asked by whom: there is no /etc/clustergen/allowed_signers here\n";
    let host = start("h");
    let bundle = unsigned();
    let told = good(&bundle.on(&host, &[]).0);
    assert!(!told.contains("signed"), "{told}");
    keys.sign(&bundle, "bob", "clustergen");
    let told = good(&bundle.on(&host, &["--dry-run"]).0);
    assert!(told.contains(note), "{told}");
    let told = good(&bundle.on(&host, &["--check"]).0);
    assert!(!told.contains("note"), "{told}");
}

/// What is done to a bundle that alice signed, and what is said then.
type Damage = (&'static str, fn(&Keys, &Bundle));

fn write(bundle: &Bundle, name: &str, text: &str) {
    fs::write(bundle.folder.path().join(name), text).unwrap();
}

const DAMAGE: [Damage; 12] = [
    (
        "the bundle is not as it was built, so copy it here again:\nfiles/etc/key: FAILED",
        |_, it| {
            write(it, "files/etc/key", "theirs\n");
        },
    ),
    (
        "the bundle is not the one that alice@example.net signed: SIGNED is of other files",
        |_, it| {
            it.says(RUN);
        },
    ),
    (
        "the bundle is not the one that alice@example.net signed: SIGNED is of other files",
        |_, it| {
            fs::remove_file(it.folder.path().join("SHA256SUMS")).unwrap();
        },
    ),
    ("/tmp/bundle/secrets/CGSECRET_k_1 is not what alice@example.net signed", |_, it| {
        it.secret(TOKEN, "theirs\n");
    }),
    ("/tmp/bundle/secrets/CGSECRET_more is not what alice@example.net signed", |_, it| {
        it.secret("CGSECRET_more", "theirs\n");
    }),
    (
        "the signature of the bundle is bad, so bring it again: Signature verification failed",
        |keys, it| {
            it.secret("CGSECRET_more", "theirs\n");
            let signature = fs::read_to_string(it.folder.path().join("SIGNED.sig")).unwrap();
            keys.sign(it, "bob", "clustergen");
            write(it, "SIGNED.sig", &signature);
        },
    ),
    ("the signature of the bundle is bad, so bring it again: Couldn't parse signature", |_, it| {
        write(it, "SIGNED.sig", "none\n");
    }),
    ("and this one has no SIGNED.sig", |_, it| {
        fs::remove_file(it.folder.path().join("SIGNED.sig")).unwrap();
    }),
    ("which is nobody's in /etc/clustergen/allowed_signers", |keys, it| {
        keys.sign(it, "bob", "clustergen");
    }),
    (
        "the signature of the bundle is bad, so bring it again: Couldn't verify signature: namespace",
        |keys, it| {
            keys.sign(it, "alice", "git");
        },
    ),
    // alice's own word for another bundle
    (
        "the bundle is not the one that alice@example.net signed: SIGNED is of other files",
        |keys, it| {
            let other = Bundle::of("", &[]);
            other.secret(TOKEN, "Sesame\n");
            keys.sign(&other, "alice", "clustergen");
            for name in ["SIGNED", "SIGNED.sig"] {
                fs::copy(other.folder.path().join(name), it.folder.path().join(name)).unwrap();
            }
        },
    ),
    // signed, but for another host
    ("this bundle is for other, and this host is h", |keys, it| {
        it.becomes("other", TABLE, &[]);
        keys.sign(it, "alice", "clustergen");
    }),
];

#[test]
fn what_was_changed_after_it_was_signed_is_refused() {
    let keys = Keys::new();
    for (why, damage) in DAMAGE {
        let (host, bundle) = keys.signed();
        damage(&keys, &bundle);
        for args in [&[][..], &["--check"]] {
            refused(&bundle, &host, args, 1, why);
        }
    }
}

#[test]
fn the_list_says_who_may_and_what_is_wrong_with_it_is_told() {
    let keys = Keys::new();
    let (host, bundle) = keys.signed();
    let alice = |names: &str| keys.line(names, "alice");
    let not = "and /etc/clustergen/allowed_signers does not let it:\n/etc/clustergen/allowed_signers:1: key ";
    let nobody = "which is nobody's in /etc/clustergen/allowed_signers";
    for (list, why) in [
        (String::new(), nobody.to_owned()),
        ("# nobody yet\n".to_owned(), nobody.to_owned()),
        (keys.line("alice@example.net", "bob"), nobody.to_owned()),
        (
            alice("a namespaces=\"git\""),
            format!("{not}is not permitted for use in signature namespace \"clustergen\""),
        ),
        (alice("a valid-before=\"20200101\""), format!("{not}has expired")),
        (alice("a valid-after=\"29990101\""), format!("{not}is not yet valid")),
        ("alice ssh-ed25519\n".to_owned(), "/etc/clustergen/allowed_signers:1: ".to_owned()),
    ] {
        host.write(LIST, &list);
        refused(&bundle, &host, &[], 1, &why);
    }
    for (list, who) in [
        (format!("# us\n\n{}{}", keys.line("bob", "bob"), alice("alice")), "alice"),
        (alice("alice,al@example.net namespaces=\"file,clustergen\""), "alice"),
        (alice("\"al ice\""), "al ice"),
        (alice("!no@example.net,*@example.net"), "*@example.net"),
        // a key may have several lines, each for something else
        (alice("for-git namespaces=\"git\"") + &alice("for-hosts"), "for-hosts"),
        (alice("old valid-before=\"20200101\"") + &alice("new"), "new"),
    ] {
        host.write(LIST, &list);
        let told = good(&bundle.on(&host, &["--dry-run"]).0);
        assert!(told.contains(&format!("signed by {who}\n")), "{list}: {told}");
    }
}

#[test]
fn an_authority_may_say_who_signs() {
    let keys = Keys::new();
    let (host, bundle) = keys.signed();
    keys.keygen(&[
        "-q",
        "-s",
        "authority",
        "-I",
        "id",
        "-n",
        "alice",
        "-V",
        "-1h:+1h",
        "alice.pub",
    ]);
    keys.sign(&bundle, "alice-cert.pub", "clustergen");
    let list = |names| keys.line(&format!("{names} cert-authority"), "authority");
    host.write(LIST, &list("al*"));
    let told = good(&bundle.on(&host, &["--dry-run"]).0);
    assert!(told.contains("signed by alice\n"), "{told}");
    host.write(LIST, &list("bob"));
    refused(&bundle, &host, &[], 1, "the bundle was signed by the key");
}

#[test]
fn a_list_that_cannot_be_read_lets_nobody_sign() {
    let keys = Keys::new();
    let (host, bundle) = keys.signed();
    let why = "/etc/clustergen/allowed_signers is no file, so nobody may sign";
    host.without(LIST);
    host.run(&["ln", "-s", "/nowhere", LIST]);
    refused(&bundle, &host, &[], 1, why);
    host.without(LIST);
    host.write(&format!("{LIST}/alice"), "");
    refused(&bundle, &host, &[], 1, why);

    host.without(LIST);
    host.write(LIST, &keys.line("alice", "alice"));
    bundle.bring(&host);
    host.run(&["chown", "-R", "nobody", "/tmp/bundle"]);
    let look = ["setpriv", "--reuid", "nobody", "--clear-groups", "sh", "/tmp/bundle/apply.sh"];
    let look = || host.run(&[&look[..], &["--dry-run"]].concat());
    good(&look());
    for (path, why) in [
        (LIST, "/etc/clustergen/allowed_signers cannot be read, so who may sign is not known"),
        ("/etc/clustergen", "/etc/clustergen cannot be looked into, so who may sign is not known"),
    ] {
        host.run(&["chmod", "0700", path]);
        failed(&look(), 1, why);
    }
}

#[test]
fn a_host_that_cannot_judge_takes_nothing() {
    let keys = Keys::new();
    let (host, bundle) = keys.signed();
    // as OpenSSH 8.0 (RHEL 8) says it
    host.program(
        "/usr/local/sbin/ssh-keygen",
        "#!/bin/sh\necho 'unknown option -- Y' >&2\nexit 1\n",
    );
    let why = "its ssh-keygen cannot judge them: that takes OpenSSH 8.1";
    refused(&bundle, &host, &[], 1, why);
    host.without("/usr/local/sbin/ssh-keygen");
    host.without("/usr/bin/ssh-keygen");
    let why = "this host takes only signed bundles (/etc/clustergen/allowed_signers), and ssh-keygen, which judges them, is not here";
    refused(&bundle, &host, &[], 1, why);
}

#[test]
fn find_principals_may_die_as_that_of_openssh_8_7_does() {
    let keys = Keys::new();
    let (host, bundle) = keys.signed();
    host.write(LIST, &keys.line("alice namespaces=\"clustergen\"", "alice"));
    let dies = "#!/bin/sh\ncase $2 in find-principals) kill -SEGV $$ ;; esac\nexec /usr/bin/ssh-keygen \"$@\"\n";
    host.program("/usr/local/sbin/ssh-keygen", dies);
    let told = good(&bundle.on(&host, &[]).0);
    assert!(told.contains("signed by alice\n"), "{told}");
}

#[test]
fn a_bundle_that_others_can_change_meanwhile_is_refused() {
    let keys = Keys::new();
    let (host, bundle) = keys.signed();
    let run = |folder: &str| host.run(&["sh", &format!("{folder}/apply.sh")]);
    for (script, folder, open) in [
        ("chmod g+w b/files/etc/key", "/srv/b", "/srv/b/files/etc/key"),
        ("chmod o+w b/files", "/srv/b", "/srv/b/files"),
        ("chown nobody b/secrets/*", "/srv/b", "/srv/b/secrets/CGSECRET_k_1"),
        ("mv b/host.sh c; ln -s ../c b/host.sh", "/srv/b", "/srv/b/host.sh"),
        ("mkdir d; mv b d; chmod o+w d", "/srv/d/b", "/srv/d"),
        ("mkdir d; mv b d; chown nobody d; chmod +t d", "/srv/d/b", "/srv/d"),
        ("mkdir d; mv b d; chown nobody d; ln -s d/b b", "/srv/b", "/srv/d"),
    ] {
        bundle.bring(&host);
        good(&host.run(&[
            "sh",
            "-ec",
            &format!("cd /srv; rm -rf b c d; mv /tmp/bundle b; {script}"),
        ]));
        let why =
            format!("its signature says nothing: {open} is a link, or not root's alone to write");
        failed(&run(folder), 1, &why);
    }
    assert!(!host.path("/etc/key").exists());
    // nobody takes what is another's out of a folder as /tmp
    good(&bundle.on(&host, &["--dry-run"]).0);
    host.run(&["cp", "-r", "/tmp/bundle/secrets", "/srv/secrets"]);
    let elsewhere = ["--dry-run", "--secrets", "/srv/secrets"];
    good(&bundle.on(&host, &elsewhere).0);
    host.run(&["chown", "nobody", "/srv/secrets"]);
    failed(&bundle.on(&host, &elsewhere).0, 1, "/srv/secrets is a link, or not root's alone");
    let nowhere = ["--dry-run", "--secrets", "/srv/nowhere"];
    failed(&bundle.on(&host, &nowhere).0, 1, "/srv/nowhere is no folder, so it has no secrets");
    host.run(&["chown", "root", "/srv/secrets"]);
    host.write("/srv/secrets/CGSECRET_k_1", "theirs\n");
    failed(&bundle.on(&host, &elsewhere).0, 1, "/srv/secrets/CGSECRET_k_1 is not what alice");
}

#[test]
fn a_link_that_is_turned_while_the_bundle_is_judged_leads_nobody_astray() {
    let keys = Keys::new();
    let (host, bundle) = keys.signed();
    bundle.bring(&host);
    let turn = "#!/bin/sh\nln -sfn /srv/theirs /tmp/link\nexec /usr/bin/ssh-keygen \"$@\"\n";
    host.program("/usr/local/sbin/ssh-keygen", turn);
    let theirs = "cp -r /tmp/bundle /srv/theirs; echo theirs >/srv/theirs/secrets/CGSECRET_k_1
        echo ': >/tmp/ran' >>/srv/theirs/host.sh; ln -s bundle /tmp/link";
    good(&host.run(&["sh", "-ec", theirs]));
    good(&host.run(&["sh", "/tmp/link/apply.sh"]));
    assert_eq!(host.read("/etc/key"), "Sesame\n");
    assert_eq!(fs::read_link(host.path("/tmp/link")).unwrap(), Path::new("/srv/theirs"));
    assert!(!host.path("/tmp/ran").exists());
}

#[test]
fn secrets_that_came_before_need_not_come_again() {
    let keys = Keys::new();
    let (host, bundle) = keys.signed();
    good(&bundle.on(&host, &[]).0);
    fs::remove_dir_all(bundle.folder.path().join("secrets")).unwrap();
    host.write("/etc/key", "by hand\n");
    good(&bundle.on(&host, &[]).0);
    assert_eq!(host.read("/etc/key"), "Sesame\n");
}

#[test]
fn going_back_asks_for_the_signature_of_the_engine_and_not_of_then() {
    let keys = Keys::new();
    let (host, second) = keys.signed();
    host.run(&["mv", "/etc/clustergen", "/etc/away"]);
    let first = Bundle::of("file 0600 root:root /etc/key none -", &[("files/etc/key", "first\n")]);
    good(&first.on(&host, &[]).0);
    host.run(&["mv", "/etc/away", "/etc/clustergen"]);
    good(&second.on(&host, &[]).0);
    refused(&first, &host, &["--rollback"], 1, "this one has no SIGNED");
    good(&second.on(&host, &["--rollback"]).0);
    assert_eq!(host.read("/etc/key"), "first\n");
    let log = host.read("/var/log/clustergen.log");
    assert!(log.contains("apply.sh --rollback: 1 to change\n"), "{log}");
}

#[test]
fn an_engine_that_is_trusted_judges_a_bundle_whose_own_is_not_run() {
    let keys = Keys::new();
    let (host, bundle) = keys.signed();
    good(&bundle.on(&host, &[]).0);
    let engine = "/var/lib/clustergen/c/generations/1/apply.sh";
    let judge = |folder: &str| host.run(&["sh", engine, "--judge", folder]);
    let told = good(&judge("/tmp/bundle"));
    assert!(told.contains("/tmp/bundle is whole, and alice@example.net signed it\n"), "{told}");

    let lies = "#!/bin/sh\n: >/tmp/ran\necho all is well\n";
    write(&bundle, "apply.sh", lies);
    bundle.bring(&host);
    failed(&judge("/tmp/bundle"), 1, "the bundle is not as it was built");
    write(&bundle, "SIGNED", "");
    bundle.bring(&host);
    failed(&judge("/tmp/bundle"), 1, "the signature of the bundle is bad");
    assert!(!host.path("/tmp/ran").exists());

    failed(&judge("/nowhere"), 64, "--judge wants a folder");
    host.without(LIST);
    let generation = Path::new(engine).parent().unwrap().to_str().unwrap();
    let why = "is whole, and there is no /etc/clustergen/allowed_signers here to judge by";
    failed(&judge(generation), 1, why);
}
