//! The members of a group never start in the same minute: computed by systemd.
//!
//! Each line of a stored crontab of csync2 is said as a calendar event (systemd.time(7)), and
//! `systemd-analyze calendar` tells its starts over a whole day. The same with a parser of
//! crontabs, and for many more members and periods, is golden's.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::trees::{bundles, cases, name_of};

/// The day that is looked at, as systemd prints it.
const DAY: &str = "2026-03-02";
const EVE: &str = "2026-03-01 23:59:30 UTC";

#[test]
fn systemd_counts_no_minute_in_which_two_members_start() {
    let mut groups = 0;
    for case in cases() {
        // group → minute → who starts
        let mut starts: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for bundle in bundles(&case) {
            let crontab = bundle.join("files/etc/cron.d/clustergen-csync2");
            let Ok(text) = fs::read_to_string(crontab) else { continue };
            let host = name_of(&bundle);
            for line in text.lines().filter(|it| it.contains(" root ")) {
                let (_, call) = line.split_once("/csync2_sync ").unwrap();
                let group = call.split(' ').next().unwrap();
                let minutes = day(&event(line));
                assert!(!minutes.is_empty(), "{}: {line}", case.display());
                for minute in minutes {
                    let of_group = starts.entry(group.to_owned()).or_default();
                    let other = of_group.insert(minute.clone(), host.clone());
                    assert_eq!(other, None, "{}: {host} at {minute}", case.display());
                }
            }
        }
        groups += starts.len();
    }
    assert!(groups > 10, "only {groups} groups were looked at");
    // two members in one slot would be seen: the day has this event's starts, and no others
    assert_eq!(day(&event("2-59/30 */12 * * * root x")), ["00:02", "00:32", "12:02", "12:32"]);
}

/// Minute and hour of a line of a crontab as a calendar event: `2-59/5 *` is `*:2/5`.
fn event(line: &str) -> String {
    let fields: Vec<&str> = line.split(' ').collect();
    assert_eq!(fields[2..5], ["*"; 3], "{line}");
    let field = |text: &str| -> String {
        let one = |part: &str| match part.split_once('/') {
            Some(("*", step)) => format!("0/{step}"),
            Some((range, step)) => format!("{}/{step}", range.split('-').next().unwrap()),
            None => part.replace('-', ".."),
        };
        text.split(',').map(one).collect::<Vec<_>>().join(",")
    };
    format!("*-*-* {}:{}:00", field(fields[1]), field(fields[0]))
}

/// The starts of a calendar event on [`DAY`], as `HH:MM`.
fn day(event: &str) -> Vec<String> {
    let done = Command::new("systemd-analyze")
        .args(["calendar", "--iterations=1441", "--base-time"])
        // it tells what comes after: midnight belongs to the day
        .arg(EVE)
        .arg(event)
        .env("TZ", "UTC")
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(done.status.success(), "{event}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout)
        .unwrap()
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("Next elapse:") || line.starts_with("Iter. #"))
        .filter_map(|line| line.split_once(&format!(" {DAY} ")))
        .map(|(_, time)| time[..5].to_owned())
        .collect()
}
