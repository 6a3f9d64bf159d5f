//! The queue of messages for one connection.

use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use zmtp_proto::group::Group;

use super::*;
use crate::message::GroupMessage;
use crate::pipe::{PACKED_MAX, Room};

#[test]
fn reserved_slots_count_against_the_high_water_mark() {
    let mut pipe = Outbound::new(HighWaterMark::new(2, 0));
    pipe.reserve();
    push(&mut pipe, b"a");
    assert!(!pipe.has_room());
    pipe.release();
    assert!(pipe.has_room());
}

#[test]
fn a_reserved_slot_can_be_used_after_the_high_water_mark_was_lowered() {
    let mut pipe = Outbound::new(HighWaterMark::new(3, 0));
    pipe.reserve();
    push(&mut pipe, b"a");
    push(&mut pipe, b"b");
    pipe.set_hwm(HighWaterMark::new(1, 0));
    assert!(pipe.push_reserved(&mut Some(Message::from("c")), &mut Wakes::None));
    assert_eq!((pipe.len(), pipe.has_room()), (3, false));
}

#[test]
fn a_reserved_slot_can_be_used_after_the_high_water_mark_in_bytes_was_reached() {
    let mut pipe = Outbound::new(HighWaterMark::new(0, 100));
    pipe.reserve();
    push(&mut pipe, &[0; 1_000]);
    assert!(pipe.push_reserved(&mut Some(Message::from("c")), &mut Wakes::None));
    assert_eq!((pipe.len(), pipe.has_room()), (2, false));
}

#[test]
fn short_messages_are_taken_in_one_batch() {
    let mut pipe = Outbound::new(HighWaterMark::new(0, 0));
    for _ in 0..1_000 {
        push(&mut pipe, &[0; 64]);
    }
    let mut taken = VecDeque::new();
    assert_eq!(pipe.poll_take(Want::Write, &mut taken, Waker::noop()), Poll::Ready(Take::Messages));
    assert_eq!(taken.len(), 1_000);
    assert_eq!(pipe.len(), 0);
}

#[test]
fn long_messages_are_taken_in_parts() {
    let mut pipe = Outbound::new(HighWaterMark::new(0, 0));
    for _ in 0..10 {
        push(&mut pipe, &[0; 40_000]);
    }
    let mut taken = VecDeque::new();
    assert_eq!(pipe.poll_take(Want::Write, &mut taken, Waker::noop()), Poll::Ready(Take::Messages));
    assert_eq!((taken.len(), pipe.len()), (7, 3));
}

#[test]
fn the_message_that_reaches_the_limit_in_bytes_is_still_queued() {
    let mut pipe = Outbound::new(HighWaterMark::new(0, 100));
    push(&mut pipe, &[0; 50]);
    assert!(pipe.has_room());
    push(&mut pipe, &[0; 1_000]);
    assert!(!pipe.has_room());
    pipe.set_hwm(HighWaterMark::new(0, 2_000));
    assert!(pipe.has_room());
}

#[test]
fn no_more_messages_are_taken_than_fit_the_receiver() {
    let mut pipe = Outbound::new(HighWaterMark::new(0, 0));
    for _ in 0..5 {
        push(&mut pipe, &[0; 91]);
    }
    let mut taken = VecDeque::new();
    for (messages, bytes, expected) in [(2, 1_000, 2), (5, 101, 2), (5, 1_000, 1)] {
        let room = Room { messages, bytes, is_all: true };
        let took = pipe.poll_take(Want::Room(room), &mut taken, Waker::noop());
        assert_eq!(took, Poll::Ready(Take::Messages));
        assert_eq!(taken.drain(..).len(), expected);
    }
    assert_eq!(pipe.bytes, 0);
}

#[test]
fn a_connection_whose_receiver_is_busy_is_woken_when_the_queue_is_half_full() {
    let mut pipe = Outbound::new(HighWaterMark::new(4, 0));
    let busy = Room { messages: 10, bytes: 1_000, is_all: false };
    let mut taken = VecDeque::new();
    assert!(pipe.poll_take(Want::Room(busy), &mut taken, Waker::noop()).is_pending());
    let woken = [(); 2].map(|()| {
        let mut wakes = Wakes::None;
        pipe.push(&mut Some(Message::from("x")), &mut wakes);
        wakes.len() == 1
    });
    assert_eq!(woken, [false, true]);
    assert!(pipe.poll_take(Want::Room(busy), &mut taken, Waker::noop()).is_ready());
}

proptest! {
    #[test]
    fn packed_messages_are_counted_and_taken_as_single_ones(
        steps in vec((prop_oneof![0..PACKED_MAX, 0..40_000_usize], any::<(u8, bool)>()), 0..60),
    ) {
        let mut pipe = Outbound::new(HighWaterMark::new(30, 0));
        let (mut expected, mut bytes, mut taken) = (VecDeque::new(), 0, 0);
        for (len, (group, takes)) in steps {
            if pipe.has_room() {
                let group = Group::try_from(&[group | 1; 7][..]).unwrap();
                let message = GroupMessage::new(&group, vec![7; len]).into_frames();
                bytes += super::bytes(&message);
                expected.push_back(message.clone());
                if message.len() <= PACKED_MAX {
                    pipe.pack(&message, &mut Wakes::None);
                } else {
                    pipe.seal();
                    pipe.push(&mut Some(message), &mut Wakes::None);
                }
            }
            prop_assert_eq!((pipe.len(), pipe.bytes), (expected.len(), bytes));
            prop_assert_eq!(pipe.has_room(), expected.len() < 30);
            if takes {
                let mut packed = VecDeque::new();
                pipe.seal();
                let _ = pipe.poll_take(Want::Write, &mut packed, Waker::noop());
                for message in unpack_all(packed) {
                    bytes -= super::bytes(&message);
                    taken += 1;
                    prop_assert_eq!(Some(message), expected.pop_front());
                }
                prop_assert_eq!((pipe.taken(), pipe.bytes), (taken, bytes));
            }
        }
        prop_assert!(pipe.into_queue() == expected);
    }
}

fn push(pipe: &mut Outbound, body: &[u8]) {
    pipe.push(&mut Some(Message::from(body)), &mut Wakes::None);
}
