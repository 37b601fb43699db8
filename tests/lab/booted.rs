//! A host with a real systemd as its first process: units, timers, `systemctl`, `journalctl`.
//!
//! It is a bare one: of what the machine has installed nothing runs until a bundle enables it.
//! Its disk outlives it, so that it can be switched off and on again.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use crate::built::said;
use crate::cgroup::Cgroup;
use crate::host::{Host, ROOT};

/// A disk that is not there yet gets an installation.
const DISK: &str = r#"
fresh=
[ -d "$1" ] || { fresh=1; mkdir -p "$1/up" "$1/work" "$1/root"; }
"#;

/// What is not a file: devices, and the view that this network has of /sys.
const DEVICES: &str = r#"
r=$1/root
mount -t sysfs -o ro sysfs "$r/sys"
mount -t tmpfs -o mode=755 tmpfs "$r/dev"
for n in null zero full random urandom tty; do : >"$r/dev/$n"; mount --bind "/dev/$n" "$r/dev/$n"; done
mkdir "$r/dev/pts" "$r/dev/shm" "$r/run/lock"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$r/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$r/dev/shm"
ln -s pts/ptmx "$r/dev/ptmx"
ln -s /proc/self/fd "$r/dev/fd"
for n in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${n%:*}" "$r/dev/${n#*:}"; done
chmod 1777 "$r/run/lock"
mkdir "$r/run/old"
cd "$r"
pivot_root . run/old
cd /
umount -l /run/old
rmdir /run/old
# of the kernel's settings only the network's are the host's own
mount --bind /proc/sys /proc/sys
mount --bind /proc/sys/net /proc/sys/net
mount -o remount,bind,ro /proc/sys
mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
"#;

/// A machine as it is right after its installation, of which nothing is enabled. SysV's start links
/// become stop links: `systemctl enable` of such a service finds nothing to turn where there are
/// none. What is masked works on the kernel, on devices or on packages, which are the machine's.
const INSTALLATION: &str = r#"
if [ -n "$fresh" ]; then
    printf '127.0.0.1 localhost\n::1 localhost\n' >/etc/hosts
    printf '%s\n' "$2" >/etc/hostname
    # no name server can be reached, so nobody waits for one
    rm -f /etc/resolv.conf
    : >/etc/resolv.conf
    rm -rf /etc/systemd/system/*.wants /etc/systemd/system/*.requires /var/log/journal
    find /etc/systemd/system -maxdepth 1 -type l -delete # aliases
    : >/etc/crontab # what is daily is not of today
    for l in /etc/rc[2345].d/S*; do [ ! -e "$l" ] || mv "$l" "${l%/*}/K01${l##*/S??}"; done
    ln -sf /lib/systemd/system/multi-user.target /etc/systemd/system/default.target
    for n in apt-daily.timer apt-daily-upgrade.timer console-getty.service dev-hugepages.mount dev-mqueue.mount \
        dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer getty-static.service getty.target man-db.timer \
        sys-kernel-debug.mount sys-kernel-tracing.mount systemd-binfmt.service systemd-journald-audit.socket \
        systemd-logind.service systemd-modules-load.service systemd-remount-fs.service systemd-sysctl.service \
        systemd-tmpfiles-clean.timer systemd-udev-trigger.service systemd-udevd.service; do
        ln -sf /dev/null "/etc/systemd/system/$n"
    done
    # The clock is the machine's, no namespace has one of its own: chronyd measures, and never sets.
    printf 'DAEMON_OPTS="-F 1 -x"\n' >/etc/default/chrony
    rm -f /etc/machine-id
    tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
fi
"#;

const SYSTEMD: &str = r"
echo ready
exec env -i container=clustergen-lab PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --show-status=0 --log-target=journal >/dev/null 2>&1
";

pub(crate) struct Booted {
    host: Host,
    /// Goes after the host.
    cgroup: Cgroup,
}

impl Booted {
    /// Switches a host on. Its disk is a folder below `/tmp` of another host, which keeps it. That
    /// systemd is through is not waited for, so that several can boot at once.
    pub(crate) fn boot(keeper: &Host, name: &str) -> Self {
        let cgroup = Cgroup::new();
        let (target, door) = (keeper.pid().to_string(), cgroup.door());
        let join = [r#"echo $$ >"$0"; exec "$@""#, door.to_str().unwrap()];
        let way = [
            &["nsenter", "--target", &target, "--mount", "sh", "-c"][..],
            &join,
            &["unshare", "--cgroup"],
        ];
        let script = [DISK, ROOT, DEVICES, INSTALLATION, SYSTEMD].concat();
        let host = Host::spawn(&way.concat(), &script, &keeper.outside(&disk(name)), name);
        Self { host, cgroup }
    }

    /// Waits until everything is started that starts by itself; a first boot has no failures.
    pub(crate) fn wait(&self) {
        for _ in 0..600 {
            let state = self.host.run(&["systemctl", "is-system-running"]);
            match state.stdout.as_slice() {
                b"running\n" => return,
                b"degraded\n" => break,
                _ => sleep(Duration::from_millis(50)),
            }
        }
        let why = ["systemctl is-system-running; systemctl --failed; systemctl list-jobs"];
        panic!("systemd did not come up: {}", said(&self.host.run(&["sh", "-c", why[0]])));
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) fn cgroup(&self) -> &Path {
        self.cgroup.path()
    }

    /// As a power cut does.
    pub(crate) fn end(&mut self) {
        self.host.end();
    }
}

/// Where a host's disk is, in the one that keeps it.
fn disk(name: &str) -> String {
    format!("/tmp/disks/{name}")
}

/// What a host has written since its installation, and what that was.
pub(crate) fn written(keeper: &Host, name: &str) -> PathBuf {
    keeper.path(&disk(name)).join("up")
}
