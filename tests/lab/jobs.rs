//! Crontabs, logrotate's files and units of the golden trees, as the real programs read them.
//!
//! cron 3.0pl1 has no checker for `/etc/cron.d`, so the daemon itself reads the files, and what it
//! tells the system's log is judged. logrotate and `systemd-analyze` exit with 0 where they only
//! complain: what they say is judged. cronie is in no package of Debian's, so none of this is
//! seen with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use clustergen::disk::RealFolder;
use clustergen::source::Sources;
use clustergen::systemd::Directives;

use crate::built::{Built, kdl, said};
use crate::host::Host;
use crate::trees::{bundles, cases, entries, name_of, texts};
use crate::units::eventually;

/// Files of all golden bundles below a folder of the host, by bundle and path.
fn golden(below: &str) -> BTreeMap<PathBuf, BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for bundle in cases().iter().flat_map(|case| bundles(case)) {
        let mut files = texts(&bundle, "files");
        files.retain(|path, _| Path::new(path).starts_with(below));
        if !files.is_empty() {
            found.insert(bundle, files);
        }
    }
    assert!(found.len() > 3, "{below}: {found:?}");
    found
}

/// Starts cron: what it tells the system's log once it has read its files.
pub(crate) fn log_of_cron(host: &Host) -> String {
    host.daemon(&["busybox", "syslogd", "-n", "-O", "/tmp/log"]);
    eventually("syslogd listens", || host.path("/dev/log").exists().then_some(()));
    host.daemon(&["cron", "-f"]);
    eventually("cron has read its files", || {
        let log = fs::read_to_string(host.path("/tmp/log")).unwrap_or_default();
        log.contains("@reboot jobs").then_some(log)
    })
}

#[test]
fn cron_reads_every_golden_crontab_and_tells_of_bad_ones() {
    let host = Host::start("jobs");
    // a /dev of its own, so that its log is not the machine's
    let script = "rm -f /etc/crontab /etc/cron.d/* /etc/cron.d/.[!.]*; mount -t tmpfs tmpfs /dev && \
                  mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/urandom c 1 9";
    let done = host.run(&["sh", "-c", script]);
    assert!(done.status.success(), "{}", said(&done));
    for (number, text) in golden("/etc/cron.d").values().flat_map(BTreeMap::values).enumerate() {
        host.write(&format!("/etc/cron.d/good-{number}"), text);
        host.write(
            &format!("/etc/cron.d/bad-time-{number}"),
            &format!("{text}61 * * * * root x\n"),
        );
        host.write(
            &format!("/etc/cron.d/bad-user-{number}"),
            &format!("{text}1 * * * * nosuch x\n"),
        );
        host.write(&format!("/etc/cron.d/bad-end-{number}"), text.trim_end());
        host.write(&format!("/etc/cron.d/ignored.{number}"), "61 * * * * root x\n");
    }
    let log = log_of_cron(&host);
    let refused: BTreeSet<String> = log
        .lines()
        .filter(|line| line.contains("ERROR") || line.contains("ORPHAN"))
        .filter_map(|line| line.split("(*system*").nth(1)?.split(')').next().map(str::to_owned))
        .collect();
    let bad: BTreeSet<String> = entries(&host.path("/etc/cron.d"))
        .iter()
        .map(|path| name_of(path))
        .filter(|name| name.starts_with("bad-"))
        .collect();
    assert!(bad.len() > 20, "{bad:?}");
    assert_eq!(refused, bad, "{log}");
}

#[test]
fn logrotate_reads_every_golden_file_and_tells_of_bad_ones() {
    let host = Host::start("jobs");
    let read = |files: &BTreeMap<String, String>| {
        host.run(&["sh", "-c", "rm -rf /etc/logrotate.d/*"]);
        for (path, text) in files {
            host.write(path, text);
        }
        said(&host.run(&["logrotate", "-d", "/etc/logrotate.conf"]))
    };
    for (bundle, mut files) in golden("/etc/logrotate.d") {
        let good = read(&files);
        assert!(!good.contains("error:"), "{}: {good}", bundle.display());
        for path in files.keys() {
            let name = path.rsplit('/').next().unwrap();
            assert!(good.contains(&format!("reading config file {name}\n")), "{good}");
        }
        for text in files.values_mut() {
            *text = text.replace("missingok", "missing");
        }
        let bad = read(&files);
        assert!(bad.contains("unknown option 'missing'"), "{bad}");
    }
}

