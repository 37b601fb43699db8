//! How time and memory grow with the number of hosts: every stage alone, and whole builds beside
//! `cp -r` of what they wrote, which is the least that writing it can cost.
//!
//! In: numbers of hosts, multiples of four, as arguments; 4, 100 and 1,000 where none is said.
//! Out: Markdown tables. Not here: limits that fail a test; times are for people to compare.
//!
//! ```text
//! cargo bench --bench scale --profile dev
//! cargo bench --bench scale --profile dev -- 4 100 1000 10000
//! ```
//!
//! `--profile dev` is the profile of the tests: it is optimised, and no dependency is built twice.
//! 10,000 hosts take some minutes and 3 GiB below `target/tmp`, where everything is written, so
//! that builds and `cp` meet one file system. `cargo test --all-targets` comes by as well, without
//! the `--bench` that `cargo bench` gives: then four hosts show that it works.
//!
//! Every measurement is a child process of its own, so that one's memory is not another's. Stages
//! run on one thread and may build on what earlier ones left in memory; builds use all threads.

#![allow(
    clippy::disallowed_methods,
    reason = "a benchmark is there to look at the clock, and writes its own description"
)]
#![allow(clippy::print_stdout, reason = "a benchmark prints its tables")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "as in tests")]

mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clustergen::check::check;
use clustergen::declare::declare;
use clustergen::decode::decode;
use clustergen::diag::Diagnostics;
use clustergen::diff::HostDiff;
use clustergen::disk::{Disk, RealDisk, RealFolder};
use clustergen::identity::{
    self, Before, Identities, Lock, Locked, Refusal, Safe, State, StateWrites, Vault, settle,
};
use clustergen::inventory::inventory;
use clustergen::lower::lower;
use clustergen::model::host::HostId;
use clustergen::output::write_state;
use clustergen::products::expand;
use clustergen::render::{MadeFrom, Templates, render, sha256};
use clustergen::run::{Place, Report, build, compare_with};
use clustergen::source::Sources;
use clustergen::{Knowledge, syntax};
use table::{against, grouped, line, timed};
use time::OffsetDateTime;
use time::macros::datetime;

const DEFAULT: [u32; 3] = [4, 100, 1000];
const NAME: &str = "cluster.kdl";
const NOW: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [child, what, folder] = args.as_slice()
        && child == "child"
    {
        return run_child(what, Path::new(folder));
    }
    let mut sizes: Vec<u32> = args.iter().filter_map(|it| it.parse().ok()).collect();
    if !args.iter().any(|it| it == "--bench") {
        sizes = vec![DEFAULT[0]];
    } else if sizes.is_empty() {
        sizes = DEFAULT.to_vec();
    }
    // taken away at the very end: ext4 makes files slowly where many have just been deleted
    let temp = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let one = |hosts: u32| (hosts, measure(hosts, &temp.path().join(hosts.to_string())));
    let results: Vec<(u32, Outcome)> = sizes.into_iter().map(one).collect();
    print_tables(&results);
}

// ---- what is measured

/// What one size came to.
#[derive(Default)]
struct Outcome {
    stages: Vec<Row>,
    builds: Vec<Row>,
    /// `cp -r` of output and state: the unit of all ratios.
    copy: Duration,
    description: u64,
    tree: Tree,
}

/// A stage or a build.
#[derive(Clone, Debug)]
struct Row {
    name: String,
    time: Duration,
    /// The most memory that the process had while it ran; none for other people's programs.
    peak_kib: Option<u64>,
}

#[derive(Default)]
struct Tree {
    files: u64,
    bytes: u64,
}

