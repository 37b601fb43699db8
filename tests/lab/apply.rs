//! `apply.sh` as it runs on a host: with owners, checks by the real programs, and units; then
//! alone, with small bundles made by hand, one claim each.
//!
//! `systemctl` and `dpkg-query` are stood in for, so that what is asked of them can be read.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use crate::built::{Built, said};
use crate::bundle::{Bundle, bad, failed, good, host_with_units, root_with, start};
use crate::host::Host;
use crate::scripts::mode;

/// Brings bundle and secrets to the host and runs `apply.sh` there; what was asked of systemd.
pub(crate) fn apply(
    built: &Built,
    host: &Host,
    name: &str,
    args: &[&str],
) -> (Output, Vec<String>) {
    host.run(&["rm", "-rf", "/tmp/bundle", "/tmp/bundle.secrets", "/tmp/asked"]);
    for (from, to) in [
        (built.bundle(name), host.path("/tmp/bundle")),
        (built.secrets_folder(name), host.path("/tmp/bundle/secrets")),
    ] {
        assert!(Command::new("cp").arg("-r").arg(from).arg(to).status().unwrap().success());
    }
    let words = [&["sh", "/tmp/bundle/apply.sh"], args].concat();
    let done = host.run(&words);
    let asked = std::fs::read_to_string(host.path("/tmp/asked")).unwrap_or_default();
    (done, asked.lines().map(str::to_owned).collect())
}

#[test]
fn a_first_apply_installs_with_owners_and_starts_the_units() {
    let built = Built::example("web.kdl");
    let host = start("app1");
    let (done, asked) = apply(&built, &host, "app1", &[]);
    assert_eq!(done.status.code(), Some(5), "csync2 waits for its first sync: {}", said(&done));
    let stat = said(&host.run(&["stat", "-c", "%a %U:%G", "/etc/app/local.conf"]));
    assert!(stat.contains("640 root:www-data"), "{stat}");
    for unit in ["csync2.socket", "cron.service"] {
        for verb in ["enable -q", "start"] {
            let wanted = format!("{verb} {unit}");
            assert_eq!(asked.iter().filter(|it| **it == wanted).count(), 1, "{wanted}: {asked:?}");
        }
    }
    host.write("/tmp/running", "");
    let (again, asked) = apply(&built, &host, "app1", &[]);
    assert!(said(&again).contains("nothing to change"), "{}", said(&again));
    assert!(asked.is_empty(), "{asked:?}");
    let leftovers = said(&host.run(&["find", "/etc", "-name", ".*.dpkg-*"]));
    assert!(!leftovers.contains("dpkg-"), "{leftovers}");
}

#[test]
fn a_changed_configuration_is_reloaded_once() {
    let built = Built::example("web.kdl");
    let host = start("lb");
    assert!(apply(&built, &host, "lb", &[]).0.status.success());
    host.write("/tmp/running", "");
    built.rebuild(&example().replace("keepalive 32", "keepalive 33"));
    let (done, asked) = apply(&built, &host, "lb", &[]);
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(asked, ["reload-or-restart nginx.service"]);
    assert!(host.read("/etc/nginx/nginx.conf").contains("keepalive  33;"));
}

#[test]
fn what_nginx_refuses_is_put_back_and_nothing_is_reloaded() {
    let built = Built::example("web.kdl");
    let host = start("lb");
    assert!(apply(&built, &host, "lb", &[]).0.status.success());
    host.write("/tmp/running", "");
    let before = host.read("/etc/nginx/nginx.conf");
    built.rebuild(&example().replace("extra \"gzip on;\"", "extra \"gzpi on;\""));
    let (done, asked) = apply(&built, &host, "lb", &[]);
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    assert!(said(&done).contains("unknown directive \"gzpi\""), "{}", said(&done));
    assert_eq!(host.read("/etc/nginx/nginx.conf"), before);
    assert!(asked.is_empty(), "{asked:?}");
    // the next apply starts from there
    built.rebuild(&example());
    let (done, _) = apply(&built, &host, "lb", &[]);
    assert!(said(&done).contains("nothing to change"), "{}", said(&done));
}

