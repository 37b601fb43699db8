//! Bundles written by hand, and hosts on which what is asked of systemd can be read.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::built::said;
use crate::host::Host;

/// Writes down what it is asked. Units are running and enabled where they were started, and all
/// of them where `/tmp/running` lies; `/tmp/broken` makes reloads fail.
const SYSTEMCTL: &str = r#"#!/bin/sh
for unit; do :; done
case $1 in
    show | reset-failed) ;;
    is-active | is-enabled) test -e /tmp/running || test -e "/tmp/running.$unit" ;;
    reload-or-restart) printf '%s\n' "$*" >>/tmp/asked; test ! -e /tmp/broken ;;
    start) printf '%s\n' "$*" >>/tmp/asked; : >"/tmp/running.$unit" ;;
    *) printf '%s\n' "$*" >>/tmp/asked ;;
esac
"#;

/// What a bundle's sums are of.
const LISTED: &str = "find apply.sh host.sh secrets.age files edits steps -type f";

/// Units as files: `/tmp/units/NAME.active` and `.enabled`. `/tmp/at-VERB` is run on a VERB, with
/// the process that asks and the unit.
const UNITS: &str = r#"#!/bin/sh
for unit in "$@"; do :; done
u=/tmp/units/$unit
case $1 in
    show | reset-failed) exit ;;
    is-active) test -e "$u.active"; exit ;;
    is-enabled) test -e "$u.enabled"; exit ;;
esac
printf '%s\n' "$*" >>/tmp/asked
if [ -x "/tmp/at-$1" ]; then "/tmp/at-$1" "$PPID" "$unit" || exit 1; fi
case $1 in
    enable) : >"$u.enabled" ;;
    disable) rm -f "$u.enabled"; case $* in *--now*) rm -f "$u.active" ;; esac ;;
    start | restart | reload-or-restart) : >"$u.active" ;;
    stop) rm -f "$u.active" ;;
esac
"#;

/// `apply.sh` waits a moment before it looks whether units stay up. These change when they are asked
/// to, and never later.
const MOMENT: &str = "#!/bin/sh\n[ \"$*\" = 1 ] || exec /usr/bin/sleep \"$@\"\n";

pub(crate) fn start(name: &str) -> Host {
    let host = Host::start(name);
    host.program("/usr/local/sbin/sleep", MOMENT);
    host.program("/usr/local/sbin/systemctl", SYSTEMCTL);
    host.program("/usr/local/sbin/dpkg-query", "#!/bin/sh\necho install ok installed\n");
    host.program("/usr/local/sbin/timedatectl", "#!/bin/sh\necho synchronized: yes\n");
    host
}

pub(crate) fn host_with_units(units: &[&str]) -> Host {
    let host = start("h");
    host.write("/usr/local/sbin/systemctl", UNITS);
    fs::create_dir(host.path("/tmp/units")).unwrap();
    for unit in units {
        host.write(&format!("/tmp/units/{unit}.active"), "");
        host.write(&format!("/tmp/units/{unit}.enabled"), "");
    }
    host
}

/// A bundle that is written by hand: the engine with a table of one's own.
pub(crate) struct Bundle {
    pub(crate) folder: TempDir,
}

impl Bundle {
    pub(crate) fn of(resources: &str, files: &[(&str, &str)]) -> Self {
        let bundle = Self { folder: TempDir::new().unwrap() };
        bundle.becomes("h", resources, files);
        bundle
    }

    /// Another table and other files for a host, with the right sums.
    pub(crate) fn becomes(&self, host: &str, resources: &str, files: &[(&str, &str)]) {
        let at = self.folder.path();
        fs::write(at.join("apply.sh"), clustergen::render::apply_sh()).unwrap();
        let table = format!(
            "cluster=c\nhost={host}\nnames={host}\naddresses=\npackage_manager=apt\n\
             resources() {{\n:\n{resources}\n}}\n"
        );
        fs::write(at.join("host.sh"), table).unwrap();
        for (path, text) in files {
            let to = at.join(path);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(to, text).unwrap();
        }
        self.sums(LISTED);
    }

    /// A line more in its table, with the right sums.
    pub(crate) fn says(&self, line: &str) {
        let table = self.folder.path().join("host.sh");
        let text = fs::read_to_string(&table).unwrap();
        fs::write(table, format!("{text}{line}\n")).unwrap();
        self.sums(LISTED);
    }

    /// Writes the sums of the files that a command lists.
    pub(crate) fn sums(&self, list: &str) {
        let line = format!("{list} 2>/dev/null | sort | tr '\\n' '\\0' | xargs -0 sha256sum");
        let done = Command::new("sh").args(["-c", &line]).current_dir(self.folder.path()).output();
        fs::write(self.folder.path().join("SHA256SUMS"), done.unwrap().stdout).unwrap();
    }