/// Repeats; the quickest of each row counts, since whatever else a machine does only slows it down.
fn measure(hosts: u32, folder: &Path) -> Outcome {
    let (rounds_of_stages, rounds_of_builds) = match hosts {
        ..=100 => (10, 5),
        101..=1000 => (10, 3),
        _ => (3, 1),
    };
    let mut outcome = Outcome::default();
    let stages: Vec<Vec<Row>> = (0..rounds_of_stages)
        .map(|round| measure_stages(hosts, &folder.join(format!("stages-{round}"))))
        .collect();
    let builds: Vec<Vec<Row>> = (0..rounds_of_builds)
        .map(|round| {
            let folder = folder.join(format!("builds-{round}"));
            measure_builds(hosts, &folder.join("tree"), &mut outcome)
        })
        .collect();
    outcome.stages = quickest(&stages);
    outcome.builds = quickest(&builds);
    let copy = outcome.builds.iter().find(|row| row.name == "`cp -r`");
    outcome.copy = copy.expect("it is measured").time;
    outcome
}

fn quickest(rounds: &[Vec<Row>]) -> Vec<Row> {
    let best = |at: usize| rounds.iter().map(|round| &round[at]).min_by_key(|row| row.time);
    (0..rounds[0].len()).filter_map(best).cloned().collect()
}

fn measure_stages(hosts: u32, folder: &Path) -> Vec<Row> {
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join(NAME), description(hosts)).expect("a description");
    child("stages", folder)
}

fn measure_builds(hosts: u32, folder: &Path, result: &mut Outcome) -> Vec<Row> {
    fs::create_dir_all(folder).expect("a folder");
    let path = folder.join(NAME);
    let text = description(hosts);
    fs::write(&path, &text).expect("a description");
    // what others have not yet written back is not the build's to wait for
    RealDisk.sync(folder).expect("a sync");
    let mut rows = child("first build", folder);
    rows.extend(child("build, nothing changed", folder));
    rows.extend(child("`build --check`", folder));
    let changed = text.replacen("read-timeout \"60s\"", "read-timeout \"61s\"", 1);
    fs::write(&path, changed).expect("a description");
    rows.extend(child("build, one host changed", folder));
    let copied = folder.join("copy");
    fs::create_dir(&copied).expect("a folder");
    RealDisk.sync(folder).expect("a sync");
    let mut copy = Command::new("cp");
    copy.arg("-r").args(["out", "cluster.state"].map(|it| folder.join(it))).arg(&copied);
    rows.push(Row { name: "`cp -r`".to_owned(), time: timed(&mut copy), peak_kib: None });
    fs::rename(&copied, folder.with_file_name("copy")).expect("out of the way of git");
    rows.push(git_status(folder));
    result.description = text.len() as u64;
    result.tree = Tree::default();
    for part in ["out", "cluster.state"] {
        result.tree.add(&folder.join(part));
    }
    rows
}

/// On a repository in which output and state are committed and nothing has changed since.
fn git_status(folder: &Path) -> Row {
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(folder).args(["-c", "gc.auto=0", "-c", "user.name=scale"]);
        command.args(["-c", "user.email=scale@example.org"]).args(args);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        command
    };
    timed(&mut git(&["init", "-q"]));
    timed(&mut git(&["add", "-A"]));
    timed(&mut git(&["commit", "-q", "-m", "built"]));
    // the first one looks into files that are as young as the index
    timed(&mut git(&["status", "--short"]));
    let time = timed(&mut git(&["status", "--short"]));
    Row { name: "`git status`".to_owned(), time, peak_kib: None }
}

impl Tree {
    fn add(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                self.add(&path);
            } else {
                self.files += 1;
                self.bytes += path.metadata().expect("a file").len();
            }
        }
    }
}