#[test]
fn what_csync2_refuses_is_put_back() {
    let built = Built::example("web.kdl");
    let host = start("app1");
    let broken = example().replace("every \"10m\"", "every \"10m\"; extra \"auto none;\"");
    built.rebuild(&broken);
    let (done, asked) = apply(&built, &host, "app1", &[]);
    bad(&done, "the new files are wrong");
    assert!(said(&done).contains("a group might only have one auto-setting"), "{}", said(&done));
    assert!(!host.path("/etc/cron.d/clustergen-csync2").exists(), "new files are taken away");
    assert!(asked.is_empty(), "{asked:?}");
}

#[test]
fn what_cannot_be_reloaded_is_put_back_and_reloaded_again() {
    let built = Built::example("web.kdl");
    let host = start("lb");
    assert!(apply(&built, &host, "lb", &[]).0.status.success());
    for flag in ["/tmp/running", "/tmp/broken"] {
        host.write(flag, "");
    }
    let before = host.read("/etc/nginx/nginx.conf");
    built.rebuild(&example().replace("keepalive 32", "keepalive 33"));
    let (done, asked) = apply(&built, &host, "lb", &[]);
    failed(&done, 4, "reload-or-restart nginx.service could not be put back");
    assert_eq!(host.read("/etc/nginx/nginx.conf"), before);
    assert_eq!(asked, ["reload-or-restart nginx.service"; 2]);
}

#[test]
fn a_bundle_is_refused_by_every_host_but_its_own() {
    let built = Built::example("web.kdl");
    let host = start("elsewhere");
    let before = host.read("/etc/nginx/nginx.conf");
    for args in [&[][..], &["--i-am", "app1"]] {
        let (done, _) = apply(&built, &host, "lb", args);
        assert_eq!(done.status.code(), Some(1), "{}", said(&done));
        assert!(said(&done).contains("this bundle is for lb"), "{}", said(&done));
    }
    assert_eq!(host.read("/etc/nginx/nginx.conf"), before);
    let (done, _) = apply(&built, &host, "lb", &["--i-am", "lb"]);
    assert!(done.status.success(), "{}", said(&done));
}

fn example() -> String {
    std::fs::read_to_string(crate::built::examples().join("web.kdl")).unwrap()
}

pub(crate) const SHELLS: [&[&str]; 3] = [&["dash"], &["bash"], &["busybox", "ash"]];

const TWO: &str = "file 0644 root:root /etc/a.conf reload a.service
file 0600 root:root /etc/b.conf restart b.service";

/// Old files of two daemons are installed, new ones are waiting.
fn two_daemons() -> (Host, Bundle) {
    let host = host_with_units(&["a.service", "b.service"]);
    let bundle = Bundle::of(TWO, &[("files/etc/a.conf", "a\n"), ("files/etc/b.conf", "b\n")]);
    good(&bundle.on(&host, &[]).0);
    bundle.becomes("h", TWO, &[("files/etc/a.conf", "a2\n"), ("files/etc/b.conf", "b2\n")]);
    (host, bundle)
}

#[test]
fn a_hung_up_run_is_put_back_at_once_and_the_next_one_reloads() {
    for shell in SHELLS {
        // under nohup(1) no shell can trap it
        let shell = &[&["env", "--default-signal=HUP"], shell].concat();
        let (host, bundle) = two_daemons();
        host.program("/tmp/at-reload-or-restart", "#!/bin/sh\nkill -HUP $1; rm -f $0\n");
        let (done, asked) = bundle.on_with(shell, &host, &[]);
        assert_eq!(done.status.code(), Some(130), "{shell:?}: {}", said(&done));
        assert_eq!(host.read("/etc/a.conf"), "a\n");
        assert_eq!(asked, ["reload-or-restart a.service"; 2], "a daemon has the old file again");
        let (done, asked) = bundle.on_with(shell, &host, &[]);
        assert!(good(&done).contains("2 changed"), "{}", said(&done));
        assert_eq!(asked, ["reload-or-restart a.service", "restart b.service"]);
    }
}

