//! What a build does of what is there: lock and vault, one of them, none; and a vault that belongs
//! to somebody else. Each with a plain and with an encrypted vault.

use std::collections::BTreeMap;
use std::fs;

use crate::against::git;
use crate::cli::{code, text};
use crate::vault::{ALICE, Project};

const HOST_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK2xi3Goj8f3IbqKvXhs27BKLe4VESX0JhYHX+/L/DZ4";

const PLAIN: &str = r#"
cluster "c" domain="example.org" platform="debian-12"
host "a" address="192.0.2.1"
host "b" address="192.0.2.2"
secret "kv" { generate; }
csync2 "data" { members "a" "b"; include "/srv/data"; }
file "/etc/kv" { on "a" "b"; mode "0600"; content "{{ secret(\"kv\") }}"; }
"#;

fn encrypted() -> String {
    format!("{PLAIN}vault {{ recipient \"{}\"; }}\n", ALICE[0])
}

/// Both kinds of vault, and what opens them.
fn both() -> [(String, Vec<&'static str>); 2] {
    [(PLAIN.to_owned(), vec![]), (encrypted(), vec!["--identity", "alice"])]
}

/// Built with all that there is to build with.
fn built(kdl: &str, key: &[&str]) -> Project {
    let project = Project::of(kdl);
    project.good(&[&["build"], key].concat());
    project
}

/// What somebody else has who clones the repository, and no key.
fn cloned(project: &Project) -> Project {
    git(project.folder(), &["init", "-q", "."]);
    fs::write(project.at(".gitignore"), "/alice\n/bob\n/packs/\n").unwrap();
    git(project.folder(), &["add", "-A"]);
    git(project.folder(), &["commit", "-q", "-m", "built"]);
    let clone = Project::of("");
    fs::remove_file(clone.at("cluster.kdl")).unwrap();
    git(clone.folder(), &["clone", "-q", project.folder().to_str().unwrap(), "clone"]);
    for entry in fs::read_dir(clone.at("clone")).unwrap() {
        let entry = entry.unwrap();
        fs::rename(entry.path(), clone.at(entry.file_name().to_str().unwrap())).unwrap();
    }
    clone
}

/// What needs the vault: the description, or a command, and what is said then.
fn needs_the_vault(kdl: &str) -> Vec<(String, Vec<&'static str>, &'static str)> {
    let build = vec!["build"];
    let host = kdl.replace("members \"a\" \"b\"", "members \"a\" \"b\" \"n\"")
        + "host \"n\" address=\"192.0.2.3\"\n";
    let sealed = kdl.replace(
        "host \"a\" address=\"192.0.2.1\"",
        &format!("host \"a\" address=\"192.0.2.1\" {{ ssh-host-key \"{HOST_KEY}\"; }}"),
    );
    let secret = format!("{kdl}secret \"new\" {{ generate; }}\n");
    let given = format!("{kdl}secret \"told\" {{ prompt; }}\n");
    let set = vec!["secrets", "set", "cluster.kdl", "told", "--from", "cluster.kdl"];
    vec![
        (host, build.clone(), "the certificate `n/csync2` has to be made"),
        (sealed, build.clone(), "`sealed/a.age` has to be made"),
        (secret, build, "the secret `new` has to be made"),
        (given, set, ""),
        (kdl.to_owned(), vec!["secrets", "rotate", "cluster.kdl", "kv"], ""),
        (kdl.to_owned(), vec!["secrets", "rekey"], ""),
        (kdl.to_owned(), vec!["certs", "renew", "cluster.kdl", "csync2"], ""),
        (kdl.to_owned(), vec!["pack"], ""),
    ]
}

#[test]
fn lock_and_vault_are_used() {
    for (kdl, key) in both() {
        let project = built(&kdl, &key);
        let before = project.files();
        let said = project.good(&[&["build"], &key[..]].concat());
        assert!(said.contains("nothing changed"), "{said}");
        assert_eq!(before, project.files());
        project.good(&[&["pack"], &key[..]].concat());
    }
}

#[test]
fn a_lock_alone_gives_the_same_and_what_needs_the_vault_says_so() {
    for (kdl, key) in both() {
        let project = built(&kdl, &key);
        let clone = cloned(&project);
        let why = if key.is_empty() { "the vault is not here" } else { "the vault is encrypted" };
        let before = clone.files();
        fs::remove_dir_all(clone.at("out")).unwrap();
        let said = clone.good(&["build"]);
        assert!(said.contains(why) && said.contains("rendered from the lock"), "{said}");
        assert_eq!(project.out(), clone.out());
        assert_eq!(project.state()["lock"], before["cluster.state/lock"]);
        for (kdl, args, what) in needs_the_vault(&kdl) {
            clone.says(&kdl);
            let code = if what.is_empty() && args != ["pack"] { 3 } else { 1 };
            let alone = args == ["pack"] && key.is_empty();
            clone.bad(&args, code, if alone { "fetch the vault" } else { why });
            clone.bad(&args, code, what);
        }
        // what is less needs nobody
        clone
            .says(&kdl.replace("file \"/etc/kv\" { on \"a\" \"b\"", "file \"/etc/kv\" { on \"b\""));
        clone.good(&["build"]);
    }
}

#[test]
fn a_lost_lock_comes_back_from_the_vault() {
    for (kdl, key) in both() {
        let project = built(&kdl, &key);
        let before = project.files();
        for left in ["", "\n"] {
            let lock = project.at("cluster.state/lock");
            // an empty one is what a full disk leaves
            if left.is_empty() {
                fs::remove_file(lock).unwrap();
            } else {
                fs::write(lock, left).unwrap();
            }
            project.good(&[&["build"], &key[..]].concat());
            assert_eq!(before, project.files());
        }
    }
}

#[test]
fn a_lost_lock_comes_back_without_its_copy_too_as_far_as_the_vault_knows() {
    for (kdl, key) in both() {
        let project = built(&kdl, &key);
        let keys = |project: &Project| -> BTreeMap<String, String> {
            let mut files = project.state();
            files.retain(|name, _| name.starts_with("vault/") && name != "vault/lock");
            files
        };
        let (before, lock) = (keys(&project), project.state()["lock"].clone());
        for name in ["lock", "vault/lock"] {
            fs::remove_file(project.at("cluster.state").join(name)).unwrap();
        }
        project.good(&[&["build"], &key[..]].concat());
        assert_eq!(before, keys(&project), "a key was made anew");
        let secrets = |lock: &str| -> Vec<String> {
            lock.lines().filter(|it| it.starts_with("secret ")).map(str::to_owned).collect()
        };
        assert_eq!(secrets(&lock), secrets(&project.state()["lock"]));
        project.good(&[&["pack"], &key[..]].concat());
    }
}

#[test]
fn certificates_alone_are_no_first_build() {
    for (kdl, key) in both() {
        let project = built(&kdl, &key);
        fs::remove_dir_all(project.at("cluster.state/vault")).unwrap();
        fs::remove_file(project.at("cluster.state/lock")).unwrap();
        let why =
            "has certificates, but neither lock nor vault: take the lock from the last commit";
        project.bad(&[&["build"], &key[..]].concat(), 3, why);
    }
}

/// A clone of a repository that the state was never added to, or a description with another name.
#[test]
fn bundles_are_not_built_anew_without_the_state_that_they_are_of() {
    for (kdl, key) in both() {
        let project = built(&kdl, &key);
        let before = project.out();
        fs::rename(project.at("cluster.state"), project.at("elsewhere")).unwrap();
        let why = "has neither lock nor vault: fetch what was committed";
        project.bad(&[&["build"], &key[..]].concat(), 3, why);
        assert_eq!(project.out(), before);
        project.good(&[&["build", "--state", "elsewhere"], &key[..]].concat());
        // who gives all of it up has another cluster
        fs::remove_dir_all(project.at("out")).unwrap();
        project.good(&[&["build"], &key[..]].concat());
        project.good(&[&["pack"], &key[..]].concat());
    }
}

/// The lock of one cluster beside the vault of another: nothing is made, and nothing is written
/// into a vault that is somebody else's.
#[test]
fn the_vault_of_another_cluster_is_told() {
    for (kdl, key) in both() {
        let project = built(&kdl, &key);
        let other = built(&kdl, &key);
        let vault = project.at("cluster.state/vault");
        fs::remove_dir_all(&vault).unwrap();
        fs::rename(other.at("cluster.state/vault"), &vault).unwrap();
        // what is there is rendered from the lock
        project.good(&[&["build", "--check"], &key[..]].concat());
        for (kdl, args, _) in needs_the_vault(&kdl) {
            if args == ["secrets", "rekey"] {
                continue;
            }
            project.says(&kdl);
            let before = project.files();
            let done = project.run(&[&args[..], &key[..]].concat());
            let said = text(&done);
            assert!(said.contains("they are of two") || said.contains("not the value"), "{said}");
            assert_ne!(code(&done), 0, "{args:?}: {said}");
            assert_eq!(before, project.files(), "{args:?} changed something");
        }
    }
}

/// Where nothing was ever signed, the values tell.
#[test]
fn the_vault_of_another_cluster_without_certificates_is_told_by_its_values() {
    let lines: Vec<&str> = PLAIN.lines().filter(|it| !it.starts_with("csync2")).collect();
    let kdl = lines.join("\n") + "\n";
    let (project, other) = (built(&kdl, &[]), built(&kdl, &[]));
    let vault = project.at("cluster.state/vault");
    fs::remove_dir_all(&vault).unwrap();
    fs::rename(other.at("cluster.state/vault"), &vault).unwrap();
    let why = "the vault does not have any of the values that the lock names";
    project.bad(&["secrets", "rotate", "cluster.kdl", "kv"], 3, why);
    project.says(&format!("{kdl}secret \"new\" {{ generate; }}\n"));
    project.bad(&["build"], 1, why);
}