/// Cells of four hosts: a load balancer with TLS to two applications, whose folders csync2 keeps
/// alike with a store's, and a file on all four.
fn description(hosts: u32) -> String {
    assert!(hosts > 0 && hosts.is_multiple_of(4), "{hosts} is no multiple of four");
    let mut text =
        String::from("cluster \"scale\" domain=\"scale.example\" platform=\"debian-12\"\n");
    for cell in 0..hosts / 4 {
        let c = format!("c{cell:04}");
        for (at, role) in (0..).zip(["lb", "app1", "app2", "store"]) {
            let [_, high, middle, low] = (cell * 4 + at + 1).to_be_bytes();
            text += &format!("host \"{c}-{role}\" address=\"10.{high}.{middle}.{low}\"\n");
        }
        text += &format!(
            r#"
group "{c}-apps" {{ members "{c}-app1" "{c}-app2" }}

certificate "{c}-www" {{ names "www.{c}.scale.example" }}

certificate "{c}-app" {{
    names "app.{c}.scale.example"
    on "{c}-apps" cert="/etc/ssl/app/app.crt" key="/etc/ssl/app/app.key" reload="app.service"
}}

nginx "{c}" {{
    on "{c}-lb"
    upstream "app" {{ servers "{c}-apps" port=8443; tls "{c}-app" }}
    site "www.{c}.scale.example" {{
        certificate "{c}-www"
        redirect-http
        location "/" to="app" {{ read-timeout "60s" }}
    }}
}}

csync2 "{c}" {{
    members "{c}-apps" "{c}-store"
    include "/srv/www"
    exclude "*~"
}}

file "/etc/cell/{c}.ini" {{
    on "{c}-lb" "{c}-apps" "{c}-store"
    content """
        cell = {c}
        node = {{{{ host.name }}}}
        """
}}

"#
        );
    }
    text
}

// ---- in the child

/// Runs this program again for one measurement.
fn child(what: &str, folder: &Path) -> Vec<Row> {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.arg("child").arg(what).arg(folder).stderr(Stdio::inherit());
    let output = command.output().expect("a child");
    assert!(output.status.success(), "{what}: {}", output.status);
    let text = String::from_utf8(output.stdout).expect("a text");
    let row = |line: &str| {
        let [name, micros, kib] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        Row {
            name: name.to_owned(),
            time: Duration::from_micros(micros.parse().expect("a number")),
            peak_kib: kib.parse().ok(),
        }
    };
    text.lines().map(row).collect()
}

fn run_child(what: &str, folder: &Path) {
    let mut clock = Clock::default();
    if what == "stages" {
        stages(folder, &mut clock);
    } else {
        whole(what, folder, &mut clock);
    }
    for row in clock.rows {
        let kib = row.peak_kib.unwrap_or_default();
        println!("{}\t{}\t{kib}", row.name, row.time.as_micros());
    }
}

#[derive(Default)]
struct Clock {
    rows: Vec<Row>,
}

impl Clock {
    fn run<T>(&mut self, name: &str, work: impl FnOnce() -> T) -> T {
        self.sum(name, |time| {
            let start = Instant::now();
            let done = work();
            *time = start.elapsed();
            done
        })
    }

    /// For work that does not come in one piece: adds its times up itself.
    fn sum<T>(&mut self, name: &str, work: impl FnOnce(&mut Duration) -> T) -> T {
        forget_peak();
        let mut time = Duration::ZERO;
        let done = work(&mut time);
        self.rows.push(Row { name: name.to_owned(), time, peak_kib: Some(peak_kib()) });
        done
    }
}

/// Sets the mark to what is in use now (proc(5), `clear_refs`).
fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").expect("Linux since 4.0");
}

fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a mark");
    line.split_whitespace().next().expect("a number").parse().expect("a number")
}

