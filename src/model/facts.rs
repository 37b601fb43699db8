//! What services ask and offer, by stable keys, before anything is allotted.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::consequence::Consequence;
use super::host::{HostId, HostSet};
use super::key_type::KeyType;
use super::name::Label;
use super::pattern;
use super::value::{AbsPath, Duration, Port};
use crate::source::{Span, Spanned};

/// Where something comes from: a place in the description, and the node's path for people.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Origin {
    pub span: Span,
    /// `csync2[content]`, or `gluu[idp]/file-replication` where a product filled it in.
    pub path: Arc<str>,
}

/// A service's kind and name, as lock and headers write it: `csync2[idp]`.
pub type ServiceKey = Arc<str>;

/// The kind in a service's key: `csync2` of `csync2[idp]`.
#[must_use]
pub fn service_kind(key: &str) -> &str {
    key.split_once('[').map_or(key, |(kind, _)| kind)
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Protocol {
    Tcp,
    Udp,
}

impl Protocol {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// On which of a host's addresses a program listens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Bind {
    Any,
    Loopback,
}

/// Who may connect to a listener.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Audience {
    /// Everybody: a web server's browsers.
    Public,
    /// Those whom a link leads there.
    Peers,
}

/// A program accepts connections.
#[derive(Clone, Debug)]
pub struct Listener {
    pub hosts: HostSet,
    pub bind: Bind,
    pub port: Port,
    pub protocol: Protocol,
    pub audience: Audience,
    /// For the page of ports: `nginx, www.example.net`.
    pub what: String,
    /// The daemon, where several services of one kind share its socket.
    pub shared: Option<&'static str>,
    /// It hears nobody but who speaks TLS from the first byte on and shows a certificate.
    pub mutual_tls: bool,
    pub origin: Origin,
}

/// Where a connection goes.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub hosts: HostSet,
    pub port: Port,
    pub protocol: Protocol,
    /// Which of a target's addresses is dialled; `None` is its own.
    pub purpose: Option<Label>,
}

/// The name that a client asks to see in the certificate that it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsName {
    /// Which of the target's certificates is shown.
    pub leaf: String,
    /// The name that the client checks; `None` is the name by which it dialled.
    pub name: Option<String>,
}

/// Somebody connects to somebody, set to set: `n` members of a mesh are one link, not `n²`.
#[derive(Clone, Debug)]
pub struct Link {
    pub from: HostSet,
    pub to: Endpoint,
    pub tls: Option<TlsName>,
    /// For the page of ports: `csync2 keeps files alike`.
    pub why: String,
    pub origin: Origin,
}

/// A certificate that a host shows.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LeafKey {
    pub host: HostId,
    /// The certificate's name (`www`), or the kind of the service that has one of its own.
    pub name: String,
}

/// In which roles a certificate is shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Usage {
    Server,
    /// Server and client: both ends of a connection between equals.
    Peer,
    /// Both, between equals who know each other's certificate itself and ask nobody who signed it.
    Pinned,
}

/// What a certificate must say.
#[derive(Clone, Debug)]
pub struct Leaf {
    pub usage: Usage,
    pub names: BTreeSet<String>,
    pub addresses: BTreeSet<IpAddr>,
    pub validity: Duration,
    pub key_type: KeyType,
    pub origin: Origin,
}

/// A certificate that the description names.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The first one is what clients check.
    pub names: Vec<Spanned<String>>,
    /// Of one that the cluster's authority signs.
    pub validity: Duration,
    /// Of a key that is made here.
    pub key_type: KeyType,
    pub source: CertificateSource,
    /// The file of the authority by which peers verify it, where it is not the cluster's.
    pub authority: Option<Spanned<String>>,
    pub origin: Origin,
}

/// Who makes a certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CertificateSource {
    /// The cluster's own authority, one for each host.
    ClusterCa,
    /// Somebody else; its file is committed beside the description. The key is a secret of this
    /// name, or the vault's own, made for the request.
    Files { cert: Spanned<String>, key: Option<Spanned<String>> },
    /// Somebody else, on the hosts: where it lies there.
    OnHost { cert: Spanned<AbsPath>, key: Spanned<AbsPath> },
}

