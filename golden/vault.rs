//! Vaults that are encrypted, and secrets that are sealed: who can open what, and what is said to
//! who cannot. That hosts open what is sealed to them is seen in the lab.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use crate::cli::{clustergen, code, text};
use crate::support::{compare_text, golden, no_faults, tree};

/// Keys that open nothing but what these tests make.
pub const ALICE: [&str; 2] = [
    "age17jrjymwa8x5rzdv5p7kq8tus67x76mvnqak0dhwzpynq8xelfy8q53d07n",
    "AGE-SECRET-KEY-18W47CS2GQUUDXQ3NF4RDHM2X7JVM5GXD8M9LEYVNEMP2WGRLP0XQ369F32",
];
pub const BOB: [&str; 2] = [
    "age14ry30a23vknv6zjfujgaqemyanftdj542ldzsn98jqr0jdk8ws4sukvfxf",
    "AGE-SECRET-KEY-1AH5439Q069EA3PQ6KU8YLEQPZJQWC5CWHGNP9W5AR6GLXSSEF97Q79GL3G",
];
pub const HOST_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK2xi3Goj8f3IbqKvXhs27BKLe4VESX0JhYHX+/L/DZ4";

/// Two hosts with a secret and a certificate each.
fn description(nodes: &str) -> String {
    format!(
        r#"
cluster "c" domain="example.org" platform="debian-12"
host "a" address="192.0.2.1" {{ ssh-host-key "{HOST_KEY}"; }}
host "b" address="192.0.2.2"
secret "kv" {{ generate length=24; }}
csync2 "data" {{ members "a" "b"; include "/srv/data"; }}
file "/etc/kv" {{ on "a" "b"; content "{{{{ secret(\"kv\") }}}}"; }}
{nodes}
"#
    )
}

fn vault(recipients: &[&str]) -> String {
    description(&format!("vault {{ recipient \"{}\"; }}", recipients.join("\" \"")))
}

/// A project of a user's, with the files of two people's keys.
pub struct Project(tempfile::TempDir);

impl Project {
    pub fn of(kdl: &str) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        fs::write(project.at("alice"), ALICE[1]).unwrap();
        fs::write(project.at("bob"), format!("# a comment\n{}\n", BOB[1])).unwrap();
        project.says(kdl);
        project
    }

    pub fn says(&self, kdl: &str) {
        fs::write(self.at("cluster.kdl"), kdl).unwrap();
    }

    pub fn at(&self, path: &str) -> std::path::PathBuf {
        self.0.path().join(path)
    }

    pub fn run(&self, args: &[&str]) -> Output {
        clustergen(self.0.path(), args, &[])
    }

    pub fn good(&self, args: &[&str]) -> String {
        let done = self.run(args);
        assert_eq!(code(&done), 0, "{args:?}: {}", text(&done));
        text(&done)
    }

    pub fn bad(&self, args: &[&str], with: i32, why: &str) {
        let before = self.files();
        let done = self.run(args);
        assert_eq!(code(&done), with, "{args:?}: {}", text(&done));
        assert!(text(&done).contains(why), "{why}\n{}", text(&done));
        assert_eq!(before, self.files(), "{args:?} changed something");
    }

    pub fn files(&self) -> BTreeMap<String, String> {
        tree(self.0.path())
    }

    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// What was built, without its history.
    pub fn out(&self) -> BTreeMap<String, String> {
        let mut files = tree(&self.at("out"));
        files.retain(|name, _| !name.ends_with("changes.diff") && name != "CHANGES.md");
        files
    }

    pub fn state(&self) -> BTreeMap<String, String> {
        tree(&self.at("cluster.state"))
    }
}

pub fn is_plain(name: &str) -> bool {
    let known = ["vault/recipients", "vault/lock"].contains(&name);
    name.starts_with("vault/") && !known && Path::new(name).extension() != Some("age".as_ref())
}

#[test]
fn an_encrypted_vault_has_no_plain_key_and_only_what_is_encrypted_is_committed() {
    let project = Project::of(&vault(&[ALICE[0]]));
    project.good(&["build"]);
    let state = project.state();
    let plain: Vec<&String> = state.keys().filter(|name| is_plain(name)).collect();
    assert!(plain.is_empty() && state.contains_key("vault/ca.key.age"), "{plain:?}");
    assert!(state.values().all(|text| !text.contains("PRIVATE KEY")));
    assert_eq!(state["vault/recipients"], format!("{}\n", ALICE[0]));
    let script = "git init -q . && git add -A && git ls-files cluster.state/vault";
    let mut git = std::process::Command::new("sh");
    let listed = git.args(["-c", script]).current_dir(&project.0).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("vault/ca.key.age") && !listed.contains("vault/lock"), "{listed}");
}