/// The stages as `compile` and `Compiled::host` call them, one after the other.
fn stages(folder: &Path, clock: &mut Clock) {
    let real = RealFolder(folder.to_owned());
    let state_path = folder.join("cluster.state");
    let state_folder = RealFolder(state_path.clone());
    let mut found = Diagnostics::default();
    let diagnostics = &mut found;
    let mut sources = Sources::new(&real);

    let (knowledge, templates) = clock.run("load (schema, templates)", || {
        let knowledge = Knowledge::load(&mut sources).expect("a schema");
        (knowledge, Templates::load(&BTreeMap::new()).expect("templates"))
    });
    let Knowledge { schema, platforms } = &knowledge;
    let (file, document) = clock.run("parse", || {
        let file = sources.open(NAME).expect("a description");
        (file, syntax::parse(&mut sources, file, diagnostics))
    });
    let inventory = clock.run("inventory", || {
        inventory(&document, schema, platforms, sources.span(file), diagnostics).expect("a cluster")
    });
    let expanded = clock.run("expand", || expand(&document, &inventory, schema, diagnostics));
    let cluster = clock.run("decode", || decode(&expanded, &inventory, schema, diagnostics));
    let facts = clock.run("declare", || declare(&cluster, &inventory));
    clock.run("check", || check(&expanded, &cluster, &inventory, &facts, diagnostics));

    let identities = Identities::default();
    let safe = Safe { folder: &state_folder, identities: &identities };
    let nothing = State::open(safe, &[]).expect("no state");
    let given = identity::given(&facts, &inventory, &mut sources, diagnostics);
    let (lock, writes) = clock.run("settle, all new", || {
        let mut vault = Vault::new(safe, NOW);
        let none = Lock::default();
        let before = Before { description: NAME, state: &nothing, lock: &none };
        let made = settle(&facts, &inventory, &given, &before, &mut vault, diagnostics);
        let (vault, certificates) =
            (vault.into_writes(&[]).expect("a plain vault"), made.certificates);
        (made.lock, StateWrites { vault, certificates, ..StateWrites::default() })
    });
    let writes = StateWrites { lock: Some(lock.print(NAME)), ..writes };
    write_state(&RealDisk, &state_path, &writes).expect("a state");
    drop(writes);

    let names = ["lock", "vault", "certs"].map(str::to_owned);
    let settled = clock.run("settle, all known", || {
        let state = State::open(safe, &names).expect("a state");
        let file = sources.add("lock", state.lock.clone().expect("a lock"));
        let known = Lock::parse(&sources, file, diagnostics);
        let before = Before { description: NAME, state: &state, lock: &known };
        let mut nobody = Locked(Refusal::NoVault);
        let again = settle(&facts, &inventory, &given, &before, &mut nobody, diagnostics);
        assert!(again.lock == lock, "settling again allots something else");
        again.settled
    });
    clock.run("digest", || sha256(syntax::print(&document).as_bytes()));

    // hosts one by one, no two plans at a time, and on a thread of its own, as the build has them:
    // on the first thread glibc fills the holes that the parser left, which takes up to three times as long
    let from = MadeFrom { cluster: &inventory.cluster.name, description: NAME };
    let hosts = |work: &mut (dyn FnMut(HostId) + Send)| {
        let all = || inventory.managed().for_each(work);
        std::thread::scope(|scope| scope.spawn(all).join().expect("a thread"));
    };
    clock.sum("lower", |time| {
        hosts(&mut |host| {
            let start = Instant::now();
            drop(lower(&cluster, &inventory, &facts, &settled, host, diagnostics));
            *time += start.elapsed();
        });
    });
    clock.sum("render", |time| {
        hosts(&mut |host| {
            let plan = lower(&cluster, &inventory, &facts, &settled, host, diagnostics);
            let start = Instant::now();
            assert!(render(&plan, &templates, &from).is_ok());
            *time += start.elapsed();
        });
    });
    assert!(!found.fatal(true), "{found:?}");
}

