//! `apply.sh`, killed before each of the programs that it starts.
//!
//! In the place of every program stands a shim that counts. At one call it kills the whole run with
//! SIGKILL, and the program does nothing. Then an ordinary run follows, and the host is as it would
//! be if nobody had killed anything; and who reads a file meanwhile never sees half of one.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::built::said;
use crate::bundle::{Bundle, good, host_with_units};
use crate::host::Host;
use crate::host_key;
use crate::shims;
use crate::snapshot::Snapshot;

/// Each call claims a number by making the file of that name. `_last` is set in a run that is to be
/// killed, and nowhere else.
const COUNT: &str = r#"
if [ -n "${_last:-}" ]; then
    set -C
    read -r _n 2>/dev/null </tmp/calls/next
    until true 2>/dev/null >"/tmp/calls/${_n:=1}"; do _n=$((_n + 1)); done
    echo "$((_n + 1))" >|/tmp/calls/next
    [ "$_n" != "$_last" ] || kill -9 0
fi
"#;

/// A daemon has what it was told to load last.
const LOAD: &str = r"#!/bin/sh
case $2 in main.service) cat /etc/app/main.conf /etc/theirs >/tmp/units/main.loaded ;; esac
";

const COMMON: &str = "
file 0600 root:root /etc/app/main.conf reload main.service
block c /etc/hosts none -
keys properties /etc/theirs restart main.service there
check 0 'grep -q . /etc/app/main.conf' /etc/app/main.conf
unit main.service
";

/// What is installed, and what shall be: that comes sealed for the host's key.
fn bundles(key: &str) -> (Bundle, Bundle) {
    let old = "directory 0750 root:root /srv/old\nlink /etc/app/link main.conf none -\n\
               file 0644 root:root /etc/app/gone.conf none -\nunit gone.service";
    let new = "directory 0750 root:root /srv/new\nlink /etc/app/link new/new.conf none -\n\
               file 0644 root:root /etc/app/new/new.conf none -\nunit new.service";
    let files = |word: &str, own: &str| {
        [
            ("files/etc/app/main.conf".to_owned(), format!("{word} CGSECRET_{word}\n").repeat(999)),
            ("edits/etc/hosts.block".to_owned(), format!("192.0.2.1 {word}\n")),
            ("edits/etc/theirs.keys".to_owned(), format!("a={word}\nb={word}\n")),
            (format!("files/etc/app/{own}"), format!("{word}\n")),
        ]
    };
    let bundle = |table: &str, word: &str, own: &str| {
        let files = files(word, own);
        let files: Vec<_> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
        let bundle = Bundle::of(&format!("{COMMON}{table}"), &files);
        bundle.secret(&format!("CGSECRET_{word}"), &format!("{word}-value"));
        bundle
    };
    let (old, new) = (bundle(old, "old", "gone.conf"), bundle(new, "new", "new/new.conf"));
    new.seal(&[("CGSECRET_new", "new-value")], &[key]);
    (old, new)
}

/// A host on which runs can be killed.
struct Fragile {
    host: Host,
    shell: &'static [&'static str],
}

/// What counts of a host.
struct Seen {
    disk: Snapshot,
    units: BTreeMap<String, String>,
}

/// A run of a cycle, at the end of which everything is as it was at its beginning.
struct Turn {
    words: &'static [&'static str],
    killed: bool,
}

const NEW: &[&str] = &["/tmp/new/apply.sh"];
const FORTH_AND_BACK: [Turn; 2] = [
    Turn { words: NEW, killed: true },
    Turn { words: &["/tmp/new/apply.sh", "--rollback"], killed: true },
];
const AWAY_AND_FORTH: [Turn; 2] = [
    Turn { words: &["/tmp/new/apply.sh", "--uninstall"], killed: true },
    Turn { words: NEW, killed: false },
];

/// What readers look at.
const WATCHED: [&str; 5] = [
    "/etc/app/main.conf",
    "/etc/app/gone.conf",
    "/etc/app/new/new.conf",
    "/etc/hosts",
    "/etc/theirs",
];

impl Fragile {
    fn start(shell: &'static [&'static str]) -> Self {
        let host = host_with_units(&[]);
        for verb in ["start", "restart", "reload-or-restart"] {
            host.program(&format!("/tmp/at-{verb}"), LOAD);
        }
        host.write("/etc/theirs", "# theirs\na = 0\nb = 0\n");
        host.run(&["chmod", "0640", "/etc/theirs"]);
        // starts in half the time of gawk
        symlink("/usr/bin/mawk", host.path("/usr/local/bin/awk")).unwrap();
        shims::ready(&host, COUNT);
        let fragile = Self { host, shell };
        let (old, new) = bundles(&host_key::key(&fragile.host, "ed25519"));
        for (bundle, to) in [(old, "/tmp/old"), (new, "/tmp/new")] {
            let mut copy = Command::new("cp");
            copy.arg("-r").arg(bundle.folder.path()).arg(fragile.host.path(to));
            assert!(copy.status().unwrap().success());
        }
        good(&fragile.run(&["/tmp/old/apply.sh"]));
        fragile
    }

    /// Runs `apply.sh`.
    fn run(&self, words: &[&str]) -> Output {
        self.host.run(&[self.shell, words].concat())
    }

    /// Runs it, and kills it at its n-th program. Whether it came so far.
    fn killed(&self, n: usize, words: &[&str]) -> bool {
        let _ = fs::remove_dir_all(self.host.path("/tmp/calls"));
        fs::create_dir(self.host.path("/tmp/calls")).unwrap();
        shims::on(&self.host);
        // in a session of its own, which dies as a whole, and nobody else
        let alone = ["/usr/bin/env", &format!("_last={n}"), "/usr/bin/setsid"];
        let done = self.host.run(&[&alone, self.shell, words].concat());
        shims::off(&self.host);
        while !self.alone() {
            thread::sleep(Duration::from_micros(200));
        }
        let killed = self.host.path(&format!("/tmp/calls/{n}")).exists();
        assert_ne!(killed, done.status.success(), "{n} of {words:?}: {}", said(&done));
        killed
    }

    /// Nothing runs but the first process. It does not bury the dead.
    fn alone(&self) -> bool {
        let processes = fs::read_dir(self.host.path("/proc")).unwrap().filter_map(|it| {
            let at = it.unwrap().path();
            at.file_name()?.to_str()?.parse::<u32>().ok()?;
            fs::read_to_string(at.join("stat")).ok()
        });
        processes.filter(|it| !it.contains(") Z ")).count() == 1
    }

    fn seen(&self) -> Seen {
        let units = fs::read_dir(self.host.path("/tmp/units")).unwrap().map(|it| {
            let at = it.unwrap().path();
            (at.file_name().unwrap().display().to_string(), fs::read_to_string(&at).unwrap())
        });
        Seen { disk: Snapshot::of(&self.host.upper()), units: units.collect() }
    }

    /// The watched files as they are.
    fn texts(&self) -> Texts {
        WATCHED.map(|path| fs::read(self.host.path(path)).ok())
    }

    /// What is in memory of runs.
    fn scraps(&self) -> Vec<String> {
        let names = fs::read_dir(self.host.path("/run")).unwrap();
        let names = names.map(|it| it.unwrap().file_name().display().to_string());
        names.filter(|it| it.starts_with("clustergen")).collect()
    }
}

