//! Notices: the requests of all remotes that subscribe to an XPUB, in one pipe.
//!
//! They are in the order in which the subscriptions changed, so that a receiver that follows them
//! arrives at the same subscriptions. Each notice counts in the account of its remote. At the
//! high-water mark, the remote is not read from until half of its notices are read. Other socket
//! types do not use this module.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::task::{Poll, Waker};

use super::{FairQueue, PipeUse};
use crate::message::Message;
use crate::pipe::{DeliveredMessages, Delivery, HighWaterMark, MessageList, PIPE_KEPT, PipeKey};
use crate::remote::Remote;
use crate::sync::Wakes;

/// The unread notices.
#[derive(Debug)]
pub(super) struct Notices {
    pipe: PipeKey,
    /// An entry for each notice in `pipe`.
    unread: VecDeque<UnreadNotice>,
    /// By the pipes of the remotes that have unread notices.
    accounts: HashMap<PipeKey, Account>,
    /// The task that announces departures, while it is idle.
    announcer: Option<Waker>,
    /// The pipes of ended connections whose cancellations no longer wait.
    released: Vec<PipeKey>,
}

/// A notice that was not received.
#[derive(Clone, Copy, Debug)]
struct UnreadNotice {
    /// The pipe of its remote.
    origin: PipeKey,
    /// Its memory.
    bytes: u32,
    /// Whether it is the first subscription to a topic, or the end of the last one.
    is_change: bool,
}

/// The unread notices of one remote.
#[derive(Debug, Default)]
struct Account {
    unread: usize,
    /// Their memory.
    bytes: usize,
    /// The memory of the remote itself.
    remote: usize,
    /// The memory that counts as that of an ended remote; zero before the remote has ended.
    ended: usize,
    /// The connection, while it waits until half of the notices are read.
    connection: Option<Waker>,
    /// Whether the cancellations of an ended connection wait for the same.
    departs: bool,
}

impl FairQueue {
    /// Receives notices from now on, in addition to messages.
    pub(crate) fn keep_notices(&mut self) {
        let pipe = self.insert(None, PipeUse::Notices);
        self.notices = Some(Box::new(Notices {
            pipe,
            unread: VecDeque::new(),
            accounts: HashMap::new(),
            announcer: None,
            released: Vec::new(),
        }));
    }

    /// Queues a notice that a remote has caused. Ignores the high-water mark, which the caller has
    /// checked. Drops the notice if there will be no receiver. `is_change` states whether it is the
    /// first subscription to a topic, or the end of the last one.
    pub(crate) fn push_notice(
        &mut self,
        key: PipeKey,
        notice: Message,
        is_change: bool,
        remote: &Remote,
        wakes: &mut Wakes,
    ) {
        let Some(notices) = self.notices.as_mut().filter(|_| !self.closed) else { return };
        let has_ended = self.pipes.get(key).is_none_or(|slot| slot.holds != PipeUse::Live);
        let bytes = notice.len() + NOTICE_BYTES;
        let unread = UnreadNotice { origin: key, bytes: bytes as u32, is_change };
        notices.unread.push_back(unread);
        let account = notices.accounts.entry(key).or_default();
        account.unread += 1;
        account.bytes += bytes;
        // Connections of a dialed remote share the account.
        account.remote = account.remote.max(remote.kept() + PIPE_KEPT);
        if has_ended {
            let after = account.memory();
            self.ended_pipes.grow(mem::replace(&mut account.ended, after), after, wakes);
        }
        let pipe = notices.pipe;
        let inbound = &mut self.pipes[pipe].inbound;
        let was_empty = inbound.is_empty();
        let cargo = DeliveredMessages::Whole(MessageList::new([notice].into()));
        inbound.push_last(Delivery { cargo, remote: remote.clone() });
        self.announce(pipe, was_empty, 1, wakes);
    }