#[test]
fn what_a_killed_run_left_is_put_back_by_the_next_one_which_goes_on() {
    for shell in SHELLS {
        let (host, bundle) = two_daemons();
        host.program("/tmp/at-reload-or-restart", "#!/bin/sh\nkill -9 $1; rm -f $0\n");
        let (done, _) = bundle.on_with(shell, &host, &[]);
        assert_eq!(host.read("/etc/a.conf"), "a2\n", "{}", said(&done));
        let check = said(&bundle.on_with(shell, &host, &["--check"]).0);
        assert!(check.contains("interrupted"), "{check}");
        let (done, asked) = bundle.on_with(shell, &host, &[]);
        let told = good(&done);
        assert!(told.contains("interrupted") && told.contains("2 changed"), "{told}");
        assert_eq!(host.read("/etc/b.conf"), "b2\n");
        assert_eq!(asked[asked.len() - 2..], ["reload-or-restart a.service", "restart b.service"]);
        assert!(!host.path("/var/lib/clustergen/c/run").exists());
    }
}

#[test]
fn one_run_at_a_time_with_and_without_flock_and_a_dead_one_holds_nobody_up() {
    let (host, bundle) = two_daemons();
    host.run(&["rm", "/usr/bin/flock"]);
    host.write("/var/lib/clustergen/.lock.d/pid", "1\n");
    bad(&bundle.on(&host, &[]).0, "another apply.sh is at work: process 1");
    host.write("/var/lib/clustergen/.lock.d/pid", "999999\n");
    good(&bundle.on(&host, &[]).0);
    assert!(!host.path("/var/lib/clustergen/.lock.d").exists());

    let (root, _) = root_with("var/lib/clustergen/.lock", "");
    let lock = root.path().join("var/lib/clustergen/.lock");
    let inside = Command::new("flock")
        .arg(&lock)
        .arg("sh")
        .arg(bundle.folder.path().join("apply.sh"))
        .arg("--root")
        .arg(root.path())
        .output()
        .unwrap();
    bad(&inside, "another apply.sh is at work");
    good(&bundle.apply(root.path(), &[]));
}

#[test]
fn a_failure_in_the_middle_leaves_every_file_folder_and_unit_as_it_was() {
    let host = host_with_units(&["a.service"]);
    let table = "file 0644 root:root /etc/a.conf reload a.service
directory 0750 root:root /etc/new/folder
file 0644 root:root /etc/new/folder/n.conf none -
unit n.service";
    let files = [("files/etc/a.conf", "a\n"), ("files/etc/new/folder/n.conf", "n\n")];
    host.write("/etc/a.conf", " old \\n ");
    let bundle = Bundle::of(table, &files);
    host.program("/tmp/at-start", "#!/bin/sh\nexit 1\n");
    let (done, asked) = bundle.on(&host, &[]);
    bad(&done, "n.service could not start");
    assert_eq!(host.read("/etc/a.conf"), " old \\n ");
    assert!(!host.path("/etc/new").exists());
    assert!(!host.path("/tmp/units/n.service.enabled").exists());
    let wanted = ["enable -q n.service", "start n.service", "stop n.service", "disable n.service"];
    assert_eq!(asked, wanted);
}

#[test]
fn what_cannot_be_put_back_stays_in_the_backups_and_is_tried_again() {
    let (host, bundle) = two_daemons();
    let sabotage = "#!/bin/sh\nrm /etc/b.conf; mkdir /etc/b.conf; exit 1\n";
    host.program("/tmp/at-restart", sabotage);
    let (done, _) = bundle.on(&host, &[]);
    failed(&done, 4, "the backups are in /var/lib/clustergen/c/run/old");
    assert_eq!(host.read("/etc/a.conf"), "a\n", "the others are put back");
    assert_eq!(host.read("/var/lib/clustergen/c/run/old/etc/b.conf"), "b\n");
    host.run(&["rmdir", "/etc/b.conf"]);
    host.run(&["rm", "/tmp/at-restart"]);
    good(&bundle.on(&host, &[]).0);
    assert_eq!(host.read("/etc/b.conf"), "b2\n");
}

