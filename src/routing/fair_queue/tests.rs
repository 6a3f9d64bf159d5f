use super::*;
use crate::pipe::arrival_of;

#[test]
fn one_message_is_taken_from_each_remote_in_turn() {
    let mut queue = FairQueue::new(HighWaterMark::new(10, 0), 0);
    let [a, b, c] = [(); 3].map(|()| queue.attach(None));
    push(&mut queue, a, &["a1", "a2", "a3"]);
    push(&mut queue, b, &["b1"]);
    push(&mut queue, c, &["c1", "c2"]);
    assert_eq!(pop_all(&mut queue), ["a1", "b1", "c1", "a2", "c2", "a3"]);
}

#[test]
fn messages_of_an_ended_remote_can_still_be_received() {
    let mut queue = FairQueue::new(HighWaterMark::new(10, 0), 0);
    let a = queue.attach(RoutingId::new(5));
    push(&mut queue, a, &["last words"]);
    queue.end(a, [arrival_of(&["and more"])], &mut Wakes::None);
    let message = queue.pop(&mut Wakes::None).unwrap().unwrap();
    assert_eq!(message, "last words");
    assert_eq!(message.routing_id(), RoutingId::new(5));
    assert_eq!(queue.pop(&mut Wakes::None).unwrap().unwrap(), "and more");
    assert!(queue.pipes.is_empty());
}

#[test]
fn each_message_wakes_one_receiver() {
    let mut queue = FairQueue::new(HighWaterMark::new(10, 0), 0);
    let a = queue.attach(None);
    let mut tickets = [None; 3];
    for ticket in &mut tickets {
        assert!(poll_pop(&mut queue, ticket).is_pending());
    }
    assert_eq!(push(&mut queue, a, &["a", "b"]), 2);
    assert_eq!(push(&mut queue, a, &["c", "d"]), 1);
}

#[test]
fn a_dropped_receiver_passes_its_wake_up_to_the_next() {
    let mut queue = FairQueue::new(HighWaterMark::new(10, 0), 0);
    let a = queue.attach(None);
    let (mut first, mut second) = (None, None);
    assert!(poll_pop(&mut queue, &mut first).is_pending());
    assert!(poll_pop(&mut queue, &mut second).is_pending());
    assert_eq!(push(&mut queue, a, &["a"]), 1);
    let mut wakes = Wakes::None;
    queue.cancel(first.unwrap(), &mut wakes);
    assert_eq!(wakes.len(), 1);
    assert!(poll_pop(&mut queue, &mut second).is_ready());
}

#[test]
fn queued_messages_can_be_received_after_close() {
    let mut queue = FairQueue::new(HighWaterMark::new(10, 0), 0);
    let a = queue.attach(None);
    push(&mut queue, a, &["a"]);
    queue.close(&mut Wakes::None);
    assert_eq!(push(&mut queue, a, &["b"]), 0);
    assert_eq!(pop_all(&mut queue), ["a"]);
    assert_eq!(queue.pop(&mut Wakes::None).map(drop), Err(Closed));
}

fn push(queue: &mut FairQueue, key: PipeKey, bodies: &[&str]) -> usize {
    let mut wakes = Wakes::None;
    let pushed =
        queue.poll_push(key, &mut arrival_of(bodies), usize::MAX, Waker::noop(), &mut wakes);
    assert!(pushed.is_ready());
    wakes.len()
}

fn pop_all(queue: &mut FairQueue) -> Vec<Message> {
    std::iter::from_fn(|| queue.pop(&mut Wakes::None).ok().flatten()).collect()
}

fn poll_pop(queue: &mut FairQueue, ticket: &mut Option<Ticket>) -> Poll<Result<Message, Closed>> {
    queue.poll_pop(ticket, Waker::noop(), &mut Wakes::None)
}
