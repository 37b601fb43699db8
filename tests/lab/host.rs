//! A host of namespaces: its own files over those of the machine, network, processes and name.
//!
//! Its files are an overlay over `/`, so that every program of the machine is there and every
//! path is the real one; what it writes lies in a tmpfs that only namespaces of the lab see.
//! Killing its first process ends every process in it, and with them go the namespaces and all
//! mounts: there is nothing to clean up that could be forgotten, whatever ends the test. A host
//! ends with the thread that started it, too.
//!
//! Not here: hosts with a systemd ([`crate::booted`]), and clusters of them ([`crate::cluster`]).

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use crate::built::said;
use crate::bundle::good;
use crate::snapshot::Snapshot;

/// Makes an empty disk in the folder `$1`.
const DISK: &str = r#"
mount -t tmpfs -o mode=0755 tmpfs "$1"
mkdir "$1/up" "$1/work" "$1/root"
"#;

/// Makes a host's root of the disk `$1`, where `up` is what was written and `work` the overlay's
/// own. `$2` is the host's name.
pub(crate) const ROOT: &str = r#"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount -t tmpfs -o mode=0755 tmpfs "$1/root/run"
mount -t tmpfs -o mode=1777 tmpfs "$1/root/tmp"
hostname "$2"
ip link set lo up
"#;

/// Waits in that root.
const WAIT: &str = r#"
mount --bind /dev "$1/root/dev"
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
    scratch: Option<TempDir>,
}

impl Host {
    /// A host in which nothing runs but a process that waits.
    pub(crate) fn start(name: &str) -> Self {
        let scratch = TempDir::new().expect("a temporary folder");
        let script = [DISK, ROOT, WAIT].concat();
        let mut host = Self::spawn(&["unshare"], &script, scratch.path(), name);
        host.scratch = Some(scratch);
        host
    }

    /// Runs a script as the first process of a host; `way` leads there, and ends in `unshare`. The
    /// script says `ready`.
    pub(crate) fn spawn(way: &[&str], script: &str, disk: &Path, name: &str) -> Self {
        need_root();
        let mut outer = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .args(way)
            .args(["--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child"])
            .args(["--propagation", "private", "sh", "-ec", script, "host"])
            .arg(disk)
            .arg(name)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("setpriv and unshare of util-linux");
        let mut line = String::new();
        BufReader::new(outer.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line != "ready\n" {
            failed(name, outer);
        }
        let id = outer.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        let pid = children.trim().parse().expect("unshare has one child");
        Self { outer, pid, daemons: RefCell::default(), scratch: None }
    }

    /// The host's first process, as the machine numbers it.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// The host's `/`, as the machine can reach it.
    pub(crate) fn root(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root", self.pid))
    }

    /// A path of the host's.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }

    /// A path of the host's, as its mount namespace has it for who stands outside of its root.
    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        let scratch = self.scratch.as_ref().expect("a host that keeps disks");
        scratch.path().join("root").join(path.trim_start_matches('/'))
    }

    /// What its disk has beyond the machine's.
    pub(crate) fn disk(&self) -> Snapshot {
        Snapshot::of(&self.upper())
    }

    /// All that the host wrote over the machine's files, as the overlay keeps it.
    pub(crate) fn upper(&self) -> PathBuf {
        // its own root is a mount: above it lies the folder that ROOT made it in
        self.root().join("../up")
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let at = self.path(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, text).unwrap();
    }

    /// Writes a script that stands before whatever has its name.
    pub(crate) fn program(&self, path: &str, text: &str) {
        self.write(path, text);
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Takes something of the machine's away, for this host alone.
    pub(crate) fn without(&self, path: &str) {
        let at = self.path(path);
        let gone = if at.is_dir() { fs::remove_dir_all(&at) } else { fs::remove_file(&at) };
        gone.unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Runs a program in the host.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.fed(words, Stdio::null())
    }

    /// Runs a program that reads something.
    pub(crate) fn fed(&self, words: &[&str], input: Stdio) -> Output {
        self.command(words).stdin(input).output().expect("nsenter of util-linux")
    }

    /// Starts a program that stays; it ends with the host.
    pub(crate) fn daemon(&self, words: &[&str]) {
        let mut command = self.command(words);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("nsenter of util-linux");
        self.daemons.borrow_mut().push(child);
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg("--target")
            .arg(self.pid.to_string())
            .args(["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd"])
            .args(["--", "env", "-i"])
            .args(ENVIRONMENT)
            .args(words);
        command
    }

    /// Plugs hosts into this one, which becomes their switch.
    pub(crate) fn join(&self, hosts: &[(&Self, &str)]) {
        self.bridge();
        for (number, (host, address)) in hosts.iter().enumerate() {
            self.plug(&format!("v{number}"), host, number);
            host.ip(&format!("address add {address} dev e0"));
        }
    }

    /// Becomes a switch.
    pub(crate) fn bridge(&self) {
        self.ip("link add br0 type bridge\nlink set br0 up");
    }

    /// Plugs a host, of which `number` makes the hardware address, into a port of this switch.
    pub(crate) fn plug(&self, port: &str, host: &Self, number: usize) {
        let there = host.pid.to_string();
        let mut ip = Command::new("nsenter");
        ip.args(["--target", &self.pid.to_string(), "--net", "ip", "link", "add", port]);
        ip.args(["type", "veth", "peer", "name", "e0", "netns", &there]);
        ip.args(["address", &format!("02:00:00:00:{:02x}:{:02x}", number / 256, number % 256)]);
        good(&ip.output().unwrap());
        self.ip(&format!("link set {port} master br0 up"));
        host.ip("link set e0 up");
    }

    /// Lines of ip(8).
    pub(crate) fn ip(&self, lines: &str) {
        good(&self.run(&["sh", "-c", &format!("ip -batch - <<'END'\n{lines}\nEND\n")]));
    }

    /// Kills the first process, and by that all others; it is not waited for.
    pub(crate) fn kill(&self) {
        // an error means that it is gone already
        let _ = Command::new("kill").args(["-KILL", &self.pid.to_string()]).output();
    }

    /// Ends the host, as a power cut does. Returns when the last of its processes is gone.
    pub(crate) fn end(&mut self) {
        self.kill();
        let _ = self.outer.wait();
        for daemon in self.daemons.get_mut() {
            let _ = daemon.wait();
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.end();
    }
}

fn failed(name: &str, outer: Child) -> ! {
    panic!("the host {name} could not be made: {}", said(&outer.wait_with_output().unwrap()));
}

/// A lab that skips proves nothing, so it fails where it cannot work.
fn need_root() {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let root = status.lines().any(|line| line.starts_with("Uid:\t0\t"));
    assert!(root, "the lab makes namespaces, and for that it must run as root");
}
