//! What one host gets: plain data, ready to be rendered, with a digest.

use std::collections::BTreeMap;

use super::consequence::Consequence;
use super::facts::{BornForm, Origin, Pin, ServiceKey};
use super::host::HostId;
use super::value::{AbsPath, Mode};
use super::view::Fields;
use crate::quote::Encoding;

/// What `apply.sh` does to a unit when a resource changes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum OnChange {
    Nothing,
    Reload(String),
    Restart(String),
}

impl OnChange {
    #[must_use]
    pub fn consequence(&self) -> Consequence {
        match self {
            Self::Nothing => Consequence::Nothing,
            Self::Reload(_) => Consequence::Reload,
            Self::Restart(_) => Consequence::Restart,
        }
    }

    #[must_use]
    pub fn unit(&self) -> Option<&str> {
        match self {
            Self::Nothing => None,
            Self::Reload(unit) | Self::Restart(unit) => Some(unit),
        }
    }
}

/// Where a file's bytes come from.
#[derive(Clone, PartialEq, Debug)]
pub enum Body {
    /// A template of `templates/`, by name, and what it is given.
    Template { name: &'static str, view: Fields },
    /// A public certificate and its chain: shown in diffs by digest and dates.
    Certificate { pem: String },
    /// A token for a secret that is the whole file.
    Secret { token: String },
}

/// A whole file. Nothing else may write it.
#[derive(Clone, PartialEq, Debug)]
pub struct File {
    pub path: AbsPath,
    pub mode: Mode,
    pub owner: String,
    pub group: String,
    /// Whether a daemon goes on writing it: installed where there is none, and left alone after.
    pub seed: bool,
    pub body: Body,
    pub on_change: OnChange,
}

/// A marked block in a file that others own too.
#[derive(Clone, PartialEq, Debug)]
pub struct Block {
    pub path: AbsPath,
    /// The mark: the cluster's name.
    pub mark: String,
    pub template: &'static str,
    pub view: Fields,
    pub on_change: OnChange,
}

/// Keys in a file that others own too: in the bundle, a file in the same format.
#[derive(Clone, PartialEq, Debug)]
pub struct Keys {
    pub path: AbsPath,
    pub format: KeyFormat,
    /// Whether the file is made where it is not there.
    pub create: bool,
    pub template: &'static str,
    pub view: Fields,
    pub on_change: OnChange,
}

/// How a file with keys is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum KeyFormat {
    /// As `java.util.Properties` does.
    Properties,
    /// As `configparser` of Python does.
    Ini,
}

