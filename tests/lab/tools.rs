//! The programs that `apply.sh` calls: each that is not there is named before anything is done,
//! and what it names is all that it calls.

use std::fs;

use crate::built::said;
use crate::bundle::{Bundle, failed, good, refused, start};
use crate::host::Host;

const TABLE: &str = "
group shop
user shop shop /srv/shop /usr/sbin/nologin system adm
directory 0750 shop:shop /srv/shop exactly
link /etc/zone /usr/share/zoneinfo/UTC none -
file 0640 root:shop /etc/a.conf reload a.service
file 0600 root:root /etc/key none -
seed 0600 root:root /etc/seed none -
block c /etc/hosts none -
keys ini /etc/a.ini none - create
keys properties /etc/a.properties none - create
made /etc/both none - 'test -s /etc/both' 'cat /etc/a.conf >/etc/both' /etc/a.conf
check 0 'test -s /etc/a.conf' /etc/a.conf
unit a.service b.service
step 1/1 fill keeps 'the tables are there'
verify 'there is a file' 'test -s /etc/a.conf'";

const FILES: [(&str, &str); 6] = [
    ("files/etc/key", "CGSECRET_k\n"),
    ("files/etc/seed", "s\n"),
    ("edits/etc/hosts.block", "192.0.2.1 a\n"),
    ("edits/etc/a.ini.keys", "[s]\na = 1\n"),
    ("edits/etc/a.properties.keys", "a=1\n"),
    ("steps/fill/tables.sql", "x\n"),
];

/// What the list in the engine names.
fn listed() -> Vec<String> {
    let engine = clustergen::render::apply_sh();
    let list = engine.split("for program in ").nth(1).unwrap().split("; do").next().unwrap();
    list.split_whitespace().filter(|it| *it != "\\").map(str::to_owned).collect()
}

#[test]
fn a_program_that_is_not_here_is_named_and_nothing_is_done() {
    let host = start("h");
    let bundle = Bundle::of("file 0644 root:root /etc/a none -", &[("files/etc/a", "1\n")]);
    good(&bundle.on(&host, &[]).0);
    bundle.becomes("h", "file 0644 root:root /etc/a none -", &[("files/etc/a", "2\n")]);
    for name in listed().iter().map(String::as_str).chain(["systemctl", "getent"]) {
        let places = ["/usr/local/sbin", "/usr/bin", "/usr/sbin"];
        let there = places.map(|it| host.path(&format!("{it}/{name}")));
        let mut found = there.iter().filter(|it| it.symlink_metadata().is_ok()).peekable();
        assert!(found.peek().is_some(), "{name} is listed, and no machine has it");
        let away: Vec<_> = found.map(|it| (it, it.with_extension("away"))).collect();
        for (from, to) in &away {
            fs::rename(from, to).unwrap();
        }
        refused(&bundle, &host, &[], 1, name);
        refused(&bundle, &host, &["--check"], 1, "not here");
        for (from, to) in &away {
            fs::rename(to, from).unwrap();
        }
    }
    good(&bundle.on(&host, &[]).0);
}

#[test]
fn it_finds_its_bundle_however_it_is_called() {
    let host = start("h");
    let bundle = Bundle::of("", &[]);
    bundle.bring(&host);
    for call in
        ["cd /tmp/bundle; sh apply.sh", "cd /tmp; sh bundle/apply.sh", "/tmp/bundle/apply.sh"]
    {
        let done = host.run(&[
            "sh",
            "-c",
            &format!("chmod +x /tmp/bundle/apply.sh; CDPATH=/etc; {call} --check"),
        ]);
        good(&done);
    }
}

/// Has nothing in its PATH but the programs that are listed, and what systemd and accounts need.
fn bare(shell: &str) -> Host {
    let host = start("h");
    let mut all = listed();
    let others = "sh env systemctl dpkg-query getent groupadd useradd usermod";
    all.extend(others.split(' ').chain([shell]).map(str::to_owned));
    let script = format!(
        "mkdir /tmp/bin /tmp/none
        for name in {}; do cp -L \"$(command -v \"$name\")\" /tmp/bin; done
        for folder in /usr/sbin /usr/local/bin /usr/local/sbin; do mount --bind /tmp/none $folder; done
        mount --bind /tmp/bin /usr/bin",
        all.join(" ")
    );
    good(&host.run(&["sh", "-ec", &script]));
    host
}

#[test]
fn it_calls_no_program_but_those_that_it_names() {
    for shell in ["dash", "bash"] {
        let host = bare(shell);
        let first = Bundle::of(TABLE, &FILES);
        first.secret("CGSECRET_k", "secret");
        host.write("/etc/a.conf", "theirs\n");
        let on = |bundle: &Bundle, args: &[&str], code: i32| {
            let (done, _) = bundle.on_with(&[shell], &host, args);
            failed(&done, code, "");
            assert!(!said(&done).contains("not found"), "{args:?} {}", said(&done));
        };
        let second = |text: &str| {
            first.becomes("h", TABLE, &[&FILES[..], &[("files/etc/a.conf", text)]].concat());
        };
        second("1\n");
        on(&first, &["--dry-run"], 0);
        on(&first, &[], 0);
        second("2\n");
        on(&first, &["--check"], 2);
        on(&first, &["--json"], 0);
        on(&first, &["--list"], 0);
        on(&first, &["--mark-done", "fill"], 0);
        on(&first, &["--verify"], 0);
        on(&first, &["--rollback"], 0);
        on(&first, &["--older"], 0);
        first.becomes("h", &TABLE.replace("test -s /etc/a.conf' /", "false' /"), &FILES);
        fs::write(first.folder.path().join("files/etc/a.conf"), "3\n").unwrap();
        first.sums("find apply.sh host.sh files edits steps -type f");
        on(&first, &[], 1);
        on(&first, &["--uninstall"], 0);
        assert_eq!(host.read("/etc/a.conf"), "theirs\n");
    }
}
