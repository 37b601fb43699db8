//! `/-`, which takes out what follows: how many blocks in each other it has taken out.

/// Which of the open blocks `/-` takes out. A `/-` before an argument counts as one before the
/// node that it is in: rather a block too many than one too few.
#[derive(Default)]
pub(super) struct Slashes {
    open: Vec<bool>,
    /// A `/-` came in this node.
    pending: bool,
    /// Nothing came since the `/-`.
    fresh: bool,
    count: usize,
}

impl Slashes {
    /// False where it follows on another.
    pub(super) fn slash(&mut self) -> bool {
        let first = !self.fresh;
        (self.pending, self.fresh) = (true, true);
        first
    }

    /// A block begins; the number of those that are taken out.
    pub(super) fn open(&mut self) -> usize {
        self.open.push(self.pending);
        self.count += usize::from(self.pending);
        (self.pending, self.fresh) = (false, false);
        self.count
    }

    pub(super) fn close(&mut self) {
        self.fresh = false;
        self.pending = self.open.pop().unwrap_or_default();
        self.count -= usize::from(self.pending);
    }

    pub(super) fn word(&mut self) {
        self.fresh = false;
    }

    pub(super) fn line(&mut self) {
        self.pending &= self.fresh;
    }
}
