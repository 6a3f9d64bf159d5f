//! Slow subscribers, in any sequence of steps.

use std::mem;

use proptest::test_runner::TestCaseResult;
use zmtp_proto::command::Command;
use zmtp_proto::frame::LONG_LENGTH;
use zmtp_proto::message_shape::first_part;
use zmtp_proto::topic::Topic;

use super::*;
use crate::message::{AnyMessage, Multipart};
use crate::options::{SlowSubscriber, TopicOptions};
use crate::pipe::{Room, unpack};
use crate::remote::Remote;
use crate::remote::tests::any_remote;
use crate::routing::{FirstPart, SlowReport, SubscriptionTable};

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Sends a message with this first part, and a second part of this length.
    Send(u8, usize),
    SetHwm(HighWaterMark),
    /// Takes as a connection does, or over `inproc` as a receiver with this room.
    Take(Room),
}

proptest! {
    #[test]
    fn the_queue_of_a_slow_subscriber_is_that_of_the_policy(
        (slow, is_stream) in (policies(), any::<bool>()),
        steps in vec(steps(), 1..200),
    ) {
        let mut socket = Socket::new(slow, is_stream);
        for step in steps {
            socket.step(step)?;
            socket.check()?;
        }
        let left = socket.pipes.detach(socket.key, &mut Wakes::None).unwrap().into_queue();
        prop_assert!(left == socket.plain.queue);
    }
}

