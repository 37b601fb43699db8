//! Disks that are full or read-only: `apply.sh` says where it met that, and all is as it was.
//!
//! In: a host on whose disk there is room for a little more, and then for a little more than that,
//! until an apply succeeds. So it is full at each place in turn: at staging, at backing up, at
//! installing, at writing down what was done.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::built::said;
use crate::bundle::{Bundle, failed, good, start};
use crate::host::Host;
use crate::snapshot::Snapshot;

const FIRST: &str = "file 0644 root:root /etc/a.conf reload a.service
file 0644 root:root /etc/old.conf none -
file 0600 root:root /etc/theirs.conf none -
block c /etc/hosts none -
keys ini /etc/a.ini none - there";

const SECOND: &str = "directory 0750 root:root /etc/folder
file 0644 root:root /etc/a.conf reload a.service
file 0640 root:adm /etc/folder/deep/b.conf none -
file 0600 root:root /etc/foreign.conf none -
link /etc/zone /usr/share/zoneinfo/UTC none -
seed 0600 root:root /etc/seed none -
block c /etc/hosts none -
keys ini /etc/a.ini none - there
made /etc/both none - 'test -s /etc/both' 'cat /etc/a.conf >/etc/both' /etc/a.conf
check 0 'test -s /etc/a.conf' /etc/a.conf
unit a.service";

const FILES: [(&str, &str); 8] = [
    ("files/etc/a.conf", "1\n"),
    ("files/etc/old.conf", "1\n"),
    ("files/etc/theirs.conf", "1\n"),
    ("files/etc/folder/deep/b.conf", "1\n"),
    ("files/etc/foreign.conf", "1\n"),
    ("files/etc/seed", "1\n"),
    ("edits/etc/hosts.block", "192.0.2.1 a\n"),
    ("edits/etc/a.ini.keys", "[s]\na = 1\n"),
];

/// The first bundle is installed, and the second one waits.
fn installed() -> (Host, Bundle) {
    let host = start("h");
    host.write("/tmp/running", "");
    for path in ["/etc/a.conf", "/etc/theirs.conf", "/etc/foreign.conf", "/etc/a.ini"] {
        host.write(path, "[s]\na = 0\n");
    }
    let bundle = Bundle::of(FIRST, &FILES);
    good(&bundle.on(&host, &[]).0);
    let new = [("files/etc/a.conf", "22\n"), ("edits/etc/hosts.block", "192.0.2.2 a\n")];
    bundle.becomes("h", SECOND, &[&FILES[..], &new].concat());
    (host, bundle)
}

/// What a disk can run out of.
#[derive(Clone, Copy)]
enum Room {
    /// Of 4096 bytes.
    Blocks,
    /// For files, folders and links.
    Inodes,
}

/// Where `full` is looked for: the whole disk, or a file system of its own on it.
fn mount(host: &Host, at: &str) -> PathBuf {
    if at == "/" {
        return host.outside("").parent().unwrap().to_owned();
    }
    let copy = format!(
        "cp -a {at} /tmp/copy; mount -t tmpfs -o mode=0700 none {at}; cp -aT /tmp/copy {at}"
    );
    good(&host.run(&["sh", "-ec", &copy]));
    host.outside(at)
}

/// A file system gets room for so many more, or for as many as one wants.
fn leave(host: &Host, mount: &Path, room: Room, more: Option<u64>) {
    let within = |words: &[&str]| {
        let mut command = Command::new("nsenter");
        command.args(["--target", &host.pid().to_string(), "--mount"]).args(words).arg(mount);
        good(&command.output().unwrap())
    };
    let told = within(&["stat", "-f", "-c", "room %b %f %c %d"]);
    let numbers = told.split("room ").nth(1).unwrap().split_whitespace();
    let numbers: Vec<u64> = numbers.map(|it| it.parse().unwrap()).collect();
    let limit = |all: u64, free: u64| more.map_or(100_000, |more| all - free + more);
    let limit = match room {
        Room::Blocks => format!("size={}", 4096 * limit(numbers[0], numbers[1])),
        Room::Inodes => format!("nr_inodes={}", limit(numbers[2], numbers[3])),
    };
    within(&["mount", "-o", &format!("remount,{limit}")]);
}

/// All that a host has: its disk, and what is mounted over that.
fn everything(host: &Host) -> [Snapshot; 3] {
    let folder = |path: &str| Snapshot::whole(&host.path(path));
    [host.disk(), folder("/etc"), folder("/var/lib/clustergen")]
}

/// It failed for a reason that it names, and all is as it was but for the log.
fn unharmed(host: &Host, before: &[Snapshot], done: &Output, why: &str) {
    failed(done, 1, why);
    let now = everything(host);
    let mut changes: Vec<String> =
        before.iter().zip(&now).flat_map(|(before, now)| before.changes(now)).collect();
    changes.retain(|it| !it.starts_with("/var/log/clustergen.log"));
    assert!(changes.is_empty(), "{changes:#?} {}", said(done));
}

