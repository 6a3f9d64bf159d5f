//! Many messages that are sent together.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt::Debug;
use std::ops::Range;
use std::time::Duration;

use fastrand::Rng;
use futures::{Sink, SinkExt, StreamExt, stream};
use proptest::prelude::*;
use tokio::runtime;
use tokio_test::{assert_pending, assert_ready};
use tokio_zmtp::{InprocEndpoint, SendError, Socket, TrySendError};

use super::exchange::three_receivers_receive_in_turn;
use super::{Numbered, Payload, Receiver, Sender, for_every_pair};
use crate::over_transport::OverTransport;
use crate::remote::ReservedPort;
use crate::seed::seed;
use crate::transports::Transport;
use crate::watchdog::Watchdog;

for_every_pair!(a_batch_goes_to_three_receivers_in_turn, over every transport and streams);

async fn a_batch_goes_to_three_receivers_in_turn<S: Sender>(transport: Transport) {
    three_receivers_receive_in_turn(transport, async |sender: &S| {
        sender.send_many(&mut batch(0..15)).await.unwrap();
        sender.try_send_many(&mut batch(15..30)).unwrap();
    })
    .await;
}

for_every_pair!(the_messages_of_a_batch_that_do_not_fit_stay_in_it);

async fn the_messages_of_a_batch_that_do_not_fit_stay_in_it<S: Sender>() {
    let _watchdog = Watchdog::start();
    let place = ReservedPort::reserve();
    let sender = S::builder().send_hwm(3).send_timeout(Duration::ZERO).build();
    let mut messages = batch::<S::Message>(0..5);
    assert_eq!(sender.try_send_many(&mut messages), Err(TrySendError::Full(())));
    assert_eq!(sender.send_many(&mut messages).await, Err(SendError::Timeout(())));
    assert_eq!(messages, batch::<S::Message>(0..5));

    sender.connect(place.endpoint()).await.unwrap();
    assert_eq!(sender.try_send_many(&mut messages), Err(TrySendError::Full(())));
    assert_eq!(messages, batch::<S::Message>(3..5));
    assert_eq!(sender.send_many(&mut messages).await, Err(SendError::Timeout(())));
    assert_eq!(messages, batch::<S::Message>(3..5));

    let receiver = S::Receiver::new();
    receiver.bind(place.release()).await.unwrap();
    for number in 0..3 {
        assert_eq!(receiver.recv().await.unwrap(), S::Message::numbered(number));
    }
    sender.send_many(&mut messages).await.unwrap();
    for number in 3..5 {
        assert_eq!(receiver.recv().await.unwrap(), S::Message::numbered(number));
    }

    sender.close().await;
    messages = batch::<S::Message>(5..7);
    assert_eq!(sender.try_send_many(&mut messages), Err(TrySendError::Closed(())));
    assert_eq!(sender.send_many(&mut messages).await, Err(SendError::Closed(())));
    assert_eq!(messages, batch::<S::Message>(5..7));
    // There is nothing to send.
    sender.send_many(&mut VecDeque::new()).await.unwrap();
    sender.try_send_many(&mut VecDeque::new()).unwrap();
}

for_every_pair!(a_dropped_batch_passes_its_slot_on, over every transport and streams);

async fn a_dropped_batch_passes_its_slot_on<S: Sender>(transport: Transport) {
    let _watchdog = Watchdog::start();
    let receiver = S::Receiver::builder().over(transport).build();
    let endpoint = receiver.bind(transport.any()).await.unwrap();
    let sender = S::builder().over(transport).send_hwm(1).build();
    let mut messages = batch::<S::Message>(0..3);
    let mut first = tokio_test::task::spawn(sender.send_many(&mut messages));
    let mut second = tokio_test::task::spawn(sender.send(S::Message::numbered(7)));
    assert_pending!(first.poll());
    assert_pending!(second.poll());

    transport.connect(&sender, &receiver, endpoint).await;
    assert!(first.is_woken());
    assert!(!second.is_woken());
    drop(first);
    second.await.unwrap();

    assert_eq!(receiver.recv().await.unwrap(), S::Message::numbered(7));
    assert_eq!(messages, batch::<S::Message>(0..3));
}

for_every_pair!(batches_survive_cancellations, over every transport and streams);

