//! A cluster of hosts with systemd, on which the bundles of a description are applied as people
//! do it: the pack is copied, `apply.sh` runs unmodified.
//!
//! In: a [`Built`] description. Out: its managed hosts by name, each with its own addresses and the
//! `/etc/os-release` of its platform, on a switch that nothing else is plugged into. Two clusters
//! do not see each other, so both may use the same addresses. It lives as long as the thread that
//! made it.
//!
//! The programs and packages are those of the machine, its clock and its kernel too.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::IpAddr;
use std::ops::Index;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::booted::{Booted, written};
use crate::built::{Built, said};
use crate::face::os_release;
use crate::host::Host;
use crate::snapshot::Snapshot;

/// As the runbook has it.
const UNPACK: &str = "cd && rm -rf clustergen && mkdir -m 700 clustergen && tar -xf - -C clustergen --strip-components=1";

pub(crate) struct Lab<'a> {
    built: &'a Built,
    nodes: BTreeMap<String, Node>,
    /// Keeps the disks of all hosts.
    switch: Host,
}

struct Node {
    booted: Booted,
    /// Names its port and makes its hardware address, which others remember: both stay.
    number: usize,
    addresses: Vec<IpAddr>,
}

impl<'a> Lab<'a> {
    /// All managed hosts of the description, booted and plugged together.
    pub(crate) fn of(built: &'a Built) -> Self {
        Self::with(built, &[])
    }

    /// And others, each with its addresses: unmanaged ones, clients, strangers. They are Debian 12.
    pub(crate) fn with(built: &'a Built, others: &[(&str, &[&str])]) -> Self {
        let switch = Host::start("switch");
        switch.bridge();
        let mut lab = Self { built, nodes: BTreeMap::new(), switch };
        for name in built.hosts() {
            let (addresses, platform) = described(&built.bundle(&name));
            lab.boot(&name, addresses, &platform);
        }
        for (name, addresses) in others {
            let addresses = addresses.iter().map(|it| it.parse().expect("an address")).collect();
            lab.boot(name, addresses, "debian-12");
        }
        lab.routes();
        lab.nodes.values().for_each(|node| node.booted.wait());
        lab
    }

    fn boot(&mut self, name: &str, addresses: Vec<IpAddr>, platform: &str) {
        let booted = Booted::boot(&self.switch, name);
        let node = Node { booted, number: self.nodes.len(), addresses };
        self.nodes.insert(name.to_owned(), node);
        self.face(name, platform);
        self.plug(name);
    }

    /// Has a host say that it is of a platform, or of a clone of one (`rocky-9`), which bundles do
    /// not tell apart.
    pub(crate) fn face(&self, name: &str, platform: &str) {
        self[name].write("/usr/lib/os-release", &os_release(platform));
        if !["debian", "ubuntu"].iter().any(|it| platform.starts_with(it)) {
            // the packages of the machine have Debian's names, so each of the others' is there
            self[name].program("/usr/local/sbin/rpm", "#!/bin/sh\n");
        }
    }

    /// Gives a host a port of the switch and its addresses.
    fn plug(&self, name: &str) {
        let node = &self.nodes[name];
        self.switch.plug(&node.port(), node.booted.host(), node.number);
        let add = |it: &IpAddr| match it {
            IpAddr::V4(_) => format!("address add {it}/32 dev e0\n"),
            IpAddr::V6(_) => format!("address add {it}/128 dev e0 nodad\n"),
        };
        node.booted.host().ip(&node.addresses.iter().map(add).collect::<String>());
    }

    /// Tells every host where the others are. What is not in the lab cannot be reached.
    fn routes(&self) {
        for node in self.nodes.values() {
            let others = self.nodes.values().flat_map(|other| &other.addresses);
            let others = others.filter(|it| !node.addresses.contains(it));
            let lines = others.filter_map(|it| {
                let from = nearest(&node.addresses, it)?;
                Some(format!("route replace {it} dev e0 src {from}\n"))
            });
            node.booted.host().ip(&lines.collect::<String>());
        }
    }

