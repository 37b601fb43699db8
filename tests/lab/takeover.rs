//! A pair of csync2 hosts that somebody set up by hand, with certificates that sign themselves, is
//! taken over host by host: files go on being carried in both directions all the way.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::built::{Built, said};
use crate::bundle::good;
use crate::cluster::Lab;
use crate::host::Host;
use crate::joined::first_sync;

const KDL: &str = r#"
cluster "c" domain="example.org" platform="debian-12"
host "n1" address="10.77.0.11"
host "n2" address="10.77.0.12"
csync2 "content" { members "n1" "n2"; include "/srv/www"; }
"#;

const MEMBERS: [&str; 2] = ["n1", "n2"];

/// As csync2's documentation has it: one subject for all hosts.
const BY_HAND: &str = "
for it in n1 n2; do
    openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=csync2 -days 900 -keyout $it.key -out $it.crt
done
csync2 -k group.key";

/// The configuration that the hosts have.
const CFG: &str =
    "group web { host n1 n2; key /etc/csync2.key; include /srv/www; auto younger; }\n";

fn sh(folder: &Path, script: &str) {
    let mut sh = Command::new("sh");
    good(&sh.args(["-ec", script]).current_dir(folder).output().unwrap());
}

/// Makes what the hosts have, and takes it in.
fn taken_in(folder: &Path) {
    sh(folder, BY_HAND);
    let program = env!("CARGO_BIN_EXE_clustergen");
    for name in MEMBERS {
        sh(
            folder,
            &format!("{program} certs import cluster.kdl {name}/csync2 {name}.crt {name}.key"),
        );
    }
    sh(
        folder,
        &format!("{program} secrets set cluster.kdl 'csync2[content]/key' --from group.key"),
    );
}

/// Sets a host up by hand.
fn by_hand(built: &Built, host: &Host, name: &str) {
    let made = |file: &str| fs::read_to_string(built.folder().join(file)).unwrap();
    host.write("/etc/hosts", "127.0.0.1 localhost\n10.77.0.11 n1\n10.77.0.12 n2\n");
    host.write("/etc/csync2.cfg", CFG);
    host.write("/etc/csync2.key", &made("group.key"));
    host.write("/etc/csync2_ssl_cert.pem", &made(&format!("{name}.crt")));
    host.write("/etc/csync2_ssl_key.pem", &made(&format!("{name}.key")));
    host.write(&format!("/srv/www/of-{name}"), name);
    good(&host.run(&["chmod", "0600", "/etc/csync2.key", "/etc/csync2_ssl_key.pem"]));
    good(&host.run(&["systemctl", "start", "csync2.socket"]));
}

/// Something new on each host, carried over by each.
fn carries(lab: &Lab, round: &str) {
    for name in MEMBERS {
        lab[name].write(&format!("/srv/www/{round}-of-{name}"), name);
        good(&lab[name].run(&["csync2", "-N", name, "-xv"]));
    }
    let listed = |name: &str| good(&lab[name].run(&["ls", "/srv/www"]));
    assert_eq!(listed("n1"), listed("n2"), "{round}");
    assert!(listed("n1").contains(&format!("{round}-of-n2")), "{round}");
}

fn pinned(host: &Host, name: &str) -> String {
    let query = "select peername, certdata from x509_cert order by peername";
    good(&host.run(&["sqlite3", &format!("/var/lib/csync2/{name}.db3"), query]))
}

/// But for the clock, which nobody sets here.
fn is_proven(lab: &Lab, name: &str) {
    let told = said(&lab.ask(name, &["--verify"]));
    let fails: Vec<&str> = told.lines().filter(|line| line.starts_with("FAIL")).collect();
    assert_eq!(fails, ["FAIL  the clock is in sync"], "{told}");
    assert!(told.contains("ok    csync2: this host and its peers know each other"), "{told}");
}

#[test]
fn a_pair_that_runs_is_taken_over_and_carries_files_all_the_way() {
    let built = Built::prepared(KDL, taken_in);
    let lab = Lab::of(&built);
    for name in MEMBERS {
        by_hand(&built, &lab[name], name);
    }
    carries(&lab, "before");
    let files = ["/etc/csync2_ssl_cert.pem", "/etc/csync2_ssl_key.pem"];
    let had =
        MEMBERS.map(|name| (files.map(|file| lab[name].read(file)), pinned(&lab[name], name)));

    for name in MEMBERS {
        let done = lab.apply(name);
        assert_eq!(done.status.code(), Some(5), "{}", said(&done));
        assert!(!said(&done).contains("csync2_ssl"), "{}", said(&done));
        carries(&lab, &format!("with-{name}"));
    }
    first_sync(&lab, "content", &MEMBERS);
    carries(&lab, "after");
    for (name, (pair, pins)) in MEMBERS.iter().zip(&had) {
        assert_eq!(&files.map(|file| lab[name].read(file)), pair);
        assert_eq!(&pinned(&lab[name], name), pins);
        is_proven(&lab, name);
        assert!(good(&lab.ask(name, &[])).contains("nothing to change"));
    }

    // one is made anew: the other names whoever signed it
    built.renewed(&["n2/csync2"]);
    for name in MEMBERS {
        good(&lab.apply(name));
    }
    carries(&lab, "renewed");
    for name in MEMBERS {
        is_proven(&lab, name);
    }
}