impl KeyFormat {
    /// As `host.sh` writes it, and as the service is called.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Properties => "properties",
            Self::Ini => "ini",
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Directory {
    pub path: AbsPath,
    pub mode: Mode,
    pub owner: String,
    pub group: String,
    /// Whether mode and owner are set where it is there already.
    pub exact: bool,
}

/// A symbolic link.
#[derive(Clone, PartialEq, Debug)]
pub struct Link {
    pub path: AbsPath,
    pub target: AbsPath,
    pub on_change: OnChange,
}

/// A user, made where there is none of the name; one that is there is only put into groups.
#[derive(Clone, PartialEq, Debug)]
pub struct User {
    pub name: String,
    /// Its own group, which is there or is made.
    pub group: String,
    pub home: AbsPath,
    pub shell: AbsPath,
    /// An account of a program, with a number from the system's range (useradd(8), `--system`).
    pub system: bool,
    /// The groups in which it must be besides.
    pub groups: Vec<String>,
}

/// A file that a program of the host makes out of files that are installed: a key store.
#[derive(Clone, PartialEq, Debug)]
pub struct Made {
    pub path: AbsPath,
    /// For sh: makes it anew, over what is there.
    pub run: String,
    /// For sh: whether what is there is what it should be.
    pub probe: String,
    /// What it is made of.
    pub from: Vec<AbsPath>,
    pub on_change: OnChange,
}

/// Something that is no file and has to be so: a probe says whether it is, a command makes it so.
#[derive(Clone, PartialEq, Debug)]
pub struct Ensure {
    /// Names its functions in `host.sh`: `csync2-peers`.
    pub key: String,
    /// `the keys of all peers are known`.
    pub title: String,
    /// Lines of sh: succeed where it is so.
    pub holds: Vec<String>,
    /// Lines of sh.
    pub run: Vec<String>,
    /// The files that both read: when one of them changes, it is made so anew.
    pub from: Vec<AbsPath>,
    /// Made so when all units are up: it speaks of them, and none of them reads it.
    pub last: bool,
    pub on_change: OnChange,
}

/// A unit of the service manager: enabled, and up when everything is in place.
#[derive(Clone, PartialEq, Debug)]
pub struct Unit {
    pub name: String,
    /// Units that must not run beside it.
    pub conflicts: Vec<String>,
}

/// A program that says whether files are right, before anything is reloaded with them.
#[derive(Clone, PartialEq, Debug)]
pub struct Check {
    /// `nginx -t -q`: words for sh.
    pub command: String,
    /// The exit code that means fine.
    pub good: Vec<u8>,
    /// The files that it reads: it runs when one of them changes.
    pub reads: Vec<AbsPath>,
}

/// A one-time step of this host: `apply.sh --bootstrap`. Its place in the order over the cluster
/// is that of its [`StepFact`](super::facts::StepFact).
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// As people type it, and as its mark is called: `csync2-idp-first-sync`.
    pub key: String,
    pub title: String,
    /// Its place in the order over the whole cluster, and how many there are: `2/5`.
    pub number: (u32, u32),
    /// The steps of this host that must be done before.
    pub after: Vec<String>,
    /// Lines of sh, the bodies of functions in `host.sh`. Empty where it is safe at any time.
    pub guard: Vec<String>,
    /// Empty where there is only something to wait for and to prove.
    pub run: Vec<String>,
    /// Succeeds where it is done: asked before and after.
    pub proof: Vec<String>,
    pub destroys: bool,
}

/// What guard, run and proof of a step find as `$files/NAME`, with its secrets filled in: a file of
/// the time of the step, which is not managed.
#[derive(Clone, PartialEq, Debug)]
pub struct StepFile {
    /// The step's key.
    pub step: String,
    pub name: String,
    pub template: &'static str,
    pub view: Fields,
}

/// Something that `apply.sh --verify` proves.
#[derive(Clone, PartialEq, Debug)]
pub struct Verify {
    pub title: String,
    /// For sh: succeeds where it works.
    pub command: String,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Kind {
    File(File),
    Block(Block),
    Keys(Keys),
    Directory(Directory),
    Link(Link),
    Group(String),
    User(User),
    Package(String),
    Made(Made),
    Ensure(Ensure),
    Unit(Unit),
    Check(Check),
    Step(Step),
    StepFile(StepFile),
    Born(Born),
    /// Who can open what was born here, on its way to the vault.
    BornTo(Vec<String>),
    Verify(Verify),
}

/// A secret that a vendor's installer makes on this host, in a file or a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Born {
    pub secret: String,
    pub path: AbsPath,
    pub form: BornForm,
}

/// When a resource is seen to; always, where nothing is said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Condition {
    /// Only on a host that has this folder: a drop-in for a program that may not be there.
    pub folder: Option<AbsPath>,
    /// Until these steps of the host are done: installed, but neither started nor judged.
    pub steps: Vec<String>,
}

/// Something that a host has, and who wants it there.
#[derive(Clone, PartialEq, Debug)]
pub struct Resource {
    pub kind: Kind,
    pub condition: Condition,
    pub owner: ServiceKey,
    pub origin: Origin,
}

