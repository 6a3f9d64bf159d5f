mod departing;

use std::cell::Cell;
use std::collections::{BTreeSet, VecDeque};
use std::task::{Poll, Waker};

use proptest::collection::vec;
use proptest::prelude::{Strategy as _, prop_oneof, proptest};
use zmtp_proto::topic::Topic;

use super::*;
use crate::message::{AnyMessage, Multipart, Upstream};
use crate::options::XPubOptions;
use crate::pipe::{HighWaterMark, Take, Want};
use crate::remote::tests::remote_with_id;
use crate::routing::{AnswerRefusal, EndpointId, Outgoing, Refusal};

#[test]
fn only_the_first_subscription_and_the_last_end_are_noticed() {
    let mut publisher = Publisher::new(Verbosity::Changes, 10);
    let [a, b] = [(); 2].map(|()| publisher.connect());
    for remote in [a, a, b] {
        publisher.subscribe(remote, "x");
    }
    publisher.cancel(a, "x");
    publisher.cancel(a, "x");
    publisher.cancel(a, "y");
    publisher.disconnect(b);
    assert_eq!(publisher.notices(), ["+x", "-x"]);
    assert_eq!(publisher.pipes.topics(), 0);
}

#[test]
fn verbose_also_notices_repeated_subscriptions() {
    let mut publisher = Publisher::new(Verbosity::Verbose, 10);
    let [a, b] = [(); 2].map(|()| publisher.connect());
    for remote in [a, a, b] {
        publisher.subscribe(remote, "x");
    }
    publisher.cancel(a, "x");
    publisher.disconnect(b);
    assert_eq!(publisher.notices(), ["+x", "+x", "+x", "-x"]);
}

#[test]
fn verboser_also_notices_each_end() {
    let mut publisher = Publisher::new(Verbosity::Verboser, 10);
    let [a, b] = [(); 2].map(|()| publisher.connect());
    for remote in [a, a, b] {
        publisher.subscribe(remote, "x");
    }
    publisher.cancel(a, "x");
    publisher.cancel(a, "x");
    publisher.disconnect(b);
    assert_eq!(publisher.notices(), ["+x", "+x", "+x", "-x", "-x"]);
}

#[test]
fn inverted_matching_finds_the_remotes_that_have_not_subscribed() {
    let mut publisher = Publisher::new(Verbosity::Changes, 10);
    publisher.pipes.strategy.inverts = true;
    let mut ticket = None;
    assert!(publisher.pipes.poll_subscribed(b"xy", &mut ticket, Waker::noop()).is_pending());
    let [a, b] = [(); 2].map(|()| publisher.connect());
    assert_eq!(publisher.pipes.poll_subscribed(b"xy", &mut ticket, Waker::noop()), ready());
    publisher.subscribe(a, "x");
    publisher.subscribe(a, "");
    assert_eq!(publisher.send(["xy"]), Ok(()));
    assert_eq!([a, b].map(|remote| publisher.take(remote)), [0, 1]);
    publisher.disconnect(b);
    assert_eq!(publisher.pipes.subscribers(b"xy"), 0);
}

#[test]
fn requests_are_applied_as_the_application_answers() {
    let mut publisher = Publisher::manual();
    let [a, b] = [(); 2].map(|()| publisher.connect());
    publisher.subscribe(a, "x");
    publisher.subscribe(b, "x");
    publisher.subscribe(a, "x");
    assert_eq!(publisher.notices(), ["+x", "+x", "+x"]);
    assert_eq!(publisher.pipes.subscribers(b"x"), 0);
    assert_eq!(publisher.answer(a, true, &["x1", "x2"]), Ok(()));
    assert_eq!([b"x1", b"x2", b"x3"].map(|part| publisher.pipes.subscribers(part)), [1, 1, 0]);
    assert_eq!(publisher.pipes.topics(), 2);
    publisher.cancel(a, "y");
    publisher.cancel(a, "x");
    assert_eq!(publisher.notices(), ["-x"]);
    assert_eq!(publisher.pipes.subscribers(b"x1"), 1);
    assert_eq!(publisher.answer(a, false, &["x1", "z"]), Ok(()));
    assert_eq!(publisher.pipes.subscribers(b"x1"), 0);
    publisher.disconnect(b);
    assert_eq!(publisher.notices(), ["-x"]);
    publisher.disconnect(a);
    assert_eq!(publisher.notices(), [""; 0], "it has asked for nothing");
    assert_eq!(publisher.pipes.topics(), 0);
}

