//! A build is killed at every operation on the disk: each host's folder is old or new, no key is
//! lost, and the next build is right.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use clustergen::disk::{Disk, EntryKind, Look, RealDisk, RealFolder};
use clustergen::run::{build, compare_with};

use crate::support::{Bench, Edited, build_well, day, folders, tree};

/// A disk of a process that is killed at its `n`-th operation.
pub struct Killed {
    left: AtomicUsize,
    /// Whether folders can be exchanged here; overlayfs and others cannot.
    exchanges: bool,
    /// Whether it goes on after the one operation that fails, as where a disk was full.
    goes_on: bool,
    /// Operations elsewhere are not counted.
    within: PathBuf,
}

impl Killed {
    pub fn after(operations: usize, exchanges: bool) -> Self {
        Self {
            left: AtomicUsize::new(operations),
            exchanges,
            goes_on: false,
            within: PathBuf::new(),
        }
    }

    /// A disk on which the `n`-th operation fails, and no other.
    pub fn failing(operation: usize) -> Self {
        Self { goes_on: true, ..Self::after(operation, true) }
    }

    pub fn within(self, folder: &Path) -> Self {
        Self { within: folder.to_owned(), ..self }
    }

    /// Whether all operations were done.
    pub fn is_through(&self) -> bool {
        self.left.load(Ordering::SeqCst) > 0
    }

    fn alive(&self) -> io::Result<()> {
        let dead = !self.goes_on && self.left.load(Ordering::SeqCst) == 0;
        if dead { Err(io::Error::other("killed")) } else { Ok(()) }
    }

    /// One operation less; the one at which it ends is not done.
    fn step(&self, path: &Path) -> io::Result<()> {
        self.alive()?;
        if !path.starts_with(&self.within) {
            return Ok(());
        }
        let less = |left: usize| left.checked_sub(1);
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less) {
            Ok(1) => Err(io::Error::other("killed")),
            _ => Ok(()),
        }
    }
}

impl Look for Killed {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        self.alive()?;
        RealDisk.read(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(String, EntryKind)>> {
        self.alive()?;
        RealDisk.list(path)
    }
}

impl Disk for Killed {
    fn make_folder(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.step(path)?;
        RealDisk.make_folder(path, mode)
    }

