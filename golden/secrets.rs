//! `secrets list`, `set`, `rotate`, `rekey`: values go into the vault, and nowhere else.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::cli::{clustergen, code, text};
use crate::vault::{ALICE, BOB, Project, is_plain};

const VALUE: &str = "S3cr3t & <value> of 'ours'";

/// One secret of each kind, and a file that needs it.
fn description(nodes: &str) -> String {
    let mut kdl = r#"
cluster "c" domain="example.org" platform="debian-12"
host "a" address="192.0.2.1"
host "b" address="192.0.2.2"
secret "drawn" { generate length=24; }
secret "by-variable" { env "OUR_TOKEN"; }
secret "by-file" { file "keys/token.txt"; }
secret "by-hand" { prompt; }
secret "born" { born-on "b" path="/opt/app/salt"; }
"#
    .to_owned();
    for name in ["drawn", "by-variable", "by-file", "by-hand", "born"] {
        let content = format!("{{{{ secret(\\\"{name}\\\") }}}}");
        kdl += &format!("file \"/etc/{name}\" {{ on \"a\"; content \"{content}\"; }}\n");
    }
    kdl + nodes
}

fn value(project: &Project, name: &str) -> String {
    fs::read_to_string(project.at(&format!("cluster.state/vault/secrets/{name}"))).unwrap()
}

/// The digest that the lock has of a secret.
fn digest(project: &Project, name: &str) -> String {
    let lock = project.state()["lock"].clone();
    let line = lock.lines().find_map(|line| line.strip_prefix(&format!("secret {name} ")));
    line.unwrap_or_default().to_owned()
}

