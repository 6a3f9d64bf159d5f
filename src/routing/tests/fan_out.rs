//! Messages for many remotes, and strategies that no socket type uses.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use zmtp_proto::command::Command;
use zmtp_proto::group::Group;

use super::super::*;
use crate::message::GroupMessage;
use crate::options::GroupOptions;
use crate::pipe::{HighWaterMark, PipeKey, Ticket, Want, arrival_of};
use crate::remote::tests::any_remote;

#[test]
fn a_message_is_shared_by_all_members_and_missed_by_full_ones() {
    let mut pipes = pipes(false);
    let [a, b, c] = [(); 3].map(|()| attach(&mut pipes));
    join(&mut pipes, a, &["x", "y"]);
    join(&mut pipes, b, &["x"]);
    let body = vec![7; 1_000];
    assert_eq!(send(&mut pipes, "x", &body), Ok(()));
    assert_eq!(send(&mut pipes, "y", &body), Ok(()), "nothing waits");
    assert_eq!(send(&mut pipes, "z", &body), Ok(()), "no remote is in the group");
    let copies = pipes.take_copies();
    let reports = pipes.take_slow_reports();
    assert_eq!((copies.queued, copies.missed, reports.len()), (2, 1, 1));
    let [from_a, from_b, from_c] = [a, b, c].map(|key| take(&mut pipes, key));
    assert_eq!([from_a.len(), from_b.len(), from_c.len()], [1, 1, 0]);
    assert_eq!(from_a[0], frames("x", &body));
    assert_eq!(from_a[0].as_ptr(), from_b[0].as_ptr(), "the body is held once");
}

#[test]
fn a_remote_that_misses_messages_is_reported_once_for_a_series() {
    let mut pipes = pipes(false);
    let a = attach(&mut pipes);
    join(&mut pipes, a, &["x"]);
    for reported in [0, 1, 0] {
        assert_eq!(send(&mut pipes, "x", b""), Ok(()));
        assert_eq!(pipes.take_slow_reports().len(), reported);
    }
    take(&mut pipes, a);
    for reported in [0, 1] {
        assert_eq!(send(&mut pipes, "x", b""), Ok(()));
        assert_eq!(pipes.take_slow_reports().len(), reported);
    }
}

#[test]
fn without_drops_a_message_waits_until_all_members_have_room() {
    let mut pipes = pipes(true);
    let [a, b] = [(); 2].map(|()| attach(&mut pipes));
    join(&mut pipes, a, &["x", "y"]);
    join(&mut pipes, b, &["x"]);
    assert_eq!(send(&mut pipes, "y", b""), Ok(()));
    assert_eq!(send(&mut pipes, "x", b""), Err(Refusal::Full));
    assert_eq!(pipes.full_members(&group("x")).len(), 1);
    assert_eq!(take(&mut pipes, b).len(), 0, "no member has it");

    let mut sender = Sender::new("x");
    assert!(sender.poll(&mut pipes).is_pending());
    assert_eq!(sender.woken(), 0);
    assert_eq!(take(&mut pipes, a).len(), 1);
    assert_eq!(sender.woken(), 1);
    assert_eq!(sender.poll(&mut pipes), Poll::Ready(Ok(())));
    assert_eq!([a, b].map(|key| take(&mut pipes, key).len()), [1, 1]);
}

#[test]
fn waiting_senders_are_served_in_order() {
    let (mut pipes, a, [mut first, mut second]) = senders_wait_for_a_member();
    take(&mut pipes, a);
    assert_eq!([first.woken(), second.woken()], [1, 0]);
    assert_eq!(send(&mut pipes, "x", b""), Err(Refusal::Full), "the first sender has the room");
    assert!(second.poll(&mut pipes).is_pending());
    assert_eq!(first.poll(&mut pipes), Poll::Ready(Ok(())));
    take(&mut pipes, a);
    assert_eq!(second.woken(), 1);
    assert_eq!(second.poll(&mut pipes), Poll::Ready(Ok(())));
}

/// Each member keeps its free slot for the sender that also waits for the other one.
#[test]
fn a_sender_that_waits_for_several_members_is_not_overtaken() {
    let (mut pipes, [a, b]) = two_members(HighWaterMark::new(1, 0));
    assert_eq!(send(&mut pipes, "x", b""), Ok(()));
    let mut sender = Sender::new("x");
    assert!(sender.poll(&mut pipes).is_pending());
    let mut overtaken = 0;
    for (key, name) in [(a, "of a"), (b, "of b")].into_iter().cycle().take(100) {
        let woken = sender.woken();
        take(&mut pipes, key);
        if sender.woken() > woken && sender.poll(&mut pipes).is_ready() {
            break;
        }
        overtaken += usize::from(send(&mut pipes, name, b"").is_ok());
    }
    assert_eq!(overtaken, 0);
    assert_eq!([a, b].map(|key| take(&mut pipes, key).len()), [1, 1]);
}

