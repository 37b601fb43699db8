//! Which golden file was read by which program, and which by none: `docs/read-by.md`.
//!
//! Every stored file is offered to the program of this machine that reads such files, at its own
//! path, with what the bundle has beside it; secrets have a key of the test's own in place of
//! their token. What a program says counts, as some say it and exit with 0. The page lists what
//! no program read, and why. `GOLDEN=update cargo test --test lab readers` writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;

use serde_json::Value;

use crate::built::said;
use crate::host::Host;
use crate::jobs::log_of_cron;
use crate::trees::{bundles, cases, name_of, repository, texts};
use crate::units::eventually;

/// A stored bundle.
struct Stored {
    /// `gluu-4/node1`.
    name: String,
    platform: String,
    /// Where a file lies on the host, and its text; blocks and keys of shared files are apart.
    files: BTreeMap<String, String>,
    edits: BTreeMap<String, String>,
}

/// A program that reads files of a kind.
struct Reader {
    program: &'static str,
    /// A line of sh that prints its version.
    version: &'static str,
    /// By path and text.
    reads: fn(&str, &str) -> bool,
    /// What it has to say against a file of a bundle; nothing where it takes it.
    judge: fn(&Host, &str) -> String,
}

const READERS: &[Reader] = &[
    Reader {
        program: "nginx",
        version: "nginx -v 2>&1 | sed 's|.*/||'",
        reads: |path, _| path == "/etc/nginx/nginx.conf",
        judge: |host, _| silent(host, "nginx -t -q"),
    },
    Reader {
        program: "csync2",
        version: "dpkg-query -W -f '${Version}' csync2 | sed 's/-.*//'",
        reads: |path, _| path.ends_with("/csync2.cfg"),
        judge: |host, path| {
            let folder = path.trim_end_matches("/csync2.cfg");
            let call = format!(
                "name=$(awk '$1 == \"host\" {{ print $2; exit }}' {path} | tr -d ';'); mkdir -p /tmp/db; \
                 CSYNC2_SYSTEM_DIR={folder} csync2 -N \"$name\" -D /tmp/db -L || [ $? -eq 2 ]"
            );
            silent(host, &call)
        },
    },
    Reader {
        program: "redis-server",
        version: "redis-server --version | sed 's/.* v=\\([0-9.]*\\).*/\\1/'",
        reads: |path, _| path.ends_with("/redis.conf"),
        judge: |host, path| {
            let call = format!(
                "tls=; ! grep -q ^tls-port {path} || tls='--tls-port 0 --tls-replication yes'; \
                 redis-server {path} --port 0 $tls --daemonize no --supervised no --logfile ''"
            );
            let told = said(&host.run(&["sh", "-c", &call]));
            if told.contains("not listen anywhere") { String::new() } else { told }
        },
    },
    Reader {
        program: "stunnel",
        version: "stunnel4 -version 2>&1 | sed -n 's/.*stunnel \\([0-9.]*\\) on.*/\\1/p'",
        reads: |path, _| path.ends_with("/stunnel.conf"),
        judge: |host, path| {
            let call = format!("sed 's/^accept .*/accept = 240.0.0.1:1/' {path} | stunnel4 -fd 0");
            let told = said(&host.run(&["sh", "-c", &call]));
            if told.contains("Configuration successful") { String::new() } else { told }
        },
    },
    Reader {
        program: "shellcheck",
        version: "shellcheck --version | sed -n 's/^version: //p'",
        reads: |_, text| text.starts_with("#!/bin/sh\n"),
        judge: |host, path| {
            // the line that runs a script of an `ensure` may give it variables
            let told = if path.contains("/ensure/") { "-e SC2154" } else { "" };
            let call = format!(
                "shellcheck {told} '{path}' && dash -n '{path}' && busybox ash -n '{path}'"
            );
            silent(host, &call)
        },
    },
    Reader {
        program: "python3",
        version: "python3 --version | sed 's/.* //'",
        reads: |path, _| path.ends_with(".py"),
        judge: |host, path| {
            silent(
                host,
                &format!(
                    "python3 -c 'import ast,sys; ast.parse(open(sys.argv[1]).read())' '{path}'"
                ),
            )
        },
    },
    Reader {
        program: "cron",
        version: "dpkg-query -W -f '${Version}' cron | sed 's/-.*//'",
        reads: |path, _| path.starts_with("/etc/cron.d/"),
        judge: cron,
    },
    Reader {
        program: "logrotate",
        version: "logrotate --version 2>&1 | sed -n 's/^logrotate //p'",
        reads: |path, _| path.starts_with("/etc/logrotate.d/"),
        judge: |host, path| {
            let told = said(&host.run(&["logrotate", "-d", path]));
            if told.contains("error:") || !told.contains("Handling") { told } else { String::new() }
        },
    },
    Reader {
        program: "systemd-analyze verify",
        version: "systemctl --version | awk 'NR == 1 { print $2 }'",
        reads: |path, _| path.starts_with("/etc/systemd/system/"),
        judge: |host, path| {
            let unit = path.split(".d/").next().unwrap_or(path);
            silent(host, &format!("systemd-analyze --man=no verify '{unit}'"))
        },
    },
    Reader {
        program: "xinetd",
        version: "dpkg-query -W -f '${Version}' xinetd | sed 's/^[^:]*://; s/-.*//'",
        reads: |path, _| path.starts_with("/etc/xinetd.d/"),
        judge: xinetd,
    },
    Reader {
        program: "chronyd",
        version: "chronyd --version | awk '{ print $4 }'",
        reads: |path, _| path.ends_with("/chrony.conf"),
        judge: |host, path| {
            let told = said(&host.run(&["chronyd", "-p", "-f", path]));
            if told.starts_with("[exit status: 0]") { String::new() } else { told }
        },
    },
    Reader {
        program: "nft",
        version: "nft --version | sed 's/.* v\\([0-9.]*\\).*/\\1/'",
        reads: |path, _| path.ends_with(".nft"),
        judge: |host, path| silent(host, &format!("nft -c -f '{path}'")),
    },
    Reader {
        program: "firewalld",
        version: "firewall-offline-cmd --version",
        reads: |path, _| path.starts_with("/etc/firewalld/"),
        judge: |host, _| {
            let done = host.run(&["firewall-offline-cmd", "--check-config"]);
            if done.status.success() && done.stderr.is_empty() {
                String::new()
            } else {
                said(&done)
            }
        },
    },
    Reader {
        program: "openssl",
        version: "openssl version | awk '{ print $2 }' | cut -d. -f1,2",
        reads: |path, _| {
            let certificate = path.ends_with(".pem") && !path.ends_with("key.pem");
            certificate || [".crt", ".crl"].iter().any(|it| path.ends_with(it))
        },
        judge: |host, path| {
            let form = if path.ends_with(".crl") { "crl" } else { "x509" };
            silent(host, &format!("openssl {form} -noout -in '{path}'"))
        },
    },
    Reader {
        program: "tzdata",
        version: "echo 'of the machine'",
        reads: |path, _| path.ends_with("/etc/timezone"),
        judge: |host, path| {
            silent(host, &format!("test -f \"/usr/share/zoneinfo/$(cat '{path}')\""))
        },
    },
    Reader {
        program: "getent",
        version: "getent --version | awk 'NR == 1 { print $NF }'",
        reads: |path, _| path == "/etc/hosts (block)",
        judge: |host, _| {
            let each = "while read -r address names; do case $address in [0-9a-f]*) \
                for name in $names; do getent hosts \"$name\" >/dev/null || echo \"$name\"; done ;; esac; \
                done </etc/hosts";
            silent(host, each)
        },
    },
];

