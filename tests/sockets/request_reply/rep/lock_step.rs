//! REP as in libzmq: a request is received, and its reply is sent.

use std::time::Duration;

use tokio_zmtp::{LockStepError, Multipart, RecvError, Rep, ReplyError};

use super::{rep_and_requester, rep_and_requester_with, request, requester};
use crate::events;
use crate::remote::LONGER_THAN_BUFFERS;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn an_operation_out_of_turn_fails_and_changes_nothing() {
    let _watchdog = Watchdog::start();
    let (rep, mut remote) = rep_and_requester().await;
    let mut service = rep.lock_step();
    remote.write(&request(b"?").repeat(2)).await;
    for _ in 0..2 {
        let unasked = Multipart::from("unasked");
        let refused = service.send(&unasked).await;
        assert_eq!(refused, Err(LockStepError::OutOfTurn(unasked)));
        assert_eq!(service.recv().await.unwrap(), ["?"]);
        assert_eq!(service.recv().await, Err(LockStepError::OutOfTurn(())));
        service.send("!").await.unwrap();
        assert_eq!(remote.read(5).await, request(b"!"));
    }
    assert_eq!(service.socket().stats().dropped.unanswered_requests, 0);
}

#[tokio::test]
async fn a_requester_that_has_left_does_not_stop_the_service() {
    let _watchdog = Watchdog::start();
    let (rep, mut remote) = rep_and_requester().await;
    let mut monitor = rep.monitor();
    let mut service = rep.lock_step();
    remote.write(&request(b"?")).await;
    service.recv().await.unwrap();
    drop(remote);
    events::until_disconnected(&mut monitor).await;
    let reply = Multipart::from("!");
    let failed = Err(LockStepError::Failed(ReplyError::HostUnreachable(reply.clone())));
    assert_eq!(service.send(reply).await, failed);

    let mut remote = requester(&rep.last_endpoint().unwrap()).await;
    remote.write(&request(b"?")).await;
    service.recv().await.unwrap();
    service.send("!").await.unwrap();
    assert_eq!(remote.read(5).await, request(b"!"));
}

#[tokio::test]
async fn a_reply_that_timed_out_or_was_dropped_can_be_sent_again() {
    let _watchdog = Watchdog::start();
    let builder = Rep::builder().send_hwm(1).send_timeout(Duration::from_millis(1));
    let (rep, mut remote) = rep_and_requester_with(builder).await;
    let mut service = rep.lock_step();
    remote.write(&request(b"?").repeat(5)).await;
    let long = Multipart::from(vec![7; LONGER_THAN_BUFFERS]);
    service.recv().await.unwrap();
    let unsent = loop {
        match service.send(&long).await {
            Ok(()) => drop(service.recv().await.unwrap()),
            Err(LockStepError::Failed(ReplyError::Timeout(unsent))) => break unsent,
            Err(error) => panic!("{error}"),
        }
    };
    assert!(unsent == long);
    assert!(futures::poll!(Box::pin(service.send(&long))).is_pending());
    assert_eq!(service.recv().await, Err(LockStepError::OutOfTurn(())));
    let sending = async { while service.send("!").await.is_err() {} };
    let reading = async {
        loop {
            assert_eq!(remote.read(2).await, b"\x01\x00");
            if remote.read_frame().await.1 == b"!" {
                break;
            }
        }
    };
    tokio::join!(sending, reading);
}

#[tokio::test]
async fn a_dropped_or_failed_receive_keeps_its_turn() {
    let _watchdog = Watchdog::start();
    let builder = Rep::builder().recv_timeout(Duration::from_millis(1));
    let (rep, mut remote) = rep_and_requester_with(builder).await;
    let mut service = rep.lock_step();
    assert!(futures::poll!(Box::pin(service.recv())).is_pending());
    assert_eq!(service.recv().await, Err(LockStepError::Failed(RecvError::Timeout)));
    remote.write(&request(b"?")).await;
    remote.sync().await;
    assert_eq!(service.recv().await.unwrap(), ["?"]);
    // The request that it leaves is unanswered.
    drop(service);
    assert_eq!(rep.stats().dropped.unanswered_requests, 1);
}