#[test]
fn room_that_is_not_kept_for_waiting_senders_is_used_by_others() {
    let (mut pipes, [a, _]) = two_members(HighWaterMark::new(2, 0));
    for _ in 0..2 {
        assert_eq!(send(&mut pipes, "of a", b""), Ok(()));
    }
    let mut sender = Sender::new("x");
    assert!(sender.poll(&mut pipes).is_pending());
    assert_eq!(send(&mut pipes, "of b", b""), Ok(()));
    assert_eq!(send(&mut pipes, "of b", b""), Err(Refusal::Full));
    assert!(pipes.full_members(&group("of b")).is_empty(), "the full member is not of this group");
    take(&mut pipes, a);
    assert_eq!(sender.poll(&mut pipes), Poll::Ready(Ok(())));
}

/// A long message could use up the bytes of an earlier sender.
#[test]
fn below_a_limit_in_bytes_no_sender_overtakes_a_waiting_one() {
    let (mut pipes, [a, _]) = two_members(HighWaterMark::new(0, 1_000));
    assert_eq!(send(&mut pipes, "of a", &[0; 1_000]), Ok(()));
    assert_eq!(send(&mut pipes, "of b", &[0; 100]), Ok(()));
    let mut sender = Sender::new("x");
    assert!(sender.poll(&mut pipes).is_pending());
    assert_eq!(send(&mut pipes, "of b", &[0; 1_000]), Err(Refusal::Full));
    take(&mut pipes, a);
    assert_eq!(sender.poll(&mut pipes), Poll::Ready(Ok(())));
    assert_eq!(send(&mut pipes, "of b", &[0; 1_000]), Ok(()));
}

#[test]
fn a_sender_that_is_dropped_passes_its_wake_up_on() {
    let (mut pipes, a, [first, mut second]) = senders_wait_for_a_member();
    take(&mut pipes, a);
    with(&mut pipes, |pipes, wakes| pipes.cancel(&group("x"), first.ticket.unwrap(), wakes));
    assert_eq!(second.woken(), 1);
    assert_eq!(second.poll(&mut pipes), Poll::Ready(Ok(())));
}

#[test]
fn a_command_that_ends_no_membership_wakes_no_sender() {
    let (mut pipes, a, [sender]) = senders_wait_for_a_member();
    for command in
        [Command::Join(group("x")), Command::Join(group("y")), Command::Leave(group("z"))]
    {
        with(&mut pipes, |pipes, wakes| pipes.command(a, &command, None, wakes)).unwrap();
    }
    assert_eq!(sender.woken(), 0);
}

#[test]
fn a_full_member_that_leaves_holds_up_no_sender() {
    let leaves: [fn(&mut OutgoingPipes<GroupTable>, PipeKey); 4] = [
        |pipes, key| {
            let leave = Command::Leave(group("x"));
            with(pipes, |pipes, wakes| pipes.command(key, &leave, None, wakes)).unwrap();
        },
        |pipes, key| with(pipes, |pipes, wakes| pipes.connect(key, &any_remote(), wakes)),
        |pipes, key| drop(with(pipes, |pipes, wakes| pipes.detach(key, wakes))),
        |pipes, _| with(pipes, |pipes, wakes| pipes.close(wakes)),
    ];
    for (leave, sent) in leaves.into_iter().zip([Ok(()), Ok(()), Ok(()), Err(Refusal::Closed)]) {
        let (mut pipes, a, [mut sender]) = senders_wait_for_a_member();
        leave(&mut pipes, a);
        assert_eq!(sender.woken(), 1);
        assert_eq!(sender.poll(&mut pipes), Poll::Ready(sent));
    }
}

