//! No two members of a group start in one minute: the crontabs are expanded over a whole day.
//!
//! In: the stored bundles, and clusters of many periods and sizes. Out: the minutes of each
//! member, read by a reader of crontab fields that is not the compiler's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clustergen::disk::RealFolder;
use clustergen::model::grid;

use crate::support::{Bench, Edited, build_well, folders, golden, tree};

const DAY: u32 = 1440;

/// What cron can do without a gap.
const PERIODS: [u32; 19] =
    [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440];

/// The numbers of a field: `*`, `7`, `1-5`, `3-59/5`, and lists of them.
fn numbers(field: &str, most: u32) -> BTreeSet<u32> {
    let mut all = BTreeSet::new();
    for part in field.split(',') {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (0, most),
            Some((from, to)) => (from.parse().unwrap(), to.parse().unwrap()),
            None => (range.parse().unwrap(), range.parse().unwrap()),
        };
        assert!(from <= to && to <= most, "{field}");
        all.extend((from..=to).step_by(step.parse().unwrap()));
    }
    all
}

/// The minutes of a day in which a crontab's line starts; it starts on all days.
fn minutes(line: &str) -> BTreeSet<u32> {
    let fields: Vec<&str> = line.split(' ').take(5).collect();
    assert_eq!(fields[2..], ["*", "*", "*"], "{line}");
    let hours = numbers(fields[1], 23);
    let minutes = numbers(fields[0], 59);
    hours.iter().flat_map(|hour| minutes.iter().map(move |minute| hour * 60 + minute)).collect()
}

/// The period that a comment tells of: `# every 5m, …`, `# content, every 5m`.
fn period(comment: &str) -> Option<u32> {
    let word = comment.strip_prefix("# ")?.split("every ").nth(1)?.split([',', ' ']).next()?;
    let number: u32 = word[..word.len() - 1].parse().ok()?;
    Some(number * BTreeMap::from([("m", 1), ("h", 60), ("d", DAY)])[&word[word.len() - 1..]])
}

/// A host, and the minutes in which it starts.
type Member = (String, BTreeSet<u32>);

/// Holds the crontabs of a tree of bundles; tells how many lines were held.
fn hold(out: &Path) -> usize {
    // by file and comment: what the members of one group have
    let mut groups: BTreeMap<(String, String), Vec<Member>> = BTreeMap::new();
    for bundle in folders(out) {
        let host = bundle.file_name().unwrap().to_str().unwrap().to_owned();
        for (name, text) in tree(&bundle.join("files/etc/cron.d")) {
            let lines: Vec<&str> = text.lines().collect();
            for pair in lines.windows(2) {
                let Some(period) = period(pair[0]) else { continue };
                let starts = minutes(pair[1]);
                assert_eq!(starts.len(), (DAY / period) as usize, "{host}: {}", pair[1]);
                let first = starts.first().unwrap();
                assert!(starts.iter().all(|it| (it - first).is_multiple_of(period)), "{}", pair[1]);
                let group = groups.entry((name.clone(), pair[0].to_owned())).or_default();
                group.push((host.clone(), starts));
            }
        }
    }
    for (group, members) in &groups {
        assert_eq!(together(members), None, "{group:?}");
    }
    groups.values().map(Vec::len).sum()
}

fn together(members: &[Member]) -> Option<(&str, &str)> {
    let mut pairs = members
        .iter()
        .enumerate()
        .flat_map(|(at, a)| members[at + 1..].iter().map(move |b| (a, b)));
    pairs.find(|(a, b)| !a.1.is_disjoint(&b.1)).map(|(a, b)| (a.0.as_str(), b.0.as_str()))
}

#[test]
fn no_two_members_start_together_in_any_stored_bundle() {
    let held: usize =
        folders(&golden().join("ok")).iter().map(|case| hold(&case.join("out"))).sum();
    assert!(held > 20, "only {held} lines tell of a period");
    // proof that it would be seen
    let member = |name: &str, line: &str| (name.to_owned(), minutes(line));
    let apart = [member("a", "1-59/20 * * * *"), member("b", "0 1-23/2 * * *")];
    assert_eq!(together(&apart), None);
    let meet = [member("a", "1-59/20 * * * *"), member("b", "21 1-23/2 * * *")];
    assert_eq!(together(&meet), Some(("a", "b")));
}