/// The first one that fits.
fn reader(path: &str, text: Option<&String>) -> Option<&'static Reader> {
    let text = text.map_or("", |it| it);
    READERS.iter().find(|it| (it.reads)(path, text))
}

/// Files that no program reads here.
struct Unread {
    is: fn(&str) -> bool,
    why: &'static str,
}

/// The first one that fits tells why.
const UNREAD: &[Unread] = &[
    Unread {
        is: |path| path == "/etc/inetd.conf (block)",
        why: "Debian's inetd excludes xinetd on one machine",
    },
    Unread {
        is: |path| path.ends_with("(keys)") || path.ends_with("/csync2_peers"),
        why: "`apply.sh` reads it, and the lab what comes of it",
    },
    Unread {
        is: |path| path.ends_with("/ping"),
        why: "`--verify` says it to Redis, and the lab hears the answer",
    },
    Unread {
        is: |path| path.starts_with("/etc/cloud/"),
        why: "cloud-init is not installed for the tests",
    },
    Unread { is: |_| true, why: "the content is the description's own" },
];

fn silent(host: &Host, command: &str) -> String {
    let told = said(&host.run(&["sh", "-c", command]));
    if told == "[exit status: 0] " { String::new() } else { told }
}

/// cron has no checker: the daemon reads the file, and says in the log what is wrong.
fn cron(host: &Host, path: &str) -> String {
    let others =
        format!("find /etc/cron.d -type f ! -path '{path}' -delete; rm -f /etc/crontab /tmp/log");
    host.run(&["sh", "-c", &others]);
    let log = log_of_cron(host);
    let stop = "pkill -x cron; pkill -x busybox; while pgrep -x 'cron|busybox'; do sleep 0.05; done; \
        rm -f /dev/log /run/crond.pid /run/syslogd.pid";
    host.run(&["sh", "-c", stop]);
    if log.contains("ERROR") || log.contains("ORPHAN") { log } else { String::new() }
}