/// A task that sends a message.
struct Sender {
    group: Group,
    ticket: Option<Ticket>,
    message: Option<Message>,
    wakes: Arc<Count>,
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Sender {
    fn new(name: &str) -> Self {
        let message = Some(frames(name, b"x"));
        Self { group: group(name), ticket: None, message, wakes: Arc::default() }
    }

    fn poll(&mut self, pipes: &mut OutgoingPipes<GroupTable>) -> Poll<Result<(), Refusal>> {
        let Self { group, ticket, message, wakes } = self;
        let waker = Waker::from(Arc::clone(wakes));
        with(pipes, |pipes, wakes| pipes.poll_send_to_all(group, ticket, message, &waker, wakes))
    }

    fn woken(&self) -> usize {
        self.wakes.0.load(Ordering::Relaxed)
    }
}

fn pipes(no_drop: bool) -> OutgoingPipes<GroupTable> {
    let mut pipes = OutgoingPipes::new(GroupTable::default(), HighWaterMark::new(1, 0));
    pipes.set_group_options(GroupOptions { no_drop, ..GroupOptions::default() });
    pipes
}

/// Attaches two members of the group "x". Each is also the only member of another group.
fn two_members(hwm: HighWaterMark) -> (OutgoingPipes<GroupTable>, [PipeKey; 2]) {
    let mut pipes = pipes(true);
    pipes.set_hwm(hwm, &mut Wakes::None);
    let [a, b] = [(); 2].map(|()| attach(&mut pipes));
    join(&mut pipes, a, &["x", "of a"]);
    join(&mut pipes, b, &["x", "of b"]);
    (pipes, [a, b])
}

/// Attaches the only member of the group "x", for which these senders wait: it is full.
fn senders_wait_for_a_member<const SENDERS: usize>()
-> (OutgoingPipes<GroupTable>, PipeKey, [Sender; SENDERS]) {
    let mut pipes = pipes(true);
    let member = attach(&mut pipes);
    join(&mut pipes, member, &["x"]);
    assert_eq!(send(&mut pipes, "x", b""), Ok(()));
    let senders = [(); SENDERS].map(|()| {
        let mut sender = Sender::new("x");
        assert!(sender.poll(&mut pipes).is_pending());
        sender
    });
    (pipes, member, senders)
}

fn attach(pipes: &mut OutgoingPipes<GroupTable>) -> PipeKey {
    let key = pipes.attach(EndpointId(0), &mut Wakes::None).unwrap().key;
    pipes.connect(key, &any_remote(), &mut Wakes::None);
    key
}

fn join(pipes: &mut OutgoingPipes<GroupTable>, key: PipeKey, groups: &[&str]) {
    for name in groups {
        pipes.command(key, &Command::Join(group(name)), None, &mut Wakes::None).unwrap();
    }
}

fn send(pipes: &mut OutgoingPipes<GroupTable>, name: &str, body: &[u8]) -> Result<(), Refusal> {
    pipes.try_send(&group(name), &mut Some(frames(name, body)), &mut Wakes::None)
}

fn take(pipes: &mut OutgoingPipes<GroupTable>, key: PipeKey) -> VecDeque<Message> {
    let mut taken = VecDeque::new();
    let _ = with(pipes, |pipes, wakes| {
        pipes.poll_take(key, Want::Write, &mut taken, Waker::noop(), wakes)
    });
    taken
}

fn with<T>(
    pipes: &mut OutgoingPipes<GroupTable>,
    change: impl FnOnce(&mut OutgoingPipes<GroupTable>, &mut Wakes) -> T,
) -> T {
    let mut wakes = Wakes::None;
    let changed = change(pipes, &mut wakes);
    wakes.wake_all();
    changed
}

fn frames(name: &str, body: &[u8]) -> Message {
    GroupMessage::new(&group(name), body).into_frames()
}

fn group(name: &str) -> Group {
    name.parse().unwrap()
}

/// A strategy that admits one remote.
#[derive(Debug)]
struct Single;

impl Strategy for Single {
    type Target = ();

    fn choose(&mut self, (): &()) -> Choice<'_> {
        Choice::Full
    }

    fn admit(&self, remotes: usize) -> Result<(), AttachmentError> {
        if remotes < 1 { Ok(()) } else { Err(AttachmentError::Occupied) }
    }
}

#[test]
fn the_strategy_decides_how_many_remotes_are_admitted() {
    let mut pipes = OutgoingPipes::new(Single, HighWaterMark::new(1, 0));
    let first = pipes.attach(EndpointId(0), &mut Wakes::None).unwrap().key;
    let second = pipes.attach(EndpointId(0), &mut Wakes::None);
    assert_eq!(second.unwrap_err(), AttachmentError::Occupied);
    pipes.detach(first, &mut Wakes::None);
    assert!(pipes.attach(EndpointId(0), &mut Wakes::None).is_ok());
}

/// A strategy for a socket type that never sends: no sender can specify a target.
#[derive(Debug)]
struct Never;

impl Strategy for Never {
    type Target = Infallible;

    fn choose(&mut self, to: &Infallible) -> Choice<'_> {
        match *to {}
    }
}

#[test]
fn a_socket_type_that_never_sends_can_have_remotes() {
    let mut pipes = OutgoingPipes::new(Never, HighWaterMark::new(1, 0));
    let key = pipes.attach(EndpointId(0), &mut Wakes::None).unwrap().key;
    assert_eq!(pipes.detach(key, &mut Wakes::None).unwrap().len(), 0);
}

/// A socket type that never receives closes its incoming queue when it is created.
#[test]
fn a_socket_type_that_never_receives_returns_deliveries_to_be_counted() {
    let mut queue = FairQueue::new(HighWaterMark::new(1, 0), 0);
    queue.close(&mut Wakes::None);
    let key = queue.attach(None);
    let mut delivery = arrival_of(&["x", "y"]);
    let pushed = queue.poll_push(key, &mut delivery, usize::MAX, Waker::noop(), &mut Wakes::None);
    assert!(pushed.is_ready());
    assert_eq!(delivery.cargo.messages(), 2);
    assert_eq!(queue.end(key, [delivery], &mut Wakes::None).len(), 1);
}