#[test]
fn logrotate_finds_logs_whatever_they_are_called() {
    let names = ["a#b", "# c", "d;e$f~", "(g)!&|<>`", "i'j", "k\"l", "m,n=o:p@q%r+s", "t u", "ü"];
    let paths: Vec<String> = names.iter().map(|name| kdl(&format!("/srv/{name}"))).collect();
    let built = Built::of(&format!(
        "cluster \"c\" domain=\"example.org\" platform=\"debian-12\"\nhost \"n1\" address=\"192.0.2.1\"\n\
         logrotate \"odd\" {{ on \"n1\"; every \"daily\"; path {} }}",
        paths.join(" ")
    ));
    let host = built.installed("n1");
    for name in names {
        host.write(&format!("/srv/{name}"), "");
    }
    let told = said(&host.run(&["logrotate", "-d", "/etc/logrotate.d/odd"]));
    assert!(!told.contains("error:"), "{told}");
    for name in names {
        assert!(told.contains(&format!("considering log /srv/{name}\n")), "{name}: {told}");
    }
}

#[test]
fn systemd_has_nothing_to_say_of_any_golden_unit() {
    let host = Host::start("jobs");
    let verify = |path: &str| {
        let unit = path.split(".d/").next().unwrap();
        said(&host.run(&["systemd-analyze", "--man=no", "verify", unit]))
    };
    for (bundle, files) in golden("/etc/systemd/system") {
        host.run(&["sh", "-c", "rm -rf /etc/systemd/system/*"]);
        for (path, text) in &files {
            host.write(path, text);
        }
        for (path, text) in &files {
            let told = verify(path);
            assert_eq!(told, "[exit status: 0] ", "{}: {path}", bundle.display());
            host.write(path, &text.replacen("]\n", "]\nNonsense=1\n", 1));
            assert!(verify(path).contains("'Nonsense'"), "{path}");
            host.write(path, text);
        }
    }
}

/// Runs the checks of a bundle's `host.sh` that begin with a word, as `apply.sh` does.
const CHECKS: &str = r#"
    for verb in package group user directory link block keys file seed made ensure finally unit step born born_to verify \
        where need; do
        eval "$verb() { :; }"
    done
    check() { case $2 in *"$wanted"*) scratch=/tmp sh -c "$2" </dev/null || echo "refused $3" ;; esac; }
    . /tmp/host.sh
    resources
"#;

#[test]
fn checks_pass_what_is_right_and_refuse_what_is_not() {
    let host = Host::start("jobs");
    // an image without manual pages, of which systemd would complain
    host.write("/usr/local/bin/man", "#!/bin/sh\nexit 1\n");
    host.run(&["chmod", "0755", "/usr/local/bin/man"]);
    let golden_files: [(&str, &str, [&str; 2]); 2] = [
        ("logrotate", "/etc/logrotate.d", ["{\n", "{\nnonsense\n"]),
        ("systemd-analyze", "/etc/systemd/system", ["]\n", "]\nNonsense=1\n"]),
    ];
    for (program, folder, [right, wrong]) in golden_files {
        let mut broken = 0;
        let check = format!("wanted={program}; {CHECKS}");
        for (bundle, files) in golden(folder) {
            let script = fs::read_to_string(bundle.join("host.sh")).unwrap();
            let checked = |path: &&String| {
                let line = |line: &&str| line.contains("check ") && line.contains(program);
                script.lines().filter(line).any(|line| line.ends_with(path.as_str()))
            };
            host.run(&["sh", "-c", "rm -rf /etc/systemd/system/* /etc/logrotate.d/*"]);
            host.write("/tmp/host.sh", &script);
            for (path, text) in &files {
                host.write(path, text);
            }
            let fine = said(&host.run(&["sh", "-c", &check]));
            assert_eq!(fine, "[exit status: 0] ", "{}", bundle.display());
            for path in files.keys().filter(checked) {
                host.write(path, &files[path].replacen(right, wrong, 1));
                let told = said(&host.run(&["sh", "-c", &check]));
                let refused: Vec<&str> =
                    told.lines().filter_map(|line| line.strip_prefix("refused ")).collect();
                assert_eq!(refused, [path.as_str()], "{told}");
                host.write(path, &files[path]);
                broken += 1;
            }
        }
        assert!(broken > 5, "{program} was given {broken} broken files");
    }
}

/// The table of directives says of this version what its own program says.
#[test]
fn systemd_knows_the_directives_that_the_table_says() {
    let host = Host::start("jobs");
    let version = said(&host.run(&["systemctl", "--version"]));
    let version: u32 = version.split(' ').nth(4).unwrap().parse().unwrap();
    let items = said(&host.run(&["/lib/systemd/systemd", "--dump-configuration-items"]));
    let mut known: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut section = "";
    for line in items.lines() {
        if let Some(name) = line.rsplit('[').next().and_then(|it| it.strip_suffix(']'))
            && !line.contains('=')
        {
            section = name;
        } else if let Some((name, _)) = line.split_once('=') {
            known.insert((section, name));
        }
    }
    assert!(known.len() > 500, "{items}");
    let folder = RealFolder(PathBuf::from("/nowhere"));
    let table = Directives::load(&mut Sources::new(&folder)).unwrap();
    for section in table.sections() {
        for (name, since) in table.section(section).unwrap() {
            let there = known.contains(&(section, name.as_str()));
            assert_eq!(there, *since <= version, "[{section}] {name}, since {since}");
        }
    }
}