/// Nothing lies there, so nothing has to go, whatever `rm -f` says of such a name.
#[test]
fn a_name_that_is_too_long_to_be_written_does_not_hold_up_the_next_run() {
    let (host, bundle) = two_daemons();
    for letters in [250, 300] {
        let long = "x".repeat(letters);
        let line = format!("{TWO}\nlink /etc/{long} /srv none -");
        bundle.becomes("h", &line, &[("files/etc/a.conf", "a2\n"), ("files/etc/b.conf", "b2\n")]);
        let (done, _) = bundle.on(&host, &[]);
        assert_eq!(done.status.code(), Some(1), "{}", said(&done));
        assert_eq!(host.read("/etc/a.conf"), "a\n");
    }
    bundle.becomes("h", TWO, &[("files/etc/a.conf", "a2\n"), ("files/etc/b.conf", "b2\n")]);
    good(&bundle.on(&host, &[]).0);
    assert_eq!(host.read("/etc/a.conf"), "a2\n");
}

#[test]
fn a_unit_that_is_not_running_is_not_reloaded_and_one_that_died_is_noticed() {
    let (host, bundle) = two_daemons();
    host.run(&["rm", "/tmp/units/a.service.active"]);
    let (done, asked) = bundle.on(&host, &[]);
    assert!(good(&done).contains("a.service is not running"), "{}", said(&done));
    assert_eq!(asked, ["restart b.service"]);

    let (host, bundle) = two_daemons();
    let dies = "#!/bin/sh\nrm -f /tmp/units/a.service.active; rm -f $0\n";
    host.program("/tmp/at-restart", dies);
    let (done, _) = bundle.on(&host, &[]);
    bad(&done, "a.service was running before, and is not now");
    assert_eq!(host.read("/etc/b.conf"), "b\n");
}

#[test]
fn a_stopped_unit_is_started_though_no_file_differs() {
    let host = host_with_units(&[]);
    let bundle = Bundle::of("unit a.service", &[]);
    good(&bundle.on(&host, &[]).0);
    host.run(&["rm", "/tmp/units/a.service.active"]);
    let (done, _) = bundle.on(&host, &["--check"]);
    assert_eq!(done.status.code(), Some(2));
    assert_eq!(done.stdout, b"enable and start a.service\n");
    let (done, asked) = bundle.on(&host, &[]);
    good(&done);
    assert_eq!(asked, ["start a.service"]);
}

#[test]
fn a_unit_of_ours_is_stopped_before_its_file_goes_and_one_of_the_system_runs_on() {
    let host = host_with_units(&["cron.service"]);
    let table = "file 0644 root:root /etc/systemd/system/own.service restart own.service
file 0644 root:root /etc/cron.d/own reload cron.service
unit cron.service
unit own.service";
    let files = [("files/etc/systemd/system/own.service", "x\n"), ("files/etc/cron.d/own", "y\n")];
    let bundle = Bundle::of(table, &files);
    good(&bundle.on(&host, &[]).0);
    let look = "#!/bin/sh\ntest -e /etc/systemd/system/own.service\n";
    host.program("/tmp/at-disable", look);
    bundle.becomes("h", "", &[]);
    let (done, asked) = bundle.on(&host, &[]);
    good(&done);
    assert_eq!(asked, ["disable --now own.service", "reload-or-restart cron.service"]);
    assert!(!host.path("/etc/systemd/system/own.service").exists());
}

