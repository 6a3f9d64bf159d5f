//! Requests, their replies and the ends of connections, one step at a time.

use std::collections::VecDeque;

use super::*;
use crate::connection_id::ConnectionId;
use crate::pipe::{HighWaterMark, MessageList, Want};
use crate::remote::tests::remote_with_id;
use crate::routing::{EndpointId, Outgoing};

#[test]
fn requests_go_to_connected_remotes_in_turn() {
    let mut routing = routing();
    let [a, b, c] = [(); 3].map(|()| attach(&mut routing));
    assert!(request(&mut routing).is_none(), "none is connected");
    connect(&mut routing, b);
    connect(&mut routing, c);
    let asked = [(); 3].map(|()| request(&mut routing).unwrap().0);
    assert_eq!(asked, [b, c, b]);
    assert_eq!(routing.queued(Some(a)), 0);
}

#[test]
fn another_attempt_avoids_the_remote_of_the_previous_one() {
    let mut routing = routing();
    let [a, b] = [(); 2].map(|()| attach_connected(&mut routing));
    assert_eq!(request_avoiding(&mut routing, Some(a)).unwrap().0, b);
    assert_eq!(request_avoiding(&mut routing, Some(a)).unwrap().0, b);
    routing.disconnect(b, false, &mut VecDeque::new());
    assert_eq!(request_avoiding(&mut routing, Some(a)).unwrap().0, a, "there is no other");
}

#[test]
fn a_reply_must_come_from_the_remote_of_its_request() {
    let mut routing = routing();
    let [a, b] = [(); 2].map(|()| attach_connected(&mut routing));
    let (_, key) = request(&mut routing).unwrap();
    let sent = take(&mut routing, a);
    assert_eq!(sent, [&b"\x01\x04\0\0\0\x07\x01\0\0\x01r"[..]]);
    let reply = b"\x01\x04\0\0\0\x07\x01\0\0\x05reply";
    assert_eq!(arrive(&mut routing, b, reply), (0, 1, true));
    assert_eq!(arrive(&mut routing, b, reply), (0, 1, false), "the series has begun");
    assert!(routing.poll_outcome(key, Waker::noop()).is_pending());
    assert_eq!(arrive(&mut routing, a, reply), (0, 0, false));
    assert_eq!(arrive(&mut routing, a, reply), (0, 1, true));
    assert_eq!(reply_of(&mut routing, key), b"\0\x05reply");
}

#[test]
fn an_end_settles_written_requests_and_returns_the_others() {
    let mut routing = routing();
    let a = attach_connected(&mut routing);
    let keys = [(); 4].map(|()| request(&mut routing).unwrap().1);
    let mut unwritten = VecDeque::from(take(&mut routing, a));
    let queued = request(&mut routing).unwrap().1;
    unwritten.pop_front();
    routing.abandon(keys[2], &mut Wakes::None);
    let unwritten = routing.disconnect(a, false, &mut unwritten);
    let end = RequestEnd { pipe: a, written: 1, unwritten, is_interrupted: true, gone: false };
    let mut wakes = Wakes::None;
    let abandoned = routing.end_requests(end, &mut wakes);
    assert_eq!((abandoned.len(), wakes.len()), (1, 4));
    let mut outcome = |key| match routing.poll_outcome(key, Waker::noop()) {
        Poll::Ready(RequestOutcome::Lost) => "lost",
        Poll::Ready(RequestOutcome::Unwritten { message, is_interrupted }) => {
            assert_eq!(message, b"\0\x01r");
            if is_interrupted { "interrupted" } else { "unwritten" }
        }
        other => panic!("{other:?}"),
    };
    let outcomes = [keys[0], keys[1], keys[3], queued].map(&mut outcome);
    assert_eq!(outcomes, ["lost", "interrupted", "unwritten", "unwritten"]);
    assert!(request(&mut routing).is_none());
    connect(&mut routing, a);
    assert!(request(&mut routing).is_some());
}

