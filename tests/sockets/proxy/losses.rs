//! Each message is received, queued or counted, even if proxies are dropped and remotes end.

use std::pin::Pin;

use fastrand::Rng;
use futures::poll;
use tokio::task::{self, JoinSet};
use tokio_zmtp::{Client, InprocEndpoint, Message, Server, proxy};

use super::{Ends, turns};
use crate::seed::seed;
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

over_every_transport_and_streams!(nothing_is_lost_or_reordered_wherever_a_proxy_is_dropped);

async fn nothing_is_lost_or_reordered_wherever_a_proxy_is_dropped(transport: Transport) {
    let _watchdog = Watchdog::start();
    let mut rng = Rng::with_seed(seed());
    for _ in 0..ROUNDS {
        let ends = Ends::new(transport, rng.usize(1..20)).await;
        let capture = Client::new();
        let mut others = JoinSet::new();
        for (from, to, id) in
            [(&ends.east, &ends.west, ends.frontend_id), (&ends.west, &ends.east, ends.backend_id)]
        {
            let (from, to) = (from.clone(), to.clone());
            others.spawn(async move {
                for number in 0..EACH {
                    from.route(id, number.to_be_bytes()).await.unwrap();
                }
            });
            let mut pauses = rng.fork();
            others.spawn(async move {
                for number in 0..EACH {
                    assert_eq!(to.recv().await.unwrap(), number.to_be_bytes());
                    if pauses.u8(..) < 50 {
                        task::yield_now().await;
                    }
                }
            });
        }
        while !others.is_empty() {
            let mut proxy = ends.proxy();
            if rng.bool() {
                proxy = proxy.capture(&capture);
            }
            let handle = proxy.handle();
            for _ in 0..rng.usize(0..8) {
                match rng.u8(0..12) {
                    0 => handle.pause(),
                    1 => handle.stop(),
                    2 => handle.resume(),
                    _ => {}
                }
                if poll!(Pin::new(&mut proxy)).is_ready() {
                    break;
                }
                for _ in 0..rng.usize(0..5) {
                    task::yield_now().await;
                }
            }
            drop(proxy);
            while let Some(done) = others.try_join_next() {
                done.unwrap();
            }
        }
    }
}

/// Two proxies share the sockets and are dropped while another thread runs the connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_proxies_of_the_same_sockets_lose_nothing() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 10).await;
    let (east, id, west) = (ends.east.clone(), ends.frontend_id, ends.west.clone());
    let sender = tokio::spawn(async move {
        for number in 0..10 * EACH {
            east.route(id, number.to_be_bytes()).await.unwrap();
        }
    });
    let receiver = tokio::spawn(async move {
        for number in 0..10 * EACH {
            assert_eq!(west.recv().await.unwrap(), number.to_be_bytes());
        }
    });
    let mut rng = Rng::with_seed(seed());
    while !receiver.is_finished() {
        let proxies = [tokio::spawn(ends.proxy()), tokio::spawn(ends.proxy())];
        for _ in 0..rng.usize(0..20) {
            task::yield_now().await;
        }
        for proxy in proxies {
            proxy.abort();
            let _ = proxy.await;
        }
    }
    sender.await.unwrap();
    receiver.await.unwrap();
}

/// Remotes of the backend are closed with messages in their queues, and others connect.
#[tokio::test]
async fn each_message_is_received_or_counted_while_remotes_are_replaced() {
    let _watchdog = Watchdog::start();
    let mut rng = Rng::with_seed(seed());
    let (frontend, backend) = (Client::new(), Client::builder().send_hwm(5).build());
    let east = Server::builder().bind(InprocEndpoint::unique()).await.unwrap();
    frontend.connect(east.last_endpoint().unwrap()).await.unwrap();
    let place = backend.bind(InprocEndpoint::unique()).await.unwrap();
    east.remotes().connected().await.unwrap();
    let id = east.remotes().iter().next().unwrap().routing_id().unwrap();
    let running = proxy(&frontend, &backend);
    let handle = running.handle();
    let task = tokio::spawn(running);

    let sender = tokio::spawn({
        let east = east.clone();
        async move {
            for number in 0..EACH {
                east.route(id, number.to_be_bytes()).await.unwrap();
            }
        }
    });
    let mut received = Vec::new();
    let mut wests: Vec<Server> = Vec::new();
    while received.len() as u64 + backend.stats().dropped.undelivered < u64::from(EACH) {
        match rng.u8(0..10) {
            0 if wests.len() < 4 => {
                let west = Server::builder().recv_hwm(5).build();
                west.connect(place.clone()).await.unwrap();
                wests.push(west);
            }
            1 if wests.len() > 1 => {
                let west = wests.swap_remove(rng.usize(..wests.len()));
                west.close().await;
                // Messages that it has received can still be taken.
                received.extend(std::iter::from_fn(|| west.try_recv().ok()));
            }
            _ => {
                for west in &wests {
                    received.extend(west.try_recv().ok());
                }
            }
        }
        for _ in 0..rng.usize(0..3) {
            task::yield_now().await;
        }
    }
    sender.await.unwrap();
    handle.stop();
    assert_eq!(task.await.unwrap().stats.to_backend.messages, u64::from(EACH));
    turns().await;
    let mut numbers: Vec<_> = received.iter().map(number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), received.len(), "a message was received twice");
    assert_eq!(received.len() as u64 + backend.stats().dropped.undelivered, u64::from(EACH));
}

fn number(message: &Message) -> u32 {
    u32::from_be_bytes(message[..].try_into().unwrap())
}

/// The number of messages of a sender.
const EACH: u32 = 500;

const ROUNDS: usize = 5;