#[test]
fn each_cluster_has_its_state_and_another_host_s_bundle_needs_a_word() {
    let (root, _) = root_with("etc/x", "");
    let bundle = Bundle::of("", &[]);
    good(&bundle.apply(root.path(), &[]));
    assert_eq!(mode(&root.path().join("var/lib/clustergen/c")), "0700");
    bundle.becomes("other", "", &[]);
    bad(&bundle.apply(root.path(), &[]), "this machine is h of c");
    good(&bundle.apply(root.path(), &["--i-am", "other"]));
    good(&bundle.apply(root.path(), &[]));
}

const BLOCK: &str = "block c /etc/hosts none -";

#[test]
fn foreign_bytes_of_a_shared_file_stay_whatever_its_line_ends() {
    let block = "# BEGIN clustergen c\nours\n# END clustergen c\n";
    let cases = [
        ("", block.to_owned()),
        ("a\n", format!("a\n{block}")),
        ("a", format!("a\n{block}")),
        ("a\r\n\tb \\n\r\n", format!("a\r\n\tb \\n\r\n{block}")),
        (
            "a\r\n# BEGIN clustergen c\r\nold\r\n# END clustergen c\r\nz",
            "a\r\n# BEGIN clustergen c\r\nours\n# END clustergen c\r\nz".to_owned(),
        ),
    ];
    for (before, wanted) in cases {
        for shell in SHELLS {
            let (root, hosts) = root_with("etc/hosts", before);
            let bundle = Bundle::of(BLOCK, &[("edits/etc/hosts.block", "ours\n")]);
            good(&bundle.apply_with(shell[0], &shell[1..], root.path(), &[]));
            assert_eq!(fs::read_to_string(&hosts).unwrap(), wanted, "{before:?} {shell:?}");
            assert!(good(&bundle.apply(root.path(), &[])).contains("nothing to change"));
        }
    }
}

#[test]
fn a_block_that_goes_leaves_every_byte_of_the_others() {
    let bundle = Bundle::of(BLOCK, &[("edits/etc/hosts.block", "ours\n")]);
    let none = Bundle::of("", &[]);
    for before in ["", "a\n", "a", "a\n\n", "a\r\nb", "\n"] {
        let (root, hosts) = root_with("etc/hosts", before);
        for _ in 0..2 {
            good(&bundle.apply(root.path(), &[]));
        }
        good(&none.apply(root.path(), &[]));
        assert_eq!(fs::read_to_string(&hosts).unwrap(), before);
    }
    // what came behind the block keeps the line end before it
    let (root, hosts) = root_with("etc/hosts", "a");
    good(&bundle.apply(root.path(), &[]));
    fs::write(&hosts, fs::read_to_string(&hosts).unwrap() + "theirs").unwrap();
    good(&none.apply(root.path(), &[]));
    assert_eq!(fs::read_to_string(&hosts).unwrap(), "a\ntheirs");
}

#[test]
fn marks_that_are_no_pair_are_told_with_the_file_and_nothing_changes() {
    for text in [
        "# BEGIN clustergen c\nx\n",
        "# END clustergen c\n",
        "# END clustergen c\n# BEGIN clustergen c\n",
        "# BEGIN clustergen c\n# BEGIN clustergen c\n# END clustergen c\n",
    ] {
        let (root, hosts) = root_with("etc/hosts", text);
        let table = format!("file 0644 root:root /etc/a none -\n{BLOCK}");
        let files = [("edits/etc/hosts.block", "ours\n"), ("files/etc/a", "a\n")];
        bad(&Bundle::of(&table, &files).apply(root.path(), &[]), "etc/hosts are not one pair");
        assert_eq!(fs::read_to_string(&hosts).unwrap(), text);
        assert!(!root.path().join("etc/a").exists());
    }
}

