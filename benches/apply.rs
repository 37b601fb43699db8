//! What an apply costs that has nothing to do, and a `--check`, beside what any look at the same
//! files costs: `sha256sum` of what the bundle has and of what lies there, and a `cp -r` of the bundle.
//!
//! In: numbers of files, as arguments; 30 and 500 where none is said. Out: a Markdown table, the
//! ratios beside both programs together. Not here: limits that fail a test.
//!
//! ```text
//! cargo bench --bench apply --profile dev
//! ```
//!
//! It installs below a folder of its own (`--root`), so no service is asked anything.

#![allow(
    clippy::disallowed_methods,
    reason = "a benchmark is there to look at the clock, and writes its own description"
)]
#![allow(clippy::print_stdout, reason = "a benchmark prints its tables")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "as in tests")]

mod table;

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use table::{against, grouped, line, timed};

const DEFAULT: [u32; 2] = [30, 500];
const ROUNDS: u32 = 10;

/// What is measured; the last two are the unit.
const ROWS: [&str; 4] =
    ["`apply.sh`, nothing to do", "`apply.sh --check`", "`sha256sum`", "`cp -r`"];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut sizes: Vec<u32> = args.iter().filter_map(|it| it.parse().ok()).collect();
    if !args.iter().any(|it| it == "--bench") {
        sizes = vec![DEFAULT[0]];
    } else if sizes.is_empty() {
        sizes = DEFAULT.to_vec();
    }
    let temp = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let one = |files: u32| (files, measure(files, &temp.path().join(files.to_string())));
    print_table(&sizes.into_iter().map(one).collect::<Vec<_>>());
}

/// The quickest of each row counts, since whatever else a machine does only slows it down.
fn measure(files: u32, folder: &Path) -> [Duration; ROWS.len()] {
    build(files, folder);
    timed(&mut apply(folder, &[]));
    let mut best = [Duration::MAX; ROWS.len()];
    for _ in 0..ROUNDS {
        let again = [&mut apply(folder, &[]), &mut apply(folder, &["--check"])].map(timed);
        let read = timed(&mut sh(folder, "find out/host root/etc -type f -exec sha256sum {} +"));
        let written = timed(&mut sh(folder, "cp -r out/host copy"));
        fs::remove_dir_all(folder.join("copy")).expect("a copy");
        for (best, time) in best.iter_mut().zip([again[0], again[1], read, written]) {
            *best = time.min(*best);
        }
    }
    best
}

/// A host with so many files, each of a length that configuration has.
fn build(files: u32, folder: &Path) {
    let mut text = String::from(
        "cluster \"c\" domain=\"example.org\" platform=\"debian-12\"\nhost \"host\" address=\"192.0.2.1\"\n",
    );
    for file in 0..files {
        let lines = (0..30).fold(String::new(), |mut lines, it| {
            let _ = writeln!(lines, "    setting-{it} = the value of {it} in {file}");
            lines
        });
        let _ = writeln!(
            text,
            "file \"/etc/app/part-{file}.conf\" {{\n on \"host\"\n content \"\"\"\n{lines}    \"\"\"\n}}"
        );
    }
    fs::create_dir_all(folder.join("root")).expect("a folder");
    fs::write(folder.join("cluster.kdl"), text).expect("a description");
    let mut build = Command::new(env!("CARGO_BIN_EXE_clustergen"));
    timed(build.current_dir(folder).args(["build", "cluster.kdl"]));
}

fn apply(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.current_dir(folder).args(["out/host/apply.sh", "--root", "root"]).args(args);
    command
}

fn sh(folder: &Path, line: &str) -> Command {
    let mut command = Command::new("sh");
    command.current_dir(folder).args(["-c", line]).stderr(Stdio::inherit());
    command
}

fn print_table(results: &[(u32, [Duration; ROWS.len()])]) {
    println!("\nAn apply of what is there already, in ms (beside `sha256sum` and `cp -r`)\n");
    let heads = results.iter().map(|(files, _)| format!("{} files", grouped((*files).into())));
    line(&std::iter::once(String::new()).chain(heads).collect::<Vec<_>>());
    println!("|---|{}", "---:|".repeat(results.len()));
    for (at, row) in ROWS.iter().enumerate() {
        let times = results.iter().map(|(_, it)| against(it[at], it[2] + it[3]));
        line(&std::iter::once((*row).to_owned()).chain(times).collect::<Vec<_>>());
    }
}