/// Names a resource among a host's: kind first, so that the order is the order of installing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ResourceKey {
    Package(String),
    Group(String),
    User(String),
    Directory(AbsPath),
    Link(AbsPath),
    /// Path and mark.
    Block(AbsPath, String),
    Keys(AbsPath),
    File(AbsPath),
    Made(AbsPath),
    Ensure(String),
    Check(String),
    Unit(String),
    Step(String),
    /// Step and name.
    StepFile(String, String),
    Born(String),
    BornTo,
    Verify(String),
}

impl ResourceKey {
    /// The path, name or command, as a person would say it.
    #[must_use]
    pub fn shown(&self) -> &str {
        match self {
            Self::Directory(path)
            | Self::Link(path)
            | Self::Block(path, _)
            | Self::Keys(path)
            | Self::File(path)
            | Self::Made(path) => path.as_str(),
            Self::Package(it)
            | Self::Group(it)
            | Self::User(it)
            | Self::Ensure(it)
            | Self::Check(it)
            | Self::Unit(it)
            | Self::Step(it)
            | Self::StepFile(_, it)
            | Self::Born(it)
            | Self::Verify(it) => it,
            Self::BornTo => "the vault",
        }
    }
}

impl Kind {
    #[must_use]
    pub fn key(&self) -> ResourceKey {
        match self {
            Self::Package(name) => ResourceKey::Package(name.clone()),
            Self::Group(name) => ResourceKey::Group(name.clone()),
            Self::User(user) => ResourceKey::User(user.name.clone()),
            Self::Directory(it) => ResourceKey::Directory(it.path.clone()),
            Self::Link(it) => ResourceKey::Link(it.path.clone()),
            Self::Made(it) => ResourceKey::Made(it.path.clone()),
            Self::Ensure(it) => ResourceKey::Ensure(it.key.clone()),
            Self::Block(it) => ResourceKey::Block(it.path.clone(), it.mark.clone()),
            Self::Keys(it) => ResourceKey::Keys(it.path.clone()),
            Self::File(it) => ResourceKey::File(it.path.clone()),
            Self::Check(it) => ResourceKey::Check(it.command.clone()),
            Self::Unit(it) => ResourceKey::Unit(it.name.clone()),
            Self::Step(it) => ResourceKey::Step(it.key.clone()),
            Self::StepFile(it) => ResourceKey::StepFile(it.step.clone(), it.name.clone()),
            Self::Born(it) => ResourceKey::Born(it.secret.clone()),
            Self::BornTo(_) => ResourceKey::BornTo,
            Self::Verify(it) => ResourceKey::Verify(it.title.clone()),
        }
    }
}

/// A secret's place in a host's files: which secret, in which encoding, and the token that stands
/// for it in what people review.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Slot {
    pub token: String,
    pub secret: String,
    pub encoding: Encoding,
    /// Only one-time steps need it: until one is asked for, there may be no value.
    pub for_steps: bool,
}

impl Slot {
    /// Ends the token of a secret that has no value yet.
    pub const UNSET: &str = "00000000";

    /// The first digits of the value's digest, with which the token ends; `None` where the secret
    /// has no value yet.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        let (_, digest) = self.token.rsplit_once('_')?;
        (digest != Self::UNSET).then_some(digest)
    }

    /// It has no value yet, and the bundle can be applied without.
    #[must_use]
    pub fn comes_later(&self) -> bool {
        self.for_steps && self.digest().is_none()
    }
}

/// All that one host gets.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct HostPlan {
    pub host: HostId,
    pub name: String,
    pub origin: Origin,
    pub fqdn: String,
    /// All of the host's addresses, by which it knows itself.
    pub addresses: Vec<String>,
    pub platform: String,
    /// How the platform's releases call themselves in `/etc/os-release`: `rhel:8 rocky:8`.
    pub releases: String,
    /// `apt`, `dnf`, `yum`.
    pub package_manager: String,
    pub resources: BTreeMap<ResourceKey, Resource>,
    pub slots: BTreeMap<String, Slot>,
    /// The values of the slots, sealed to the host's keys, where it has keys for that.
    pub sealed: Option<String>,
    pub pins: BTreeMap<String, Pin>,
}
