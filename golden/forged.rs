//! Blobs that somebody sealed who may write to git and has no vault: told, and sealed anew where the
//! vault is; what the vault sealed stays, byte for byte.

use std::fs;
use std::process::Command;

use clustergen::render::sha256;

use crate::cli::{code, text};
use crate::support::{compare_text, golden, no_faults};
use crate::vault::{ALICE, Project};

const TOLD: &str = "CG0508";

/// A project with two sealed hosts, whose key it has.
fn project(recipients: &[&str]) -> Project {
    let project = Project::of("");
    run(&project, "ssh-keygen -q -t ed25519 -N '' -C '' -f host");
    let key = fs::read_to_string(project.at("host.pub")).unwrap();
    let vault = match recipients {
        [] => String::new(),
        some => format!("vault {{ recipient \"{}\"; }}", some.join("\" \"")),
    };
    project.says(&format!(
        r#"
cluster "c" domain="example.org" platform="debian-12"
host "a" address="192.0.2.1" {{ ssh-host-key "{key}"; }}
host "b" address="192.0.2.2" {{ ssh-host-key "{key}"; }}
secret "kv" {{ generate length=24; }}
certificate "www" {{ names "www.example.org"; on "a" cert="/etc/www.crt" key="/etc/www.key"; }}
file "/etc/kv" {{ on "a" "b"; mode "0600"; content "{{{{ secret(\"kv\") }}}}"; }}
{vault}
"#,
        key = key.trim()
    ));
    project.good(&["build"]);
    project
}

fn run(project: &Project, script: &str) -> String {
    let mut sh = Command::new("sh");
    let done = sh.args(["-ec", script]).current_dir(project.folder()).output().unwrap();
    assert!(done.status.success(), "{script}: {}", text(&done));
    String::from_utf8(done.stdout).unwrap()
}

fn opened(project: &Project) -> String {
    run(project, "age -d -i host out/a/secrets.age | tar xO")
}

fn line(project: &Project, host: &str) -> String {
    let lock = project.state()["lock"].clone();
    lock.lines().find(|it| it.starts_with(&format!("sealed {host} "))).unwrap().to_owned()
}

fn replace(project: &Project, old: &str, new: &str) {
    let path = project.at("cluster.state/lock");
    let lock = fs::read_to_string(&path).unwrap();
    assert!(lock.contains(old), "{lock}");
    fs::write(path, lock.replace(old, new)).unwrap();
}