/// What stands for a host's name in the name of a certificate's file.
pub const HOST_NAME: &str = "{{ host.name }}";

impl Certificate {
    /// Whether each host shows one of its own, with a key of its own.
    #[must_use]
    pub fn per_host(&self) -> bool {
        match &self.source {
            CertificateSource::ClusterCa => true,
            CertificateSource::Files { cert, .. } => cert.value.contains(HOST_NAME),
            CertificateSource::OnHost { .. } => false,
        }
    }

    #[must_use]
    pub fn is_on_host(&self) -> bool {
        matches!(self.source, CertificateSource::OnHost { .. })
    }
}

/// How a secret's value comes to be.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SecretSource {
    /// Letters and digits, drawn once.
    Generate { length: usize },
    /// A person has it, and brings it into the vault.
    Given(Giver),
    /// A vendor's installer makes it on a host, at this place.
    Born { host: HostId, path: AbsPath, form: BornForm },
}

/// How what was made on a host becomes a value: those are text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum BornForm {
    /// A file of text, as it is.
    Text,
    /// A file of any bytes, in base64.
    Base64,
    /// The files of a folder but for those of these names, patterns of sh, as a tar, in base64.
    Tar { except: Vec<String> },
}

impl BornForm {
    /// As the description and `host.sh` say it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Base64 => "base64",
            Self::Tar { .. } => "tar",
        }
    }
}

/// From where a person takes a value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Giver {
    /// An environment variable.
    Env(String),
    /// A file, relative to the description.
    File(String),
    /// Their head.
    Prompt,
}

/// A value that no reviewed file may show.
#[derive(Clone, Debug)]
pub struct Secret {
    pub source: SecretSource,
    pub origin: Origin,
}

/// Members of a group that must not do the same thing in the same minute.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Minutes between two runs of one member.
    pub period: u32,
    pub members: BTreeSet<HostId>,
    pub origin: Origin,
}

/// What may lie at a path, on which hosts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ClaimKind {
    /// A file of each host's own: nobody else may write it, and no sync may carry it over.
    PerHost,
    /// A file with the same content everywhere: a sync may carry it over.
    Alike,
    /// A folder that a service keeps the same on all the hosts; what it leaves out, and the host whose
    /// files win when they meet for the first time.
    Synced { excludes: Arc<[String]>, source: HostId },
    /// A block or keys in a file that others own too.
    Shared,
    /// A folder: whatever anybody has in it. It is the same on all hosts, so a sync may carry it.
    Folder,
}

#[derive(Clone, Debug)]
pub struct Claim {
    pub hosts: HostSet,
    pub path: AbsPath,
    pub kind: ClaimKind,
    pub owner: ServiceKey,
    pub origin: Origin,
}

impl Claim {
    /// Whether it is a sync that carries a path from host to host.
    #[must_use]
    pub fn carries(&self, path: &AbsPath) -> bool {
        let ClaimKind::Synced { excludes, .. } = &self.kind else { return false };
        let excluded = excludes.iter().any(|it| pattern::covers(it, path.as_str()));
        self.path.covers(path) && !excluded
    }
}

/// A name that `/etc/hosts` of some hosts must know beside those that the links need.
#[derive(Clone, Debug)]
pub struct HostsEntry {
    pub on: HostSet,
    pub name: String,
    /// Whose address; `None` is each host's own.
    pub of: Option<HostId>,
    pub origin: Origin,
}

/// A one-time step, in an order over the whole cluster.
#[derive(Clone, Debug)]
pub struct StepFact {
    /// As people type it, and as its mark is called: `csync2-idp-first-sync`; one per host.
    pub key: String,
    pub host: HostId,
    /// What must be done before, there.
    pub after: Vec<(HostId, String)>,
    pub title: String,
    /// Secrets that it cannot be done without; the bundle can come before they have values.
    pub needs: Vec<String>,
    pub destroys: bool,
    pub origin: Origin,
}