type Texts = [Option<Vec<u8>>; WATCHED.len()];

impl Seen {
    fn differences(&self, later: &Self) -> Vec<String> {
        let mut all = self.disk.changes(&later.disk);
        // each run adds to it
        all.retain(|it| !it.starts_with("/var/log/clustergen.log"));
        if self.units != later.units {
            all.push(format!("the units {:?} became {:?}", self.units, later.units));
        }
        all
    }
}

/// Stops a reader, also where a case fails.
struct AtEnd<'a>(&'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Reads the files of a host all the while. What nobody should have seen, and how much was new.
fn watch(root: &Path, allowed: &[Texts], over: &AtomicBool) -> (Vec<String>, usize) {
    let (mut wrong, mut turns, mut last) = (Vec::new(), 0, None);
    while !over.load(Ordering::Relaxed) {
        for (at, path) in WATCHED.iter().enumerate() {
            let text = fs::read(root.join(&path[1..])).ok();
            if !allowed.iter().any(|it| it[at] == text) {
                wrong.push(format!("{path}: {:?} bytes", text.as_ref().map(Vec::len)));
            }
            if at == 0 && last != text {
                turns += 1;
                last = text;
            }
        }
        thread::sleep(Duration::from_micros(400));
    }
    (wrong, turns)
}

/// Goes through the cycle, killed at every n of a stride, until each run ends before its n-th program.
fn cycle(shell: &'static [&'static str], turns: &[Turn], first: usize, stride: usize) {
    let fragile = Fragile::start(shell);
    // `before` is complete after the first time
    for turn in turns.iter().chain(turns) {
        good(&fragile.run(turn.words));
    }
    let (mut wanted, mut allowed) = (Vec::new(), vec![fragile.texts()]);
    for turn in turns {
        good(&fragile.run(turn.words));
        wanted.push(fragile.seen());
        allowed.push(fragile.texts());
    }
    let (root, over) = (fragile.host.root(), AtomicBool::new(false));
    thread::scope(|scope| {
        let reader = scope.spawn(|| watch(&root, &allowed, &over));
        let mut n = first;
        let stop = AtEnd(&over);
        while round(&fragile, turns, &wanted, n) {
            n += stride;
        }
        drop(stop);
        let (wrong, changes) = reader.join().unwrap();
        assert!(wrong.is_empty(), "half a file was seen: {:?}", wrong.first());
        assert!(changes > n / stride, "the reader has seen {changes} changes in {n} runs");
    });
}

/// Whether a run was killed.
fn round(fragile: &Fragile, turns: &[Turn], wanted: &[Seen], n: usize) -> bool {
    let mut any = false;
    for (turn, wanted) in turns.iter().zip(wanted) {
        let killed = turn.killed && fragile.killed(n, turn.words);
        any |= killed;
        // going back once more would be one too many
        let over =
            killed && fragile.scraps().is_empty() && wanted.differences(&fragile.seen()).is_empty();
        if killed && !over || !turn.killed {
            good(&fragile.run(turn.words));
        }
        let differences = wanted.differences(&fragile.seen());
        assert!(differences.is_empty(), "killed at {n} of {:?}: {differences:#?}", turn.words);
        assert!(
            fragile.scraps().is_empty(),
            "killed at {n} of {:?}: {:?}",
            turn.words,
            fragile.scraps()
        );
    }
    any
}

/// Several hosts share the work.
fn cycles(shell: &'static [&'static str], turns: &[Turn], stride: usize) {
    thread::scope(|scope| {
        for first in 1..=stride {
            scope.spawn(move || cycle(shell, turns, first, stride));
        }
    });
}

#[test]
fn an_apply_or_a_rollback_may_be_killed_at_any_of_its_programs() {
    cycles(&["/bin/dash"], &FORTH_AND_BACK, 2);
}

#[test]
fn an_uninstall_may_be_killed_at_any_of_its_programs() {
    cycle(&["/bin/dash"], &AWAY_AND_FORTH, 1, 1);
}

#[test]
fn with_bash_it_may_be_killed_as_well() {
    cycle(&["/bin/bash"], &FORTH_AND_BACK, 5, 23);
}