/// Short queues let both ends wait often.
async fn batches_survive_cancellations<S: Sender>(transport: Transport) {
    let _watchdog = Watchdog::start();
    let receiver = S::Receiver::builder().over(transport).recv_hwm(4).build();
    let endpoint = receiver.bind(transport.any()).await.unwrap();
    let sender = S::builder().over(transport).send_hwm(4).build();
    transport.connect(&sender, &receiver, endpoint).await;
    let seed = seed();
    let sending = async {
        let mut rng = Rng::with_seed(seed);
        let mut messages = VecDeque::new();
        let mut numbers = 0..LAST;
        let mut cancelled = 0;
        while cancelled < CANCELLATIONS {
            messages.extend(numbers.by_ref().take(rng.usize(..12)).map(S::Message::numbered));
            tokio::select! {
                biased;
                sent = sender.send_many(&mut messages) => sent.unwrap(),
                () = turns(rng.u32(..4)) => cancelled += 1,
            }
        }
        messages.push_back(S::Message::numbered(LAST));
        sender.send_many(&mut messages).await.unwrap();
        numbers.start
    };
    let receiving = async {
        let mut rng = Rng::with_seed(!seed);
        let (mut received, mut messages) = (Vec::new(), Vec::new());
        while received.last() != Some(&LAST) {
            let limit = rng.usize(1..12);
            tokio::select! {
                biased;
                count = receiver.recv_many(&mut messages, limit) => {
                    assert_eq!(count.unwrap(), messages.len());
                }
                () = turns(rng.u32(..4)) => assert_eq!(messages, []),
            }
            received.extend(messages.drain(..).map(|message| message.number()));
        }
        received
    };
    let (sent, received) = tokio::join!(sending, receiving);
    assert!(received.into_iter().eq((0..sent).chain([LAST])), "lost, duplicated or reordered");
}

for_every_pair!(a_stream_is_forwarded_in_batches, over every transport and streams);

async fn a_stream_is_forwarded_in_batches<S: Sender>(transport: Transport) {
    let _watchdog = Watchdog::start();
    let receiver = S::Receiver::builder().over(transport).recv_hwm(4).build();
    let endpoint = receiver.bind(transport.any()).await.unwrap();
    let sender = S::builder().over(transport).send_hwm(4).build();
    transport.connect(&sender, &receiver, endpoint).await;
    let messages = stream::iter(batch::<S::Message>(0..1_000)).map(Ok);
    let receiving = async {
        for number in 0..1_000 {
            assert_eq!(receiver.recv().await.unwrap(), S::Message::numbered(number));
        }
    };
    let (sent, ()) = tokio::join!(messages.forward(sender.batched(7)), receiving);
    sent.unwrap();
}

for_every_pair!(a_batched_sink_waits_only_when_it_is_full);

async fn a_batched_sink_waits_only_when_it_is_full<S: Sender>() {
    let _watchdog = Watchdog::start();
    let sender = S::builder().send_hwm(2).build();
    let mut sink = sender.clone().batched(3);
    for message in batch::<S::Message>(0..3) {
        sink.feed(message).await.unwrap();
    }
    assert_pending!(tokio_test::task::spawn(sink.feed(S::Message::numbered(3))).poll());
    assert_pending!(tokio_test::task::spawn(sink.flush()).poll());
    let (same, unsent) = S::unbatched(sink);
    assert!(same == sender);
    assert_eq!(unsent, batch::<S::Message>(0..3));

    let place = ReservedPort::reserve();
    sender.connect(place.endpoint()).await.unwrap();
    let mut sink = sender.clone().batched(3);
    for message in unsent {
        sink.feed(message).await.unwrap();
    }
    assert_eq!(sender.stats().queued.outgoing, 0);
    // Two messages have room, and the third is counted.
    drop(sink);
    assert_eq!(sender.stats().queued.outgoing, 2);
    assert_eq!(sender.stats().dropped.undelivered, 1);
}

for_every_pair!(a_batched_sink_that_is_not_full_leaves_slots_to_other_senders);

async fn a_batched_sink_that_is_not_full_leaves_slots_to_other_senders<S: Sender>() {
    let _watchdog = Watchdog::start();
    let sender = S::builder().send_hwm(1).build();
    let mut sink = sender.clone().batched(2);
    sink.feed(S::Message::numbered(0)).await.unwrap();
    assert_pending!(tokio_test::task::spawn(sink.flush()).poll());
    // The sink was in line because of the flush.
    sink.feed(S::Message::numbered(1)).await.unwrap();
    let mut feed = tokio_test::task::spawn(sink.feed(S::Message::numbered(2)));
    assert_pending!(feed.poll());

    let place = ReservedPort::reserve();
    sender.connect(place.endpoint()).await.unwrap();
    assert!(feed.is_woken());
    // The only slot takes the first message, so that there is room in the sink.
    assert_ready!(feed.poll()).unwrap();
    drop(feed);
    let receiver = S::Receiver::new();
    receiver.bind(place.release()).await.unwrap();
    for number in [0, 7, 8] {
        if number > 0 {
            sender.send(S::Message::numbered(number)).await.unwrap();
        }
        assert_eq!(receiver.recv().await.unwrap(), S::Message::numbered(number));
    }
    let (_, unsent) = S::unbatched(sink);
    assert_eq!(unsent, batch::<S::Message>(1..3));
}

