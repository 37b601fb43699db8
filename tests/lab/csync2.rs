//! csync2 reads `csync2.cfg`.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::built::{Built, example_names, said};
use crate::csync2_cfg::{KEYWORDS, parse};

#[test]
fn csync2_accepts_the_file_of_every_example() {
    let mut tried = 0;
    for example in example_names() {
        let built = Built::example(&example);
        for name in built.hosts() {
            if let Some(dir) = system_dir(&built, &name) {
                reads(&built, &name, dir, |cfg| cfg).unwrap();
                tried += 1;
            }
        }
    }
    assert!(tried >= 4, "the examples have csync2 on {tried} hosts");
}

#[test]
fn csync2_refuses_a_file_with_one_character_missing() {
    // proof that the tests here can fail
    let built = Built::example("web.kdl");
    let broken = |cfg: String| cfg.replacen("auto younger;", "auto younger", 1);
    assert!(reads(&built, "app1", "/etc", broken).is_err());
    let text = built.file("app1", "/etc/csync2.cfg");
    assert!(parse(&text).is_ok());
    assert!(parse(&broken(text)).is_err());
}

#[test]
fn csync2_accepts_every_option() {
    for auto in ["none", "first", "younger", "older", "bigger", "smaller", "left", "right"] {
        let local = if auto == "left" { "do-local-only" } else { "do-local" };
        let kdl = format!(
            r#"
cluster "c" domain="example.org" platform="debian-12"
host "n1" address="192.0.2.1" {{ address "10.0.0.1" for="replication" }}
host "n2" address="192.0.2.2" {{ address "10.0.0.2" for="replication" }}
host "n3" address="192.0.2.3"
csync2 "one" {{
    members "n1" "n2" "n3"
    include "/srv/a" "/srv/b c"
    include "/srv/ä"
    exclude "*~" "a;b" "{{x}}" "/srv/a/#tmp"
    action {{ pattern "/srv/a/*" "/srv/b c/**"; exec "echo 'a; b' > /tmp/x # %%"; exec "true"; {local} }}
    action {{ exec "true"; logfile "/var/log/own log" }}
    backup-directory "/var/backups/c sync2"
    backup-generations 2
    auto "{auto}"
    extra "compare /srv/a/big;"
}}
csync2 "two" {{ members "n1" "n2"; include "/srv/two"; every "1h" }}
"#
        );
        let built = Built::of(&kdl);
        for name in built.hosts() {
            reads(&built, &name, "/etc", |cfg| cfg).unwrap();
        }
    }
}

#[test]
fn names_that_are_words_of_csync2_are_names_all_the_same() {
    for word in KEYWORDS {
        let kdl = format!(
            r#"
cluster "c" domain="example.org" platform="debian-12"
host "{word}" address="192.0.2.1"
host "other" address="192.0.2.2"
csync2 "{word}" {{
    members "{word}" "other"
    include "/srv/www"
    exclude "{word}"
    action {{ pattern "{word}"; exec "{word}" }}
}}
"#
        );
        let built = Built::of(&kdl);
        let groups = parse(&built.file("other", "/etc/csync2.cfg"));
        let group = &groups.unwrap_or_else(|why| panic!("a group called `{word}`: {why}"))[0];
        assert_eq!(group.name, word);
        assert!(group.hosts.contains(&word.to_owned()), "{group:?}");
        assert_eq!(group.excludes, [word]);
        assert_eq!(group.actions[0].patterns, [word]);
        for host in ["other", word] {
            reads(&built, host, "/etc", |cfg| cfg).unwrap();
        }
    }
}

/// The name by which a host's peers know it, from the command that `apply.sh` checks with.
fn name_of(built: &Built, host: &str) -> String {
    let table = std::fs::read_to_string(built.bundle(host).join("host.sh")).unwrap();
    let (_, rest) = table.split_once("csync2 -N ").expect("a check by csync2");
    rest.split(' ').next().unwrap().to_owned()
}

/// The folder in which a bundle has its `csync2.cfg`.
fn system_dir(built: &Built, host: &str) -> Option<&'static str> {
    let has = |dir: &&str| built.bundle(host).join(format!("files{dir}/csync2.cfg")).exists();
    ["/etc", "/etc/csync2"].into_iter().find(has)
}

/// Whether csync2 takes the file, after `edit`, for the host whose it is. The group's key has to
/// be where the file says, so the name of the folder is changed in it.
pub(crate) fn reads(
    built: &Built,
    host: &str,
    dir: &str,
    edit: fn(String) -> String,
) -> Result<(), String> {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let cfg = built.file(host, &format!("{dir}/csync2.cfg"));
    let secrets = built.secrets(host);
    for entry in built.manifest(host)["files"].as_object().unwrap().values() {
        let path = entry["path"].as_str().unwrap();
        if entry["kind"] == "secret" && path.starts_with(dir) {
            let value = &secrets[built.file(host, path).trim()];
            std::fs::write(at.join(Path::new(path).file_name().unwrap()), value).unwrap();
        }
    }
    let cfg = edit(cfg.replace(&format!("key {dir}/"), &format!("key {}/", at.display())));
    std::fs::write(at.join("csync2.cfg"), &cfg).unwrap();
    let done = Command::new("csync2")
        .env("CSYNC2_SYSTEM_DIR", at)
        .args(["-N", &name_of(built, host), "-D"])
        .arg(at)
        .arg("-L")
        .output()
        .expect("csync2");
    match done.status.code() {
        // entries, or an empty database
        Some(0 | 2) => Ok(()),
        Some(1) => Err(format!("{}\n{cfg}", said(&done))),
        _ => panic!("csync2 -L: {}\n{cfg}", said(&done)),
    }
}
