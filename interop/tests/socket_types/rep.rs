//! REP with requesters of libzmq.

use interop::{Socket, SocketOption, SocketType};
use support::transports::Transport;
use tokio_zmtp::monitor::EventKind;
use tokio_zmtp::{Multipart, Rep, ReplyError};

use crate::credentials::Credentials;
use crate::messages::{Parts, bodies};
use crate::pairing::{Binds, guarded, over_tcp_and_ipc, own_endpoint};
use crate::side::reconnecting;
use crate::theirs::{join, recv, send, socket};

over_tcp_and_ipc!(requests_of_their_req_and_dealer_are_replied_to);

/// Corresponds to `test_reqrep_tcp` and `test_reqrep_ipc` of libzmq.
async fn requests_of_their_req_and_dealer_are_replied_to(transport: Transport) {
    for (socket_type, correlates) in
        [(SocketType::Req, false), (SocketType::Req, true), (SocketType::Dealer, false)]
    {
        for binds in Binds::EITHER {
            let (rep, requester) = (reconnecting(Rep::builder()).build(), socket(socket_type));
            if correlates {
                requester.set(SocketOption::ReqCorrelate, 1).unwrap();
            }
            join(&rep, &requester, binds, transport).await;
            exchange(&rep, &requester, socket_type).await;
        }
    }
}

over_tcp_and_ipc!(plain_and_curve_work_in_both_roles);

async fn plain_and_curve_work_in_both_roles(transport: Transport) {
    for credentials in Credentials::all() {
        for binds in Binds::EITHER {
            let rep = credentials.secure_ours(Rep::builder()).build();
            let requester = socket(SocketType::Req);
            let _zap_handler = credentials.secure_theirs(&requester);
            join(&rep, &requester, binds, transport).await;
            exchange(&rep, &requester, SocketType::Req).await;
        }
    }
}

over_tcp_and_ipc!(several_requesters_are_served_in_turn_and_concurrently);

/// Corresponds to the first part of `test_spec_rep` of libzmq. The replies are sent in another
/// order.
async fn several_requesters_are_served_in_turn_and_concurrently(transport: Transport) {
    let rep = Rep::new();
    let endpoint = rep.bind(&*own_endpoint(transport)).await.unwrap().to_string();
    let requesters = [(); 3].map(|()| socket(SocketType::Req));
    for requester in &requesters {
        requester.connect(&endpoint).unwrap();
    }
    for round in 0..10_u8 {
        for (number, requester) in (0_u8..).zip(&requesters) {
            send(requester, &[vec![number], vec![round]]).await;
        }
        let mut open = Vec::new();
        for _ in &requesters {
            open.push(rep.recv().await.unwrap());
        }
        for (request, mut replier) in open.into_iter().rev() {
            replier.reply(request).await.unwrap();
        }
        for (number, requester) in (0_u8..).zip(&requesters) {
            assert_eq!(recv(requester).await, [vec![number], vec![round]]);
        }
    }
}

over_tcp_and_ipc!(an_envelope_of_their_dealer_is_kept);

/// Corresponds to the second part of `test_spec_rep` of libzmq.
async fn an_envelope_of_their_dealer_is_kept(transport: Transport) {
    let (rep, dealer) = (Rep::new(), socket(SocketType::Dealer));
    join(&rep, &dealer, Binds::First, transport).await;
    let parts = |parts: &[&str]| parts.iter().map(|part| part.as_bytes().to_vec()).collect();
    let request: Parts = parts(&["A", "B", "", "ABC", "DEF", ""]);
    send(&dealer, &request).await;
    let (received, mut replier) = rep.recv().await.unwrap();
    assert_eq!(received, ["ABC", "DEF", ""]);
    replier.reply(received).await.unwrap();
    assert_eq!(recv(&dealer).await, request);
    // A request without a delimiter is discarded, in libzmq as well.
    send(&dealer, &parts(&["A", "B"])).await;
    send(&dealer, &request).await;
    rep.recv().await.unwrap().1.reply("reply").await.unwrap();
    assert_eq!(recv(&dealer).await, parts(&["A", "B", "", "reply"]) as Parts);
    assert_eq!(rep.stats().dropped.malformed_requests, 1);
}

/// A REP of libzmq drops the reply with success.
#[tokio::test]
async fn a_reply_to_their_req_that_has_left_is_returned() {
    guarded(async {
        let (rep, requester) = (Rep::new(), socket(SocketType::Req));
        join(&rep, &requester, Binds::First, Transport::Tcp).await;
        let mut monitor = rep.monitor();
        send(&requester, &[b"?".to_vec()]).await;
        let (_, mut replier) = rep.recv().await.unwrap();
        drop(requester);
        while !matches!(monitor.recv().await.unwrap().unwrap().kind, EventKind::Disconnected { .. })
        {
        }
        let reply = Multipart::from("!");
        assert_eq!(replier.reply(&reply).await, Err(ReplyError::HostUnreachable(reply)));
    })
    .await;
}

/// Passes messages of different sizes and numbers of parts.
async fn exchange(rep: &Rep, requester: &Socket, socket_type: SocketType) {
    let envelope = match socket_type {
        SocketType::Dealer => vec![b"id".to_vec(), vec![]],
        _ => vec![],
    };
    for body in bodies() {
        for sent in [vec![body.clone()], vec![vec![], body.clone(), vec![], body.clone()]] {
            let request: Parts = [&envelope[..], &sent].concat();
            send(requester, &request).await;
            let (received, mut replier) = rep.recv().await.unwrap();
            assert!(received == sent);
            replier.reply(received).await.unwrap();
            assert!(recv(requester).await == request);
        }
    }
}
