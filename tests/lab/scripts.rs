//! The scripts of a bundle: three shells parse them, and `apply.sh` does what it says.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::built::{Built, example_names, said};

#[test]
fn three_shells_and_shellcheck_have_nothing_to_say_of_any_script() {
    for example in example_names() {
        let built = Built::example(&example);
        for host in built.hosts() {
            for script in ["apply.sh", "host.sh"] {
                let path = built.bundle(&host).join(script);
                for checker in
                    [&["shellcheck", "-s", "sh"][..], &["dash", "-n"], &["busybox", "ash", "-n"]]
                {
                    let done = Command::new(checker[0]).args(&checker[1..]).arg(&path).output();
                    let done = done.unwrap_or_else(|error| panic!("{}: {error}", checker[0]));
                    let silent = done.stdout.is_empty() && done.stderr.is_empty();
                    assert!(done.status.success() && silent, "{checker:?} {}", said(&done));
                }
            }
        }
    }
}

#[test]
fn shellcheck_has_nothing_to_say_of_any_stored_table_of_a_host() {
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/ok");
    let line = r#"find "$1" -name host.sh -print0 | xargs -0 shellcheck"#;
    let done = Command::new("sh").args(["-euc", line, "sh"]).arg(stored).output().unwrap();
    assert!(done.status.success() && done.stdout.is_empty(), "{}", said(&done));
}

#[test]
fn apply_installs_every_file_with_its_content_and_mode() {
    for example in example_names() {
        let built = Built::example(&example);
        for host in built.hosts() {
            let root = TempDir::new().unwrap();
            let manifest = built.manifest(&host);
            let files = manifest["files"].as_object().unwrap();
            // some go only where a folder is
            let table = fs::read_to_string(built.bundle(&host).join("host.sh")).unwrap();
            for line in table.lines() {
                let Some(rest) = line.trim_start().strip_prefix("where /") else { continue };
                let folder = rest.split(' ').next().unwrap();
                fs::create_dir_all(root.path().join(folder)).unwrap();
            }
            let done = built.apply(&host, root.path());
            assert!(done.status.success(), "{host}: {}", said(&done));
            let secrets = built.secrets(&host);
            assert!(!files.is_empty());
            // what a step needs is nothing that is installed
            for (place, entry) in files.iter().filter(|(_, entry)| entry["kind"] != "step") {
                let path = entry["path"].as_str().unwrap();
                let at = root.path().join(path.trim_start_matches('/'));
                let mut wanted = fs::read_to_string(built.bundle(&host).join(place)).unwrap();
                for (token, value) in &secrets {
                    wanted = wanted.replace(token, value.trim_end_matches('\n'));
                }
                let found = fs::read_to_string(&at).unwrap();
                if entry["kind"] == "block" {
                    assert!(found.contains(&wanted), "{path}: {found}");
                } else {
                    assert_eq!(found, wanted, "{path}");
                    assert_eq!(mode(&at), entry["mode"].as_str().unwrap(), "{path}");
                }
                assert!(!found.contains("CGSECRET_"), "{path} has a token left");
            }
        }
    }
}

#[test]
fn folders_that_apply_makes_on_the_way_are_open_to_everybody() {
    // the files in them say who may read: a closed /etc/nginx would keep www-data from all of it
    let built = Built::example("web.kdl");
    for (host, folder) in
        [("lb", "etc/nginx"), ("app1", "etc/ssl"), ("app1", "var"), ("app1", "etc/app")]
    {
        let root = TempDir::new().unwrap();
        assert!(built.apply(host, root.path()).status.success());
        assert_eq!(mode(&root.path().join(folder)), "0755", "{host}: {folder}");
    }
    let root = TempDir::new().unwrap();
    assert!(built.apply("app1", root.path()).status.success());
    assert_eq!(
        mode(&root.path().join("var/lib/clustergen")),
        "0700",
        "what apply.sh keeps is root's"
    );
    assert_eq!(mode(&root.path().join("var/backups/csync2")), "0700");
}

#[test]
fn the_second_apply_has_nothing_to_change() {
    for example in example_names() {
        let built = Built::example(&example);
        for host in built.hosts() {
            let root = TempDir::new().unwrap();
            let first = built.apply(&host, root.path());
            assert!(said(&first).contains(" changed"), "{}", said(&first));
            let second = built.apply(&host, root.path());
            assert!(second.status.success());
            assert!(said(&second).contains("nothing to change"), "{}", said(&second));
        }
    }
}