fn xinetd(host: &Host, path: &str) -> String {
    host.write("/etc/lab.conf", &format!("defaults\n{{\n}}\ninclude {path}\n"));
    host.daemon(&["xinetd", "-dontfork", "-f", "/etc/lab.conf", "-filelog", "/tmp/xinetd"]);
    let log = eventually("xinetd starts", || {
        let log = fs::read_to_string(host.path("/tmp/xinetd")).unwrap_or_default();
        log.contains("Started working").then_some(log)
    });
    host.run(&[
        "sh",
        "-c",
        "pkill -x xinetd; while pgrep -x xinetd; do sleep 0.05; done; rm -f /tmp/xinetd",
    ]);
    let wrong = ["ERROR", "WARNING", "bad ", "DISABLING"].iter().any(|word| log.contains(word));
    if log.contains("1 available service") && !wrong { String::new() } else { log }
}

/// All stored bundles, sorted.
fn stored() -> Vec<Stored> {
    let mut found = Vec::new();
    for case in cases() {
        for bundle in bundles(&case) {
            let manifest = fs::read_to_string(bundle.join("manifest.json")).unwrap();
            let manifest: Value = serde_json::from_str(&manifest).unwrap();
            found.push(Stored {
                name: format!("{}/{}", name_of(&case), name_of(&bundle)),
                platform: manifest["platform"].as_str().unwrap().to_owned(),
                files: texts(&bundle, "files"),
                edits: texts(&bundle, "edits"),
            });
        }
    }
    found
}

/// What was read of a path: by bundle, and for which platforms.
#[derive(Default)]
struct Row {
    bundles: BTreeSet<String>,
    platforms: BTreeSet<String>,
}

impl Row {
    fn add(&mut self, stored: &Stored) {
        self.bundles.insert(stored.name.split('/').next().unwrap().to_owned());
        self.platforms.insert(stored.platform.clone());
    }
}

#[test]
fn the_page_says_which_program_read_which_golden_file() {
    let mut read: BTreeMap<(&str, String), Row> = BTreeMap::new();
    let mut unread: BTreeMap<(String, &str), Row> = BTreeMap::new();
    for stored in stored() {
        let host = laid_out(&stored);
        let blocks = stored.edits.keys().map(|path| match path.rsplit_once('.') {
            Some((path, kind)) => format!("{path} ({kind})"),
            None => path.clone(),
        });
        let plain = stored.files.iter().filter(|(_, text)| !is_secret(text));
        for path in plain.map(|(path, _)| path.clone()).chain(blocks) {
            let Some(reader) = reader(&path, stored.files.get(&path)) else {
                let why = UNREAD.iter().find(|it| (it.is)(&path)).unwrap().why;
                let path = match path.split_once("/99-clustergen-") {
                    Some((folder, _)) => format!("{folder}/99-clustergen-CLUSTER.cfg"),
                    None => path,
                };
                unread.entry((path, why)).or_default().add(&stored);
                continue;
            };
            if reader.program == "nginx" && is_later(&host, &path) {
                let why = "`http2` is a directive from nginx 1.25.1 on";
                unread.entry((path, why)).or_default().add(&stored);
                continue;
            }
            let told = (reader.judge)(&host, &path);
            assert_eq!(told, "", "{} says this of {}: {path}", reader.program, stored.name);
            read.entry((reader.program, path)).or_default().add(&stored);
        }
    }
    let page = page(&read, &unread);
    let path = repository("docs/read-by.md");
    if std::env::var_os("GOLDEN").is_some_and(|it| it == "update") {
        fs::write(&path, &page).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, page, "to store it: GOLDEN=update cargo test --test lab readers");
}

/// A file that is nothing but a secret.
fn is_secret(text: &str) -> bool {
    text.starts_with("CGSECRET_") && text.trim_end().lines().count() == 1
}

fn is_later(host: &Host, path: &str) -> bool {
    host.read(path).lines().any(|line| line.trim_start().starts_with("http2 "))
}

