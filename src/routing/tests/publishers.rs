//! Messages for all publishers of an XSUB, and those that are its own subscriptions.

use proptest::collection::vec;
use proptest::prelude::{Strategy as _, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use zmtp_proto::command::Command;
use zmtp_proto::message_shape::count_messages;
use zmtp_proto::topic::Topic;

use super::super::*;
use crate::message::{AnyMessage, Multipart};
use crate::pipe::{HighWaterMark, PipeKey, Want};
use crate::remote::tests::any_remote;

#[test]
fn a_message_is_for_all_remotes_and_missed_by_full_ones() {
    let mut pipes = pipes(1);
    let [a, b] = [(); 2].map(|()| attach(&mut pipes));
    let body = vec![7; 1_000];
    assert_eq!(send(&mut pipes, &body), Ok(()));
    assert_eq!(take(&mut pipes, b).len(), 1);
    assert_eq!(send(&mut pipes, &body), Ok(()), "nothing waits");
    let copies = pipes.take_copies();
    let reports = pipes.take_slow_reports();
    assert_eq!((copies.queued, copies.missed, reports.len()), (3, 1, 1));
    let [from_a, from_b] = [a, b].map(|key| take(&mut pipes, key));
    assert_eq!([from_a.len(), from_b.len()], [1, 1]);
    pipes.detach(a, &mut Wakes::None);
    assert_eq!(send(&mut pipes, &body), Ok(()));
    assert_eq!(take(&mut pipes, b).len(), 1);
}

#[test]
fn messages_for_a_dialed_remote_wait_for_its_connection() {
    let mut pipes = pipes(10);
    let key = pipes.attach(EndpointId(0), &mut Wakes::None).unwrap().key;
    assert_eq!(send(&mut pipes, b"\x01a"), Ok(()));
    assert_eq!(send(&mut pipes, b"early"), Ok(()));
    pipes.connect(key, &any_remote(), &mut Wakes::None);
    assert_eq!(told(&mut pipes, key), ["+a"], "subscriptions precede the messages");
    assert_eq!(take(&mut pipes, key).len(), 1);
}

#[test]
fn a_message_that_subscribes_is_announced_and_not_queued() {
    let mut pipes = pipes(1);
    let key = attach(&mut pipes);
    for body in [&b"\x01a"[..], b"\x01a", b"\x01", b"\x00unknown"] {
        assert_eq!(send(&mut pipes, body), Ok(()));
    }
    assert_eq!(pipes.interests(), ["", "a"]);
    assert_eq!(told(&mut pipes, key), ["+", "+a"]);
    assert_eq!(send(&mut pipes, b"\x00a"), Ok(()));
    assert_eq!(told(&mut pipes, key), [""; 0], "it was subscribed to twice");
    assert_eq!(send(&mut pipes, b"\x00a"), Ok(()));
    assert_eq!(told(&mut pipes, key), ["-a"]);
    assert_eq!((pipes.queued(None), pipes.take_copies().queued), (0, 0));
}

#[test]
fn other_messages_are_not_subscriptions() {
    let mut pipes = pipes(10);
    let key = attach(&mut pipes);
    let parts = Multipart::from(["\x01a", "b"]).into_queue();
    for message in [parts, Multipart::from("").into_queue(), Multipart::from("a\x01").into_queue()]
    {
        pipes.try_send(&FirstPart, &mut Some(message), &mut Wakes::None).unwrap();
    }
    assert_eq!(pipes.interests(), [""; 0]);
    assert_eq!(told(&mut pipes, key), [""; 0]);
    assert_eq!(take(&mut pipes, key).iter().map(|it| count_messages(it)).sum::<usize>(), 3);
}

#[test]
fn a_subscription_that_cannot_be_announced_is_returned() {
    let mut pipes = pipes(10);
    let key = attach(&mut pipes);
    for first in [0, 1] {
        let body = |len| [&[first], &vec![b'x'; len][..]].concat();
        let mut message = Some(Multipart::from(body(Topic::LEN_MAX + 1)).into_queue());
        let sent = pipes.try_send(&FirstPart, &mut message, &mut Wakes::None);
        assert_eq!(sent, Err(Refusal::TooLong));
        assert!(message.is_some());
        assert_eq!(send(&mut pipes, &body(Topic::LEN_MAX)), Ok(()));
    }
    assert_eq!(pipes.interests().len(), 1);
    assert_eq!(send(&mut pipes, &[b'x'; Topic::LEN_MAX + 2]), Ok(()), "it is not a subscription");
    assert_eq!(commands(&mut pipes, key).len(), 1);
    assert_eq!(take(&mut pipes, key).len(), 1);
}

#[test]
fn a_closed_socket_refuses_subscriptions() {
    let mut pipes = pipes(10);
    pipes.close(&mut Wakes::None);
    assert_eq!(send(&mut pipes, b"\x01a"), Err(Refusal::Closed));
    assert_eq!(pipes.interests(), [""; 0]);
}

/// A step of a random history.
#[derive(Clone, Copy, Debug)]
enum Step {
    Attach,
    Detach(usize),
    Reconnect(usize),
    Send(u8),
    Subscribe(u8),
    Unsubscribe(u8),
}

proptest! {
    /// Each remote receives every message that was sent while it was attached, and knows the
    /// subscriptions after a reconnect.
    #[test]
    fn every_remote_receives_all_messages_and_knows_the_subscriptions(
        steps in vec(
            prop_oneof![
                1 => any::<bool>().prop_map(|_| Step::Attach),
                1 => (0..4_usize).prop_map(Step::Detach),
                1 => (0..4_usize).prop_map(Step::Reconnect),
                3 => any::<u8>().prop_map(Step::Send),
                3 => (0..4_u8).prop_map(Step::Subscribe),
                3 => (0..4_u8).prop_map(Step::Unsubscribe),
            ],
            0..60,
        ),
    ) {
        let mut pipes = pipes(0);
        let (mut remotes, mut counts) = (Vec::<(PipeKey, usize)>::new(), [0_usize; 4]);
        for step in steps {
            match step {
                Step::Attach => remotes.push((attach(&mut pipes), 0)),
                Step::Detach(at) if at < remotes.len() => {
                    let (key, _) = remotes.swap_remove(at);
                    pipes.detach(key, &mut Wakes::None);
                }
                Step::Reconnect(at) if at < remotes.len() => {
                    pipes.connect(remotes[at].0, &any_remote(), &mut Wakes::None);
                }
                Step::Detach(_) | Step::Reconnect(_) => {}
                Step::Send(byte) => {
                    prop_assert_eq!(send(&mut pipes, &[b'm', byte]), Ok(()));
                    remotes.iter_mut().for_each(|(_, expected)| *expected += 1);
                }
                Step::Subscribe(topic) => {
                    prop_assert_eq!(send(&mut pipes, &[1, topic]), Ok(()));
                    counts[usize::from(topic)] += 1;
                }
                Step::Unsubscribe(topic) => {
                    prop_assert_eq!(send(&mut pipes, &[0, topic]), Ok(()));
                    let count = &mut counts[usize::from(topic)];
                    *count = count.saturating_sub(1);
                }
            }
        }
        let subscribed = (0..4_u8).filter(|topic| counts[usize::from(*topic)] > 0);
        let subscribed: Vec<_> = subscribed.map(|topic| vec![topic]).collect();
        let interests = pipes.interests();
        prop_assert!(interests.iter().map(Topic::as_bytes).eq(subscribed.iter().map(|it| &it[..])));
        for (key, expected) in remotes {
            pipes.connect(key, &any_remote(), &mut Wakes::None);
            let told = commands(&mut pipes, key);
            let all = interests.iter().cloned().map(Command::Subscribe);
            prop_assert_eq!(told, all.collect::<Vec<_>>());
            let taken: usize = take(&mut pipes, key).iter().map(|it| count_messages(it)).sum();
            prop_assert_eq!(taken, expected);
        }
    }
}

fn pipes(hwm: usize) -> OutgoingPipes<Publishers> {
    OutgoingPipes::new(Publishers::default(), HighWaterMark::new(hwm, 0))
}

fn attach(pipes: &mut OutgoingPipes<Publishers>) -> PipeKey {
    let key = pipes.attach(EndpointId(0), &mut Wakes::None).unwrap().key;
    pipes.connect(key, &any_remote(), &mut Wakes::None);
    key
}

fn send(pipes: &mut OutgoingPipes<Publishers>, body: &[u8]) -> Result<(), Refusal> {
    let message = Multipart::from(body).into_queue();
    pipes.try_send(&FirstPart, &mut Some(message), &mut Wakes::None)
}

fn take(pipes: &mut OutgoingPipes<Publishers>, key: PipeKey) -> VecDeque<Message> {
    let mut taken = VecDeque::new();
    let waker = Waker::noop();
    let _ = pipes.poll_take(key, Want::Write, &mut taken, waker, &mut Wakes::None);
    taken
}

fn commands(pipes: &mut OutgoingPipes<Publishers>, key: PipeKey) -> Vec<Command> {
    pipes.strategy.take_commands(key).unwrap_or_default()
}

fn told(pipes: &mut OutgoingPipes<Publishers>, key: PipeKey) -> Vec<String> {
    let told = commands(pipes, key).into_iter().map(|command| match command {
        Command::Subscribe(topic) => format!("+{topic}"),
        Command::Cancel(topic) => format!("-{topic}"),
        other => panic!("{other:?}"),
    });
    told.collect()
}