#[test]
fn who_has_no_key_builds_the_same_and_makes_nothing_anew() {
    let project = Project::of(&vault(&[ALICE[0]]));
    project.good(&["build"]);
    let before = project.files();
    let said = project.good(&["build"]);
    assert!(said.contains("the vault is encrypted and no `--identity` was named"), "{said}");
    assert_eq!(before, project.files());
    project.good(&["build", "--identity", "alice"]);
    assert_eq!(before, project.files());

    let more = "host \"d\" address=\"192.0.2.4\"\nfile \"/etc/k2\" { on \"d\"; content \"{{ secret(\\\"new\\\") }}\"; }\nsecret \"new\" { generate; }";
    project.says(&format!("{}{more}\n", vault(&[ALICE[0]])));
    project.bad(&["build"], 1, "name the file with your key: `--identity FILE`");
    project.bad(&["build", "--identity", "bob"], 1, "no identity that was named opens it");
    project.good(&["build", "--identity", "bob", "--identity", "alice"]);
}

#[test]
fn who_packs_without_a_key_is_told_so_once() {
    let project = Project::of(&vault(&[ALICE[0]]));
    project.good(&["build"]);
    let told = text(&project.run(&["pack"]));
    assert!(told.contains("name the file with your key: `--identity FILE`"), "{told}");
    assert!(told.contains("\n1 error\n"), "{told}");
}

#[test]
fn a_key_may_be_named_by_the_environment() {
    let project = Project::of(&vault(&[ALICE[0]]));
    project.good(&["build"]);
    let at = project.at("alice");
    let env = [("CLUSTERGEN_IDENTITY", at.to_str().unwrap())];
    let done = clustergen(project.0.path(), &["build"], &env);
    assert_eq!(code(&done), 0, "{}", text(&done));
    assert!(!text(&done).contains("the vault is encrypted"), "{}", text(&done));
    // one that is empty names none
    let done = clustergen(project.0.path(), &["secrets", "rekey"], &[(env[0].0, "")]);
    assert!(text(&done).contains("the vault is encrypted: name the file"), "{}", text(&done));
}

#[test]
fn a_file_that_holds_no_usable_key_is_told_by_its_name() {
    let project = Project::of(&vault(&[ALICE[0]]));
    fs::write(project.at("recipient"), ALICE[0]).unwrap();
    fs::write(project.at("empty"), "").unwrap();
    fs::write(project.at("binary"), [0xff, 0xfe, 0]).unwrap();
    let keygen =
        "ssh-keygen -q -t ed25519 -N secret -f locked && ssh-keygen -q -t ecdsa -N '' -f ecdsa";
    let made =
        std::process::Command::new("sh").args(["-c", keygen]).current_dir(&project.0).status();
    assert!(made.unwrap().success());
    for (file, why) in [
        ("recipient", "`recipient`: it holds no identity"),
        ("empty", "`empty`: it holds no identity"),
        ("binary", "`binary`: it holds no identity"),
        ("absent", "`absent`: it cannot be read"),
        ("locked", "`locked`: it is protected by a passphrase"),
        ("ecdsa", "`ecdsa`: it is no key that opens anything"),
        ("/dev/zero", "`/dev/zero`: it cannot be read: it has more than 16 MiB"),
    ] {
        project.bad(&["build", "--identity", file], 3, why);
    }
}

#[test]
fn what_is_damaged_in_an_encrypted_vault_is_told_and_never_made_anew() {
    let project = Project::of(&vault(&[ALICE[0]]));
    project.good(&["build"]);
    fs::remove_dir_all(project.at("out")).unwrap();
    let kept = project.state();
    let key = project.at("cluster.state/vault/secrets/kv.age");
    project.says(&vault(&[ALICE[0]]).replace(
        "host \"b\" address=\"192.0.2.2\"",
        &format!("host \"b\" address=\"192.0.2.2\" {{ ssh-host-key \"{HOST_KEY}\"; }}"),
    ));
    let whole = &kept["vault/secrets/kv.age"];
    for damaged in ["", "no age file", &whole[..whole.len() / 2], &whole.replacen('A', "B", 40)] {
        fs::write(&key, damaged).unwrap();
        project.bad(&["build", "--identity", "alice"], 1, "`vault/secrets/kv.age` cannot be used");
    }
    fs::write(&key, whole).unwrap();
    project.good(&["build", "--identity", "alice"]);
}