/// A host with everything of a bundle in its place, and what the platform would have.
fn laid_out(stored: &Stored) -> Host {
    let host = Host::start("reader");
    let clean = "rm -rf /etc/cron.d/* /etc/cron.d/.[!.]* /etc/logrotate.d/* /etc/systemd/system/*; \
        mount -t tmpfs tmpfs /dev && mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/urandom c 1 9; \
        id -u nginx >/dev/null 2>&1 || useradd --system nginx; \
        getent group nobody >/dev/null || groupadd --system nobody; \
        mkdir -p /usr/share/nginx/modules; cp /etc/nginx/modules-enabled/*.conf /usr/share/nginx/modules/; \
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x \
            -keyout /tmp/key.pem -out /tmp/cert.pem 2>/dev/null";
    let done = host.run(&["sh", "-c", clean]);
    assert!(done.status.success(), "{}", said(&done));
    for (path, text) in &stored.files {
        host.write(path, text);
    }
    // a pair of our own, as the stored key is only a token
    for (path, text) in stored.files.iter().filter(|(_, text)| is_secret(text)) {
        let certs = [path.strip_suffix("key.pem"), path.strip_suffix(".key")];
        let [beside, named] = certs.map(Option::unwrap_or_default);
        let cert =
            if beside.is_empty() { format!("{named}.crt") } else { format!("{beside}cert.pem") };
        if text.contains("_pem_") {
            host.run(&["cp", "/tmp/key.pem", path]);
            if stored.files.contains_key(&cert) {
                host.run(&["cp", "/tmp/cert.pem", &cert]);
            }
        }
    }
    // what somebody else keeps on the host
    let others = "cat /etc/nginx/nginx.conf /etc/stunnel/*/stunnel.conf 2>/dev/null | tr -d ';=' | \
        awk '/^ *(ssl_certificate|ssl_certificate_key|proxy_ssl_trusted_certificate|cert|key|CAfile) / { print $1, $2 }' | \
        while read -r word path; do [ -e \"$path\" ] || { mkdir -p \"${path%/*}\"; \
        case $word in *key) cp /tmp/key.pem \"$path\" ;; *) cp /tmp/cert.pem \"$path\" ;; esac; }; done";
    host.run(&["sh", "-c", others]);
    if let Some(block) = stored.edits.get("/etc/hosts.block") {
        host.write("/etc/hosts", &format!("127.0.0.1 localhost\n{block}"));
    }
    host
}

fn page(read: &BTreeMap<(&str, String), Row>, unread: &BTreeMap<(String, &str), Row>) -> String {
    let host = Host::start("versions");
    let mut page = String::from(
        "# Which program read which golden file\n\n\
         Made by the lab (`tests/lab/readers.rs`): the programs of Debian 12 read every stored file of\n\
         `golden/ok/`, whatever platform it is written for. What is written for others than `debian-12`\n\
         was read by these versions, and not by those that the platform ships. Certificates' keys and\n\
         other files that are one secret have a value of the test's own.\n\n\
         | program | file | cases | written for |\n|---|---|---|---|\n",
    );
    for ((program, path), row) in read {
        let reader = READERS.iter().find(|it| it.program == *program).unwrap();
        let version = host.run(&["sh", "-c", reader.version]);
        let version = String::from_utf8(version.stdout).unwrap();
        let _ = writeln!(page, "| {program} {} | {} |", version.trim(), cells(path, row));
    }
    page.push_str("\n## Not read\n\n| why | file | cases | written for |\n|---|---|---|---|\n");
    for ((path, why), row) in unread {
        let _ = writeln!(page, "| {why} | {} |", cells(path, row));
    }
    page
}

fn cells(path: &str, row: &Row) -> String {
    let list = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
    format!("`{path}` | {} | {}", list(&row.bundles), list(&row.platforms))
}

/// The programs do refuse: what is read above was looked at.
#[test]
fn each_reader_refuses_a_file_that_is_broken() {
    let mut looked_at = BTreeSet::new();
    for stored in stored() {
        for path in stored.files.keys() {
            let Some(reader) = reader(path, stored.files.get(path)) else { continue };
            if is_secret(&stored.files[path]) || !looked_at.insert(reader.program) {
                continue;
            }
            let host = laid_out(&stored);
            let text = &stored.files[path];
            let broken = match reader.program {
                "tzdata" => "Nowhere/Land\n".to_owned(),
                "openssl" => text.replace("BEGIN", "BEGIM"),
                "systemd-analyze verify" => text.replacen("]\n", "]\nNonsense=1\n", 1),
                "firewalld" => text.replace("<policy", "<polici"),
                "cron" => format!("{text}61 * * * * root x\n"),
                "logrotate" => text.replace("missingok", "missing"),
                _ => format!("{text}\nnonsense {{\n"),
            };
            host.write(path, &broken);
            assert_ne!((reader.judge)(&host, path), "", "{} takes a broken {path}", reader.program);
        }
    }
    let all: BTreeSet<&str> = READERS.iter().map(|it| it.program).collect();
    let missing: Vec<_> = all.difference(&looked_at).collect();
    assert_eq!(missing, [&"getent"], "getent's file is a block: see `hosts`");
}