    fn create(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
        if let Err(killed) = self.step(path) {
            // writing is no single step: half of it may be there
            RealDisk.create(path, &bytes[..bytes.len() / 2], mode)?;
            return Err(killed);
        }
        RealDisk.create(path, bytes, mode)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(to)?;
        RealDisk.link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(to)?;
        RealDisk.rename(from, to)
    }

    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()> {
        self.step(a)?;
        if !self.exchanges {
            return Err(rustix::io::Errno::XDEV.into());
        }
        RealDisk.exchange(a, b)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.step(path)?;
        RealDisk.remove_file(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.step(path)?;
        RealDisk.remove_folder(path)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.step(path)?;
        RealDisk.sync(path)
    }
}

const BEFORE: &str = r#"
cluster "web" domain="example.net" platform="debian-12"
host "lb" address="10.1.0.10"
host "app1" address="10.1.0.11"
host "app2" address="10.1.0.12"
host "old" address="10.1.0.13"
certificate "www" { names "www.example.net"; }
nginx "front" {
    on "lb"
    upstream "app" { servers "app1" "app2" port=8080; }
    site "www.example.net" { certificate "www"; location "/" to="app"; }
}
csync2 "content" { members "app1" "app2"; include "/srv/www"; }
file "/etc/motd" { on "app1" "old"; content "before"; }
"#;

/// The host that comes has keys of its own, which no other host's files tell of.
const SPARE: &str = r#"
certificate "spare" { names "spare.example.net"; }
nginx "spare" {
    on "new"
    upstream "app" { servers "app1" port=8080; }
    site "spare.example.net" { certificate "spare"; location "/" to="app"; }
}
"#;

/// One host goes, one comes, files of the others change, come and go.
fn after() -> String {
    let text = BEFORE
        .replace("host \"old\" address=\"10.1.0.13\"", "host \"new\" address=\"10.1.0.14\"")
        .replace("servers \"app1\" \"app2\"", "servers \"app1\" \"app2\" \"new\"")
        .replace(
            "file \"/etc/motd\" { on \"app1\" \"old\"; content \"before\"; }",
            "file \"/etc/issue\" { on \"app1\"; content \"after\"; }",
        );
    text + SPARE
}

fn written(text: &str) -> Edited {
    let base = RealFolder(std::env::temp_dir());
    Edited { base, name: "cluster.kdl".to_owned(), text: text.to_owned() }
}

/// A copy of a state and an output folder.
pub fn copied(from: &Bench) -> Bench {
    let to = Bench::new(None);
    for (source, target) in [(&from.state.0, &to.state.0), (&from.out, &to.out)] {
        for (name, text) in tree(source) {
            let path = target.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
    to
}

fn hosts(out: &Path) -> BTreeMap<String, BTreeMap<String, String>> {
    if !out.exists() {
        return BTreeMap::new();
    }
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let all = folders(out).into_iter().filter(|path| name(path) != ".stage");
    all.map(|path| (name(&path), tree(&path))).collect()
}

/// Everything that the lock names is there, and whole.
pub fn lock_names_what_is_there(state: &Path, at: &str) {
    let lock = fs::read_to_string(state.join("lock")).unwrap_or_default();
    for line in lock.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        let file = match words[0] {
            "certificate" => format!("vault/keys/{}.key", words[1]),
            "secret" => format!("vault/secrets/{}", words[1]),
            "authority" => "vault/ca.key".to_owned(),
            _ => continue,
        };
        let text = fs::read_to_string(state.join(&file)).unwrap_or_default();
        let whole = if words[0] == "secret" {
            text.len() == 64
        } else {
            text.ends_with("-----END PRIVATE KEY-----\n")
        };
        assert!(whole, "{at}: the lock names {file}, which is not whole");
    }
}

/// Kills a build at every operation; `old` is where it starts, `check` sees what is left.
fn at_every_operation(
    old: &Bench,
    text: &str,
    exchanges: bool,
    check: impl Fn(&Bench, &str),
) -> usize {
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let description = written(text);
    for n in 1.. {
        let bench = copied(old);
        let disk = Killed::after(n, exchanges);
        let place = bench.place_on(&description, "cluster.kdl", &disk);
        let done = one_thread.install(|| build(place, &[], day()).is_ok());
        let at = format!("killed at operation {n}");
        lock_names_what_is_there(&bench.state.0, &at);
        check(&bench, &at);
        // what was made and is not named yet is taken up, not made again
        let keys = tree(&bench.state.0.join("vault/keys"));
        build_well(bench.place(&description, "cluster.kdl"));
        let after = tree(&bench.state.0.join("vault/keys"));
        for (name, key) in
            keys.iter().filter(|(name, _)| !name.contains("/.") && !name.starts_with('.'))
        {
            assert_eq!(after.get(name), Some(key), "{at}: the key {name} was lost");
        }
        let fresh = compare_with(bench.place(&description, "cluster.kdl"), false).unwrap();
        assert!(fresh.fresh(), "{at}: {:?} {:?}", fresh.page(), fresh.stale);
        assert!(!bench.out.join(".stage").exists(), "{at}: a stage is left");
        if done {
            return n;
        }
    }
    unreachable!()
}

#[test]
fn a_first_build_that_is_killed_anywhere_is_made_right_by_the_next() {
    let operations = at_every_operation(&Bench::new(None), BEFORE, true, |_, _| {});
    assert!(operations > 80, "only {operations} operations");
}

#[test]
fn a_change_that_is_killed_anywhere_leaves_each_host_old_or_new() {
    let old = Bench::new(None);
    build_well(old.place(&written(BEFORE), "cluster.kdl"));
    fs::write(old.out.join("app1/NOTES"), "a hand wrote this\n").unwrap();
    fs::write(old.out.join("old/NOTES"), "and this\n").unwrap();
    let reference = copied(&old);
    build_well(reference.place(&written(&after()), "cluster.kdl"));
    let (before, new) = (hosts(&old.out), hosts(&reference.out));
    assert_eq!(new["old"].keys().collect::<Vec<_>>(), ["NOTES"], "what others wrote stays");
    let operations = at_every_operation(&old, &after(), true, |bench, at| {
        for (host, files) in hosts(&bench.out) {
            if host == "new" {
                // its keys differ from run to run
                let same: Vec<&String> = new["new"].keys().collect();
                assert_eq!(files.keys().collect::<Vec<_>>(), same, "{at}: {host}");
                continue;
            }
            let old_or_new = Some(&files) == before.get(&host) || Some(&files) == new.get(&host);
            assert!(old_or_new, "{at}: {host} is neither old nor new: {:?}", files.keys());
        }
        for host in before.keys() {
            assert!(bench.out.join(host).exists(), "{at}: {host} is gone with what others wrote");
        }
    });
    assert!(operations > 80, "only {operations} operations");
}

#[test]
fn where_folders_cannot_be_exchanged_the_journal_makes_it_right() {
    let old = Bench::new(None);
    build_well(old.place(&written(BEFORE), "cluster.kdl"));
    fs::write(old.out.join("app1/NOTES"), "a hand wrote this\n").unwrap();
    let operations = at_every_operation(&old, &after(), false, |bench, at| {
        let notes = fs::read_to_string(bench.out.join("app1/NOTES")).unwrap_or_default();
        assert_eq!(notes, "a hand wrote this\n", "{at}: what others wrote is gone");
    });
    assert!(operations > 80, "only {operations} operations");
}
