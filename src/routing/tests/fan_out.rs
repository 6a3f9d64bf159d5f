//! Strategies that no socket type uses yet. One sends a message to many remotes, and implements
//! only the choice, the admission of remotes and their commands. The other one never sends.

use std::collections::HashMap;
use std::convert::Infallible;

use super::super::*;
use crate::pipe::{HighWaterMark, PipeKey, Want, arrival_of};

/// Sends each message to the remotes that have joined its group.
#[derive(Debug, Default)]
struct Groups(HashMap<u8, Vec<PipeKey>>);

impl Strategy for Groups {
    type Target = u8;

    fn choose(&mut self, group: u8) -> Choice<'_> {
        Choice::Many(self.0.get(&group).map_or(&[], Vec::as_slice))
    }

    fn admit(&self, remotes: usize) -> Result<(), AttachError> {
        if remotes < 3 { Ok(()) } else { Err(AttachError::Occupied) }
    }

    fn command(&mut self, key: PipeKey, command: &[u8]) {
        for group in command {
            self.0.entry(*group).or_default().push(key);
        }
    }
}

#[test]
fn a_message_is_shared_by_all_chosen_pipes_and_missed_by_full_ones() {
    let mut pipes = OutgoingPipes::new(Groups::default(), HighWaterMark::new(1, 0));
    let [a, b, c] = [(); 3].map(|()| attach(&mut pipes).unwrap());
    pipes.command(a, b"xy");
    pipes.command(b, b"x");
    let body = vec![7; 1_000];
    assert_eq!(send(&mut pipes, b'x', &body), Ok(()));
    assert_eq!(send(&mut pipes, b'y', &body), Ok(()), "nothing waits");
    assert_eq!(send(&mut pipes, b'z', &body), Ok(()), "no remote is in the group");
    assert_eq!(pipes.missed(), 1);
    let [from_a, from_b, from_c] = [a, b, c].map(|key| take(&mut pipes, key));
    assert_eq!([from_a.len(), from_b.len(), from_c.len()], [1, 1, 0]);
    assert_eq!(from_a[0], body);
    assert_eq!(from_a[0].as_ptr(), from_b[0].as_ptr(), "the body is held once");
}

#[test]
fn a_reservation_for_many_is_sent_like_any_other_message() {
    let mut pipes = OutgoingPipes::new(Groups::default(), HighWaterMark::new(1, 0));
    let a = attach(&mut pipes).unwrap();
    pipes.command(a, b"x");
    let reserved = pipes.poll_reserve(b'x', &mut None, Waker::noop());
    let Poll::Ready(Ok(key)) = reserved else { panic!("it does not wait") };
    let mut message = Some(Message::from("x"));
    let sent = pipes.send_reserved(key, &mut message, &mut Wakes::None);
    assert_eq!(sent, Err(Refusal::HostUnreachable), "the caller sends it without the slot");
    assert_eq!(pipes.try_send(b'x', &mut message, &mut Wakes::None), Ok(()));
    assert_eq!(take(&mut pipes, a).len(), 1);
}

#[test]
fn the_strategy_decides_how_many_remotes_are_admitted() {
    let mut pipes = OutgoingPipes::new(Groups::default(), HighWaterMark::new(1, 0));
    let keys = [(); 3].map(|()| attach(&mut pipes));
    assert!(keys.iter().all(Result::is_ok));
    assert_eq!(attach(&mut pipes), Err(AttachError::Occupied));
    pipes.detach(keys[0].unwrap(), &mut Wakes::None);
    assert!(attach(&mut pipes).is_ok());
}

fn attach(pipes: &mut OutgoingPipes<Groups>) -> Result<PipeKey, AttachError> {
    Ok(pipes.attach(EndpointId(0), &mut Wakes::None)?.key)
}

fn send(pipes: &mut OutgoingPipes<Groups>, group: u8, body: &[u8]) -> Result<(), Refusal> {
    pipes.try_send(group, &mut Some(Message::from(body)), &mut Wakes::None)
}

fn take(pipes: &mut OutgoingPipes<Groups>, key: PipeKey) -> VecDeque<Message> {
    let mut taken = VecDeque::new();
    let _ = pipes.poll_take(key, Want::Write, &mut taken, Waker::noop(), &mut Wakes::None);
    taken
}

/// A strategy for a socket type that never sends: no sender can specify a target.
#[derive(Debug)]
struct Never;

impl Strategy for Never {
    type Target = Infallible;

    fn choose(&mut self, to: Infallible) -> Choice<'_> {
        match to {}
    }
}

#[test]
fn a_socket_type_that_never_sends_can_have_remotes() {
    let mut pipes = OutgoingPipes::new(Never, HighWaterMark::new(1, 0));
    let key = pipes.attach(EndpointId(0), &mut Wakes::None).unwrap().key;
    assert!(pipes.detach(key, &mut Wakes::None).is_empty());
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
