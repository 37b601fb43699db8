//! Hosts as the later stages name them: a number, and sets of numbers.

use std::sync::Arc;

/// A host's place in the inventory, which is sorted by name: the order in which hosts are written
/// changes nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct HostId(pub u32);

impl HostId {
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Hosts, sorted, each once. Cheap to copy.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct HostSet(Arc<[HostId]>);

impl HostSet {
    #[must_use]
    pub fn one(host: HostId) -> Self {
        Self(Arc::from([host]))
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = HostId> + '_ {
        self.0.iter().copied()
    }

    #[must_use]
    pub fn contains(&self, host: HostId) -> bool {
        self.0.binary_search(&host).is_ok()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).collect()
    }

    /// The hosts of both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let (small, large) = if self.len() < other.len() { (self, other) } else { (other, self) };
        small.iter().filter(|host| large.contains(*host)).collect()
    }
}

impl FromIterator<HostId> for HostSet {
    fn from_iter<I: IntoIterator<Item = HostId>>(hosts: I) -> Self {
        let mut list: Vec<HostId> = hosts.into_iter().collect();
        list.sort_unstable();
        list.dedup();
        Self(list.into())
    }
}
