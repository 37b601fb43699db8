//! A host of namespaces: its own files over those of the machine, network, processes and name.
//!
//! Its files are an overlay over `/`, so that every program of the machine is there and every
//! path is the real one; what it writes lies in a tmpfs of its own mount namespace. Killing its
//! first process ends every process in it, and with them go the namespaces and all mounts: there
//! is nothing to clean up that could be forgotten, whatever ends the test.

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// Makes the host's root, and waits in it. `$1` is an empty folder, `$2` the host's name.
const INIT: &str = r#"
set -e
mount -t tmpfs -o mode=0755 tmpfs "$1"
mkdir "$1/up" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --bind /dev "$1/root/dev"
mount -t tmpfs -o mode=0755 tmpfs "$1/root/run"
mount -t tmpfs -o mode=1777 tmpfs "$1/root/tmp"
hostname "$2"
ip link set lo up
printf '127.0.0.1 localhost\n' >"$1/root/etc/hosts"
exec chroot "$1/root" sh -c 'echo ready; exec sleep infinity'
"#;

/// What programs in the host see of the environment.
const ENVIRONMENT: [&str; 3] = [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "LC_ALL=C.UTF-8",
];

pub(crate) struct Host {
    /// `unshare`, which takes the host along when it ends.
    outer: Child,
    /// The host's first process, as the machine numbers it.
    pid: u32,
    daemons: RefCell<Vec<Child>>,
    _scratch: TempDir,
}

impl Host {
    pub(crate) fn start(name: &str) -> Self {
        need_root();
        let scratch = TempDir::new().expect("a temporary folder");
        let mut outer = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "unshare", "--mount", "--uts", "--ipc", "--net"])
            .args(["--pid", "--fork", "--kill-child", "--propagation", "private"])
            .args(["sh", "-c", INIT, "host"])
            .arg(scratch.path())
            .arg(name)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("setpriv and unshare of util-linux");
        let mut line = String::new();
        BufReader::new(outer.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "the namespaces of {name} could not be made");
        let id = outer.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        let pid = children.trim().parse().expect("unshare has one child");
        Self { outer, pid, daemons: RefCell::default(), _scratch: scratch }
    }

    /// The host's `/`, as the machine can reach it.
    pub(crate) fn root(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root", self.pid))
    }

    /// A path of the host's.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let at = self.path(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, text).unwrap();
    }

    /// Runs a program in the host.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(words).stdin(Stdio::null()).output().expect("nsenter of util-linux")
    }

    /// Starts a program that stays; it ends with the host.
    pub(crate) fn daemon(&self, words: &[&str]) {
        let mut command = self.command(words);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("nsenter of util-linux");
        self.daemons.borrow_mut().push(child);
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg("--target")
            .arg(self.pid.to_string())
            .args(["--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd", "--"])
            .args(["env", "-i"])
            .args(ENVIRONMENT)
            .args(words);
        command
    }

    /// Plugs hosts into this one, which becomes their switch.
    pub(crate) fn join(&self, hosts: &[(&Self, &str)]) {
        good(&self.run(&["ip", "link", "add", "br0", "type", "bridge"]));
        good(&self.run(&["ip", "link", "set", "br0", "up"]));
        for (number, (host, address)) in hosts.iter().enumerate() {
            let port = format!("v{number}");
            let there = host.pid.to_string();
            let mut ip = Command::new("nsenter");
            ip.args(["--target", &self.pid.to_string(), "--net", "ip", "link", "add", &port]);
            ip.args(["type", "veth", "peer", "name", "e0", "netns", &there]);
            good(&ip.output().unwrap());
            good(&self.run(&["ip", "link", "set", &port, "master", "br0", "up"]));
            good(&host.run(&["ip", "address", "add", address, "dev", "e0"]));
            good(&host.run(&["ip", "link", "set", "e0", "up"]));
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // an error here means that it is gone already
        let _ = self.outer.kill();
        let _ = self.outer.wait();
        for daemon in self.daemons.get_mut() {
            let _ = daemon.wait();
        }
    }
}

fn good(output: &Output) {
    assert!(output.status.success(), "{}", crate::built::said(output));
}

/// A lab that skips proves nothing, so it fails where it cannot work.
fn need_root() {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let root = status.lines().any(|line| line.starts_with("Uid:\t0\t"));
    assert!(root, "the lab makes namespaces, and for that it must run as root");
}
