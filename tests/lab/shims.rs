//! A script that stands before every program of a host, so that nothing that is started goes unseen.
//!
//! `apply.sh` looks for programs in `/usr/local/sbin` first, and so do the shells that it starts.

use std::fs;
use std::os::unix::fs::symlink;

use crate::bundle::good;
use crate::host::Host;

/// The stand-ins of the lab go on standing before the machine's programs. What the script has
/// for itself begins with `_`: programs are given whatever else the environment has.
const THEN: &str = r#"
for _folder in /usr/local/bin /usr/bin /usr/sbin; do
    [ ! -x "$_folder/${0##*/}" ] || exec "$_folder/${0##*/}" "$@"
done
exit 127
"#;

const MOVE: &str =
    "mv /usr/local/sbin/* /usr/local/bin && rmdir /usr/local/sbin && mkdir /tmp/shims";

/// Has a script of dash ready for whatever is started.
pub(crate) fn ready(host: &Host, script: &str) {
    good(&host.run(&["sh", "-c", MOVE]));
    host.program("/tmp/shim", &format!("#!/bin/dash\n{script}{THEN}"));
    for folder in ["/usr/local/bin", "/usr/bin", "/usr/sbin"] {
        for program in fs::read_dir(host.path(folder)).unwrap() {
            let shim = host.path("/tmp/shims").join(program.unwrap().file_name());
            // a program may be in two of the folders
            let _ = symlink("/tmp/shim", shim);
        }
    }
}

/// Puts it there; from now on it runs.
pub(crate) fn on(host: &Host) {
    symlink("/tmp/shims", host.path("/usr/local/sbin")).unwrap();
}

pub(crate) fn off(host: &Host) {
    fs::remove_file(host.path("/usr/local/sbin")).unwrap();
}