/// Seals values of somebody else for host `a` under the right tokens, and gives the lock its sum.
/// `mac` makes of the line's digest what stands there then.
fn forge(project: &Project, mac: fn(&str) -> String) {
    run(
        project,
        "mkdir forged; age -d -i host out/a/secrets.age | tar x -C forged
        for it in forged/*; do echo forged >$it; done
        tar c -C forged $(ls forged) | age -a -R host.pub >cluster.state/sealed/a.age; rm -r forged",
    );
    let blob = fs::read(project.at("cluster.state/sealed/a.age")).unwrap();
    let old = line(project, "a");
    let words: Vec<&str> = old.split(' ').collect();
    let mac = mac(words[4].strip_prefix("mac=").unwrap());
    let new = [&words[..3], &[&format!("sha256={}{mac}", sha256(&blob))]].concat().join(" ");
    replace(project, &old, &new);
}

/// As it was for the blob before; none, as in old locks; one that is made up.
const MACS: [fn(&str) -> String; 3] =
    [|it| format!(" mac={it}"), |_| String::new(), |_| format!(" mac={}", "0".repeat(32))];

#[test]
fn a_blob_of_somebody_else_is_told_and_sealed_anew() {
    for recipients in [&[][..], &[ALICE[0]]] {
        for (number, mac) in MACS.into_iter().enumerate() {
            let project = project(recipients);
            let (values, before) = (opened(&project), project.state());
            forge(&project, mac);
            let with_key = |args: &[&'static str]| [args, &["--identity", "alice"]].concat();
            for command in [&["build", "--check"][..], &["pack"], &["build", "--strict"]] {
                project.bad(&with_key(command), 1, TOLD);
            }
            let shown = project.good(&with_key(&["diff"]));
            assert!(shown.contains(TOLD) && shown.contains("sealed anew"), "{shown}");
            let done = project.run(&with_key(&["build"]));
            assert_eq!(code(&done), 0, "{}", text(&done));
            let (said, told) = (text(&done), String::from_utf8(done.stderr).unwrap());
            let mut faults = Vec::new();
            let stored = ["a-blob-of-somebody-else", "a-blob-of-nobody", "a-blob-of-somebody-else"];
            let stored = golden().join(format!("vault/{}.txt", stored[number]));
            let told = told.replace(&key(&project), "KEY");
            compare_text(&stored, &told, &mut faults);
            no_faults(&faults);
            // the output never had the forged one, so it changes too
            let why = "`secrets.age` on a: sealed anew, though neither a value nor a key changed";
            assert!(said.contains(why), "{said}");
            assert_eq!(opened(&project), values);
            let after = project.state();
            assert_eq!(before["sealed/b.age"], after["sealed/b.age"], "the near miss");
            assert_ne!(before["sealed/a.age"], after["sealed/a.age"]);
            project.good(&with_key(&["pack"]));
            let said = project.good(&with_key(&["build"]));
            assert!(!said.contains(TOLD) && after == project.state(), "{said}");
        }
    }
}

fn key(project: &Project) -> String {
    fs::read_to_string(project.at("host.pub")).unwrap().trim().to_owned()
}

#[test]
fn who_has_no_vault_cannot_judge_and_renders_as_before() {
    let project = project(&[ALICE[0]]);
    forge(&project, MACS[0]);
    let (state, forged) = (project.state(), project.state()["sealed/a.age"].clone());
    let said = project.good(&["build"]);
    assert!(!said.contains(TOLD), "{said}");
    project.good(&["build", "--check"]);
    assert_eq!(state, project.state());
    assert_eq!(project.files()["out/a/secrets.age"], forged);
    // who comes with a key and cannot open the vault is no judge, and is told
    for args in [&["build"][..], &["build", "--check"]] {
        let args = [args, &["--identity", "bob"]].concat();
        project.bad(&args, 3, "no identity that was named opens it");
    }
    project.good(&["build", "--identity", "alice"]);
    assert_ne!(project.files()["out/a/secrets.age"], forged);
}

/// The recipients of a vault are public, so anybody can encrypt a key of the digests for them.
#[test]
fn a_key_of_the_digests_that_somebody_put_into_the_vault_stamps_nothing() {
    let project = project(&[ALICE[0]]);
    let before = project.state()["sealed/a.age"].clone();
    forge(&project, MACS[1]);
    let theirs = "11".repeat(32);
    let recipient = ALICE[0];
    run(
        &project,
        &format!("echo {theirs} | age -a -r {recipient} >cluster.state/vault/digest.key.age"),
    );
    let forged = line(&project, "a");
    let words: Vec<&str> = forged.split(['=', ' ']).collect();
    let mac = run(
        &project,
        &format!(
            "printf 'sealed:a\\000{} {} ' | openssl dgst -sha256 -mac HMAC -macopt hexkey:{theirs} -r",
            words[3], words[5]
        ),
    );
    replace(&project, &forged, &format!("{forged} mac={}", &mac[..32]));
    let done = project.run(&["build", "--identity", "alice"]);
    let said = text(&done);
    assert!(said.contains("`sealed/a.age` was not sealed with this vault"), "{said}");
    assert!(code(&done) == 1 && project.files()["out/a/secrets.age"] == before, "it was taken");
}

#[test]
fn a_lock_that_is_gone_back_to_is_still_right() {
    let project = project(&[]);
    let kdl = fs::read_to_string(project.at("cluster.kdl")).unwrap();
    let before = project.state();
    project.says(&format!("{kdl}\nfile \"/etc/more\" {{ on \"a\"; content \"{{{{ secret(\\\"more\\\") }}}}\"; }}\nsecret \"more\" {{ generate; }}\n"));
    project.good(&["build"]);
    assert_ne!(before["sealed/a.age"], project.state()["sealed/a.age"]);
    project.says(&kdl);
    for name in ["lock", "sealed/a.age"] {
        fs::write(project.at("cluster.state").join(name), &before[name]).unwrap();
    }
    let said = project.good(&["build"]);
    assert!(!said.contains(TOLD), "{said}");
    for name in ["lock", "sealed/a.age", "sealed/b.age"] {
        assert_eq!(before[name], project.state()[name], "{name}");
    }
}

/// Certificates that others signed have no line in the lock, but their keys are in a vault.
#[test]
fn what_is_sealed_needs_no_vault_where_the_lock_names_nothing_else() {
    let project = Project::of("");
    run(&project, "ssh-keygen -q -t ed25519 -N '' -C '' -f host");
    project.says(&format!(
        r#"
cluster "c" domain="example.org" platform="debian-12"
host "a" address="192.0.2.1" {{ ssh-host-key "{}"; }}
certificate "www" {{ names "www.example.org"; source "files" cert="www.crt"; on "a" cert="/etc/www.crt" key="/etc/www.key"; }}
"#,
        key(&project)
    ));
    project.good(&["certs", "csr", "cluster.kdl", "www", "-o", "."]);
    run(
        &project,
        "openssl x509 -req -in www.csr -signkey cluster.state/vault/keys/www.key -copy_extensions copy -out www.crt 2>&1",
    );
    project.good(&["build"]);
    let lock = project.state()["lock"].clone();
    assert!(lock.contains("\nsealed a ") && lock.lines().count() == 3, "{lock}");
    fs::rename(project.at("cluster.state/vault"), project.at("aside")).unwrap();
    let before = project.files();
    project.good(&["build"]);
    assert_eq!(before, project.files());
    fs::rename(project.at("aside"), project.at("cluster.state/vault")).unwrap();
    let before = project.files();
    project.good(&["build"]);
    assert_eq!(before, project.files());
}