#[test]
fn an_answer_reaches_only_the_connection_of_its_request() {
    let mut publisher = Publisher::manual();
    let a = publisher.connect();
    publisher.subscribe(a, "x");
    publisher.end_connection(a);
    let again = publisher.reconnect(a);
    assert_eq!(publisher.answer(a, true, &["x"]), Err(AnswerRefusal::HostUnreachable));
    assert_eq!(publisher.answer(a, false, &["x"]), Ok(()));
    assert_eq!(publisher.send_to(a, "x"), Err(Refusal::HostUnreachable));
    assert_eq!(publisher.pipes.subscribers(b"x"), 0);
    assert_eq!(publisher.send_to(again, "x"), Ok(()));
    assert_eq!(publisher.take(again), 1);
    publisher.pipes.close(&mut Wakes::None);
    assert_eq!(publisher.answer(again, true, &["x"]), Err(AnswerRefusal::Closed));
    let mut publisher = Publisher::new(Verbosity::Changes, 10);
    let a = publisher.connect();
    assert_eq!(publisher.answer(a, true, &["x"]), Err(AnswerRefusal::NotManual));
}

#[test]
fn a_message_for_one_remote_is_queued_or_refused() {
    let mut publisher = Publisher::manual();
    publisher.pipes.set_hwm(HighWaterMark::new(1, 0), &mut Wakes::None);
    let [a, b] = [(); 2].map(|()| publisher.connect());
    assert_eq!(publisher.send_to(a, "x"), Ok(()));
    assert_eq!(publisher.send_to(a, "y"), Err(Refusal::Full));
    assert_eq!(publisher.send_to(b, "y"), Ok(()));
    assert_eq!([a, b].map(|remote| publisher.take(remote)), [1, 1]);
}

#[derive(Clone, Debug)]
enum Step {
    Announce,
    Cancel(usize, String),
    Connect(usize),
    Disconnect(usize),
    Read(usize),
    Subscribe(usize, String),
}

proptest! {
    /// The notices alternate for each topic, and following them leads to the topics in force.
    #[test]
    fn the_notices_lead_to_the_topics_in_force(steps in vec(any_step(), 1..150), hwm in 0..5_usize) {
        let mut publisher = Publisher::new(Verbosity::Changes, hwm);
        let mut remotes = [(); REMOTES].map(|()| publisher.connect());
        let mut is_connected = [true; REMOTES];
        let mut plain: [BTreeSet<String>; REMOTES] = Default::default();
        let mut followed = BTreeSet::new();
        let mut follow = |notice: Option<String>| {
            let Some(notice) = notice else { return false };
            let topic = notice[1..].to_owned();
            let has_changed =
                if notice.starts_with('+') { followed.insert(topic) } else { followed.remove(&topic) };
            assert!(has_changed, "{notice} is no change");
            true
        };
        for step in steps {
            match step {
                Step::Announce => {
                    publisher.announce();
                }
                Step::Read(notices) => {
                    for _ in 0..notices {
                        follow(publisher.read());
                    }
                }
                Step::Connect(at) if !is_connected[at] => {
                    // Some return to their pipe, and some are new.
                    remotes[at] = if at == 0 {
                        publisher.reconnect(remotes[at])
                    } else {
                        publisher.connect()
                    };
                    is_connected[at] = true;
                }
                Step::Disconnect(at) if is_connected[at] => {
                    if at == 0 {
                        publisher.end_connection(remotes[at]);
                    } else {
                        publisher.detach(remotes[at]);
                    }
                    is_connected[at] = false;
                    plain[at].clear();
                }
                Step::Subscribe(at, topic) if is_connected[at] && publisher.has_room(remotes[at]) => {
                    publisher.subscribe(remotes[at], &topic);
                    plain[at].insert(topic);
                }
                Step::Cancel(at, topic) if is_connected[at] && publisher.has_room(remotes[at]) => {
                    publisher.cancel(remotes[at], &topic);
                    plain[at].remove(&topic);
                }
                _ => {}
            }
            for topic in plain.iter().flatten() {
                let expected = plain.iter().filter(|topics| topics.iter().any(|it| topic.starts_with(&**it)));
                assert_eq!(publisher.pipes.subscribers(topic.as_bytes()), expected.count());
            }
            if hwm > 0 {
                for remote in remotes {
                    assert!(publisher.unread(remote) <= hwm);
                }
            }
        }
        loop {
            let is_announced = publisher.announce();
            if !follow(publisher.read()) && !is_announced {
                break;
            }
        }
        let topics: BTreeSet<_> = plain.iter().flatten().cloned().collect();
        assert_eq!(followed, topics);
        assert_eq!(publisher.pipes.topics(), topics.len());
    }
}