#[test]
fn other_recipients_than_the_description_names_are_told_as_stored() {
    let mut faults = Vec::new();
    let alice = vault(&[ALICE[0]]);
    for (claim, before, after) in [
        ("a-recipient-more", &alice, &vault(&[ALICE[0], BOB[0]])),
        ("a-recipient-less", &vault(&[ALICE[0], BOB[0]]), &alice),
        ("a-plain-vault", &description(""), &alice),
        ("no-recipient-any-more", &alice, &description("")),
    ] {
        let project = Project::of(before);
        project.good(&["build"]);
        project.says(after);
        let said = project.run(&["check"]).stderr;
        let said = String::from_utf8(said).unwrap();
        compare_text(&golden().join(format!("vault/{claim}.txt")), &said, &mut faults);
        project.bad(&["check", "--strict"], 1, "CG0507");
    }
    no_faults(&faults);
}

#[test]
fn what_is_sealed_stays_byte_for_byte_until_a_value_or_a_reader_changes() {
    let project = Project::of(&description(""));
    project.good(&["build"]);
    let before = project.files();
    let blob = &before["cluster.state/sealed/a.age"];
    assert!(blob.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"), "{blob}");
    assert_eq!(blob, &before["out/a/secrets.age"]);
    assert!(before["out/a/SHA256SUMS"].contains("  secrets.age\n"));
    assert!(
        before["out/a/host.sh"].lines().any(|line| line.split_whitespace().eq(["package", "age"]))
    );
    assert!(!before.contains_key("out/b/secrets.age"));
    project.good(&["build"]);
    assert_eq!(before, project.files());

    // made by somebody else, who may write to git and has no key of the vault
    fs::remove_file(project.at("cluster.state/sealed/a.age")).unwrap();
    let said = project.good(&["build"]);
    let why = "`secrets.age` on a: sealed anew, though neither a value nor a key changed";
    assert!(said.contains(why), "{said}");
    let blob = &project.files()["out/a/secrets.age"];

    // of another host's change
    project.says(&description("file \"/etc/more\" { on \"b\"; content \"x\"; }"));
    project.good(&["build"]);
    assert_eq!(blob, &project.files()["out/a/secrets.age"]);
    // of one of its own
    project.says(&description("secret \"k2\" { generate; }\nfile \"/etc/k2\" { on \"a\"; content \"{{ secret(\\\"k2\\\") }}\"; }"));
    let said = project.good(&["build"]);
    assert!(said.contains("(the host's secrets, sealed anew)") && !said.contains(why), "{said}");
    assert_ne!(blob, &project.files()["out/a/secrets.age"]);
}

#[test]
fn without_the_vault_what_is_sealed_is_taken_as_it_is_and_missed_where_it_is_not() {
    let project = Project::of(&description(""));
    project.good(&["build"]);
    let before = project.files();
    let vault = project.at("cluster.state/vault");
    let aside = project.at("aside");
    fs::rename(&vault, &aside).unwrap();
    fs::remove_dir_all(project.at("out")).unwrap();
    project.good(&["build"]);
    assert_eq!(before["out/a/secrets.age"], project.files()["out/a/secrets.age"]);
    project.good(&["build", "--check"]);

    let blob = project.at("cluster.state/sealed/a.age");
    fs::write(&blob, "somebody else's").unwrap();
    let why = "`sealed/a.age` is not the one that the lock names";
    project.bad(&["build"], 1, why);
    project.bad(&["build", "--check"], 1, why);
    fs::remove_file(&blob).unwrap();
    project.bad(&["build"], 1, why);
    // the vault has what was in it
    fs::rename(&aside, &vault).unwrap();
    project.good(&["build"]);
    assert!(blob.exists());
}

#[test]
fn a_host_without_a_key_any_more_leaves_no_blob() {
    let project = Project::of(&description(""));
    project.good(&["build"]);
    let lock = &project.state()["lock"];
    assert!(lock.contains("\nsealed a request="), "{lock}");
    project.says(&description("").replace(&format!(" {{ ssh-host-key \"{HOST_KEY}\"; }}"), ""));
    let said = project.good(&["build"]);
    assert!(said.contains("no longer sealed: carry them by `clustergen pack`"), "{said}");
    assert!(!project.at("cluster.state/sealed/a.age").exists());
    assert!(!project.at("out/a/secrets.age").exists());
    let known = project.files()["out/known_hosts"].clone();
    assert_eq!(known, "# No host has an `ssh-host-key` any more.\n");
    assert!(!project.state()["lock"].contains("\nsealed"));
}

#[test]
fn a_folder_of_somebody_else_is_no_state() {
    let project = Project::of(&vault(&[ALICE[0]]));
    fs::create_dir(project.at("theirs")).unwrap();
    fs::write(project.at("theirs/passwd"), "").unwrap();
    let before = project.files();
    for command in [["build"].as_slice(), &["secrets", "list"], &["check"]] {
        let args = [command, &["--state", "theirs"]].concat();
        project.bad(&args, 3, "`theirs` is no state folder: it has other files");
    }
    assert_eq!(before, project.files());
    fs::rename(project.at("theirs/passwd"), project.at("theirs/.keep")).unwrap();
    project.good(&["build", "--state", "theirs"]);
}

#[test]
fn a_link_that_leads_nowhere_is_told_before_anything_is_written() {
    let project = Project::of(&description(""));
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link");
    std::os::unix::fs::symlink("gone", &link).unwrap();
    let link = link.to_str().unwrap();
    let below = &format!("{link}/below");
    for (at, why) in [(link, "it is a link"), (below, &format!("`{link}` is a link"))] {
        let why = format!("`{at}`: {why} that leads nowhere");
        for args in [
            &["build", "--state", at][..],
            &["build", "-o", at],
            &["secrets", "rotate", "cluster.kdl", "kv", "--state", at],
        ] {
            project.bad(args, 3, &why);
            assert!(!project.at("out").exists(), "{args:?}");
        }
    }
}

#[test]
fn a_recipient_that_cannot_be_read_is_told_once() {
    let project = Project::of(&vault(&[ALICE[0]]));
    project.good(&["build"]);
    project.says(&vault(&["age1nobody"]));
    let done = clustergen(project.folder(), &["build", "--identity", "alice"], &[]);
    assert_eq!(code(&done), 1, "{}", text(&done));
    assert!(text(&done).contains("is no recipient of age"), "{}", text(&done));
    assert!(!text(&done).contains("not encrypted to these recipients"), "{}", text(&done));
}

#[test]
fn a_partial_build_does_not_seal_anew() {
    let project = Project::of(&description(""));
    project.good(&["build"]);
    project.good(&["build", "--host", "a"]);
    project.good(&["build", "--host", "b"]);
    project.says(&description("").replace(
        "host \"b\" address=\"192.0.2.2\"",
        &format!("host \"b\" address=\"192.0.2.2\" {{ ssh-host-key \"{HOST_KEY}\"; }}"),
    ));
    project.bad(&["build", "--host", "b"], 1, "a partial build cannot change the lock");
    // who opens the secrets of a host that was left out is told when that host is built
    let new = "`b/secrets.age`: now `ssh-ed25519 SHA256:";
    assert!(!project.good(&["build", "--host", "a"]).contains(new));
    let said = project.good(&["build"]);
    assert!(said.contains(new), "{said}");
    assert!(!project.good(&["build"]).contains("who can open secrets"));
}

#[test]
fn known_hosts_are_found_by_each_name_and_address() {
    let kdl = description("").replace(
        "host \"a\" address=\"192.0.2.1\" {",
        "host \"a\" address=\"192.0.2.1\" { address \"2001:db8::1\"; alias \"www.example.net\";",
    );
    let project = Project::of(&kdl);
    project.good(&["build"]);
    let found = |name: &str| {
        let mut keygen = std::process::Command::new("ssh-keygen");
        keygen.args(["-F", name, "-f", "out/known_hosts"]).current_dir(project.folder());
        String::from_utf8(keygen.output().unwrap().stdout).unwrap().contains(HOST_KEY)
    };
    for name in ["a", "a.example.org", "www.example.net", "192.0.2.1", "2001:db8::1"] {
        assert!(found(name), "{name}");
    }
    assert!(!found("b"));
}
