//! The command line: what it prints where, how it ends, and that nothing makes it end otherwise.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program, in a folder, with an environment.
pub fn clustergen(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clustergen"));
    command.current_dir(folder).args(args).envs(env.iter().copied()).env("NO_COLOR", "1");
    command.output().unwrap()
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

/// A folder with one description in it.
fn with(description: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cluster.kdl"), description).unwrap();
    folder
}

const GOOD: &str = r#"
cluster "c" domain="example.net" platform="debian-12"
host "a" address="10.0.0.1"
file "/etc/motd" { on "a"; content "hello"; }
"#;

const WARNS: &str = r#"
cluster "c" domain="example.net" platform="debian-12"
host "a" address="10.0.0.1"
secret "s" { prompt; }
"#;

const WRONG: &str = r#"
cluster "c" domain="example.net" platform="debian-12"
host "a" address="10.0.0.1"
flie "/etc/motd" { on "a"; content "hello"; }
"#;

#[test]
fn a_good_description_is_checked_with_a_sentence() {
    let output = clustergen(with(GOOD.as_bytes()).path(), &["check"], &[]);
    assert_eq!(code(&output), 0);
    assert_eq!(text(&output), "cluster.kdl: 1 host, 3 services\n");
}

#[test]
fn commands_that_are_proposed_name_the_description_at_hand() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("web.kdl"), WARNS).unwrap();
    let output = clustergen(folder.path(), &["check", "web.kdl"], &[]);
    assert!(text(&output).contains("`clustergen secrets set web.kdl s`"), "{}", text(&output));
}

#[test]
fn faults_go_to_standard_error_and_end_with_1() {
    let output = clustergen(with(WRONG.as_bytes()).path(), &["check"], &[]);
    assert_eq!(code(&output), 1);
    assert!(output.stdout.is_empty());
    assert!(text(&output).contains("did you mean `file`?"), "{}", text(&output));
    assert!(
        text(&output).ends_with("\n1 error\n`clustergen explain CG0101` says more\n"),
        "{}",
        text(&output)
    );
}

#[test]
fn the_short_format_is_one_line_a_fault() {
    let output = clustergen(with(WRONG.as_bytes()).path(), &["check", "--format", "short"], &[]);
    assert_eq!(
        text(&output),
        "cluster.kdl:4:1: error[CG0101]: no service, product or part of the inventory is called `flie` (did you mean `file`?)\n"
    );
}

#[test]
fn the_json_format_is_one_object_a_fault() {
    let output = clustergen(with(WRONG.as_bytes()).path(), &["check", "--format", "json"], &[]);
    let fault: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(fault["code"], "CG0101");
    assert_eq!(fault["severity"], "error");
    assert_eq!(fault["labels"][0]["file"], "cluster.kdl");
    assert_eq!(
        (&fault["labels"][0]["line"], &fault["labels"][0]["column"]),
        (&4.into(), &1.into())
    );
    assert_eq!(fault["help"], "did you mean `file`?");
}

#[test]
fn strict_takes_a_warning_for_an_error() {
    let folder = with(WARNS.as_bytes());
    assert_eq!(code(&clustergen(folder.path(), &["check"], &[])), 0);
    assert_eq!(code(&clustergen(folder.path(), &["check", "--strict"], &[])), 1);
    assert_eq!(code(&clustergen(folder.path(), &["build", "--strict"], &[])), 1);
    assert!(!folder.path().join("out").exists());
}

#[test]
fn colours_come_where_they_are_asked_for_and_never_with_no_color() {
    let folder = with(WRONG.as_bytes());
    let run = |env: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clustergen"));
        command
            .current_dir(folder.path())
            .arg("check")
            .env_remove("NO_COLOR")
            .envs(env.iter().copied());
        text(&command.output().unwrap())
    };
    assert!(run(&[("CLICOLOR_FORCE", "1")]).contains('\u{1b}'));
    assert!(!run(&[]).contains('\u{1b}'), "a pipe is no terminal");
    assert!(!run(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).contains('\u{1b}'));
}

#[test]
fn wrong_usage_ends_with_2() {
    assert_eq!(code(&clustergen(with(b"").path(), &["biuld"], &[])), 2);
}