fn list(project: &Project) -> Vec<String> {
    let table = project.good(&["secrets", "list"]);
    table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn a_list_says_where_each_value_comes_from_and_whether_it_is_there() {
    let project = Project::of(&description(""));
    project.good(&["build"]);
    let drawn = digest(&project, "drawn")[..8].to_owned();
    let expected = [
        "secret comes from value",
        "born born-on b path=/opt/app/salt none yet",
        "by-file file keys/token.txt none yet",
        "by-hand prompt none yet",
        "by-variable env OUR_TOKEN none yet",
        &format!("drawn generate length=24 {drawn}"),
    ];
    assert_eq!(list(&project), expected);
    let json: serde_json::Value =
        serde_json::from_str(&project.good(&["secrets", "list", "--json"])).unwrap();
    assert_eq!(json[4]["digest"], drawn);
    assert_eq!(json[0]["digest"], serde_json::Value::Null);
}

#[test]
fn a_value_is_taken_from_where_the_description_says_and_tokens_follow_it() {
    let project = Project::of(&description(""));
    project.good(&["build"]);
    let token = "CGSECRET_by_variable_raw_";
    let file = || fs::read_to_string(project.at("out/a/files/etc/by-variable")).unwrap();
    assert!(file().contains(&format!("{token}00000000")));

    let why = "the variable `OUR_TOKEN` is not set";
    project.bad(&["secrets", "set", "cluster.kdl", "by-variable"], 3, why);
    let env = [("OUR_TOKEN", VALUE)];
    let done =
        clustergen(project.folder(), &["secrets", "set", "cluster.kdl", "by-variable"], &env);
    assert_eq!(code(&done), 0, "{}", text(&done));
    assert!(!text(&done).contains("S3cr3t"));
    assert_eq!(value(&project, "by-variable"), VALUE);
    // nothing is changed by a build, whoever builds
    let mut state = project.state();
    project.good(&["build"]);
    let digest = digest(&project, "by-variable");
    assert!(file().contains(&format!("{token}{}", &digest[..8])), "{}", file());
    assert_eq!(state.remove("lock"), project.state().remove("lock"));

    project.bad(&["secrets", "set", "cluster.kdl", "by-file"], 3, "keys/token.txt` cannot be read");
    fs::create_dir(project.at("keys")).unwrap();
    fs::write(project.at("keys/token.txt"), format!("{VALUE}\r\n")).unwrap();
    project.good(&["secrets", "set", "cluster.kdl", "by-file"]);
    assert_eq!(value(&project, "by-file"), VALUE);
}

#[test]
fn what_is_asked_for_may_come_from_a_file_or_a_pipe() {
    let project = Project::of(&description(""));
    let args = ["secrets", "set", "cluster.kdl", "by-hand"];
    project.bad(&args, 3, "there is no terminal: say `--from FILE`");
    let mut command = Command::new(env!("CARGO_BIN_EXE_clustergen"));
    command.current_dir(project.folder()).args(args).args(["--from", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{VALUE}\n").as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(value(&project, "by-hand"), VALUE);
    fs::write(project.at("other"), "other").unwrap();
    project.good(&[&args[..], &["--from", "other"]].concat());
    assert_eq!(value(&project, "by-hand"), "other");
}

/// What a build's files ask of a value is known when it is taken in.
#[test]
fn a_value_that_its_file_could_not_carry_is_refused_at_once() {
    let project = Project::of(
        r#"
cluster "c" domain="example.org" platform="debian-12"
host "a" address="192.0.2.1"
secret "password" { prompt; }
secret "text" { prompt; }
secret "bytes" { prompt; }
redis "kv" { on "a"; password (secret)"password"; }
file "/etc/xml" { on "a"; mode "0600"; content "<a>{{ secret(\"text\", \"xml\") }}</a>"; }
file "/etc/bytes" { on "a"; mode "0600"; content "{{ secret(\"bytes\") }}"; }
"#,
    );
    let set = |name: &'static str| ["secrets", "set", "cluster.kdl", name, "--from", "value"];
    for (name, value, why) in [
        ("password", "x".repeat(1_000_000).into_bytes(), "takes passwords of 1 to 512 bytes"),
        (
            "password",
            b"\xff\xfe".to_vec(),
            "the value of `password` cannot be used: it is not UTF-8",
        ),
        ("text", b"a\x01b".to_vec(), "XML cannot carry this character: give it another value"),
    ] {
        fs::write(project.at("value"), value).unwrap();
        project.bad(&set(name), 1, why);
    }
    fs::write(project.at("value"), b"\xff\xfe").unwrap();
    project.good(&set("bytes"));
    fs::write(project.at("value"), VALUE).unwrap();
    project.good(&set("password"));
    project.good(&set("text"));
}

#[test]
fn a_value_that_was_replaced_stays_for_a_lock_that_is_taken_back() {
    let project = Project::of(&description(""));
    project.good(&["build"]);
    let (old, lock) = (value(&project, "drawn"), project.state()["lock"].clone());
    let before = digest(&project, "drawn");
    project.good(&["secrets", "rotate", "cluster.kdl", "drawn"]);
    let new = value(&project, "drawn");
    assert!(new != old && new.len() == 24, "{new}");
    assert_eq!(value(&project, &format!("drawn.{}", &before[..8])), old);
    assert_ne!(digest(&project, "drawn"), before);
    let said = project.good(&["build"]);
    assert!(said.contains("/etc/drawn"), "{said}");

    fs::write(project.at("cluster.state/lock"), lock).unwrap();
    for name in ["by-variable", "by-file", "by-hand", "born"] {
        fs::write(project.at("given"), name).unwrap();
        project.good(&["secrets", "set", "cluster.kdl", name, "--from", "given"]);
    }
    project.good(&["build"]);
    project.good(&["pack", "--as", "tar", "--host", "a"]);
    let archive = fs::read(project.at("packs/a.tar")).unwrap();
    let archive = String::from_utf8_lossy(&archive);
    assert!(archive.contains(&old) && !archive.contains(&new));
}

#[test]
fn who_asks_for_what_cannot_be_is_told_what_to_do() {
    let project = Project::of(&description(""));
    fs::write(project.at("empty"), "\n").unwrap();
    fs::write(project.at("zero"), "a\0b").unwrap();
    project.good(&["build"]);
    let set = |name: &'static str| vec!["secrets", "set", "cluster.kdl", name];
    let rotate = |name: &'static str| vec!["secrets", "rotate", "cluster.kdl", name];
    for (args, why) in [
        (set("drwan"), "did you mean `drawn`?"),
        (set("drawn"), "`clustergen secrets rotate cluster.kdl drawn` draws it anew"),
        (set("born"), "`apply.sh --bootstrap export` there, then `clustergen import b FILE`"),
        (rotate("by-file"), "`clustergen secrets set cluster.kdl by-file` takes in the new one"),
        (rotate("nothing"), "nothing declares a secret `nothing`"),
        ([set("by-hand"), vec!["--from", "empty"]].concat(), "the value of `by-hand` is empty"),
        ([set("by-hand"), vec!["--from", "zero"]].concat(), "a zero byte"),
    ] {
        project.bad(&args, 1, why);
    }
    project.bad(&["secrets", "rekey", "no.kdl"], 3, "is not there");
    let endless = [set("by-hand"), vec!["--from", "/dev/zero"]].concat();
    project.bad(&endless, 3, "`/dev/zero` cannot be read: it has more than 16 MiB");
    // without the vault
    fs::rename(project.at("cluster.state/vault"), project.at("aside")).unwrap();
    project.bad(&rotate("drawn"), 3, "the vault is not here");
    let from = [set("by-hand"), vec!["--from", "cluster.kdl"]].concat();
    project.bad(&from, 3, "the vault is not here");
    project.good(&["secrets", "list"]);
}

#[test]
fn a_vault_is_encrypted_to_new_recipients_and_opened_again() {
    let node = |keys: &[&str]| format!("vault {{ recipient \"{}\"; }}\n", keys.join("\" \""));
    let project = Project::of(&description(""));
    project.good(&["build"]);
    let (plain, out) = (project.state(), project.out());

    project.says(&description(&node(&[ALICE[0]])));
    let said = project.good(&["secrets", "rekey"]);
    assert!(said.contains(&format!("files written anew, for\n  {}\n", ALICE[0])), "{said}");
    assert!(project.state().keys().all(|name| !is_plain(name)), "{:?}", project.state().keys());
    project.bad(&["secrets", "rotate", "cluster.kdl", "drawn"], 3, "the vault is encrypted");
    project.good(&["build", "--identity", "alice"]);

    // whoever encrypts for others alone is told that it was not seen that they open it
    let note = "note: nobody who was named by `--identity` opens it now";
    assert!(said.contains(note), "{said}");
    assert!(!project.good(&["secrets", "rekey", "--identity", "alice"]).contains(note));
    project.says(&description(&node(&[BOB[0]])));
    project.bad(
        &["secrets", "rekey", "--identity", "bob"],
        3,
        "no identity that was named opens it",
    );
    project.good(&["secrets", "rekey", "--identity", "alice"]);
    project.bad(
        &["secrets", "rekey", "--identity", "alice"],
        3,
        "no identity that was named opens it",
    );

    project.says(&description(""));
    project.good(&["secrets", "rekey", "--identity", "bob"]);
    assert_eq!(plain, project.state());
    project.good(&["build"]);
    assert!(out == project.out(), "the bundles are others");
}

#[test]
fn what_was_made_on_a_host_is_taken_in_as_it_was_carried_here() {
    let recipient = format!("vault {{ recipient \"{}\"; }}\n", ALICE[0]);
    let project = Project::of(&description(&recipient));
    project.good(&["build"]);
    let sh = |line: &str| {
        let done = Command::new("sh").args(["-ec", line]).current_dir(project.folder()).status();
        assert!(done.unwrap().success(), "{line}");
    };
    sh(
        "printf 'salt & pepper\\n' >born && tar -cf good.tar born && printf x >more && tar -cf more.tar born more",
    );
    sh(
        "mkdir d && tar -cf folder.tar d && : >empty && tar -cf none.tar -T empty && head -c 700 good.tar >cut.tar",
    );
    sh(&format!(
        "age -r {} -o good.tar.age good.tar; age -a -r {} -o other.age good.tar",
        ALICE[0], BOB[0]
    ));
    let import = |host, file| vec!["import", host, file, "--identity", "alice"];
    for (args, code, why) in [
        (import("b", "more.tar"), 1, "the export has `more`, which no secret says is made on `b`"),
        (import("a", "good.tar"), 1, "no secret says that it is made on `a`"),
        (import("bb", "good.tar"), 1, "there is no host `bb`"),
        (import("b", "folder.tar"), 3, "is no file"),
        (import("b", "none.tar"), 3, "nothing is in it"),
        (import("b", "cut.tar"), 3, "it is no whole tar"),
        (import("b", "cluster.kdl"), 3, "the export of `b`: "),
        (import("b", "absent.tar"), 3, "`absent.tar` cannot be read"),
        (import("b", "other.age"), 3, "no identity that was named opens it"),
        (vec!["import", "b", "good.tar.age"], 3, "the vault is encrypted"),
    ] {
        project.bad(&args, code, why);
    }
    // a value by itself is no tar, and must not be shown for that
    sh("yes S3cr3t | head -c 2000 >bare");
    let said = text(&clustergen(project.folder(), &import("b", "bare"), &[]));
    assert!(said.contains("it is no whole tar") && !said.contains("S3cr3t"), "{said}");
    for file in ["good.tar", "good.tar.age"] {
        let said = project.good(&import("b", file));
        assert!(said.contains("born: taken in") && !said.contains("pepper"), "{said}");
        project.good(&["secrets", "rotate", "cluster.kdl", "drawn", "--identity", "alice"]);
    }
    sh("age -d -i alice cluster.state/vault/secrets/born.age >value");
    assert_eq!(fs::read_to_string(project.at("value")).unwrap(), "salt & pepper");
    project.good(&["build"]);
    let file = fs::read_to_string(project.at("out/a/files/etc/born")).unwrap();
    assert!(!file.contains("_00000000"), "{file}");
}