fn any_step() -> impl proptest::prelude::Strategy<Value = Step> {
    let remote = 0..REMOTES;
    let topic = || "[ab]{0,3}";
    prop_oneof![
        1 => proptest::strategy::Just(Step::Announce),
        2 => (remote.clone(), topic()).prop_map(|(remote, topic)| Step::Cancel(remote, topic)),
        1 => remote.clone().prop_map(Step::Connect),
        1 => remote.clone().prop_map(Step::Disconnect),
        2 => (0..4_usize).prop_map(Step::Read),
        4 => (remote, topic()).prop_map(|(remote, topic)| Step::Subscribe(remote, topic)),
    ]
}

/// A connection, by its number and its pipe.
#[derive(Clone, Copy, Debug)]
struct Connected {
    id: ConnectionId,
    key: PipeKey,
    inbound: PipeKey,
}

struct Publisher {
    pipes: OutgoingPipes<NoticeTable>,
    queue: FairQueue,
    next_id: ConnectionId,
}

impl Publisher {
    fn new(verbosity: Verbosity, recv_hwm: usize) -> Self {
        Self::with(XPubOptions { verbosity, ..XPubOptions::default() }, recv_hwm)
    }

    fn manual() -> Self {
        Self::with(XPubOptions { manual: true, ..XPubOptions::default() }, 10)
    }

    fn with(xpub: XPubOptions, recv_hwm: usize) -> Self {
        let hwm = HighWaterMark::new(10, 0);
        let mut pipes = OutgoingPipes::new(NoticeTable::default(), hwm);
        pipes.set_options(&Options { xpub, ..Options::default() });
        let mut queue = FairQueue::new(HighWaterMark::new(recv_hwm, 0), 0);
        queue.keep_notices();
        Self { pipes, queue, next_id: ConnectionId::FIRST }
    }

    fn connect(&mut self) -> Connected {
        let attached = self.pipes.attach(EndpointId(0), &mut Wakes::None).unwrap();
        let inbound = self.queue.attach(None);
        self.pipes.join(attached.key, inbound);
        self.reconnect(Connected { id: self.next_id, key: attached.key, inbound })
    }

    fn reconnect(&mut self, earlier: Connected) -> Connected {
        let id = self.next_id;
        self.next_id = id.next();
        self.pipes.connect(earlier.key, &remote_with_id(id), &mut Wakes::None);
        Connected { id, ..earlier }
    }

    /// Ends a connection whose remote may return.
    fn end_connection(&mut self, remote: Connected) {
        self.pipes.disconnect(remote.key, false, &mut VecDeque::new());
    }