/// A line of the runbook, in the chapter's order.
#[derive(Clone, Debug)]
pub struct RunbookLine {
    pub chapter: Chapter,
    pub text: String,
    pub origin: Origin,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Chapter {
    BringUp,
    /// What a further host takes, besides its bundle.
    Adding,
    /// What comes before a host is taken away.
    Removing,
    /// What another value of a secret takes, besides its bundle.
    Replacing,
    /// What goes on while a new certificate goes from host to host.
    Renewal,
    /// What it takes when all keys are made anew.
    NewKeys,
    SinglePoints,
    /// What somebody else's load balancer has to do: whole Markdown blocks, in their order.
    LoadBalancer,
}

/// A step that has to be there, since something on its host waits for it.
#[derive(Clone, Debug)]
pub struct Awaited {
    pub host: HostId,
    pub step: String,
    pub origin: Origin,
}

/// A firewall for which a person types the rules: the page of ports has the commands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ByHand {
    Ufw,
    /// One without policies (before 0.9), so that there is no file that could be added to it.
    Firewalld,
}

/// A value whose change has a consequence that no file shows.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Pin {
    /// `csync2[idp].group-name`.
    pub key: String,
    pub value: String,
    pub consequence: Consequence,
}

#[derive(Clone, Debug)]
pub struct PinFact {
    pub hosts: HostSet,
    pub pin: Pin,
    pub origin: Origin,
}

/// Everything, sorted.
#[derive(Default, Debug)]
pub struct Facts {
    pub listeners: Vec<Listener>,
    pub links: Vec<Link>,
    /// Those that the description names; services have others of their own.
    pub certificates: BTreeMap<String, Certificate>,
    pub leaves: BTreeMap<LeafKey, Leaf>,
    /// By the names of those that services ask for on their own, who does first.
    pub own_leaves: BTreeMap<String, Origin>,
    pub secrets: BTreeMap<String, Secret>,
    pub schedules: BTreeMap<String, Schedule>,
    pub claims: Vec<Claim>,
    pub hosts_entries: Vec<HostsEntry>,
    pub steps: Vec<StepFact>,
    pub awaited: Vec<Awaited>,
    pub runbook: Vec<RunbookLine>,
    pub pins: Vec<PinFact>,
    pub by_hand: BTreeMap<HostId, ByHand>,
    /// The steps in the order in which they are done: places in `steps`. Those that wait for each
    /// other are not among them.
    pub step_order: Vec<u32>,
    /// Per host, the places in the lists above that concern it: what a stage does for one host
    /// costs what that host has, not what the cluster has.
    pub by_host: Vec<HostIndex>,
}

/// Places in the lists of [`Facts`].
#[derive(Clone, Default, Debug)]
pub struct HostIndex {
    pub listeners: Vec<u32>,
    pub links_from: Vec<u32>,
    pub links_to: Vec<u32>,
    pub claims: Vec<u32>,
    pub hosts_entries: Vec<u32>,
    pub pins: Vec<u32>,
}

impl Facts {
    pub fn claims_of(&self, host: HostId) -> impl Iterator<Item = &Claim> {
        self.by_host[host.index()].claims.iter().map(|at| &self.claims[*at as usize])
    }

    pub fn listeners_of(&self, host: HostId) -> impl Iterator<Item = &Listener> {
        self.by_host[host.index()].listeners.iter().map(|at| &self.listeners[*at as usize])
    }

    pub fn links_from(&self, host: HostId) -> impl Iterator<Item = &Link> {
        self.by_host[host.index()].links_from.iter().map(|at| &self.links[*at as usize])
    }

    pub fn links_to(&self, host: HostId) -> impl Iterator<Item = &Link> {
        self.by_host[host.index()].links_to.iter().map(|at| &self.links[*at as usize])
    }

    pub fn hosts_entries_of(&self, host: HostId) -> impl Iterator<Item = &HostsEntry> {
        self.by_host[host.index()].hosts_entries.iter().map(|at| &self.hosts_entries[*at as usize])
    }

    pub fn pins_of(&self, host: HostId) -> impl Iterator<Item = &PinFact> {
        self.by_host[host.index()].pins.iter().map(|at| &self.pins[*at as usize])
    }
}