/// Where it met the end of the room, in turn.
fn places(at: &str, room: Room) -> Vec<String> {
    let (host, bundle) = installed();
    let mount = mount(&host, at);
    let before = everything(&host);
    let mut places = Vec::new();
    let mut more = 0;
    loop {
        leave(&host, &mount, room, Some(more));
        let done = bundle.on(&host, &[]).0;
        leave(&host, &mount, room, None);
        if done.status.success() {
            break;
        }
        unharmed(&host, &before, &done, "failed while ");
        let told = said(&done);
        let why = ["No space left on device", "nothing more can be written to"];
        assert!(why.iter().any(|it| told.contains(it)), "{told}");
        // the engine alone is thirty blocks, and one as good as another
        more += if told.contains("/generation/apply.sh") { 9 } else { 1 };
        places.push(told);
    }
    assert_eq!(host.read("/etc/a.conf"), "22\n");
    assert!(good(&bundle.on(&host, &[]).0).contains("nothing to change"));
    places
}

fn met(places: &[String], wanted: &[&str]) {
    for wanted in wanted {
        let wanted = format!("failed while {wanted}");
        assert!(places.iter().any(|it| it.contains(&wanted)), "{wanted}: {places:#?}");
    }
}

#[test]
fn a_disk_without_room_is_left_as_it_was() {
    let places = places("/", Room::Blocks);
    met(&places, &["staging: ", "keeping a copy", "preparing /etc/a.conf", "installing"]);
}

#[test]
fn a_disk_that_can_take_no_more_files_is_left_as_it_was() {
    let places = places("/", Room::Inodes);
    met(&places, &["staging: ", "keeping a copy", "preparing /etc/folder/deep/b.conf"]);
}

#[test]
fn a_file_system_of_its_own_is_left_as_it_was_when_it_is_full() {
    met(&places("/etc", Room::Blocks), &["preparing /etc/a.conf"]);
    met(&places("/var/lib/clustergen", Room::Blocks), &["staging: ", "preparing", "installing"]);
}

#[test]
fn what_cannot_be_written_to_is_named_and_left_as_it_was() {
    for (at, why) in [
        ("/etc", "failed while preparing /etc/folder"),
        ("/etc/folder", "failed while preparing /etc/folder/deep/b.conf"),
        ("/var", "failed while taking the lock /var/lib/clustergen/.lock"),
        ("/var/lib/clustergen", "failed while taking the lock /var/lib/clustergen/.lock"),
        ("/var/lib/clustergen/c", "failed while making /var/lib/clustergen/c/run"),
        ("/", "failed while taking the lock /var/lib/clustergen/.lock"),
    ] {
        let (host, bundle) = installed();
        host.run(&["mkdir", "-p", at]);
        host.run(&["mount", "--bind", at, at]);
        good(&host.run(&["mount", "-o", "remount,bind,ro", at]));
        let before = everything(&host);
        let (done, asked) = bundle.on(&host, &[]);
        unharmed(&host, &before, &done, why);
        assert!(
            said(&done).contains("Read-only file system") && asked.is_empty(),
            "{}",
            said(&done)
        );
        failed(&bundle.on(&host, &["--check"]).0, 2, "change /etc/a.conf");
        assert!(good(&bundle.on(&host, &["--dry-run"]).0).contains("+22"));
    }
}

/// A rehearsal writes to memory; where there is no room, the checks run on what is installed.
#[test]
fn no_room_for_a_rehearsal_changes_when_a_check_runs_and_not_whether() {
    for (room, verdict) in [(Room::Blocks, "true"), (Room::Inodes, "true"), (Room::Blocks, "false")]
    {
        let host = start("h");
        host.write("/tmp/running", "");
        let table = "file 0644 root:root /etc/a.conf reload a.service";
        let bundle = Bundle::of(table, &[("files/etc/a.conf", "0\n")]);
        good(&bundle.on(&host, &[]).0);
        let table =
            format!("{table}\ncheck 0 'cp /etc/a.conf /tmp/checked; {verdict}' /etc/a.conf");
        let before = everything(&host);
        for more in 1..8 {
            let text = format!("{more}\n");
            bundle.becomes("h", &table, &[("files/etc/a.conf", &text)]);
            leave(&host, &host.outside("/run"), room, Some(more));
            let (done, asked) = bundle.on(&host, &[]);
            let checked = fs::read_to_string(host.path("/tmp/checked")).unwrap_or_default();
            assert_eq!(checked, text, "{}", said(&done));
            if verdict == "false" {
                unharmed(&host, &before, &done, "these say that the new files are wrong");
                assert!(asked.is_empty());
            } else {
                good(&done);
                assert_eq!(asked, ["reload-or-restart a.service"]);
            }
            let left = said(&host.run(&["find", "/run", "-path", "*clustergen*"]));
            assert!(!left.contains("/run"), "{left}");
        }
    }
}
