//! Limits of a responder, for all remotes together and for each.

/// The capacity that all remotes share, and the part that each may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) running: RemoteLimit,
    pub(super) waiting: RemoteLimit,
    /// How many bytes the waiting requests of one remote may take, and separately its replies that find
    /// no room in its queue.
    pub(super) bytes: usize,
}

/// A number of places that remotes share.
#[derive(Clone, Copy, Debug)]
pub(super) struct RemoteLimit {
    pub(super) all: usize,
    pub(super) each: usize,
}

impl RemoteLimit {
    /// Whether a remote that holds `held` places may take one more while `taken` are taken in all.
    ///
    /// This is the dynamic threshold of shared buffers (Choudhury and Hahne, 1998): a remote may hold as
    /// many places as are still free. A single remote gets half of all. However many compete, the next
    /// finds as many free as each of them holds.
    pub(super) const fn admits(self, held: usize, taken: usize) -> bool {
        let Some(free) = self.all.checked_sub(taken) else { return false };
        free > 0 && held < self.each && (held == 0 || held < free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_remote_gets_half_and_leaves_the_other_half_to_others() {
        assert_eq!(fill(RemoteLimit { all: 16_384, each: usize::MAX }, 1), [8_192]);
        assert_eq!(fill(RemoteLimit { all: 16_384, each: usize::MAX }, 3), [4_096; 3]);
        let many = fill(RemoteLimit { all: 16_384, each: usize::MAX }, 1_000);
        assert!(many.iter().all(|held| *held >= 16) && many.iter().sum::<usize>() < 16_384);
    }

    #[test]
    fn a_remote_that_holds_nothing_gets_the_last_place() {
        assert_eq!(fill(RemoteLimit { all: 1, each: usize::MAX }, 2), [1, 0]);
        assert_eq!(fill(RemoteLimit { all: 2, each: usize::MAX }, 2), [1, 1]);
        assert_eq!(fill(RemoteLimit { all: 0, each: usize::MAX }, 1), [0]);
    }

    #[test]
    fn none_gets_more_than_its_own_limit() {
        assert_eq!(fill(RemoteLimit { all: 100, each: 7 }, 2), [7, 7]);
    }

    /// What so many remotes get that take turns until none gets any more.
    fn fill(limit: RemoteLimit, remotes: usize) -> Vec<usize> {
        let mut held = vec![0; remotes];
        let mut taken = 0;
        loop {
            let before = taken;
            for held in &mut held {
                if limit.admits(*held, taken) {
                    *held += 1;
                    taken += 1;
                }
            }
            if taken == before {
                return held;
            }
        }
    }
}
