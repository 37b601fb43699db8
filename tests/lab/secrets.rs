//! Values of secrets are nowhere but in the files that they are for, and where root alone keeps them.
//!
//! Not here: what `clustergen` itself does with them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use crate::apply::SHELLS;
use crate::built::said;
use crate::bundle::{Bundle, bad, good, host_with_units, root_with};
use crate::host::Host;
use crate::host_key;
use crate::shims;

/// What whoever looks at processes can see of each (proc(5)).
const LOOK: &str = "/usr/bin/cat /proc/$$/cmdline /proc/$$/environ >>/tmp/seen\n";

/// Everything that may hold a secret; a daemon, a checker, a proof, a step.
const TABLE: &str = "file 0600 root:root /etc/key reload a.service
file 0644 root:root /etc/open none -
seed 0600 root:root /etc/seed none -
block c /etc/hosts none -
keys properties /etc/theirs none - there
keys ini /etc/theirs.ini none - create
made /etc/both none - 'test -s /etc/both' 'cat /etc/key >/etc/both' /etc/key
check 0 'grep -q . /etc/key' /etc/key
unit a.service
verify 'the key is there' 'grep -q . /etc/key'
born key /etc/key
step 1/1 fill keeps 'the tables are there'
}
run_fill() {
    grep -q . \"$files/password\"
    : >/tmp/filled
}
proof_fill() {
    test -e /tmp/filled";

fn bundle(table: &str, token: &str, value: &str) -> Bundle {
    let [line, ini] = [format!("k={token}\n"), format!("[s]\nk={token}\n")];
    let bundle = Bundle::of(
        table,
        &[
            ("files/etc/key", &*line),
            ("files/etc/open", &line),
            ("files/etc/seed", &line),
            ("edits/etc/hosts.block", &line),
            ("edits/etc/theirs.keys", &line),
            ("edits/etc/theirs.ini.keys", &ini),
            ("steps/fill/password", &line),
        ],
    );
    bundle.secret(token, value);
    bundle
}

fn host() -> Host {
    let host = host_with_units(&[]);
    host.write("/etc/theirs", "k=0\n");
    host.run(&["chmod", "0600", "/etc/theirs", "/etc/hosts"]);
    host
}

#[test]
fn no_value_is_in_arguments_environment_outputs_or_the_log() {
    let values = ["Sesame-1\nand \"more\"\n", "Sesame-2 $(id) \\ 'x'\n"];
    for shell in SHELLS {
        let host = host();
        let own = host_key::key(&host, "rsa");
        let program = format!("/usr/bin/{}", shell[0]);
        let shell = [&[&*program], &shell[1..]].concat();
        shims::ready(&host, LOOK);
        let [first, second] = ["CGSECRET_k_1", "CGSECRET_k_2"]
            .map(|token| bundle(TABLE, token, values[usize::from(token.ends_with('2'))]));
        second.seal(&[("CGSECRET_k_2", values[1])], &[&own]);
        let run = |bundle: &Bundle, args: &[&str]| {
            shims::on(&host);
            let done = bundle.on_with(&shell, &host, args).0;
            shims::off(&host);
            assert!(matches!(done.status.code(), Some(0 | 5)), "{args:?} {}", said(&done));
            said(&done)
        };
        let mut outputs = String::new();
        for (bundle, args) in [
            (&first, &["--dry-run"][..]),
            (&first, &[]),
            (&first, &["--check"]),
            (&first, &["--verify"]),
            (&first, &["--bootstrap", "fill"]),
            (&first, &["--bootstrap", "export"]),
            (&second, &["--dry-run"]),
            (&second, &["--json"]),
            (&second, &["--verify", "--json"]),
            (&second, &["--rollback", "--dry-run"]),
            (&second, &["--rollback"]),
            (&second, &["--uninstall", "--dry-run"]),
            (&second, &["--uninstall"]),
        ] {
            outputs += &run(bundle, args);
            if args == ["--json"] {
                assert!(host.read("/etc/key").contains("Sesame-2"), "{outputs}");
            }
        }
        let seen = String::from_utf8_lossy(&fs::read(host.path("/tmp/seen")).unwrap()).into_owned();
        assert!(seen.contains("/etc/key") && seen.contains("folder="), "nothing was seen");
        assert!(seen.contains("age\0-d\0") && seen.contains("tar\0-xOf\0"), "nothing was opened");
        let log = host.read("/var/log/clustergen.log");
        for (text, name) in [(&seen, "processes"), (&outputs, "outputs"), (&log, "log")] {
            assert!(!text.contains("Sesame"), "{name}: {}", around(text, "Sesame"));
        }
    }
}

fn around(text: &str, word: &str) -> String {
    let at = text.find(word).unwrap();
    text.chars().skip(at.saturating_sub(300)).take(600).collect()
}

#[test]
fn who_looks_at_processes_would_find_one_in_arguments_and_in_the_environment() {
    for plant in
        ["/usr/local/sbin/true \"$(cat /etc/key)\"", "k=$(cat /etc/key) /usr/local/sbin/true"]
    {
        let host = host();
        shims::ready(&host, LOOK);
        let table =
            format!("{TABLE}\n").replace("grep -q . /etc/key' /etc", &format!("{plant}' /etc"));
        shims::on(&host);
        good(&bundle(&table, "CGSECRET_k_1", "Sesame\n").on(&host, &[]).0);
        let seen = fs::read(host.path("/tmp/seen")).unwrap();
        assert!(String::from_utf8_lossy(&seen).contains("k=Sesame"), "{plant}");
    }
}

/// What `--dry-run` says where the bundle and what is installed are not the same.
fn diff(root: &Path, bundle: &Bundle) -> String {
    let text = good(&bundle.apply(root, &["--dry-run"]));
    assert!(!text.contains("Sesame"), "{text}");
    text
}

#[test]
fn a_diff_shows_tokens_or_nothing_also_of_what_was_secret_before() {
    let (root, theirs) = root_with("etc/theirs", "k=0\n");
    let close = |path: &Path| fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
    close(&theirs);
    fs::write(root.path().join("etc/hosts"), "theirs\n").unwrap();
    let first = bundle(TABLE, "CGSECRET_k_1", "Sesame-1\n");
    let told = diff(root.path(), &first);
    for path in ["/etc/key", "/etc/open", "/etc/hosts", "/etc/theirs", "/etc/theirs.ini"] {
        assert!(told.contains(&format!("{path}: not shown")), "{told}");
    }
    good(&first.apply(root.path(), &[]));

    let told = diff(root.path(), &bundle(TABLE, "CGSECRET_k_2", "Sesame-2\n"));
    assert_eq!(told.matches("-k=CGSECRET_k_1\n+k=CGSECRET_k_2\n").count(), 2, "{told}");
    let told = diff(root.path(), &bundle(TABLE, "none", "x"));
    assert_eq!(told.matches("-k=CGSECRET_k_1\n+k=none\n").count(), 2, "{told}");
    for path in ["/etc/hosts", "/etc/theirs", "/etc/theirs.ini"] {
        assert!(told.contains(&format!("{path}: not shown")), "{told}");
    }
    // by hand, an old secret may stand anywhere
    fs::write(root.path().join("etc/open"), "k=Sesame-0\n").unwrap();
    assert!(diff(root.path(), &first).contains("/etc/open: not shown"));
    // nothing is left of it but what was there before
    diff(root.path(), &Bundle::of("", &[]));
    good(&bundle(TABLE, "none", "x").apply(root.path(), &[]));
    diff(root.path(), &first);
}

#[test]
fn a_dry_run_tells_of_a_value_that_the_run_after_it_lacks() {
    let root = TempDir::new().unwrap();
    let line = "k=CGSECRET_k_1\n";
    let bundle = Bundle::of("file 0600 root:root /etc/key none -", &[("files/etc/key", line)]);
    let why = "the value of CGSECRET_k_1 is not in";
    let dry = good(&bundle.apply(root.path(), &["--dry-run"]));
    assert!(dry.contains(&format!("apply.sh would refuse this: {why}")), "{dry}");
    bad(&bundle.apply(root.path(), &[]), why);
    bundle.secret("CGSECRET_k_1", "x\n");
    let dry = good(&bundle.apply(root.path(), &["--dry-run"]));
    assert!(!dry.contains("refuse"), "{dry}");
}

#[test]
fn a_value_arrives_as_it_is_with_each_shell_and_each_awk() {
    let values = ["\nb\n\n c", "\\1 & \\n %s $(id) `id`", "CGSECRET_k_1", "ü\u{1}\t"];
    let tokens = ["CGSECRET_0", "CGSECRET_1", "CGSECRET_2", "CGSECRET_3"];
    for awk in ["gawk", "mawk", "busybox"] {
        let host = host_with_units(&[]);
        host.run(&["ln", "-sf", &format!("/usr/bin/{awk}"), "/usr/local/bin/awk"]);
        for shell in SHELLS {
            let text = format!("{}: <{}>\n", shell[0], tokens.join("><"));
            let table = "file 0600 root:root /etc/key none -";
            let bundle = Bundle::of(table, &[("files/etc/key", &text)]);
            for (token, value) in tokens.iter().zip(values) {
                bundle.secret(token, &format!("{value}\n"));
            }
            good(&bundle.on_with(shell, &host, &[]).0);
            let wanted = text.replace(&tokens.join("><"), &values.join("><"));
            assert_eq!(host.read("/etc/key"), wanted, "{awk}");
        }
    }
}