#[test]
fn what_a_host_changed_is_put_right_and_what_left_the_bundle_is_removed() {
    let built = Built::example("web.kdl");
    let root = TempDir::new().unwrap();
    assert!(built.apply("app1", root.path()).status.success());
    let own = root.path().join("etc/app/local.conf");
    fs::write(&own, "changed by hand").unwrap();
    let again = said(&built.apply("app1", root.path()));
    assert!(again.contains("1 changed"), "{again}");
    assert!(fs::read_to_string(&own).unwrap().contains("app1.example.org"));

    let text = fs::read_to_string(crate::built::examples().join("web.kdl")).unwrap();
    let (without, _) = text.split_once("file \"/etc/app/local.conf\"").unwrap();
    built.rebuild(without);
    let again = said(&built.apply("app1", root.path()));
    assert!(again.contains("1 changed") && !own.exists(), "{again}");
}

#[test]
fn lines_of_others_in_a_shared_file_stay() {
    let built = Built::example("web.kdl");
    let root = TempDir::new().unwrap();
    fs::create_dir(root.path().join("etc")).unwrap();
    let hosts = root.path().join("etc/hosts");
    fs::write(&hosts, "127.0.0.1 localhost\n").unwrap();
    assert!(built.apply("app1", root.path()).status.success());
    fs::write(&hosts, fs::read_to_string(&hosts).unwrap() + "192.0.2.99 printer\n").unwrap();
    let again = said(&built.apply("app1", root.path()));
    assert!(again.contains("nothing to change"), "{again}");
    let text = fs::read_to_string(&hosts).unwrap();
    assert!(text.starts_with("127.0.0.1 localhost\n") && text.ends_with("192.0.2.99 printer\n"));
}

#[test]
fn a_bundle_that_was_changed_after_the_build_is_refused() {
    let changes: [(&str, Change); 5] = [
        ("a file", |bundle| append(&bundle.join("files/etc/nginx/nginx.conf"), "# x\n")),
        ("the table", |bundle| append(&bundle.join("host.sh"), "touch \"$root/was-run\"\n")),
        ("half a table", |bundle| put(&bundle.join("host.sh"), "resources() {")),
        ("one file less", |bundle| remove(&bundle.join("files/etc/nginx/nginx.conf"))),
        ("an empty list", |bundle| put(&bundle.join("SHA256SUMS"), "")),
    ];
    for (what, change) in changes {
        let built = Built::example("web.kdl");
        let root = TempDir::new().unwrap();
        change(&built.bundle("lb"));
        let mut apply = Command::new("sh");
        apply.arg(built.bundle("lb").join("apply.sh")).arg("--root").arg(root.path());
        let done = apply.output().unwrap();
        assert_eq!(done.status.code(), Some(1), "{what}: {}", said(&done));
        assert!(said(&done).contains("not as it was built"), "{what}: {}", said(&done));
        let left: Vec<_> = fs::read_dir(root.path()).unwrap().collect();
        assert!(left.is_empty(), "{what}: something was done: {left:?}");
    }
}

#[test]
fn apply_without_the_secrets_says_so_and_installs_nothing() {
    let built = Built::example("web.kdl");
    let (root, empty) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let done = Command::new("sh")
        .arg(built.bundle("lb").join("apply.sh"))
        .arg("--root")
        .arg(root.path())
        .arg("--secrets")
        .arg(empty.path())
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    assert!(said(&done).contains("give the bundle its secrets first"), "{}", said(&done));
    assert!(!root.path().join("etc").exists(), "something was installed");
}

#[test]
fn what_others_put_beside_stays_when_check_and_dry_run_look() {
    let built = Built::example("web.kdl");
    for (flag, code) in [("--dry-run", 0), ("--check", 2)] {
        let root = TempDir::new().unwrap();
        let done = Command::new("sh")
            .arg(built.bundle("app1").join("apply.sh"))
            .args([flag, "--root"])
            .arg(root.path())
            .arg("--secrets")
            .arg(built.secrets_folder("app1"))
            .output()
            .unwrap();
        assert_eq!(done.status.code(), Some(code), "{}", said(&done));
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0, "{flag} wrote something");
    }
}

type Change = fn(&Path);

fn append(path: &Path, text: &str) {
    put(path, &(fs::read_to_string(path).unwrap() + text));
}

fn put(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
}

fn remove(path: &Path) {
    fs::remove_file(path).unwrap();
}

pub(crate) fn mode(path: &Path) -> String {
    format!("{:04o}", fs::metadata(path).unwrap().permissions().mode() & 0o7777)
}
