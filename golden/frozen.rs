//! What an earlier version wrote is used as it is: `frozen/` says what there is.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::cli::text;
use crate::support::{golden, tree};
use crate::vault::Project;

/// A frozen project, and what opens its vault.
fn thawed(which: &str) -> (Project, Vec<&'static str>) {
    let project = Project::of("");
    for (name, text) in tree(&golden().join("frozen").join(which)) {
        let path = project.at(&name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let key = if which == "encrypted" { vec!["--identity", "alice"] } else { vec![] };
    (project, key)
}

/// The tokens in files: each names a value by its digest.
fn tokens(files: &BTreeMap<String, String>) -> Vec<&str> {
    let files =
        files.iter().filter(|(name, _)| name.contains("/files/") || name.contains("/edits/"));
    let word = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    let mut all: Vec<&str> = files
        .flat_map(|(_, text)| text.split(word))
        .filter(|it| it.starts_with("CGSECRET_"))
        .collect();
    all.sort_unstable();
    all
}

/// `plain` and `encrypted` are of a time when the lock did not say who sealed.
#[test]
fn a_build_changes_nothing_of_an_identity_that_an_earlier_version_made() {
    let (stored, _) = thawed("plain");
    for which in ["plain", "encrypted", "stamped"] {
        for with_key in [true, false] {
            let (project, key) = thawed(which);
            let mut before = project.state();
            let key = if with_key { key } else { vec![] };
            let build = [&["build"], &key[..]].concat();
            let said = project.good(&build);
            let stamps = which != "stamped" && (which == "plain" || with_key);
            assert_eq!(said.contains("CG0508"), stamps, "{said}");
            if stamps {
                stamped(&mut before, &project.state());
                assert!(!project.good(&build).contains("CG0508"));
            }
            assert_eq!(before, project.state(), "{which}: {said}");
            assert!(tokens(&before).is_empty() && tokens(&project.out()).len() == 5);
            assert_eq!(tokens(&stored.out()), tokens(&project.out()));
            let sealed = &project.out()["a/secrets.age"];
            assert_eq!(sealed, &before["sealed/a.age"]);
            assert!(stamps || which == "stamped" || *sealed == stored.out()["a/secrets.age"]);
            for file in ["a/files/etc/app/www.crt", "b/files/etc/app/www.crt"] {
                assert_eq!(stored.out()[file], project.out()[file], "{which}: {file}");
            }
        }
    }
}

/// Takes over into a state what a vault seals anew once: the blob, and its line.
fn stamped(before: &mut BTreeMap<String, String>, after: &BTreeMap<String, String>) {
    let line = |lock: &str| lock.lines().find(|it| it.starts_with("sealed a ")).unwrap().to_owned();
    let (old, new) = (line(&before["lock"]), line(&after["lock"]));
    let request = |line: &str| line.split(" sha256=").next().unwrap().to_owned();
    assert!(request(&old) == request(&new) && new.contains(" mac="), "{old}\n{new}");
    for name in ["lock", "vault/lock"] {
        let lock = before[name].replace(&old, &new);
        before.insert(name.to_owned(), lock);
    }
    before.insert("sealed/a.age".to_owned(), after["sealed/a.age"].clone());
}

#[test]
fn what_an_earlier_version_sealed_is_opened_and_is_what_is_packed_today() {
    for which in ["plain", "encrypted", "stamped"] {
        let (project, key) = thawed(which);
        fs::write(project.at("was.age"), &project.state()["sealed/a.age"]).unwrap();
        for command in [&["build"][..], &["pack", "--as", "tar"]] {
            project.good(&[command, &key].concat());
        }
        let key = golden().join("frozen/host/ssh_host_ed25519_key");
        let sealed = in_tar(
            &project,
            &format!("install -m 0600 {} key; age -d -i key was.age", key.display()),
        );
        let packed = in_tar(&project, "cat packs/a.tar");
        let packed =
            packed.iter().filter_map(|(name, it)| Some((name.strip_prefix("a/secrets/")?, it)));
        let packed: BTreeMap<String, String> =
            packed.map(|(name, it)| (name.to_owned(), it.clone())).collect();
        assert_eq!(packed.len(), 3);
        assert!(sealed == packed, "{which}: values differ");
        let told =
            fs::read_to_string(golden().join("frozen/plain/cluster.state/vault/secrets/drawn"))
                .unwrap();
        assert!(packed.values().any(|it| *it == told), "{which}");
    }
}

/// What comes out of a command as a tar.
fn in_tar(project: &Project, command: &str) -> BTreeMap<String, String> {
    let folder = project.at("unpacked");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    let script = format!("{command} | tar x -C unpacked");
    let done =
        Command::new("sh").args(["-ec", &script]).current_dir(project.folder()).output().unwrap();
    assert!(done.status.success(), "{}", text(&done));
    tree(&folder)
}

#[test]
fn a_lock_of_an_earlier_version_comes_back_and_is_gone_back_to() {
    for which in ["plain", "encrypted"] {
        let (project, key) = thawed(which);
        let mut before = project.state();
        fs::remove_file(project.at("cluster.state/lock")).unwrap();
        project.good(&[&["build"], &key[..]].concat());
        stamped(&mut before, &project.state());
        assert_eq!(before, project.state(), "{which}");
        // a host that comes back is given what it had
        let kdl = fs::read_to_string(project.at("cluster.kdl")).unwrap();
        project.says(&(kdl + "host \"c\" address=\"192.0.2.3\"\ncsync2 \"data\" { members \"b\" \"c\"; include \"/srv/data\"; }\n"));
        project.good(&[&["build"], &key[..]].concat());
        let lock = project.state()["lock"].clone();
        for line in before["lock"]
            .lines()
            .filter_map(|it| it.strip_prefix("retired "))
            .filter(|it| !it.contains("cron[job]"))
        {
            assert!(lock.lines().any(|it| it == line), "{which}: {line}\n{lock}");
        }
        // a certificate is revoked and a value rotated in what was written then
        project.good(&[&["certs", "revoke", "cluster.kdl", "b/www"], &key[..]].concat());
        project.good(&[&["secrets", "rotate", "cluster.kdl", "drawn"], &key[..]].concat());
        for command in ["build", "pack"] {
            project.good(&[&[command], &key[..]].concat());
        }
        for (name, text) in before.iter().filter(|(name, _)| is_value(name)) {
            assert!(project.state().values().any(|it| it == text), "{which}: {name} was lost");
        }
    }
}

fn is_value(name: &str) -> bool {
    let folders = ["vault/keys/", "vault/secrets/"];
    folders.iter().any(|it| name.starts_with(it))
        && Path::new(name).extension() != Some("age".as_ref())
}