    pub(crate) fn apply(&self, root: &Path, args: &[&str]) -> Output {
        self.apply_with("sh", &[], root, args)
    }

    pub(crate) fn apply_with(
        &self,
        shell: &str,
        first: &[&str],
        root: &Path,
        args: &[&str],
    ) -> Output {
        let mut command = Command::new(shell);
        command.args(first).arg(self.folder.path().join("apply.sh")).arg("--root").arg(root);
        command.args(args).output().unwrap()
    }

    pub(crate) fn secret(&self, token: &str, value: &str) {
        fs::create_dir_all(self.folder.path().join("secrets")).unwrap();
        fs::write(self.folder.path().join("secrets").join(token), value).unwrap();
    }

    /// Has values sealed for SSH keys, by the real age and in armor as a build does, instead of
    /// giving them in a folder.
    pub(crate) fn seal(&self, values: &[(&str, &str)], keys: &[&str]) {
        let folder = TempDir::new().unwrap();
        for (token, value) in values {
            fs::write(folder.path().join(token), value).unwrap();
        }
        let tar = ["tar", "--format=ustar", "--mode=0600", "-cf", "all.tar"];
        let tokens: Vec<&str> = values.iter().map(|(token, _)| *token).collect();
        good(&run_in(folder.path(), &[&tar[..], &tokens].concat()));
        self.seal_file(&folder.path().join("all.tar"), keys);
    }

    /// The same of a file that may be anything.
    pub(crate) fn seal_file(&self, plain: &Path, keys: &[&str]) {
        let recipients = keys.iter().flat_map(|key| ["-r", key]);
        let words = ["age", "-a", "-o", "secrets.age"].into_iter().chain(recipients);
        let words: Vec<&str> = words.chain([plain.to_str().unwrap()]).collect();
        good(&run_in(self.folder.path(), &words));
        let _ = fs::remove_dir_all(self.folder.path().join("secrets"));
        self.sums(LISTED);
    }

    /// Brings it to a host and runs it there; what was asked of systemd.
    pub(crate) fn on(&self, host: &Host, args: &[&str]) -> (Output, Vec<String>) {
        self.on_with(&["sh"], host, args)
    }

    pub(crate) fn on_with(
        &self,
        shell: &[&str],
        host: &Host,
        args: &[&str],
    ) -> (Output, Vec<String>) {
        self.bring(host);
        let done = host.run(&[shell, &["/tmp/bundle/apply.sh"], args].concat());
        let asked = fs::read_to_string(host.path("/tmp/asked")).unwrap_or_default();
        (done, asked.lines().map(str::to_owned).collect())
    }

    /// Copies it to a host, on which nothing was asked of systemd since.
    pub(crate) fn bring(&self, host: &Host) {
        let _ = fs::remove_dir_all(host.path("/tmp/bundle"));
        let _ = fs::remove_file(host.path("/tmp/asked"));
        let mut copy = Command::new("cp");
        copy.arg("-r").arg(self.folder.path()).arg(host.path("/tmp/bundle"));
        assert!(copy.status().unwrap().success());
    }
}

fn run_in(folder: &Path, words: &[&str]) -> Output {
    Command::new(words[0]).args(&words[1..]).current_dir(folder).output().unwrap()
}

/// A folder for a trial with a file in it.
pub(crate) fn root_with(path: &str, text: &str) -> (TempDir, PathBuf) {
    let root = TempDir::new().unwrap();
    let at = root.path().join(path);
    fs::create_dir_all(at.parent().unwrap()).unwrap();
    fs::write(&at, text).unwrap();
    (root, at)
}

pub(crate) fn good(done: &Output) -> String {
    assert!(done.status.success(), "{}", said(done));
    said(done)
}

/// It says why it does nothing, and does nothing: nothing was written, and systemd was not asked.
pub(crate) fn refused(bundle: &Bundle, host: &Host, args: &[&str], code: i32, why: &str) {
    let before = host.disk();
    let (done, asked) = bundle.on(host, args);
    failed(&done, code, why);
    let written = before.writes(&host.disk());
    assert!(written.is_empty() && asked.is_empty(), "{written:#?} {asked:?} {}", said(&done));
}

/// It failed, and everything is as it was.
pub(crate) fn bad(done: &Output, why: &str) {
    failed(done, 1, why);
}

pub(crate) fn failed(done: &Output, code: i32, why: &str) {
    assert_eq!(done.status.code(), Some(code), "{}", said(done));
    assert!(said(done).contains(why), "{}", said(done));
}
