//! Requests and replies between many sockets and tasks.

use std::time::Duration;

use futures::StreamExt;
use tokio::task::JoinSet;
use tokio_zmtp::{Dealer, Multipart, RecvError, Rep, ReplyError, TryRecvError, TryReplyError};

use super::{rep_and_requester, rep_and_requester_with, request, requester};
use crate::over_transport::OverTransport;
use crate::remote::LONGER_THAN_BUFFERS;
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

over_every_transport_and_streams!(replies_are_sent_in_any_order);

async fn replies_are_sent_in_any_order(transport: Transport) {
    let _watchdog = Watchdog::start();
    let rep = Rep::builder().over(transport).bind(transport.any()).await.unwrap();
    let endpoint = rep.last_endpoint().unwrap();
    let mut dealers = Vec::new();
    for number in 0..3_u8 {
        let dealer = Dealer::builder().over(transport).build();
        transport.connect(&dealer, &rep, endpoint.clone()).await;
        for text in ["a", "b", "c"] {
            dealer.send([&[number][..], b"id", b"", text.as_bytes()]).await.unwrap();
        }
        dealers.push(dealer);
    }
    let mut repliers = Vec::new();
    for _ in 0..9 {
        repliers.push(rep.recv().await.unwrap());
    }
    for (request, mut replier) in repliers.into_iter().rev() {
        replier.reply(request).await.unwrap();
    }
    for (number, dealer) in (0..).zip(&dealers) {
        for text in ["c", "b", "a"] {
            let reply = dealer.recv().await.unwrap();
            assert_eq!(reply, [&[number][..], b"id", b"", text.as_bytes()]);
        }
    }
}

over_every_transport_and_streams!(a_rep_that_connects_serves_a_requester_that_is_bound);