/// A whole command, as the command line runs it, and whether it did what it is measured for.
fn whole(what: &str, folder: &Path, clock: &mut Clock) {
    let real = RealFolder(folder.to_owned());
    let state_path: PathBuf = folder.join("cluster.state");
    let (state, out) = (RealFolder(state_path.clone()), folder.join("out"));
    let place = Place {
        folder: &real,
        name: NAME,
        state: &state,
        state_path: &state_path,
        identities: &Identities::default(),
        out: &out,
        disk: &RealDisk,
        strict: true,
        watch: &(),
    };
    let done: Report = clock
        .run(what, || match what {
            "`build --check`" => compare_with(place, false),
            _ => build(place, &[], NOW),
        })
        .expect("surroundings that are in order");
    let diffs = done.diffs.as_ref().expect("a description without faults");
    let count = |of: fn(&HostDiff) -> bool| diffs.iter().filter(|it| of(it)).count();
    let same = count(|it| matches!(it, HostDiff::Same { .. }));
    let changed = count(|it| matches!(it, HostDiff::Changed { .. }));
    let expected = match what {
        "first build" => (0, 0),
        "build, one host changed" => (diffs.len() - 1, 1),
        _ => (diffs.len(), 0),
    };
    assert!((same, changed) == expected, "{what}: {same} the same, {changed} changed");
}

// ---- the tables

type Results = [(u32, Outcome)];

fn print_tables(results: &Results) {
    println!("\nWhole builds, in ms (beside `cp -r` of output and state)\n");
    head(results, true);
    times(results, |it| &it.builds);
    println!("\nStages on one thread, in ms (beside the same `cp -r`)\n");
    head(results, true);
    times(results, |it| &it.stages);
    println!("\nPeak memory of the process, in MiB\n");
    head(results, false);
    memory(results, |it| &it.builds);
    memory(results, |it| &it.stages);
    println!("\nSizes\n");
    head(results, false);
    numbers("description, bytes", results, |it| it.description);
    numbers("output and state, files", results, |it| it.tree.files);
    numbers("output and state, bytes", results, |it| it.tree.bytes);
}

fn head(results: &Results, with_growth: bool) {
    let mut cells = vec![String::new()];
    cells.extend(results.iter().map(|(hosts, _)| format!("{} hosts", grouped((*hosts).into()))));
    if with_growth {
        cells.extend(results.windows(2).map(|it| growth_head(it[0].0, it[1].0)));
    }
    line(&cells);
    println!("|---|{}", "---:|".repeat(cells.len() - 1));
}

fn times(results: &Results, rows: fn(&Outcome) -> &Vec<Row>) {
    for (at, row) in rows(&results[0].1).iter().enumerate() {
        let mut cells = vec![row.name.clone()];
        cells.extend(results.iter().map(|(_, it)| against(rows(it)[at].time, it.copy)));
        cells.extend(results.windows(2).map(|it| {
            let (few, many) = (rows(&it[0].1)[at].time, rows(&it[1].1)[at].time);
            growth((it[0].0, few), (it[1].0, many))
        }));
        line(&cells);
    }
}

fn memory(results: &Results, rows: fn(&Outcome) -> &Vec<Row>) {
    let of_ours = rows(&results[0].1).iter().enumerate().filter(|(_, row)| row.peak_kib.is_some());
    for (at, row) in of_ours {
        let mib = |it: &Outcome| rows(it)[at].peak_kib.unwrap_or_default().div_ceil(1024);
        numbers(&row.name, results, mib);
    }
}

fn numbers(name: &str, results: &Results, number: impl Fn(&Outcome) -> u64) {
    let mut cells = vec![name.to_owned()];
    cells.extend(results.iter().map(|(_, it)| grouped(number(it))));
    line(&cells);
}

fn growth_head(few: u32, many: u32) -> String {
    format!("{}→{}, per ×10", grouped(few.into()), grouped(many.into()))
}

/// What ten times the hosts cost: 10 is linear, 100 is quadratic.
fn growth(few: (u32, Duration), many: (u32, Duration)) -> String {
    let decades = (f64::from(many.0) / f64::from(few.0)).log10();
    let times = many.1.as_secs_f64() / few.1.as_secs_f64();
    format!("×{:.1}", times.powf(1.0 / decades))
}