#[test]
fn no_two_members_start_together_in_clusters_of_many_sizes() {
    for size in [1_u32, 2, 3, 7, 12, 61] {
        let mut text = "cluster \"c\" domain=\"example.org\" platform=\"debian-12\"\n".to_owned();
        for host in 1..=size {
            text += &format!("host \"n{host}\" address=\"10.0.0.{host}\"\n");
        }
        let names: Vec<String> = (1..=size).map(|host| format!("\"n{host}\"")).collect();
        text += &format!("group \"all\" {{ members {} }}\n", names.join(" "));
        let fitting: Vec<u32> = PERIODS.into_iter().filter(|it| *it >= size).collect();
        for period in &fitting {
            text += &format!(
                "cron \"p{period}\" {{ on \"all\"; every \"{period}m\"; command \"x\" }}\n"
            );
        }
        if size == 3 {
            text += "csync2 \"c\" { members \"all\"; include \"/srv\"; every \"3m\" }\n";
        }
        let base = RealFolder(golden());
        let edited = Edited { base, name: "cluster.kdl".to_owned(), text };
        let bench = Bench::new(None);
        build_well(bench.place(&edited, "cluster.kdl"));
        let expected = fitting.len() * size as usize + if size == 3 { 3 } else { 0 };
        assert_eq!(hold(&bench.out), expected);
    }
}

/// Two hosts, and a job of theirs at a period.
fn two_hosts(every: &str) -> Edited {
    let text = format!(
        "cluster \"c\" domain=\"example.org\" platform=\"debian-12\"
host \"h1\" address=\"10.0.0.1\"
host \"h2\" address=\"10.0.0.2\"
cron \"job\" {{ on \"h1\" \"h2\"; every \"{every}\"; command \"true\" }}
"
    );
    Edited { base: RealFolder(golden()), name: "cluster.kdl".to_owned(), text }
}

#[test]
fn a_shorter_period_moves_only_those_whom_it_leaves_no_room() {
    let bench = Bench::new(None);
    let slots = |every: &str| {
        build_well(bench.place(&two_hosts(every), "cluster.kdl"));
        let lock = bench.public_state().remove("lock").unwrap();
        lock.lines().filter(|line| line.starts_with("slot ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(slots("20m"), ["slot cron[job]/h1 0", "slot cron[job]/h2 10"]);
    assert_eq!(slots("5m"), ["slot cron[job]/h1 0", "slot cron[job]/h2 2"]);
    assert_eq!(slots("1h"), ["slot cron[job]/h1 0", "slot cron[job]/h2 2"]);
}

#[test]
fn a_slot_that_nobody_can_have_any_more_is_no_hindrance() {
    for line in ["slot cron[job]/h2 60", "slot cron[job]/h2 1439", "retired slot cron[job]/h9 60"] {
        let bench = Bench::new(None);
        std::fs::create_dir_all(&bench.state.0).unwrap();
        std::fs::write(bench.state.0.join("lock"), format!("{line}\n")).unwrap();
        build_well(bench.place(&two_hosts("5m"), "cluster.kdl"));
        assert_eq!(hold(&bench.out), 2, "{line}");
    }
}

#[test]
fn what_is_proposed_to_too_many_members_has_room_for_them() {
    for members in 1..=1440_usize {
        let least = grid::least(members).unwrap();
        let smaller = PERIODS.into_iter().filter(|it| *it < least);
        assert!(PERIODS.contains(&least) && least as usize >= members);
        assert!(smaller.into_iter().all(|it| (it as usize) < members), "{members}: {least}");
    }
    assert_eq!(grid::least(1441), None);
    assert!((1..=3000).all(|period| grid::fits(period) == PERIODS.contains(&period)));
}