#[test]
fn an_outcome_outlives_its_pipe() {
    let mut routing = routing();
    let a = attach_connected(&mut routing);
    let [(_, first), (_, second)] = [(); 2].map(|()| request(&mut routing).unwrap());
    take(&mut routing, a);
    arrive(&mut routing, a, b"\x01\x04\0\0\0\x07\x01\0\0\x05reply");
    let unwritten = routing.disconnect(a, true, &mut VecDeque::new());
    let end = RequestEnd { pipe: a, written: 2, unwritten, is_interrupted: false, gone: true };
    assert!(routing.end_requests(end, &mut Wakes::None).is_empty());
    routing.detach(a, &mut Wakes::None);
    assert_eq!(reply_of(&mut routing, first), b"\0\x05reply");
    let lost = routing.poll_outcome(second, Waker::noop());
    assert!(matches!(lost, Poll::Ready(RequestOutcome::Lost)));
    assert!(routing.strategy.requests.is_empty() && routing.strategy.asked.is_empty());
}

#[test]
fn closing_ends_all_requests_and_wakes_their_callers() {
    let mut routing = routing();
    attach_connected(&mut routing);
    let (_, key) = request(&mut routing).unwrap();
    let mut wakes = Wakes::None;
    routing.close(&mut wakes);
    assert_eq!(wakes.len(), 1);
    let closed = routing.poll_outcome(key, Waker::noop());
    assert!(matches!(closed, Poll::Ready(RequestOutcome::Closed)));
    let mut message = Some(Message::from("\0\x01r"));
    let sent = routing.poll_request(&mut message, None, &mut None, Waker::noop(), &mut Wakes::None);
    assert_eq!(sent, Poll::Ready(Err(Refusal::Closed)));
    assert!(message.is_some());
}

#[test]
fn without_ids_a_remote_has_one_request_until_it_replies() {
    let mut routing = routing();
    routing.without_correlation();
    let a = attach_connected(&mut routing);
    let (_, key) = request(&mut routing).unwrap();
    let mut ticket = None;
    assert!(wait(&mut routing, &mut ticket).is_pending());
    assert_eq!(arrive(&mut routing, a, b"\x01\0\0\x05early"), (0, 1, true), "not sent yet");
    assert_eq!(take(&mut routing, a), [&b"\x01\0\0\x01r"[..]]);
    assert!(wait(&mut routing, &mut ticket).is_pending());
    assert_eq!(arrive(&mut routing, a, b"\x01\0\0\x05reply"), (0, 0, false));
    assert_eq!(reply_of(&mut routing, key), b"\0\x05reply");
    assert!(request(&mut routing).is_none(), "the slot is granted");
    assert!(wait(&mut routing, &mut ticket).is_ready());
}

#[test]
fn one_waiting_request_is_woken_for_a_remote_without_ids() {
    let mut routing = routing();
    routing.without_correlation();
    let a = attach(&mut routing);
    let mut tickets = [None; 3];
    for ticket in &mut tickets {
        assert!(wait(&mut routing, ticket).is_pending());
    }
    assert_eq!(connect(&mut routing, a), 1);
    // It passes the slot on when it is dropped.
    let mut wakes = Wakes::None;
    routing.cancel(&(), tickets[0].unwrap(), &mut wakes);
    assert_eq!(wakes.len(), 1);
    assert!(wait(&mut routing, &mut tickets[1]).is_ready());
    assert!(wait(&mut routing, &mut tickets[2]).is_pending());
}

