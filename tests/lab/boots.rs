//! The lab itself: hosts boot, bundles are applied to them, and nothing is left of them.

use std::env::{current_exe, var_os};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

use crate::built::Built;
use crate::bundle::good;
use crate::cgroup;
use crate::cluster::Lab;
use crate::host::Host;
use crate::units::eventually;

const TWO: &str = r#"
cluster "two" domain="example.org" platform="debian-12"
host "a" address="192.0.2.1" { address "10.9.0.1"; address "2001:db8::1"; }
host "b" address="198.51.100.2" platform="rocky-9" { address "10.9.0.2"; address "2001:db8::2"; }
file "/etc/motd" { on "a" "b"; content "of the lab"; }
unit "tick.service" {
    on "a"
    section "Service" { set "Type" "oneshot"; set "ExecStart" "/bin/touch /srv/ticked"; }
}
unit "tick.timer" {
    on "a"
    section "Timer" { set "OnActiveSec" "1s"; set "AccuracySec" "1ms"; }
    section "Install" { set "WantedBy" "timers.target"; }
}
"#;

#[test]
fn hosts_boot_see_each_other_and_take_their_bundles() {
    let built = Built::of(TWO);
    // of the same names and addresses, and neither knows of the other
    let labs = [Lab::with(&built, &[("client", &["203.0.113.9"])]), Lab::of(&built)];
    for lab in &labs {
        for name in ["a", "b"] {
            good(&lab.apply(name));
            assert_eq!(lab[name].read("/etc/motd"), "of the lab\n");
            assert_eq!(lab[name].read("/etc/hostname"), format!("{name}\n"));
        }
        let route = |to: &str| good(&lab["a"].run(&["ip", "route", "get", to]));
        assert!(route("198.51.100.2").contains("src 192.0.2.1"), "{}", route("198.51.100.2"));
        assert!(route("10.9.0.2").contains("src 10.9.0.1"), "{}", route("10.9.0.2"));
    }
    let [first, second] = &labs;
    let set = |setting: &str| first["a"].run(&["sysctl", "-w", setting]).status.success();
    assert!(set("net.ipv4.tcp_retries2=9") && !set("kernel.sysrq=1"));
    assert!(good(&second["a"].run(&["sysctl", "net.ipv4.tcp_retries2"])).contains("= 15"));
    assert_ne!(first["a"].read("/etc/machine-id"), second["a"].read("/etc/machine-id"));
    for (name, release) in [("a", "\nID=debian\nVERSION_ID=\"12\"\n"), ("b", "\nID=\"rhel\"\n")] {
        let text = first[name].read("/etc/os-release");
        assert!(text.contains(release), "{name}: {text}");
    }

    let server = ["python3", "-m", "http.server", "--directory", "/etc", "--bind", "::", "8000"];
    good(&first["b"].run(&[&["systemd-run", "-q", "--unit=web"], &server[..]].concat()));
    let motd = |host: &Host, at: &str| {
        let done = host.run(&["curl", "-sS", "-m5", &format!("http://{at}:8000/motd")]);
        done.status.success().then(|| String::from_utf8(done.stdout).unwrap())
    };
    for (from, to) in [("a", "198.51.100.2"), ("a", "[2001:db8::2]"), ("client", "10.9.0.2")] {
        let text = eventually(&format!("{from} sees {to}"), || motd(&first[from], to));
        assert_eq!(text, "of the lab\n");
    }
    assert_eq!(motd(&second["a"], "198.51.100.2"), None);
    first.cut("b");
    assert_eq!(motd(&first["a"], "198.51.100.2"), None);
    first.mend("b");
    eventually("the cable is mended", || motd(&first["a"], "198.51.100.2"));
    let journal = good(&first["b"].run(&["journalctl", "-u", "web", "--no-pager"]));
    assert!(journal.contains("GET /motd"), "{journal}");
}

