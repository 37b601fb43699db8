//! A host with OpenDJ, as a vendor's installer leaves it.
//!
//! What stands in for OpenDJ, which no distribution has, lies in `opendj/`: a server and its tools,
//! which take nothing but what `options.kdl` there has of a cited version's sources.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::built::said;
use crate::bundle::good;
use crate::host::Host;
use crate::units::eventually;

const HOME: &str = "/opt/opendj";
const FILES: [&str; 6] =
    ["standin.py", "options.py", "connection.py", "store.py", "server.py", "options.kdl"];
const TOOLS: [&str; 4] = ["dsconfig", "dsreplication", "ldapsearch", "ldapmodify"];
pub(crate) const CONTAINER: &str = "/opt/gluu-server";
pub(crate) const ENTER: &str = "/usr/local/sbin/gluu-run";

/// The machine's keytool, which has done before it is worth to compile it well.
pub(crate) const KEYTOOL: &str =
    "#!/bin/sh\nexec /usr/bin/keytool -J-XX:TieredStopAtLevel=1 -J-XX:+UseSerialGC \"$@\"\n";

/// Puts the programs of OpenDJ on a host, below `root`.
pub(crate) fn unpack(host: &Host, root: &str) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/opendj");
    for file in FILES {
        host.write(&format!("{root}{HOME}/{file}"), &fs::read_to_string(from.join(file)).unwrap());
    }
    for tool in TOOLS {
        let text = format!(
            "#!/bin/sh\necho \"{tool} $*\" >>{HOME}/called\nexec python3 -B {HOME}/standin.py {tool} \"$@\"\n"
        );
        host.program(&format!("{root}{HOME}/bin/{tool}"), &text);
    }
    if root.is_empty() {
        host.program("/usr/local/sbin/keytool", KEYTOOL);
    }
    let again = format!("#!/bin/sh\nkill \"$(cat {HOME}/db/pid)\"\n");
    host.program(&format!("{root}{HOME}/bin/again"), &again);
}

/// A tree with a `/` of its own, and a Java that a link leads to which is right in there alone.
pub(crate) fn contain(host: &Host) {
    let make = r#"
mkdir -p "$1/usr" "$1/etc" "$1/proc" "$1/dev" "$1/tmp" "$1/root" "$1/opt" "$1/vendor/bin"
for name in usr etc proc dev; do mount --rbind "/$name" "$1/$name"; done
for name in bin sbin lib lib64; do ln -s "usr/$name" "$1/$name"; done
ln -s /vendor "$1/opt/jre"
"#;
    good(&host.run(&["sh", "-euc", make, "sh", CONTAINER]));
    host.program(&format!("{CONTAINER}/vendor/bin/keytool"), KEYTOOL);
    host.program(ENTER, &format!("#!/bin/sh\nexec chroot {CONTAINER} \"$@\"\n"));
}

/// Below `/` or in a container.
pub(crate) fn standin(host: &Host, root: &str, words: &[&str]) -> Output {
    let enter: &[&str] = if root.is_empty() { &[] } else { &[ENTER] };
    host.run(&[enter, &["python3", "-B", "/opt/opendj/standin.py"], words].concat())
}

/// What the vendor's installer does: each server has stores and data of its own. The stores are
/// another user's.
pub(crate) fn set_up(host: &Host, root: &str, password: &str) {
    unpack(host, root);
    good(&standin(host, root, &["setup", password]));
    let config =
        format!("cd {root}{HOME}/config && chown mail:mail *keystore && chmod 640 keystore");
    good(&host.run(&["sh", "-c", &config]));
    let enter = if root.is_empty() { "" } else { ENTER };
    let unit = format!(
        "[Service]\nType=exec\nExecStart={enter} /usr/bin/python3 -B {HOME}/standin.py serve\n\
         Restart=always\nRestartSec=0\n[Install]\nWantedBy=multi-user.target\n"
    );
    host.write("/etc/systemd/system/opendj.service", &unit);
    good(&host.run(&["systemctl", "daemon-reload"]));
    good(&host.run(&["systemctl", "enable", "-q", "--now", "opendj.service"]));
    listens(host);
}

pub(crate) fn listens(host: &Host) {
    listens_on(host, "4444");
}

/// LDAPS, 1636, comes last.
pub(crate) fn listens_on(host: &Host, port: &str) {
    eventually("OpenDJ listens", || {
        let sockets = host.run(&["ss", "-Hltn", &format!("sport = :{port}")]);
        said(&sockets).contains(port).then_some(())
    });
}

/// It ends badly, and says why.
pub(crate) fn bad(done: &Output, why: &str) {
    assert!(!done.status.success() && said(done).contains(why), "no {why} in {}", said(done));
}
