//! Messages for subscribers.

use zmtp_proto::command::Command;
use zmtp_proto::topic::Topic;

use super::super::*;
use crate::message::{AnyMessage, Multipart};
use crate::options::{SlowSubscriber, TopicOptions};
use crate::pipe::{HighWaterMark, PipeKey, Want};
use crate::remote::tests::any_remote;

#[test]
fn a_message_is_shared_by_all_subscribers_and_missed_by_full_ones() {
    let mut pipes = pipes(1, SlowSubscriber::DropNewest);
    let [a, b, c] = [(); 3].map(|()| attach(&mut pipes));
    subscribe(&mut pipes, a, &["x", "y"]);
    subscribe(&mut pipes, b, &["", "x", "xx"]);
    let long = [b'x'; 1_000];
    assert_eq!(pipes.subscribers(&long), 2);
    assert_eq!(send(&mut pipes, &long), Ok(()));
    assert_eq!(send(&mut pipes, b"y"), Ok(()), "nothing waits");
    let copies = pipes.take_copies();
    let reports = pipes.take_slow_reports();
    assert_eq!((copies.queued, copies.missed, reports.len()), (2, 2, 2));
    let [from_a, from_b, from_c] = [a, b, c].map(|key| take(&mut pipes, key));
    assert_eq!([from_a.len(), from_b.len(), from_c.len()], [1, 1, 0]);
    assert_eq!(from_a[0].as_ptr(), from_b[0].as_ptr(), "the message is held once");
}

#[test]
fn only_subscribers_of_the_message_hold_it_up() {
    let mut pipes = pipes(1, SlowSubscriber::Wait);
    let [a, b] = [(); 2].map(|()| attach(&mut pipes));
    subscribe(&mut pipes, a, &["x"]);
    subscribe(&mut pipes, b, &["y"]);
    assert_eq!(send(&mut pipes, b"x1"), Ok(()));
    assert_eq!(send(&mut pipes, b"x2"), Err(Refusal::Full));
    assert_eq!(send(&mut pipes, b"y"), Ok(()));
    assert_eq!(pipes.full_subscribers(b"x").len(), 1);
    pipes.detach(a, &mut Wakes::None);
    assert_eq!(send(&mut pipes, b"x2"), Ok(()));
}

#[test]
fn a_connection_begins_without_topics() {
    let mut pipes = pipes(10, SlowSubscriber::DropNewest);
    let a = attach(&mut pipes);
    subscribe(&mut pipes, a, &["x", "y"]);
    pipes.disconnect(a, false, &mut VecDeque::new());
    assert_eq!(pipes.subscribers(b"x"), 1, "messages wait for the remote");
    pipes.connect(a, &any_remote(), &mut Wakes::None);
    subscribe(&mut pipes, a, &["y"]);
    assert_eq!([b"x", b"y"].map(|topic| pipes.subscribers(topic)), [0, 1]);
    assert!(!pipes.reclaim());
}

fn pipes(hwm: usize, slow_subscriber: SlowSubscriber) -> OutgoingPipes<SubscriptionTable> {
    let hwm = HighWaterMark::new(hwm, 0);
    let mut pipes = OutgoingPipes::new(SubscriptionTable::default(), hwm);
    pipes.set_topic_options(TopicOptions { slow_subscriber, ..TopicOptions::default() });
    pipes
}

fn attach(pipes: &mut OutgoingPipes<SubscriptionTable>) -> PipeKey {
    let key = pipes.attach(EndpointId(0), &mut Wakes::None).unwrap().key;
    pipes.connect(key, &any_remote(), &mut Wakes::None);
    key
}

fn subscribe(pipes: &mut OutgoingPipes<SubscriptionTable>, key: PipeKey, topics: &[&str]) {
    for topic in topics {
        let command = Command::Subscribe(Topic::try_from(*topic).unwrap());
        pipes.command(key, &command, None, &mut Wakes::None).unwrap();
    }
}

fn send(pipes: &mut OutgoingPipes<SubscriptionTable>, part: &[u8]) -> Result<(), Refusal> {
    let message = Multipart::from(part).into_queue();
    pipes.try_send(&FirstPart, &mut Some(message), &mut Wakes::None)
}

fn take(pipes: &mut OutgoingPipes<SubscriptionTable>, key: PipeKey) -> VecDeque<Message> {
    let mut taken = VecDeque::new();
    let waker = Waker::noop();
    let _ = pipes.poll_take(key, Want::Write, &mut taken, waker, &mut Wakes::None);
    taken
}
