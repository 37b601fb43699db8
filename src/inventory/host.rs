//! A machine, and at which of its addresses the others dial it.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use crate::model::facts::Origin;
use crate::model::name::Label;
use crate::platform::Platform;
use crate::source::{Span, Spanned};

/// One of a host's addresses.
#[derive(Clone, Debug)]
pub struct Address {
    pub ip: IpAddr,
    /// `replication`; `None` for the host's own.
    pub purpose: Option<Label>,
    pub span: Span,
}

/// A public SSH key of a host.
#[derive(Clone, Debug)]
pub struct SshKey {
    pub line: Spanned<String>,
    /// Whether secrets are sealed to it; if not, it is for known hosts alone.
    pub seals: bool,
}

/// A machine.
#[derive(Clone, Debug)]
pub struct Host {
    pub name: String,
    pub fqdn: String,
    /// Its own addresses first, as written.
    pub addresses: Vec<Address>,
    pub aliases: Vec<Spanned<String>>,
    pub platform: Arc<Platform>,
    pub managed: bool,
    pub ssh_keys: Vec<SshKey>,
    pub origin: Origin,
}

impl Host {
    /// The address that the others dial, for a purpose where the host has one for it.
    #[must_use]
    pub fn address(&self, purpose: Option<&Label>) -> &Address {
        let special = |it: &&Address| purpose.is_some() && it.purpose.as_ref() == purpose;
        let own = |it: &&Address| it.purpose.is_none();
        self.addresses
            .iter()
            .find(special)
            .or_else(|| self.addresses.iter().find(own))
            .unwrap_or(&self.addresses[0])
    }

    /// The addresses that serve a purpose; its own where it has none for it.
    fn serving(&self, purpose: Option<&Label>) -> impl Iterator<Item = &Address> {
        let known =
            purpose.filter(|it| self.addresses.iter().any(|a| a.purpose.as_ref() == Some(it)));
        self.addresses.iter().filter(move |it| it.purpose.as_ref() == known)
    }

    /// The same, as `from` dials it: of a family, IPv4 or IPv6, in which both have one. Both of two
    /// hosts choose the same family: some programs compare a caller's address with its name's.
    #[must_use]
    pub fn address_for(&self, purpose: Option<&Label>, from: &Self) -> &Address {
        let reach = |it: &Self, peer: &Self| {
            let common = |a: &&Address| peer.serves(purpose, a.ip.is_ipv6());
            it.serving(purpose).find(common).map(|a| a.ip.is_ipv6())
        };
        let families = (reach(self, from), reach(from, self));
        let six = match families {
            (Some(first), Some(second)) => first && second,
            _ => return self.address(purpose),
        };
        let chosen = self.serving(purpose).find(|it| it.ip.is_ipv6() == six);
        chosen.unwrap_or_else(|| self.address(purpose))
    }

    /// Whether one of the addresses for a purpose is of a family.
    #[must_use]
    pub fn serves(&self, purpose: Option<&Label>, six: bool) -> bool {
        self.serving(purpose).any(|it| it.ip.is_ipv6() == six)
    }

    /// The name that goes with [`Self::address`]: `node1`, or `node1-replication`.
    #[must_use]
    pub fn dialled(&self, purpose: Option<&Label>) -> String {
        match &self.address(purpose).purpose {
            Some(purpose) => format!("{}-{purpose}", self.name),
            None => self.name.clone(),
        }
    }

    /// Its own names: in full, short, and those of its addresses for a purpose.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        let dialled = self.addresses.iter().map(|it| self.dialled(it.purpose.as_ref()));
        dialled.chain([self.fqdn.clone(), self.name.clone()]).collect()
    }

    /// The keys to which the host's secrets are sealed.
    pub fn sealing_keys(&self) -> impl Iterator<Item = &Spanned<String>> {
        self.ssh_keys.iter().filter(|it| it.seals).map(|it| &it.line)
    }

    #[must_use]
    pub fn has_ipv6(&self) -> bool {
        self.addresses.iter().any(|it| it.ip.is_ipv6())
    }
}
