//! The expectation that more messages follow a short write.

/// Decides whether a connection that has written all messages yields before it waits for more.
///
/// A runtime with several workers polls a task that was woken before the other tasks of its worker.
/// If a hundred tasks make a call in turn, the first one wakes the connection, which would write
/// each message with a system call of its own. When it yields, the others queue their messages
/// first, and are written together. If nothing follows, as with one request at a time, yielding
/// costs a poll of the runtime's driver. It is therefore repeated only while it succeeds, and tried
/// again from time to time.
#[derive(Debug, Default)]
pub(super) struct FollowUp {
    /// How often yielding may still be in vain.
    credit: u8,
    /// The number of short writes since the last attempt.
    skipped: u8,
    /// Whether the connection has yielded, and not taken messages since.
    is_awaited: bool,
}

impl FollowUp {
    /// Returns whether the connection yields after it has written this number of messages.
    #[inline]
    pub(super) fn is_expected(&mut self, messages: u64) -> bool {
        if messages >= MANY {
            // Senders on this thread fill the queue before it is taken again.
            return true;
        }
        if messages > FEW_MAX {
            // The senders on this thread were polled before.
            return false;
        }
        if self.credit == 0 {
            self.skipped += 1;
            if self.skipped < SKIPPED {
                return false;
            }
            self.skipped = 0;
        }
        self.is_awaited = true;
        true
    }

    /// Records whether there were messages to take.
    #[inline]
    pub(super) fn handle_take(&mut self, found: bool) {
        if std::mem::take(&mut self.is_awaited) {
            self.credit = if found { CREDIT } else { self.credit.saturating_sub(1) };
        }
    }
}

/// The number of messages after whose writing the connection always yields.
const MANY: u64 = 128;

/// The number of messages of a short write. More form a batch already, and none are expected to
/// follow.
const FEW_MAX: u64 = 7;

/// How often yielding may be in vain after it has succeeded.
const CREDIT: u8 = 4;

/// The number of short writes for each attempt while yielding is in vain.
const SKIPPED: u8 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_yields_while_messages_follow() {
        let mut follow_up = FollowUp::default();
        let attempts: Vec<_> = (0..128).filter(|_| follow_up.is_expected(1)).collect();
        assert_eq!(attempts, [63, 127]);
        follow_up.handle_take(true);
        for _ in 0..1_000 {
            assert!(follow_up.is_expected(1));
            follow_up.handle_take(true);
        }
        let in_vain = (0..).take_while(|_| {
            let is_expected = follow_up.is_expected(1);
            follow_up.handle_take(false);
            is_expected
        });
        assert_eq!(in_vain.count(), usize::from(CREDIT));
    }

    #[test]
    fn nothing_is_expected_to_follow_a_batch() {
        let mut follow_up = FollowUp { credit: CREDIT, ..FollowUp::default() };
        assert!(follow_up.is_expected(FEW_MAX));
        assert!((FEW_MAX + 1..MANY).all(|messages| !follow_up.is_expected(messages)));
    }

    #[test]
    fn a_connection_always_yields_after_many_messages() {
        let mut follow_up = FollowUp::default();
        for _ in 0..100 {
            assert!(follow_up.is_expected(MANY));
            follow_up.handle_take(false);
        }
    }
}