#[test]
fn what_is_no_longer_shipped_goes_but_not_what_somebody_changed() {
    let (root, hosts) = root_with("etc/hosts", "theirs\n");
    let table = format!(
        "file 0644 root:root '/etc/a b' none -\nfile 0644 root:root /etc/mine none -\n{BLOCK}"
    );
    let files =
        [("edits/etc/hosts.block", "ours\n"), ("files/etc/a b", "a\n"), ("files/etc/mine", "m\n")];
    let bundle = Bundle::of(&table, &files);
    good(&bundle.apply(root.path(), &[]));
    fs::write(root.path().join("etc/mine"), "by hand\n").unwrap();
    bundle.becomes("h", "", &[]);
    let told = good(&bundle.apply(root.path(), &[]));
    assert!(told.contains("/etc/mine was changed by hand"), "{told}");
    assert!(!root.path().join("etc/a b").exists());
    assert_eq!(fs::read_to_string(root.path().join("etc/mine")).unwrap(), "by hand\n");
    assert_eq!(fs::read_to_string(hosts).unwrap(), "theirs\n");
}

#[test]
fn a_file_may_become_a_block_and_a_block_a_file() {
    let (root, hosts) = root_with("etc/hosts", "theirs\n");
    let whole = "file 0644 root:root /etc/hosts none -";
    let files = [("edits/etc/hosts.block", "ours\n"), ("files/etc/hosts", "whole\n")];
    let bundle = Bundle::of(whole, &files);
    good(&bundle.apply(root.path(), &[]));
    bundle.becomes("h", BLOCK, &files);
    good(&bundle.apply(root.path(), &[]));
    let wanted = "theirs\n# BEGIN clustergen c\nours\n# END clustergen c\n";
    assert_eq!(fs::read_to_string(&hosts).unwrap(), wanted);
    bundle.becomes("h", whole, &files);
    good(&bundle.apply(root.path(), &["--older"]));
    assert_eq!(fs::read_to_string(&hosts).unwrap(), "whole\n");
}

#[test]
fn what_was_there_before_clustergen_is_kept_for_ever_and_the_last_run_s_until_the_next() {
    let (root, _) = root_with("etc/a", "before\n");
    let table = "file 0644 root:root /etc/a none -";
    let bundle = Bundle::of(table, &[("files/etc/a", "1\n")]);
    for text in ["1\n", "2\n", "3\n"] {
        bundle.becomes("h", table, &[("files/etc/a", text)]);
        good(&bundle.apply(root.path(), &[]));
    }
    // somebody else's in between is not what was there before
    bundle.becomes("h", "", &[]);
    good(&bundle.apply(root.path(), &[]));
    fs::write(root.path().join("etc/a"), "2\n").unwrap();
    bundle.becomes("h", table, &[("files/etc/a", "4\n")]);
    good(&bundle.apply(root.path(), &[]));
    let state = root.path().join("var/lib/clustergen/c");
    assert_eq!(fs::read_to_string(state.join("before/etc/a")).unwrap(), "before\n");
    assert_eq!(fs::read_to_string(state.join("last/etc/a")).unwrap(), "2\n");
    assert_eq!(
        (mode(&state.join("before")), mode(&state.join("last"))),
        ("0700".into(), "0700".into())
    );
}

#[test]
fn a_link_under_the_temporary_name_is_not_followed() {
    let (root, victim) = root_with("etc/victim", "safe\n");
    symlink(&victim, root.path().join("etc/.a.dpkg-new")).unwrap();
    let bundle = Bundle::of("file 0644 root:root /etc/a none -", &[("files/etc/a", "a\n")]);
    good(&bundle.apply(root.path(), &[]));
    assert_eq!(fs::read_to_string(victim).unwrap(), "safe\n");
    assert!(fs::symlink_metadata(root.path().join("etc/a")).unwrap().is_file());
}