fn policies() -> impl Strategy<Value = SlowSubscriber> {
    prop_oneof![
        Just(SlowSubscriber::DropNewest),
        Just(SlowSubscriber::DropOldest),
        Just(SlowSubscriber::KeepLast),
        (0..4_u32).prop_map(|after| SlowSubscriber::Disconnect { after }),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    // Up to 256 bytes are packed, and a connection takes some long messages at a time.
    let lens = prop_oneof![4 => 0..300_usize, 1 => Just(0x2_0000)];
    let bytes = prop_oneof![1 => Just(0), 1 => 0..3_000_usize];
    prop_oneof![
        12 => (0..6_u8, lens).prop_map(|(topic, len)| Step::Send(topic, len)),
        1 => (0..9_usize, bytes).prop_map(|(messages, bytes)| {
            Step::SetHwm(HighWaterMark::new(messages, bytes))
        }),
        2 => (1..9_usize, 1..2_000_usize).prop_map(|(messages, bytes)| {
            Step::Take(Room { messages, bytes, is_all: true })
        }),
    ]
}

/// A publisher with one subscriber.
struct Socket {
    pipes: OutgoingPipes<SubscriptionTable>,
    key: PipeKey,
    remote: Remote,
    plain: Plain,
    /// The number of messages sent so far.
    sent: u32,
    missed: u64,
    replaced: u64,
    reports: Vec<SlowReport>,
}

/// The definition of the policies.
struct Plain {
    slow: SlowSubscriber,
    hwm: HighWaterMark,
    queue: VecDeque<Message>,
    missed: u64,
    replaced: u64,
    /// The number of messages missed since the last one that was queued without a loss.
    missed_in_a_row: u32,
    /// Whether a message was replaced since the queue was empty.
    replaces: bool,
    reports: Vec<SlowReport>,
}

impl Socket {
    fn new(slow_subscriber: SlowSubscriber, is_stream: bool) -> Self {
        let hwm = HighWaterMark::new(4, 0);
        let mut pipes = OutgoingPipes::new(SubscriptionTable::default(), hwm);
        pipes.set_topic_options(TopicOptions { slow_subscriber, ..TopicOptions::default() });
        let key = pipes.attach(EndpointId(0), &mut Wakes::None).unwrap().key;
        let remote = any_remote();
        pipes.connect(key, &remote, &mut Wakes::None);
        let subscribe = Command::Subscribe(Topic::try_from("").unwrap());
        pipes.command(key, &subscribe, None, &mut Wakes::None).unwrap();
        pipes.pipes[key].packs &= is_stream;
        let plain = Plain {
            slow: slow_subscriber,
            hwm,
            queue: VecDeque::new(),
            missed: 0,
            replaced: 0,
            missed_in_a_row: 0,
            replaces: false,
            reports: Vec::new(),
        };
        Self { pipes, key, remote, plain, sent: 0, missed: 0, replaced: 0, reports: Vec::new() }
    }

    fn step(&mut self, step: Step) -> TestCaseResult {
        let Self { pipes, key, plain, .. } = self;
        match step {
            Step::Send(topic, len) => {
                self.sent += 1;
                let mut body = self.sent.to_be_bytes().to_vec();
                body.resize(4 + len, 7);
                let message = Multipart::from((&[topic], &body)).into_queue();
                plain.send(message.clone());
                let sent = pipes.try_send(&FirstPart, &mut Some(message), &mut Wakes::None);
                prop_assert_eq!(sent, Ok(()), "the sender never waits");
            }
            Step::SetHwm(hwm) => {
                plain.hwm = hwm;
                pipes.set_hwm(hwm, &mut Wakes::None);
            }
            Step::Take(room) => {
                let packs = pipes.pipes[*key].packs;
                let want = if packs { Want::Write } else { Want::Room(room) };
                let (mut packed, noop) = (VecDeque::new(), Waker::noop());
                let _ = pipes.poll_take(*key, want, &mut packed, noop, &mut Wakes::None);
                let mut taken = VecDeque::new();
                packed.into_iter().for_each(|packed| unpack(packed, &mut taken));
                prop_assert_eq!(taken.is_empty(), plain.queue.is_empty());
                let rest = plain.queue.split_off(taken.len());
                prop_assert!(mem::replace(&mut plain.queue, rest) == taken);
            }
        }
        Ok(())
    }

    fn check(&mut self) -> TestCaseResult {
        let Self { pipes, key, remote, plain, missed, replaced, reports, .. } = self;
        let copies = pipes.take_copies();
        *missed += copies.missed;
        *replaced += copies.replaced;
        let more = pipes.take_slow_reports();
        prop_assert_eq!(copies.has_reports, !more.is_empty());
        reports.extend(more.into_iter().map(|(_, report)| report));
        prop_assert_eq!((*missed, *replaced), (plain.missed, plain.replaced));
        prop_assert_eq!(reports, &mut plain.reports);
        let stats = remote.stats();
        prop_assert_eq!((stats.missed, stats.replaced), (plain.missed, plain.replaced));
        let outbound = &pipes.pipes[*key].outbound;
        prop_assert_eq!(outbound.len(), plain.queue.len());
        prop_assert_eq!(outbound.has_room(), plain.has_room());
        Ok(())
    }
}

impl Plain {
    fn send(&mut self, message: Message) {
        let (missed, replaced) = (self.missed, self.replaced);
        self.replaces &= !self.queue.is_empty();
        match self.slow {
            SlowSubscriber::DropOldest => self.drop_oldest_and_push(message),
            SlowSubscriber::KeepLast => self.replace_or_push(message),
            _ if self.has_room() => self.queue.push_back(message),
            _ => self.missed += 1,
        }
        if self.missed == missed {
            self.missed_in_a_row = 0;
        } else {
            if self.missed_in_a_row == 0 {
                self.reports.push(SlowReport::Misses);
            }
            self.missed_in_a_row += u32::try_from(self.missed - missed).unwrap();
        }
        match self.slow {
            SlowSubscriber::Disconnect { after }
                if self.missed > missed && self.missed_in_a_row == after.max(1) =>
            {
                self.reports.push(SlowReport::TooSlow(after.max(1)));
            }
            _ => {}
        }
        if self.replaced > replaced && !mem::replace(&mut self.replaces, true) {
            self.reports.push(SlowReport::Replaces);
        }
    }

    fn drop_oldest_and_push(&mut self, message: Message) {
        while !self.has_room() {
            self.queue.pop_front();
            self.missed += 1;
        }
        self.queue.push_back(message);
    }

    fn replace_or_push(&mut self, message: Message) {
        let is_same = |other: &Message| first_part(other) == first_part(&message);
        loop {
            let at = self.queue.iter().position(is_same);
            // There is room for the message without the one that it replaces.
            let replaced = at.and_then(|at| self.queue.remove(at).map(|replaced| (at, replaced)));
            if self.has_room() {
                self.replaced += u64::from(at.is_some());
                return self.queue.insert(at.unwrap_or(self.queue.len()), message);
            }
            if let Some((at, replaced)) = replaced {
                self.queue.insert(at, replaced);
            }
            match self.queue.pop_front() {
                Some(oldest) if is_same(&oldest) => self.replaced += 1,
                _ => self.missed += 1,
            }
        }
    }

    fn has_room(&self) -> bool {
        let bytes = self.queue.iter().map(|message| message.len() + LONG_LENGTH).sum();
        self.hwm.has_room(self.queue.len(), bytes)
    }
}