for_every_pair!(sinks_of_a_closed_socket_return_each_message);

async fn sinks_of_a_closed_socket_return_each_message<S: Sender>() {
    let _watchdog = Watchdog::start();
    let sender = S::builder().build();
    let mut sink = sender.clone().batched(2);
    sink.feed(S::Message::numbered(0)).await.unwrap();
    sink.feed(S::Message::numbered(1)).await.unwrap();
    sender.close().await;
    let closed = |number| Err(SendError::Closed(S::Message::numbered(number)));
    // The message that is fed stays in the sink.
    assert_eq!(sink.feed(S::Message::numbered(2)).await, closed(0));
    for number in 1..3 {
        assert_eq!(sink.flush().await, closed(number));
    }
    sink.flush().await.unwrap();
    assert_eq!(sender.clone().feed(S::Message::numbered(3)).await, closed(3));
    assert_eq!(sender.stats().dropped.undelivered, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_split_into_batches_sends_the_same_sequence(
        splits in proptest::collection::vec((0_usize..9, 0..6), 1..20),
        send_hwm in 0_usize..6,
        receivers in 1..4,
    ) {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let sequences = runtime.block_on(sequences::<tokio_zmtp::Scatter>(&splits, send_hwm, receivers));
        let sent: u32 = splits.iter().map(|(count, _)| *count as u32).sum();
        if receivers == 1 {
            prop_assert!(sequences[0].iter().copied().eq(0..sent));
        }
        for sequence in &sequences {
            prop_assert!(sequence.is_sorted());
        }
        let mut all = sequences.concat();
        all.sort_unstable();
        prop_assert!(all.into_iter().eq(0..sent));
    }
}

/// Feeds messages to a sink, and flushes it.
async fn feed<M>(
    sink: &mut (impl Sink<M, Error: Debug> + Unpin),
    messages: impl IntoIterator<Item = M>,
) {
    for message in messages {
        sink.feed(message).await.unwrap();
    }
    sink.flush().await.unwrap();
}

/// Sends numbers in batches, each in one of several ways, and returns what each receiver receives.
async fn sequences<S: Sender>(
    splits: &[(usize, i32)],
    send_hwm: usize,
    receivers: i32,
) -> Vec<Vec<u32>> {
    let sender = S::builder().send_hwm(send_hwm).build();
    let mut all = Vec::new();
    for _ in 0..receivers {
        let receiver = S::Receiver::builder().recv_hwm(2).build();
        sender.connect(receiver.bind(InprocEndpoint::unique()).await.unwrap()).await.unwrap();
        all.push(receiver);
    }
    let sending = async {
        let mut numbers = (0..).map(S::Message::numbered);
        for &(count, how) in splits {
            let mut messages: VecDeque<_> = numbers.by_ref().take(count).collect();
            match how {
                0 => sender.send_many(&mut messages).await.unwrap(),
                1 => {
                    let _ = sender.try_send_many(&mut messages);
                    sender.send_many(&mut messages).await.unwrap();
                }
                2 => {
                    for message in messages {
                        sender.send(message).await.unwrap();
                    }
                }
                3 => feed(&mut sender.clone(), messages).await,
                4 => feed(&mut sender.clone().batched(4), messages).await,
                _ => {
                    while sender.try_send_many(&mut messages).is_err() {
                        turns(1).await;
                    }
                }
            }
        }
    };
    let left = Cell::new(splits.iter().map(|(count, _)| count).sum::<usize>());
    let receiving = all.iter().map(|receiver| async {
        let mut received = Vec::new();
        while left.get() > 0 {
            match receiver.try_recv() {
                Ok(message) => {
                    received.push(message.number());
                    left.set(left.get() - 1);
                }
                Err(_) => turns(1).await,
            }
        }
        received
    });
    tokio::join!(sending, futures::future::join_all(receiving)).1
}

fn batch<M: Payload>(numbers: Range<u32>) -> VecDeque<M> {
    numbers.map(M::numbered).collect()
}

/// Yields to other tasks `turns` times.
async fn turns(turns: u32) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}

const CANCELLATIONS: u32 = 1_000;

/// The last message.
const LAST: u32 = u32::MAX;
