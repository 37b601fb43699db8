//! A host on which an earlier version installed bundles, and today's.
//!
//! `golden/frozen/` has what that version built, and what its `apply.sh` left on the host.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::apply::SHELLS;
use crate::built::{Built, said};
use crate::bundle::good;
use crate::host::Host;
use crate::host_key;
use crate::trees::repository;

fn frozen(path: &str) -> PathBuf {
    repository("golden").join("frozen").join(path)
}

/// The host, as the earlier version left it.
fn host() -> Host {
    let host = host_key::without("a");
    let key = fs::read_to_string(frozen("host/ssh_host_ed25519_key")).unwrap();
    host.write("/etc/ssh/ssh_host_ed25519_key", &key);
    good(&host.run(&["chmod", "0600", "/etc/ssh/ssh_host_ed25519_key"]));
    fs::copy(frozen("host/state.tar.gz"), host.path("/tmp/state.tar.gz")).unwrap();
    good(&host.run(&["tar", "xpf", "/tmp/state.tar.gz", "-C", "/"]));
    host
}

/// What today's clustergen builds of what the earlier version left.
fn built() -> Built {
    let kdl = fs::read_to_string(frozen("plain/cluster.kdl")).unwrap();
    Built::prepared(&kdl, |folder| {
        let mut copy = Command::new("cp");
        copy.arg("-rT").arg(frozen("plain")).arg(folder);
        good(&copy.output().unwrap());
    })
}

fn run(built: &Built, shell: &[&str], host: &Host, args: &[&str]) -> Output {
    let mut copy = Command::new("cp");
    copy.arg("-rT").arg(built.bundle("a")).arg(host.path("/tmp/bundle"));
    good(&copy.output().unwrap());
    host.run(&[shell, &["/tmp/bundle/apply.sh"], args].concat())
}

fn value(name: &str) -> String {
    let folder = frozen("plain/cluster.state/vault/secrets");
    fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn what_an_earlier_version_installed_is_checked_applied_gone_back_from_and_taken_away() {
    let built = built();
    for shell in SHELLS {
        let host = host();
        let kv = || host.read("/etc/app/kv");
        let now = format!("kv={}\n", value("drawn"));
        assert_eq!(kv(), now);
        let check = run(&built, shell, &host, &["--check"]);
        assert!([Some(0), Some(2)].contains(&check.status.code()), "{}", said(&check));
        assert!(!said(&check).contains("/etc/app/"), "{}", said(&check));
        good(&run(&built, shell, &host, &[]));
        assert_eq!(kv(), now);
        assert!(good(&run(&built, shell, &host, &[])).contains("nothing to change"));
        // to the first of the two bundles, at once or by way of the second
        for _ in 0..2 {
            if kv() == now {
                good(&run(&built, shell, &host, &["--rollback"]));
            }
        }
        assert_eq!(kv(), format!("kv={}\n", value("drawn.91d88bbc")));
        good(&run(&built, shell, &host, &[]));
        assert_eq!(kv(), now);
        good(&run(&built, shell, &host, &["--uninstall"]));
        for path in
            ["/etc/app/kv", "/etc/app/www.key", "/etc/app/app.properties", "/etc/cron.d/job"]
        {
            assert!(!host.path(path).exists(), "{path} is still there");
        }
        assert!(!host.read("/etc/hosts").contains("192.0.2.2"), "{}", host.read("/etc/hosts"));
    }
}
