//! What starts csync2: systemd's units, xinetd's file, the crontab.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::built::{Built, said};

fn with(listener: &str) -> Built {
    Built::of(&format!(
        r#"
cluster "c" domain="example.org" platform="debian-12"
host "n1" address="192.0.2.1"
host "n2" address="192.0.2.2"
host "n3" address="2001:db8::3"
csync2 "content" {{ members "n1" "n2" "n3"; include "/srv/www"; listener "{listener}"; every "20m" }}
"#
    ))
}

#[test]
fn systemd_has_nothing_to_say_of_the_units() {
    let built = with("systemd");
    let host = built.installed("n1");
    let verify = |name: &str| {
        let path = format!("/etc/systemd/system/{name}");
        host.run(&["systemd-analyze", "--man=no", "verify", &path])
    };
    for unit in ["csync2.socket", "csync2@.service"] {
        let done = verify(unit);
        let silent = done.stdout.is_empty() && done.stderr.is_empty();
        assert!(done.status.success() && silent, "{unit}: {}", said(&done));
    }
    // proof that it would
    let text = host.read("/etc/systemd/system/csync2.socket").replace("Accept=", "Acept=");
    host.write("/etc/systemd/system/csync2.socket", &text);
    assert!(!verify("csync2.socket").stderr.is_empty());
}

#[test]
fn xinetd_starts_the_service_on_both_families() {
    let built = with("xinetd");
    let host = built.installed("n1");
    host.write("/etc/lab.conf", "defaults\n{\n}\nincludedir /etc/xinetd.d\n");
    // what the machine has there of its own is not looked at
    for entry in fs::read_dir(host.path("/etc/xinetd.d")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "csync2" {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    let words = ["xinetd", "-dontfork", "-f", "/etc/lab.conf", "-filelog", "/tmp/log"];
    host.daemon(&words);
    let log = eventually("xinetd starts", || {
        let log = fs::read_to_string(host.path("/tmp/log")).unwrap_or_default();
        log.contains("Started working").then_some(log)
    });
    assert!(log.contains("1 available service"), "{log}");
    for word in ["ERROR", "WARNING", "bad ", "DISABLING"] {
        assert!(!log.contains(word), "{log}");
    }
    let listening = said(&host.run(&["ss", "-Hltn", "sport = :30865"]));
    assert!(listening.contains("[::]:30865") || listening.contains("*:30865"), "{listening}");
}

#[test]
fn cron_takes_the_line_with_its_user_and_a_line_break_at_the_end() {
    let built = with("systemd");
    let mut minutes = Vec::new();
    for host in built.hosts() {
        let text = built.file(&host, "/etc/cron.d/clustergen-csync2");
        assert!(text.ends_with('\n'), "cron leaves out a last line without a line break");
        let lines: Vec<&str> =
            text.lines().filter(|it| it.starts_with(|c: char| c.is_ascii_digit())).collect();
        assert_eq!(lines.len(), 1, "{text}");
        let fields: Vec<&str> = lines[0].splitn(7, ' ').collect();
        assert_eq!(fields[5], "root", "the sixth field of a crontab in /etc/cron.d is the user");
        assert!(fields[6].contains(" /etc/csync2_sync content "), "{}", fields[6]);
        let sh = Command::new("sh").args(["-n", "-c", fields[6]]).output().unwrap();
        assert!(sh.status.success(), "{}", said(&sh));
        minutes.push(fields[0].to_owned());
    }
    minutes.sort();
    minutes.dedup();
    assert_eq!(minutes.len(), 3, "no two members start in one minute: {minutes:?}");
}

/// Waits for something that a daemon does.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        if let Some(found) = look() {
            return found;
        }
        sleep(Duration::from_millis(20));
    }
    panic!("this did not come about in 20 seconds: {what}");
}
