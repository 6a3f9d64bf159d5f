//! The limits of a responder, for all remotes together and for each.

/// The capacity that all remotes share, and the part that each may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) running: RemoteLimit,
    pub(super) waiting: RemoteLimit,
    /// The maximum number of bytes of the waiting requests of one remote, and separately of its
    /// replies that wait for queue capacity.
    pub(super) bytes: usize,
}

/// A number of slots that remotes share.
#[derive(Clone, Copy, Debug)]
pub(super) struct RemoteLimit {
    pub(super) all: usize,
    pub(super) each: usize,
}

impl RemoteLimit {
    /// Returns whether a remote that holds `held` slots may take one more while `taken` are taken
    /// in total.
    ///
    /// This is the dynamic threshold of shared buffers (Choudhury and Hahne, 1998): a remote may
    /// hold as many slots as are still free. A single remote gets half of all slots. If several
    /// compete, as many slots stay free as each of them holds.
    pub(super) const fn admits(self, held: usize, taken: usize) -> bool {
        let Some(free) = self.all.checked_sub(taken) else { return false };
        free > 0 && held < self.each && (held == 0 || held < free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_remote_gets_half_of_all_slots() {
        assert_eq!(fill(RemoteLimit { all: 16_384, each: usize::MAX }, 1), [8_192]);
        assert_eq!(fill(RemoteLimit { all: 16_384, each: usize::MAX }, 3), [4_096; 3]);
        let many = fill(RemoteLimit { all: 16_384, each: usize::MAX }, 1_000);
        assert!(many.iter().all(|held| *held >= 16) && many.iter().sum::<usize>() < 16_384);
    }

    #[test]
    fn a_remote_without_a_slot_gets_the_last_one() {
        assert_eq!(fill(RemoteLimit { all: 1, each: usize::MAX }, 2), [1, 0]);
        assert_eq!(fill(RemoteLimit { all: 2, each: usize::MAX }, 2), [1, 1]);
        assert_eq!(fill(RemoteLimit { all: 0, each: usize::MAX }, 1), [0]);
    }

    #[test]
    fn no_remote_exceeds_its_own_limit() {
        assert_eq!(fill(RemoteLimit { all: 100, each: 7 }, 2), [7, 7]);
    }

    /// Returns the slots of each of several remotes that take turns until no remote is admitted.
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