    /// Copies a host's pack to it, and applies what it brings.
    pub(crate) fn apply(&self, name: &str) -> Output {
        self.bring(name);
        self.ask(name, &[])
    }

    /// Copies a host's pack to it: `/root/clustergen`, with its secrets.
    pub(crate) fn bring(&self, name: &str) {
        let pack = Stdio::from(File::open(self.built.packed(name, "tar")).unwrap());
        let done = self[name].fed(&["sh", "-c", UNPACK], pack);
        assert!(done.status.success(), "{}", said(&done));
    }

    /// Runs `apply.sh` of the pack that was brought.
    pub(crate) fn ask(&self, name: &str, args: &[&str]) -> Output {
        self[name].run(&[&["/root/clustergen/apply.sh"], args].concat())
    }

    /// The host that has an address.
    pub(crate) fn at(&self, address: &str) -> String {
        let address = address.parse().expect("an address");
        let found = self.nodes.iter().find(|(_, node)| node.addresses.contains(&address));
        found.expect("a host of the lab").0.clone()
    }

    /// Cuts a host's cable: nobody is told, packets just stop.
    pub(crate) fn cut(&self, name: &str) {
        self.switch.ip(&format!("link set {} down", self.nodes[name].port()));
    }

    pub(crate) fn mend(&self, name: &str) {
        self.switch.ip(&format!("link set {} up", self.nodes[name].port()));
    }

    /// Kills a host as it stands.
    pub(crate) fn off(&mut self, name: &str) {
        let node = self.nodes.get_mut(name).unwrap();
        node.booted.end();
        // the kernel would do so in its own time: what it did already is gone
        self.switch.run(&["ip", "link", "delete", &node.port()]);
    }

    /// Boots a host that is off, from the disk that it had.
    pub(crate) fn on(&mut self, name: &str) {
        let booted = Booted::boot(&self.switch, name);
        self.nodes.get_mut(name).unwrap().booted = booted;
        self.plug(name);
        self.routes();
        self.nodes[name].booted.wait();
    }

    /// The branches of its hosts.
    pub(crate) fn cgroups(&self) -> Vec<PathBuf> {
        self.nodes.values().map(|node| node.booted.cgroup().to_owned()).collect()
    }

    /// What a host's disk has beyond the machine's.
    pub(crate) fn snapshot(&self, name: &str) -> Snapshot {
        Snapshot::of(&written(&self.switch, name))
    }
}

impl Node {
    fn port(&self) -> String {
        format!("v{}", self.number)
    }
}

impl Index<&str> for Lab<'_> {
    type Output = Host;

    fn index(&self, name: &str) -> &Host {
        let node = self.nodes.get(name);
        node.unwrap_or_else(|| panic!("no host {name} in the lab")).booted.host()
    }
}

impl Drop for Lab<'_> {
    fn drop(&mut self) {
        // all at once: the kernel takes its time for each, and waits for it come after
        self.nodes.values().for_each(|node| node.booted.host().kill());
    }
}

/// The addresses and the platform of a host, as its bundle has them.
fn described(bundle: &Path) -> (Vec<IpAddr>, String) {
    let script = ". ./host.sh; echo \"$platform\"; printf '%s\\n' $addresses";
    let done = Command::new("sh").args(["-c", script]).current_dir(bundle).output().unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    let mut lines = text.lines();
    let platform = lines.next().expect("host.sh names a platform").to_owned();
    // a host may be known by a name that only a name server knows
    (lines.filter_map(|it| it.parse().ok()).collect(), platform)
}

/// Whose beginning is most like that of another: the one in the same network, where there are
/// several.
fn nearest<'a>(own: &'a [IpAddr], other: &IpAddr) -> Option<&'a IpAddr> {
    let bits = |it: &IpAddr| match it {
        IpAddr::V4(it) => u128::from(u32::from(*it)) << 96,
        IpAddr::V6(it) => u128::from(*it),
    };
    let family = own.iter().filter(|it| it.is_ipv4() == other.is_ipv4());
    family.rev().max_by_key(|it| (bits(it) ^ bits(other)).leading_zeros())
}
