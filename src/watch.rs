//! How far a run is, told to whoever wants to know. The core has no clock: who watches has one.

/// Is told as a run goes on. Nothing that comes of the run depends on it.
pub trait Watch: Sync {
    /// A stage begins, and the one before has ended.
    fn stage(&self, name: &'static str);

    /// So many hosts of all are done; told by several threads at once, in no order.
    fn host(&self, done: usize, of: usize);
}

/// Nobody watches.
impl Watch for () {
    fn stage(&self, _: &'static str) {}

    fn host(&self, _: usize, _: usize) {}
}
