//! Slow subscribers, in any sequence of steps.

use std::mem;

use proptest::test_runner::TestCaseResult;
use zmtp_proto::command::Command;
use zmtp_proto::frame::LONG_LENGTH;
use zmtp_proto::topic::Topic;

use super::*;
use crate::message::{AnyMessage, Multipart};
use crate::options::{SlowSubscriber, TopicOptions};
use crate::pipe::unpack;
use crate::remote::Remote;
use crate::remote::tests::any_remote;
use crate::routing::{FirstPart, SubscriptionTable};

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Sends a message of this length.
    Send(usize),
    SetHwm(HighWaterMark),
    Take,
}

proptest! {
    #[test]
    fn the_queue_of_a_slow_subscriber_is_that_of_the_policy(
        slow in prop_oneof![Just(SlowSubscriber::DropNewest), Just(SlowSubscriber::DropOldest)],
        steps in vec(steps(), 1..200),
    ) {
        let mut socket = Socket::new(slow);
        for step in steps {
            socket.step(step)?;
            socket.check()?;
        }
        let left = socket.pipes.detach(socket.key, &mut Wakes::None).unwrap().into_queue();
        prop_assert!(left == socket.plain.queue);
    }
}

fn steps() -> impl Strategy<Value = Step> {
    // Up to 256 bytes are packed, and a connection takes some long messages at a time.
    let lens = prop_oneof![4 => 0..300_usize, 1 => Just(0x2_0000)];
    let bytes = prop_oneof![1 => Just(0), 1 => 0..3_000_usize];
    prop_oneof![
        12 => lens.prop_map(Step::Send),
        1 => (0..9_usize, bytes).prop_map(|(messages, bytes)| {
            Step::SetHwm(HighWaterMark::new(messages, bytes))
        }),
        2 => Just(Step::Take),
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
    /// The number of reports.
    begun: usize,
}

/// The definition of the policies.
struct Plain {
    slow: SlowSubscriber,
    hwm: HighWaterMark,
    queue: VecDeque<Message>,
    missed: u64,
    /// Whether messages were missed since the last one that was queued without a loss.
    is_missing: bool,
    /// The number of times that this has begun.
    begun: usize,
}

impl Socket {
    fn new(slow_subscriber: SlowSubscriber) -> Self {
        let hwm = HighWaterMark::new(4, 0);
        let mut pipes = OutgoingPipes::new(SubscriptionTable::default(), hwm);
        pipes.set_topic_options(TopicOptions { slow_subscriber, ..TopicOptions::default() });
        let key = pipes.attach(EndpointId(0), &mut Wakes::None).unwrap().key;
        let remote = any_remote();
        pipes.connect(key, &remote, &mut Wakes::None);
        let subscribe = Command::Subscribe(Topic::try_from("").unwrap());
        pipes.command(key, &subscribe, None, &mut Wakes::None).unwrap();
        let plain = Plain {
            slow: slow_subscriber,
            hwm,
            queue: VecDeque::new(),
            missed: 0,
            is_missing: false,
            begun: 0,
        };
        Self { pipes, key, remote, plain, sent: 0, missed: 0, begun: 0 }
    }

    fn step(&mut self, step: Step) -> TestCaseResult {
        let Self { pipes, key, plain, .. } = self;
        match step {
            Step::Send(len) => {
                self.sent += 1;
                let parts = [&self.sent.to_be_bytes()[..], &vec![7; len]];
                let message = Multipart::from(parts).into_queue();
                plain.send(message.clone());
                let sent = pipes.try_send(&FirstPart, &mut Some(message), &mut Wakes::None);
                prop_assert_eq!(sent, Ok(()), "the sender never waits");
            }
            Step::SetHwm(hwm) => {
                plain.hwm = hwm;
                pipes.set_hwm(hwm, &mut Wakes::None);
            }
            Step::Take => {
                let mut taken = VecDeque::new();
                let (want, noop) = (Want::Write, Waker::noop());
                let _ = pipes.poll_take(*key, want, &mut taken, noop, &mut Wakes::None);
                let mut messages = VecDeque::new();
                taken.into_iter().for_each(|packed| unpack(packed, &mut messages));
                let rest = plain.queue.split_off(messages.len());
                prop_assert!(mem::replace(&mut plain.queue, rest) == messages);
            }
        }
        Ok(())
    }

    fn check(&mut self) -> TestCaseResult {
        let Self { pipes, key, remote, plain, .. } = self;
        let copies = pipes.take_copies();
        self.begun += copies.missing.len();
        self.missed += copies.missed;
        prop_assert_eq!((self.missed, self.begun), (plain.missed, plain.begun));
        prop_assert_eq!(remote.stats().missed, plain.missed);
        let outbound = &pipes.pipes[*key].outbound;
        prop_assert_eq!(
            (outbound.len(), outbound.has_room()),
            (plain.queue.len(), plain.has_room())
        );
        Ok(())
    }
}

impl Plain {
    fn send(&mut self, message: Message) {
        let missed = self.missed;
        while !self.has_room() && self.slow == SlowSubscriber::DropOldest {
            self.queue.pop_front();
            self.missed += 1;
        }
        if self.has_room() {
            self.queue.push_back(message);
        } else {
            self.missed += 1;
        }
        let is_missing = self.missed > missed;
        self.begun += usize::from(is_missing && !self.is_missing);
        self.is_missing = is_missing;
    }

    fn has_room(&self) -> bool {
        let bytes = self.queue.iter().map(|message| message.len() + LONG_LENGTH).sum();
        self.hwm.has_room(self.queue.len(), bytes)
    }
}