#[test]
fn an_empty_secret_a_folder_in_the_way_and_an_unknown_owner_are_told_before_anything_changes() {
    let first = "file 0644 root:root /etc/a none -\n";
    let secret = format!("{first}file 0600 root:root /etc/key none -");
    let files = [("files/etc/a", "a\n"), ("files/etc/key", "CGSECRET_k\n")];
    for (value, why) in [("", "CGSECRET_k"), ("\n", "is empty")] {
        let (root, _) = root_with("etc/x", "");
        let bundle = Bundle::of(&secret, &files);
        bundle.secret("CGSECRET_k", value);
        bad(&bundle.apply(root.path(), &[]), why);
        assert!(!root.path().join("etc/a").exists());
    }
    let (root, _) = root_with("etc/key/x", "");
    bad(
        &Bundle::of(&secret, &[files[0], ("files/etc/key", "k\n")]).apply(root.path(), &[]),
        "a folder lies where",
    );
    assert!(!root.path().join("etc/a").exists());

    let host = host_with_units(&[]);
    let unknown = format!("{first}file 0600 root:nobodys /etc/key none -");
    let bundle = Bundle::of(&unknown, &[files[0], ("files/etc/key", "k\n")]);
    bad(&bundle.on(&host, &[]).0, "there is no such user or group here");
    assert!(!host.path("/etc/a").exists());
}

#[test]
fn owners_in_numbers_are_given_and_recognised() {
    let host = host_with_units(&[]);
    let bundle = Bundle::of("file 0640 1234:4321 /etc/n none -", &[("files/etc/n", "n\n")]);
    good(&bundle.on(&host, &[]).0);
    let found = fs::metadata(host.path("/etc/n")).unwrap();
    assert_eq!((found.uid(), found.gid(), mode(&host.path("/etc/n"))), (1234, 4321, "0640".into()));
    assert!(good(&bundle.on(&host, &[]).0).contains("nothing to change"));
}

#[test]
fn the_root_of_the_machine_is_no_folder_for_a_trial() {
    let bundle = Bundle::of("", &[]);
    for root in ["/", "//", "", "/.", "/etc/.."] {
        let done = bundle.apply(Path::new(root), &["--dry-run"]);
        assert_eq!(done.status.code(), Some(64), "{root:?}: {}", said(&done));
    }
}

#[test]
fn a_list_of_sums_that_leaves_a_file_out_is_refused() {
    let table = format!("file 0644 root:root /etc/a none -\n{BLOCK}");
    let files = [("files/etc/a", "a\n"), ("edits/etc/hosts.block", "ours\n")];
    for without in ["apply.sh", "host.sh", "files/etc/a", "edits/etc/hosts.block"] {
        let (root, _) = root_with("etc/x", "");
        let bundle = Bundle::of(&table, &files);
        bundle.sums(&format!("find apply.sh host.sh files edits -type f | grep -v '^{without}$'"));
        bad(&bundle.apply(root.path(), &[]), &format!("does not list {without}"));
    }
}

#[test]
fn check_names_the_differences_and_says_nothing_else() {
    let (root, _) = root_with("etc/x", "");
    let table = "directory 0755 root:root /srv/d\nfile 0644 root:root /etc/a reload a.service";
    let bundle = Bundle::of(table, &[("files/etc/a", "a\n")]);
    let done = bundle.apply(root.path(), &["--check"]);
    assert_eq!(done.status.code(), Some(2));
    assert_eq!(done.stdout, b"make /srv/d\nchange /etc/a, then reload a.service\n");
    good(&bundle.apply(root.path(), &[]));
    let done = bundle.apply(root.path(), &["--check"]);
    assert!(done.status.success() && done.stdout.is_empty() && done.stderr.is_empty());
}

#[test]
fn checks_run_as_a_daemon_would_and_new_files_get_their_label() {
    let host = host_with_units(&[]);
    host.program("/usr/local/sbin/restorecon", "#!/bin/sh\necho $1 >>/tmp/labelled\n");
    let table = "file 0644 root:root /etc/a none -\ncheck 0 'umask >/tmp/umask' /etc/a";
    good(&Bundle::of(table, &[("files/etc/a", "a\n")]).on(&host, &[]).0);
    assert_eq!(host.read("/tmp/umask"), "0022\n");
    assert_eq!(host.read("/tmp/labelled"), "/etc/a\n");
}