    /// Ready when the remote may cause another notice. Until then, its connection waits until half
    /// of its notices are read.
    pub(crate) fn poll_notice_room(&mut self, key: PipeKey, connection: &Waker) -> Poll<()> {
        let Some((account, hwm)) = self.account(key) else { return Poll::Ready(()) };
        let is_ready = match account.connection {
            Some(_) => account.is_half_read(hwm),
            None => hwm.has_room(account.unread, account.bytes),
        };
        account.connection = if is_ready { None } else { Some(connection.clone()) };
        if is_ready { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Returns whether a connection that has ended may cause another notice. If not, its pipe is
    /// [released](Self::take_released) when half of the notices of the remote are read, and the
    /// task that announces departures is woken.
    pub(crate) fn has_departure_room(&mut self, key: PipeKey) -> bool {
        let Some((account, hwm)) = self.account(key) else { return true };
        account.departs = if account.departs {
            !account.is_half_read(hwm)
        } else {
            !hwm.has_room(account.unread, account.bytes)
        };
        !account.departs
    }

    /// Returns the pipes that have been released since the last call.
    pub(crate) fn take_released(&mut self) -> Vec<PipeKey> {
        self.notices.as_mut().map(|notices| mem::take(&mut notices.released)).unwrap_or_default()
    }

    /// Registers the task that announces departures, which is idle.
    pub(crate) fn park_announcer(&mut self, announcer: &Waker) {
        if let Some(notices) = &mut self.notices {
            notices.announcer = Some(announcer.clone());
        }
    }

    /// Wakes the task that announces departures.
    pub(crate) fn wake_announcer(&mut self, wakes: &mut Wakes) {
        if let Some(notices) = &mut self.notices {
            wakes.extend(notices.announcer.take());
        }
    }

    /// Returns whether the next message is a notice that does not change the set of topics.
    pub(crate) fn next_is_repeated(&self) -> bool {
        let notices = self.notices.as_ref();
        let next = notices.filter(|notices| self.ready.front() == Some(&notices.pipe));
        next.and_then(|notices| notices.unread.front()).is_some_and(|notice| !notice.is_change)
    }

    /// Returns the number of unread notices of a remote.
    pub(super) fn unread_notices(&self, key: PipeKey) -> usize {
        let account = self.notices.as_ref().and_then(|notices| notices.accounts.get(&key));
        account.map_or(0, |account| account.unread)
    }

    /// Accounts for a notice that was received.
    pub(super) fn account_for_notice(&mut self, wakes: &mut Wakes) {
        let Some(notices) = &mut self.notices else { return };
        let Some(notice) = notices.unread.pop_front() else { return };
        let Some(account) = notices.accounts.get_mut(&notice.origin) else { return };
        account.unread -= 1;
        account.bytes -= notice.bytes as usize;
        if account.ended > 0 {
            let left = account.memory();
            self.ended_pipes.take(mem::replace(&mut account.ended, left), left, wakes);
        }
        if account.is_half_read(self.hwm) {
            account.resume(notice.origin, &mut notices.released, &mut notices.announcer, wakes);
        }
        if account.unread == 0 {
            notices.accounts.remove(&notice.origin);
        }
    }

    /// Counts the unread notices of a remote that has ended as those of an ended remote.
    pub(super) fn end_notices(&mut self, key: PipeKey, wakes: &mut Wakes) {
        let account = self.notices.as_mut().and_then(|notices| notices.accounts.get_mut(&key));
        if let Some(account) = account {
            account.ended = account.memory();
            self.ended_pipes.add(account.unread, account.ended, wakes);
        }
    }

    /// Wakes all tasks that wait to cause notices and may do so: the high-water mark has changed,
    /// or the socket is closed.
    pub(super) fn wake_noticed(&mut self, wakes: &mut Wakes) {
        let Some(notices) = &mut self.notices else { return };
        let Notices { accounts, announcer, released, .. } = &mut **notices;
        for (key, account) in accounts {
            if self.closed || account.is_half_read(self.hwm) {
                account.resume(*key, released, announcer, wakes);
            }
        }
    }

    /// Returns the account of a remote that has unread notices, and the high-water mark.
    fn account(&mut self, key: PipeKey) -> Option<(&mut Account, HighWaterMark)> {
        let notices = self.notices.as_mut().filter(|_| !self.closed)?;
        Some((notices.accounts.get_mut(&key)?, self.hwm))
    }
}

impl Account {
    const fn memory(&self) -> usize {
        if self.unread == 0 { 0 } else { self.bytes + self.remote }
    }

    const fn is_half_read(&self, hwm: HighWaterMark) -> bool {
        hwm.is_half_free(self.unread, self.bytes)
    }

    /// Wakes the tasks that wait to cause notices in the account of `pipe`.
    fn resume(
        &mut self,
        pipe: PipeKey,
        released: &mut Vec<PipeKey>,
        announcer: &mut Option<Waker>,
        wakes: &mut Wakes,
    ) {
        wakes.extend(self.connection.take());
        if mem::take(&mut self.departs) {
            released.push(pipe);
            wakes.extend(announcer.take());
        }
    }
}

/// The memory of a notice in addition to its frame.
const NOTICE_BYTES: usize =
    size_of::<Message>() + size_of::<Delivery>() + size_of::<UnreadNotice>();

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection_id::ConnectionId;
    use crate::pipe::arrival_of;
    use crate::remote::tests::{any_remote, remote_with_secret};

    #[test]
    fn notices_are_received_in_their_order_whatever_their_remotes() {
        let (mut queue, [a, b]) = queue(10);
        for (key, notice) in [(a, "1"), (b, "2"), (a, "3"), (a, "4"), (b, "5")] {
            push(&mut queue, key, notice);
        }
        assert_eq!(queue.queued(Some(a)), 3);
        assert_eq!(pop_all(&mut queue), ["1", "2", "3", "4", "5"]);
        assert_eq!(queue.queued(Some(a)), 0);
        assert!(queue.notices.unwrap().accounts.is_empty());
    }

    #[test]
    fn notices_and_messages_take_turns() {
        let (mut queue, [a, b]) = queue(10);
        for notice in ["1", "2"] {
            push(&mut queue, a, notice);
        }
        let mut arrival = arrival_of(&["x", "y"]);
        let pushed = queue.poll_push(b, &mut arrival, usize::MAX, Waker::noop(), &mut Wakes::None);
        assert!(pushed.is_ready());
        assert_eq!(pop_all(&mut queue), ["1", "x", "2", "y"]);
    }

    #[test]
    fn a_notice_wakes_one_receiver() {
        let (mut queue, [a, _]) = queue(10);
        let mut tickets = [None; 2];
        for ticket in &mut tickets {
            let polled = queue.poll_pop(ticket, Waker::noop(), &mut Wakes::None);
            assert!(polled.is_pending());
        }
        assert_eq!(push(&mut queue, a, "1"), 1);
    }

    #[test]
    fn a_remote_at_the_high_water_mark_causes_no_notices_until_half_are_read() {
        let (mut queue, [a, b]) = queue(4);
        for notice in ["1", "2", "3", "4"] {
            assert!(queue.poll_notice_room(a, Waker::noop()).is_ready());
            push(&mut queue, a, notice);
        }
        assert!(queue.poll_notice_room(a, Waker::noop()).is_pending());
        assert!(queue.poll_notice_room(b, Waker::noop()).is_ready());
        assert_eq!(pop(&mut queue), 0);
        assert!(queue.poll_notice_room(a, Waker::noop()).is_pending());
        assert_eq!(pop(&mut queue), 1);
        assert!(queue.poll_notice_room(a, Waker::noop()).is_ready());
    }

    #[test]
    fn departures_wait_like_connections() {
        let (mut queue, [a, _]) = queue(2);
        for notice in ["1", "2"] {
            assert!(queue.has_departure_room(a));
            push(&mut queue, a, notice);
        }
        assert!(!queue.has_departure_room(a));
        queue.park_announcer(Waker::noop());
        assert_eq!(queue.take_released(), []);
        assert_eq!(pop(&mut queue), 1);
        assert_eq!(queue.take_released(), [a]);
        assert!(queue.has_departure_room(a));
    }

    #[test]
    fn the_notices_of_ended_remotes_are_counted() {
        let (mut queue, [a, b]) = queue(10);
        push(&mut queue, a, "1");
        queue.end(a, [], &mut Wakes::None);
        push(&mut queue, a, "2");
        queue.end(b, [], &mut Wakes::None);
        push(&mut queue, b, "3");
        assert_eq!((queue.ended().remotes, queue.ended().messages), (2, 3));
        assert!(queue.ended().bytes > 3 * NOTICE_BYTES);
        assert_eq!(pop_all(&mut queue), ["1", "2", "3"]);
        assert_eq!(queue.ended(), Default::default());
    }

    /// The connections of a dialed remote share a pipe.
    #[test]
    fn the_memory_of_an_ended_remote_is_that_of_its_largest_connection() {
        let (mut queue, [a, _]) = queue(10);
        let [large, small] = [10_000, 1].map(|len| {
            let remote = remote_with_secret(ConnectionId::FIRST, &vec![b'x'; len]);
            (remote.kept(), remote)
        });
        queue.push_notice(a, "1".into(), true, &large.1, &mut Wakes::None);
        queue.end(a, [], &mut Wakes::None);
        let kept = queue.ended().bytes;
        assert!(kept >= large.0 + PIPE_KEPT + NOTICE_BYTES);
        queue.push_notice(a, "2".into(), true, &small.1, &mut Wakes::None);
        assert_eq!(queue.ended().bytes, kept + NOTICE_BYTES + 1);
        assert_eq!(pop_all(&mut queue), ["1", "2"]);
        assert_eq!(queue.ended(), Default::default());
    }

    #[test]
    fn a_higher_high_water_mark_or_closing_the_socket_resumes_remotes() {
        for closes in [false, true] {
            let (mut queue, [a, _]) = queue(1);
            push(&mut queue, a, "1");
            assert!(queue.poll_notice_room(a, Waker::noop()).is_pending());
            assert!(!queue.has_departure_room(a));
            queue.park_announcer(Waker::noop());
            let mut wakes = Wakes::None;
            if closes {
                queue.close(&mut wakes);
            } else {
                queue.set_hwm(HighWaterMark::new(3, 0), &mut wakes);
            }
            assert_eq!(wakes.len(), 2);
            assert!(queue.poll_notice_room(a, Waker::noop()).is_ready());
            assert!(queue.has_departure_room(a));
            push(&mut queue, a, "2");
            assert_eq!(pop_all(&mut queue).len(), if closes { 1 } else { 2 });
        }
    }

    fn queue(hwm: usize) -> (FairQueue, [PipeKey; 2]) {
        let mut queue = FairQueue::new(HighWaterMark::new(hwm, 0), 0);
        queue.keep_notices();
        let keys = [(); 2].map(|()| queue.attach(None));
        (queue, keys)
    }

    /// Returns the number of tasks that it wakes.
    fn push(queue: &mut FairQueue, key: PipeKey, notice: &'static str) -> usize {
        let mut wakes = Wakes::None;
        queue.push_notice(key, notice.into(), true, &any_remote(), &mut wakes);
        wakes.len()
    }

    /// Takes a message. Returns the number of tasks that this wakes.
    fn pop(queue: &mut FairQueue) -> usize {
        let mut wakes = Wakes::None;
        queue.pop(&mut wakes).unwrap().unwrap();
        wakes.len()
    }

    fn pop_all(queue: &mut FairQueue) -> Vec<Message> {
        std::iter::from_fn(|| queue.pop(&mut Wakes::None).ok().flatten()).collect()
    }
}