#[test]
fn what_cannot_be_read_ends_with_3_and_a_sentence() {
    let folder = with(&[b'a', 0xff, b'b']);
    let said = |args: &[&str]| {
        let output = clustergen(folder.path(), args, &[]);
        assert_eq!(code(&output), 3, "{args:?}: {}", text(&output));
        text(&output)
    };
    assert!(said(&["check"]).contains("not UTF-8 (line 1, byte 1)"));
    assert!(said(&["check", "nothing.kdl"]).contains("`nothing.kdl` is not there"));
    fs::create_dir(folder.path().join("folder.kdl")).unwrap();
    assert!(said(&["check", "folder.kdl"]).contains("is a folder"));
    assert!(said(&["check", "/dev/zero"]).contains("no regular file"));
    let large = fs::File::create(folder.path().join("large.kdl")).unwrap();
    large.set_len(50 * 1024 * 1024).unwrap();
    assert!(said(&["check", "large.kdl"]).contains("more than the 32 MiB"));
}

/// What would move the cursor or turn the line around shows as a dot.
#[test]
fn names_show_as_they_are_read() {
    let secret = "secret \"s\" { file \"a\\u{202e}b\\u{1b}[31mc\"; }\n";
    let folder = with(format!("{GOOD}{secret}").as_bytes());
    for (args, shown) in [
        (&["check", "no\u{202e}\u{1b}[31m.kdl"][..], "no··[31m.kdl"),
        (&["check", "no\u{202e}/\u{1b}[31m/x.kdl"], "no·/·[31m/x.kdl"),
        (&["check", "--state", "cluster.kdl/\u{2066}x"], "cluster.kdl/·x"),
        (&["secrets", "list"], "file a·b·[31mc"),
        (&["secrets", "set", "cluster.kdl", "s"], "a·b·[31mc"),
    ] {
        let said = text(&clustergen(folder.path(), args, &[]));
        assert!(said.contains(shown), "{args:?}: {said:?}");
        assert!(!said.contains(['\u{202e}', '\u{2066}', '\u{1b}']), "{args:?}: {said:?}");
    }
}

/// Neither side is at fault, so nothing else is told.
#[test]
fn a_merge_that_is_not_finished_is_told_at_its_first_mark() {
    let both = "<<<<<<< HEAD\nhost \"b\" address=\"10.0.0.2\"\n=======\nhost \"b\" address=\"10.0.0.3\"\n>>>>>>> theirs\n";
    let folder = with(format!("{GOOD}{both}").as_bytes());
    let output = clustergen(folder.path(), &["--format", "short", "check"], &[]);
    let said = "cluster.kdl:5:1: error[CG0001]: a merge of this file is not finished (keep what is right of both sides and delete the marks)\n";
    assert_eq!((code(&output), text(&output)), (1, said.to_owned()));
}

/// Every command that writes where it is told to.
#[test]
fn what_cannot_be_written_ends_with_3_and_says_what_to_do() {
    let certificate =
        "certificate \"www\" { names \"www.example.net\"; source \"files\" cert=\"www.crt\"; }";
    let folder = with(format!("{GOOD}{certificate}\n").as_bytes());
    let said = |args: &[&str]| {
        let output = clustergen(folder.path(), args, &[]);
        assert_eq!(code(&output), 3, "{args:?}: {}", text(&output));
        text(&output)
    };
    let wrong = |path: &str, why: &str| {
        format!("clustergen: `{path}` cannot be written: {why}, or name another place\n")
    };
    let missing = "there is no folder `no/such`; make it first";
    assert_eq!(said(&["init", "-o", "no/such/x.kdl"]), wrong("no/such/x.kdl", missing));
    assert_eq!(said(&["man", "no/such/man1"]), wrong("no/such/man1", missing));
    let csr = |to| said(&["certs", "csr", "cluster.kdl", "www", "-o", to]);
    assert_eq!(csr("no/such/requests"), wrong("no/such/requests", missing));
    let file = "a part of the path is a file; take it away";
    assert_eq!(said(&["init", "-o", "cluster.kdl/x"]), wrong("cluster.kdl/x", file));
    assert_eq!(said(&["man", "cluster.kdl/man1"]), wrong("cluster.kdl/man1", file));
    let there = "it is there, and no folder; take it away";
    assert_eq!(said(&["man", "cluster.kdl"]), wrong("cluster.kdl", there));
}