#[test]
fn what_was_applied_is_there_after_a_power_cut() {
    let built = Built::of(TWO);
    let mut lab = Lab::of(&built);
    good(&lab.apply("a"));
    let ticked = |lab: &Lab| lab["a"].path("/srv/ticked").exists().then_some(());
    eventually("the timer runs", || ticked(&lab));
    let id = lab["a"].read("/etc/machine-id");
    let before = lab.snapshot("a");
    good(&lab.ask("a", &[]));
    let writes = before.writes(&lab.snapshot("a"));
    assert!(writes.is_empty(), "{writes:?}");
    lab["a"].without("/srv/ticked");
    lab["a"].without("/usr/bin/flock");
    lab["a"].run(&["chmod", "0600", "/etc/motd"]);
    lab.off("a");
    lab.on("a");
    eventually("the timer runs again", || ticked(&lab));
    assert_eq!(lab["a"].read("/etc/machine-id"), id);
    let own = |it: &String| ["/etc", "/usr"].iter().any(|folder| it.starts_with(folder));
    let changes: Vec<String> = before.changes(&lab.snapshot("a")).into_iter().filter(own).collect();
    assert_eq!(changes.len(), 2, "{changes:?}");
    assert!(changes[0].starts_with("/etc/motd: ") && changes[1] == "/usr/bin/flock is gone");
    assert!(Path::new("/usr/bin/flock").exists(), "the machine's own is not touched");
    // nobody of the cluster notices who was away
    lab["b"].daemon(&["python3", "-m", "http.server", "--bind", "198.51.100.2", "8000"]);
    eventually("the network is there again", || {
        let done = lab["a"].run(&["curl", "-sS", "-m5", "http://198.51.100.2:8000/"]);
        done.status.success().then_some(())
    });
}

#[test]
fn a_host_measures_its_clock_and_does_not_set_it() {
    let built = Built::of(
        r#"
cluster "c" domain="example.org" platform="debian-12" { time-servers "192.0.2.9"; }
host "h" address="192.0.2.1"
"#,
    );
    let lab = Lab::with(&built, &[("ntp", &["192.0.2.9"])]);
    lab["ntp"].write("/etc/chrony/chrony.conf", "local stratum 1\nallow\n");
    good(&lab["ntp"].run(&["systemctl", "start", "chrony.service"]));
    good(&lab.apply("h"));
    for name in ["h", "ntp"] {
        let words = good(&lab[name].run(&["pgrep", "-a", "chronyd"]));
        assert!(words.contains(" -x"), "{words}");
    }
    let verify = good(&lab.ask("h", &["--verify"]));
    assert!(verify.contains("ok    the clock follows the time servers"), "{verify}");
}

#[test]
fn a_lab_leaves_nothing_whether_its_test_ends_or_is_killed() {
    const WORD: &str = "CLUSTERGEN_LAB_IS_READY";
    let built = Built::of(TWO);
    let lab = Lab::of(&built);
    if let Some(ready) = var_os(WORD) {
        fs::write(ready, "").unwrap();
        loop {
            sleep(Duration::from_secs(1));
        }
    }
    let own: Vec<_> = lab.cgroups();
    assert!(own.iter().all(|it| it.exists()));
    drop(lab);
    assert!(!own.iter().any(|it| it.exists()), "{own:?}");

    let folder = TempDir::new().unwrap();
    let ready = folder.path().join("ready");
    let this = "boots::a_lab_leaves_nothing_whether_its_test_ends_or_is_killed";
    let mut other = Command::new(current_exe().unwrap());
    let mut other = other.args(["--exact", this]).env(WORD, &ready).spawn().unwrap();
    eventually("another test has a lab", || ready.exists().then_some(()));
    let lefts = cgroup::of(other.id());
    let hosts = children(other.id());
    assert_eq!((lefts.len(), hosts.len()), (2, 3), "two hosts and their switch");
    other.kill().unwrap();
    other.wait().unwrap();
    eventually("its processes are gone", || {
        let alive = hosts.iter().any(|it| Path::new("/proc").join(it).exists());
        let busy = lefts.iter().any(|it| cgroup::busy(it));
        (!alive && !busy).then_some(())
    });
    drop(Lab::of(&built));
    assert!(!lefts.iter().any(|it| it.exists()), "the next one clears up: {lefts:?}");
}

/// Processes that a process has started, from any of its threads.
fn children(pid: u32) -> Vec<String> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let of = |at: &Path| fs::read_to_string(at.join("children")).unwrap_or_default();
    let all: String = threads.map(|it| of(&it.unwrap().path())).collect();
    all.split_whitespace().map(str::to_owned).collect()
}