async fn a_rep_that_connects_serves_a_requester_that_is_bound(transport: Transport) {
    let _watchdog = Watchdog::start();
    let dealer = Dealer::builder().over(transport).bind(transport.any()).await.unwrap();
    let endpoint = dealer.last_endpoint().unwrap();
    let reps = [(); 2].map(|()| Rep::builder().over(transport).build());
    for rep in &reps {
        transport.connect(rep, &dealer, endpoint.clone()).await;
    }
    dealer.remotes().at_least(2).await.unwrap();
    for number in 0..10_u8 {
        dealer.send([&b""[..], &[number]]).await.unwrap();
        dealer.send([&b""[..], &[number]]).await.unwrap();
        for rep in &reps {
            let (request, mut replier) = rep.recv().await.unwrap();
            replier.reply(request).await.unwrap();
        }
        for _ in 0..2 {
            assert_eq!(dealer.recv().await.unwrap(), [&b""[..], &[number]]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_receive_and_reply_through_one_socket() {
    let _watchdog = Watchdog::start();
    let rep = Rep::builder().recv_hwm(10).send_hwm(10).bind("tcp://127.0.0.1:*").await.unwrap();
    let endpoint = rep.last_endpoint().unwrap();
    let mut services = JoinSet::new();
    for _ in 0..4 {
        let rep = rep.clone();
        services.spawn(async move {
            while let Ok((request, mut replier)) = rep.recv().await {
                tokio::spawn(async move { replier.reply(request).await.unwrap() });
            }
        });
    }
    let mut clients = JoinSet::new();
    for _ in 0..4 {
        let dealer = Dealer::builder().connect(endpoint.clone()).await.unwrap();
        clients.spawn(async move {
            let send = async {
                for number in 0..500_u32 {
                    dealer.send([&number.to_be_bytes()[..], b"", b"?"]).await.unwrap();
                }
            };
            let receive = async {
                let mut numbers = Vec::new();
                for _ in 0..500 {
                    let reply = dealer.recv().await.unwrap();
                    numbers.push(u32::from_be_bytes(reply[0].try_into().unwrap()));
                    assert_eq!(reply[2], *b"?");
                }
                numbers.sort_unstable();
                assert!(numbers.into_iter().eq(0..500));
            };
            tokio::join!(send, receive);
        });
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
    rep.close().await;
    while let Some(done) = services.join_next().await {
        done.unwrap();
    }
    assert_eq!(rep.stats().dropped.unanswered_requests, 0);
}

#[tokio::test]
async fn requests_of_several_remotes_are_received_in_turn() {
    let _watchdog = Watchdog::start();
    let (rep, mut first) = rep_and_requester().await;
    let mut second = requester(&rep.last_endpoint().unwrap()).await;
    for (remote, name) in [(&mut first, b"a"), (&mut second, b"b")] {
        remote.write(&request(name).repeat(3)).await;
        remote.sync().await;
    }
    let mut received = Vec::new();
    while let Ok((request, mut replier)) = rep.try_recv() {
        received.extend_from_slice(&request[0]);
        replier.reply("").await.unwrap();
    }
    assert_eq!(received, b"ababab");
}

#[tokio::test]
async fn a_rep_is_a_stream_of_requests_that_ends_with_the_socket() {
    let _watchdog = Watchdog::start();
    let (mut rep, mut remote) = rep_and_requester().await;
    remote.write(&request(b"a").repeat(2)).await;
    for _ in 0..2 {
        let (received, mut replier) = rep.next().await.unwrap();
        replier.reply(received).await.unwrap();
        assert_eq!(remote.read(5).await, request(b"a"));
    }
    assert!(futures::poll!(rep.next()).is_pending());
    rep.close().await;
    assert!(rep.next().await.is_none());
    assert_eq!(rep.recv().await.err(), Some(RecvError::Closed));
    assert_eq!(rep.try_recv().err(), Some(TryRecvError::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_receive_ends_at_its_time_limit() {
    let _watchdog = Watchdog::start();
    let limit = Duration::from_secs(1);
    let rep = Rep::builder().recv_timeout(limit).bind("inproc://limits-of-rep").await.unwrap();
    assert_eq!(rep.recv().await.err(), Some(RecvError::Timeout));
    assert_eq!(rep.recv_timeout(Duration::ZERO).await.err(), Some(RecvError::Timeout));
    assert_eq!(rep.try_recv().err(), Some(TryRecvError::Empty));
}

#[tokio::test]
async fn a_dropped_receive_loses_no_request() {
    let _watchdog = Watchdog::start();
    let (rep, mut remote) = rep_and_requester().await;
    for number in 0..10 {
        assert!(futures::poll!(Box::pin(rep.recv())).is_pending());
        remote.write(&request(&[number])).await;
        remote.sync().await;
        assert_eq!(rep.recv().await.unwrap().0, [[number]]);
    }
}

#[tokio::test]
async fn a_request_is_replied_to_once() {
    let _watchdog = Watchdog::start();
    let (rep, mut remote) = rep_and_requester().await;
    remote.write(&request(b"?")).await;
    let (_, mut replier) = rep.recv().await.unwrap();
    replier.reply("first").await.unwrap();
    let message = Multipart::from("second");
    assert_eq!(replier.reply(&message).await, Err(ReplyError::Replied(message.clone())));
    assert_eq!(replier.try_reply(&message), Err(TryReplyError::Replied(message)));
    assert_eq!(remote.read(9).await, request(b"first"));
}

/// A REP of libzmq drops the reply with success.
#[tokio::test]
async fn a_full_requester_delays_its_own_replies_only() {
    let _watchdog = Watchdog::start();
    let builder = Rep::builder().send_hwm(1).send_timeout(Duration::from_millis(1));
    let (rep, mut full) = rep_and_requester_with(builder).await;
    let mut other = requester(&rep.last_endpoint().unwrap()).await;
    full.write(&request(b"?").repeat(3)).await;
    let long = Multipart::from(vec![7; LONGER_THAN_BUFFERS]);
    let (mut sent, mut replier) = (0, rep.recv().await.unwrap().1);
    // The connection takes one reply out of the queue while it writes.
    let unsent = loop {
        match replier.try_reply(&long) {
            Ok(()) => (sent, replier) = (sent + 1, rep.recv().await.unwrap().1),
            Err(TryReplyError::Full(unsent)) if sent == 2 => break unsent,
            Err(TryReplyError::Full(_)) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    assert!(unsent == long);
    assert_eq!(replier.reply("late").await, Err(ReplyError::Timeout("late".into())));
    assert_eq!(
        replier.reply_timeout("late", Duration::ZERO).await,
        Err(ReplyError::Timeout("late".into()))
    );

    other.write(&request(b"?")).await;
    let (_, mut unaffected) = rep.recv_timeout(Duration::from_secs(60)).await.unwrap();
    assert_eq!(unaffected.remote().address(), Some(other.address()));
    unaffected.try_reply("!").unwrap();
    assert_eq!(other.read(5).await, request(b"!"));

    // The same replier sends its reply as soon as there is room.
    let waiting = async { replier.reply_timeout("done", Duration::from_secs(60)).await.unwrap() };
    let reading = async {
        for _ in 0..sent {
            assert_eq!(full.read(2).await, b"\x01\x00");
            let (_, body) = full.read_frame().await;
            assert_eq!(body.len(), LONGER_THAN_BUFFERS);
        }
    };
    tokio::join!(waiting, reading);
    assert_eq!(full.read(8).await, request(b"done"));
}

#[tokio::test]
async fn a_dropped_reply_is_not_sent_and_another_one_can_be() {
    let _watchdog = Watchdog::start();
    let (rep, mut remote) = rep_and_requester_with(Rep::builder().send_hwm(1)).await;
    remote.write(&request(b"?").repeat(4)).await;
    let long = Multipart::from(vec![7; LONGER_THAN_BUFFERS]);
    for _ in 0..2 {
        let (_, mut replier) = rep.recv().await.unwrap();
        replier.reply(&long).await.unwrap();
    }
    let (_, mut replier) = rep.recv().await.unwrap();
    while replier.try_reply("early").is_ok() {
        replier = rep.recv().await.unwrap().1;
    }
    assert!(futures::poll!(Box::pin(replier.reply("dropped"))).is_pending());
    let waiting = async { replier.reply("sent").await.unwrap() };
    let reading = async {
        loop {
            assert_eq!(remote.read(2).await, b"\x01\x00");
            match remote.read_frame().await.1 {
                body if body == b"sent" => break,
                body => assert_ne!(body, b"dropped"),
            }
        }
    };
    tokio::join!(waiting, reading);
}

#[tokio::test]
async fn repliers_keep_their_socket_open_until_it_is_closed() {
    let _watchdog = Watchdog::start();
    let (rep, mut remote) = rep_and_requester().await;
    remote.write(&request(b"?").repeat(2)).await;
    let (_, mut first) = rep.recv().await.unwrap();
    let (_, mut second) = rep.recv().await.unwrap();
    let mut monitor = rep.monitor();
    drop(rep);
    first.reply("first").await.unwrap();
    drop(first);
    second.reply("second").await.unwrap();
    assert_eq!(remote.read(9).await, request(b"first"));
    assert_eq!(remote.read(10).await, request(b"second"));
    drop(second);
    assert!(remote.read_to_end().await.is_empty());
    while monitor.recv().await.is_some() {}

    let (rep, mut remote) = rep_and_requester().await;
    remote.write(&request(b"?")).await;
    let (_, mut replier) = rep.recv().await.unwrap();
    rep.close().await;
    assert_eq!(replier.try_reply("late"), Err(TryReplyError::Closed("late".into())));
    assert_eq!(replier.reply("late").await, Err(ReplyError::Closed("late".into())));
}