    fn detach(&mut self, remote: Connected) {
        self.pipes.disconnect(remote.key, true, &mut VecDeque::new());
        self.pipes.detach(remote.key, &mut Wakes::None);
        self.queue.end(remote.inbound, [], &mut Wakes::None);
    }

    /// Removes a remote, and announces what there is room for.
    fn disconnect(&mut self, remote: Connected) {
        self.detach(remote);
        while self.announce() || self.pipes.reclaim() {}
    }

    fn subscribe(&mut self, remote: Connected, topic: &str) {
        self.command(remote, &Command::Subscribe(topic.parse().unwrap()));
    }

    fn cancel(&mut self, remote: Connected, topic: &str) {
        self.command(remote, &Command::Cancel(topic.parse().unwrap()));
    }

    fn command(&mut self, remote: Connected, command: &Command) {
        self.try_command(remote, command).unwrap();
    }

    fn try_command(
        &mut self,
        remote: Connected,
        command: &Command,
    ) -> Result<CommandEffect, ExceededLimit> {
        let Self { pipes, queue, .. } = self;
        pipes.command(remote.key, command, Some(queue), &mut Wakes::None)
    }

    fn has_room(&mut self, remote: Connected) -> bool {
        self.queue.poll_notice_room(remote.inbound, Waker::noop()).is_ready()
    }

    fn unread(&self, remote: Connected) -> usize {
        self.queue.queued(Some(remote.inbound))
    }

    fn announce(&mut self) -> bool {
        self.pipes.announce_departures(&mut self.queue, &mut Wakes::None)
    }

    fn answer(
        &mut self,
        remote: Connected,
        subscribes: bool,
        topics: &[&str],
    ) -> Result<(), AnswerRefusal> {
        let topics: Vec<Topic> = topics.iter().map(|topic| topic.parse().unwrap()).collect();
        self.pipes.answer(remote.id, subscribes, &Vec::from_iter(&topics), &mut Wakes::None)
    }

    fn send(&mut self, message: impl Into<Multipart>) -> Result<(), Refusal> {
        let mut message = Some(message.into().into_queue());
        self.pipes.try_send(&FirstPart, &mut message, &mut Wakes::None)
    }

    fn send_to(&mut self, remote: Connected, message: &str) -> Result<(), Refusal> {
        let mut message = Some(Multipart::from(message).into_queue());
        self.pipes.try_send_to(remote.id, &mut message, &mut Wakes::None)
    }

    /// Takes the messages for a remote, and returns their number.
    fn take(&mut self, remote: Connected) -> usize {
        let mut taken = VecDeque::new();
        let took = self.pipes.poll_take(
            remote.key,
            Want::Write,
            &mut taken,
            Waker::noop(),
            &mut Wakes::None,
        );
        assert!(matches!(took, Poll::Pending | Poll::Ready(Take::Messages)));
        taken.len()
    }

    fn read(&mut self) -> Option<String> {
        let remote = self.queue.next_remote().cloned();
        let queued = self.queue.pop(&mut Wakes::None).unwrap()?;
        Some(match Upstream::received(queued, remote) {
            Upstream::Subscribe(request) => format!("+{}", request.topic()),
            Upstream::Cancel(request) => format!("-{}", request.topic()),
            Upstream::Message(message) => panic!("{message:?} is not a notice"),
        })
    }

    /// Reads all notices, and announces the departures for which this makes room.
    fn notices(&mut self) -> Vec<String> {
        let mut notices = Vec::new();
        while let Some(notice) = self.read() {
            notices.push(notice);
            while self.announce() {}
        }
        notices
    }
}

fn ready<T>() -> Poll<Result<(), T>> {
    Poll::Ready(Ok(()))
}

const REMOTES: usize = 3;

thread_local! {
    static STEPS: Cell<usize> = const { Cell::new(0) };
}

/// Counts a step of announcing departures.
pub(super) fn step() {
    STEPS.set(STEPS.get() + 1);
}