/// A build throws away what lies in the output; what is in the state is made once.
#[test]
fn output_and_state_lie_apart() {
    for args in [
        &["--state", "out"][..],
        &["--state", "out/st"],
        &["-o", "cluster.state/x/y"],
        &["-o", "."],
        &["-o", "link/out"],
    ] {
        let folder = with(GOOD.as_bytes());
        fs::create_dir(folder.path().join("cluster.state")).unwrap();
        std::os::unix::fs::symlink("cluster.state", folder.path().join("link")).unwrap();
        let built = clustergen(folder.path(), &[&["build"], args].concat(), &[]);
        assert_eq!(code(&built), 3, "{args:?}: {}", text(&built));
        let said = "would have its state and its output";
        assert!(text(&built).contains(said), "{args:?}: {}", text(&built));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "{args:?}");
    }
}

#[test]
fn bombs_of_nesting_are_faults_and_never_end_the_process() {
    let many = |open: &str, close: &str| [open.repeat(100_000), close.repeat(100_000)].concat();
    let bombs = [
        many("a {", "}"),
        many("a {\n", "}\n"),
        many("/*", "*/"),
        many("(", ")a"),
        many("/-", "a"),
        many("a (", ")b"),
        "\"\"\"\n".to_owned() + &many("a {", "}"),
        "a #\"".to_owned() + &many("{", "}"),
        "a \"\n".to_owned() + &many("a {\n", "}\n"),
        "\"{".repeat(100_000),
    ];
    for bomb in bombs {
        let output = clustergen(with(bomb.as_bytes()).path(), &["check"], &[]);
        let start: String = bomb.chars().take(12).collect();
        assert_eq!(
            code(&output),
            1,
            "{start}: {}",
            text(&output).chars().take(300).collect::<String>()
        );
    }
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let folder = with(GOOD.as_bytes());
    let mut child = Command::new(env!("CARGO_BIN_EXE_clustergen"))
        .current_dir(folder.path())
        .arg("expand")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_code_is_explained_with_an_example() {
    let folder = tempfile::tempdir().unwrap();
    let output = clustergen(folder.path(), &["explain", "cg0203"], &[]);
    assert_eq!(code(&output), 0);
    assert_eq!(
        text(&output),
        "CG0203: two hosts with one address

Why
    Names are looked up to addresses: with one address for two hosts, one of them gets the
    other's traffic, and its certificates do not fit.

Example
    error[CG0203]: `node1` and `node3` have one address
      --> cluster.kdl:15:22
       |
    15 | host \"node3\" address=\"159.203.126.10\"
       |                      ^^^^^^^^^^^^^^^^ the second one
       |
      ::: cluster.kdl:5:29
       |
     5 | host \"node1\"        address=\"159.203.126.10\"
       |                             ---------------- the first one
       |
       = help: give each host its own

What to do
    Give each host its own address. What moves between hosts is none of them: leave it out.
"
    );
    let all = text(&clustergen(folder.path(), &["explain"], &[]));
    assert!(all.contains("CG0203  two hosts with one address\n"), "{all}");
    let output = clustergen(folder.path(), &["explain", "CG203"], &[]);
    assert_eq!(code(&output), 2);
    assert_eq!(
        text(&output),
        "clustergen: there is no code `CG203`: did you mean `CG0203`? `clustergen explain` lists them all\n"
    );
}

#[test]
fn a_second_build_at_the_same_time_says_so() {
    let folder = with(GOOD.as_bytes());
    let held = fs::File::open(folder.path().join("cluster.kdl")).unwrap();
    held.try_lock().unwrap();
    let output = clustergen(folder.path(), &["build"], &[]);
    assert_eq!(code(&output), 3);
    assert!(text(&output).contains("another clustergen is at work on"), "{}", text(&output));
    held.unlock().unwrap();
    assert_eq!(code(&clustergen(folder.path(), &["build"], &[])), 0);
}

/// `--help` behind them: what is before it is understood, and nothing is done.
#[test]
fn every_command_that_people_are_told_is_one() {
    let mut told = 0;
    for page in ["README.md", "golden/ok/gluu-4/out/RUNBOOK.md"] {
        let text_of = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
        for rest in fs::read_to_string(text_of).unwrap().split("`clustergen ").skip(1) {
            let mut words: Vec<&str> = rest.split('`').next().unwrap().split_whitespace().collect();
            words.push("--help");
            let output = clustergen(Path::new("."), &words, &[]);
            assert_eq!(code(&output), 0, "{page}: {words:?}: {}", text(&output));
            told += 1;
        }
    }
    assert!(told > 10, "{told} commands were found");
}