#[test]
fn an_abandoned_request_without_id_is_taken_back_or_ends_its_connection() {
    let mut routing = routing();
    routing.without_correlation();
    let a = attach_connected(&mut routing);
    let (_, key) = request(&mut routing).unwrap();
    let abandoned = routing.abandon(key, &mut Wakes::None);
    assert_eq!(abandoned.unsent.unwrap(), b"\0\x01r");
    assert_eq!(abandoned.disconnect, None);
    assert_eq!(routing.queued(Some(a)), 0);

    let (_, key) = request(&mut routing).unwrap();
    assert_eq!(take(&mut routing, a).len(), 1);
    let abandoned = routing.abandon(key, &mut Wakes::None);
    assert!(abandoned.unsent.is_none());
    assert_eq!(abandoned.disconnect, Some(ConnectionId::FIRST));
    assert!(request(&mut routing).is_none(), "it owes a reply");
    let mut ticket = None;
    assert!(wait(&mut routing, &mut ticket).is_pending());
    // The late reply may arrive before the end of the connection.
    assert_eq!(arrive(&mut routing, a, b"\x01\0\0\x04late"), (0, 1, true));
    let unwritten = routing.disconnect(a, false, &mut VecDeque::new());
    let end = RequestEnd { pipe: a, written: 2, unwritten, is_interrupted: false, gone: false };
    routing.end_requests(end, &mut Wakes::None);
    assert!(wait(&mut routing, &mut ticket).is_pending());
    connect(&mut routing, a);
    assert!(wait(&mut routing, &mut ticket).is_ready());
}

fn routing() -> OutgoingPipes<Requests> {
    OutgoingPipes::new(Requests::with_seed(7), HighWaterMark::new(10, 0))
}

fn attach(routing: &mut OutgoingPipes<Requests>) -> PipeKey {
    routing.attach(EndpointId(0), &mut Wakes::None).unwrap().key
}

fn connect(routing: &mut OutgoingPipes<Requests>, pipe: PipeKey) -> usize {
    let mut wakes = Wakes::None;
    routing.connect(pipe, &remote_with_id(ConnectionId::FIRST), &mut wakes);
    wakes.len()
}

fn attach_connected(routing: &mut OutgoingPipes<Requests>) -> PipeKey {
    let pipe = attach(routing);
    connect(routing, pipe);
    pipe
}

/// Sends a request if a remote has room.
fn request(routing: &mut OutgoingPipes<Requests>) -> Option<(PipeKey, RequestKey)> {
    request_avoiding(routing, None)
}

fn request_avoiding(
    routing: &mut OutgoingPipes<Requests>,
    avoided: Option<PipeKey>,
) -> Option<(PipeKey, RequestKey)> {
    let (mut message, mut ticket) = (Some(Message::from("\0\x01r")), None);
    let wakes = &mut Wakes::None;
    match routing.poll_request(&mut message, avoided, &mut ticket, Waker::noop(), wakes) {
        Poll::Ready(sent) => Some(sent.unwrap()),
        Poll::Pending => {
            routing.cancel(&(), ticket.unwrap(), wakes);
            None
        }
    }
}

/// Sends a request, or waits in line.
fn wait(
    routing: &mut OutgoingPipes<Requests>,
    ticket: &mut Option<Ticket>,
) -> Poll<Result<(PipeKey, RequestKey), Refusal>> {
    let mut message = Some(Message::from("\0\x01r"));
    routing.poll_request(&mut message, None, ticket, Waker::noop(), &mut Wakes::None)
}

fn take(routing: &mut OutgoingPipes<Requests>, pipe: PipeKey) -> Vec<Message> {
    let mut taken = VecDeque::new();
    let _ = routing.poll_take(pipe, Want::Write, &mut taken, Waker::noop(), &mut Wakes::None);
    taken.into()
}

/// Returns how many malformed and stray messages were discarded, and whether they begin a series.
fn arrive(routing: &mut OutgoingPipes<Requests>, pipe: PipeKey, frames: &[u8]) -> (u64, u64, bool) {
    let list = MessageList::new([Message::from(frames)].into());
    let mut arrived = DeliveredMessages::Whole(list);
    let discarded = routing.match_replies(pipe, &mut arrived, &mut Wakes::None);
    assert_eq!(arrived.messages(), 0);
    (discarded.malformed, discarded.stray, discarded.begins)
}

fn reply_of(routing: &mut OutgoingPipes<Requests>, key: RequestKey) -> Message {
    match routing.poll_outcome(key, Waker::noop()) {
        Poll::Ready(RequestOutcome::Reply(reply)) => reply,
        other => panic!("{other:?}"),
    }
}
