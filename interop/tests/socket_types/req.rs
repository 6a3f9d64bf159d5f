//! REQ with REPs and ROUTERs of libzmq.

use interop::{Socket, SocketOption, SocketType};
use support::transports::Transport;
use tokio_zmtp::{Multipart, Req};

use crate::credentials::Credentials;
use crate::messages::bodies;
use crate::pairing::{Binds, over_tcp_and_ipc, own_endpoint, until_some};
use crate::side::reconnecting;
use crate::theirs::{join, recv, send, socket};

over_tcp_and_ipc!(their_rep_and_router_answer_our_req);

/// Corresponds to `test_reqrep_tcp` and `test_reqrep_ipc` of libzmq.
async fn their_rep_and_router_answer_our_req(transport: Transport) {
    for socket_type in [SocketType::Rep, SocketType::Router] {
        for correlate in [true, false] {
            for binds in Binds::EITHER {
                let req = reconnecting(Req::builder().correlate(correlate)).build();
                let theirs = socket(socket_type);
                join(&req, &theirs, binds, transport).await;
                exchange(&req, &theirs).await;
            }
        }
    }
}

over_tcp_and_ipc!(plain_and_curve_work_in_both_roles);

async fn plain_and_curve_work_in_both_roles(transport: Transport) {
    for socket_type in [SocketType::Rep, SocketType::Router] {
        for credentials in Credentials::all() {
            for binds in Binds::EITHER {
                let req = credentials.secure_ours(Req::builder()).build();
                let theirs = socket(socket_type);
                let _zap_handler = credentials.secure_theirs(&theirs);
                join(&req, &theirs, binds, transport).await;
                exchange(&req, &theirs).await;
            }
        }
    }
}

over_tcp_and_ipc!(requests_go_to_their_reps_in_turn);

/// Corresponds to the first part of `test_spec_req` of libzmq, and to `test_multi_connect` of
/// `test_reqrep_tcp`.
async fn requests_go_to_their_reps_in_turn(transport: Transport) {
    for binds in Binds::EITHER {
        let req = reconnecting(Req::builder()).build();
        let reps = [(); 5].map(|()| socket(SocketType::Rep));
        let endpoint = match binds {
            Binds::First => Some(bind(&req, transport).await),
            Binds::Second => None,
        };
        for (number, rep) in (1..).zip(&reps) {
            match &endpoint {
                Some(endpoint) => rep.connect(endpoint).unwrap(),
                None => join(&req, rep, binds, transport).await,
            }
            until_some(|| (req.remotes().len() == number).then_some(())).await;
        }
        for _ in 0..3 {
            for rep in &reps {
                let (reply, ()) = tokio::join!(req.request("ABC"), echo(rep));
                assert_eq!(reply.unwrap(), ["ABC"]);
            }
        }
    }
}

over_tcp_and_ipc!(our_request_has_the_form_of_theirs);

/// Corresponds to the second part of `test_spec_req` of libzmq.
async fn our_request_has_the_form_of_theirs(transport: Transport) {
    for (correlate, form) in [(true, &[4, 0, 3, 0, 1][..]), (false, &[0, 3, 0, 1])] {
        let router = socket(SocketType::Router);
        router.bind(&own_endpoint(transport)).unwrap();
        let endpoint = router.last_endpoint().unwrap();
        let ours = Req::builder().correlate(correlate).connect(&*endpoint).await.unwrap();
        let theirs = socket(SocketType::Req);
        theirs.set(SocketOption::ReqCorrelate, correlate.into()).unwrap();
        theirs.connect(&endpoint).unwrap();
        let request = ["ABC", "", "D"];

        let (reply, our_form) = tokio::join!(ours.request(request), form_and_echo(&router));
        assert_eq!(reply.unwrap(), request);
        let request = request.map(|part| part.as_bytes().to_vec());
        send(&theirs, &request).await;
        let their_form = form_and_echo(&router).await;
        assert_eq!(recv(&theirs).await, request);
        assert_eq!((&*our_form, &*their_form), (form, form));
    }
}

over_tcp_and_ipc!(a_request_waits_for_their_rep);

/// Corresponds to the third part of `test_spec_req` of libzmq.
async fn a_request_waits_for_their_rep(transport: Transport) {
    let (req, rep) = (Req::new(), socket(SocketType::Rep));
    let endpoint = bind(&req, transport).await;
    let serve = async {
        rep.connect(&endpoint).unwrap();
        echo(&rep).await;
    };
    let (reply, ()) = tokio::join!(req.request("ABC"), serve);
    assert_eq!(reply.unwrap(), ["ABC"]);
}

over_tcp_and_ipc!(only_the_router_of_the_request_can_reply);

/// Corresponds to the last part of `test_spec_req` of libzmq, which libzmq fails.
async fn only_the_router_of_the_request_can_reply(transport: Transport) {
    let identity = "A".parse().unwrap();
    let req = Req::builder().identity(identity).build();
    let endpoint = bind(&req, transport).await;
    let [current, other] = [(); 2].map(|()| socket(SocketType::Router));
    for (number, router) in [(1, &current), (2, &other)] {
        router.connect(&endpoint).unwrap();
        until_some(|| (req.remotes().len() == number).then_some(())).await;
    }
    // Both know the identity then.
    for router in [&current, &other] {
        let (reply, ()) = tokio::join!(req.request("first"), echo(router));
        assert_eq!(reply.unwrap(), ["first"]);
    }
    let reply_twice = async {
        let mut message = recv(&current).await;
        assert_eq!((message.len(), &*message[0]), (4, &b"A"[..]));
        message[3] = b"BAD".to_vec();
        send(&other, &message).await;
        until_some(|| (req.stats().dropped.stray_replies == 1).then_some(())).await;
        message[3] = b"GOOD".to_vec();
        send(&current, &message).await;
    };
    let (reply, ()) = tokio::join!(req.request("second"), reply_twice);
    assert_eq!(reply.unwrap(), ["GOOD"]);
}

over_tcp_and_ipc!(their_router_answers_many_requests_in_another_order);

async fn their_router_answers_many_requests_in_another_order(transport: Transport) {
    let (req, router) = (reconnecting(Req::builder()).build(), socket(SocketType::Router));
    join(&req, &router, Binds::First, transport).await;
    let request = |number: u8| {
        let req = &req;
        async move { assert_eq!(req.request([number]).await.unwrap(), [[number]]) }
    };
    let reply = async {
        let mut requests = Vec::new();
        for _ in 0..3 {
            requests.push(recv(&router).await);
        }
        for request in requests.iter().rev() {
            send(&router, request).await;
        }
    };
    tokio::join!(request(0), request(1), request(2), reply);
}

/// Passes requests of different sizes and numbers of parts, which return.
async fn exchange(req: &Req, theirs: &Socket) {
    for body in bodies() {
        for parts in [vec![body.clone()], vec![vec![], body.clone(), vec![], body.clone()]] {
            let request: Multipart = parts.iter().collect();
            let reply_to_it = async {
                let received = recv(theirs).await;
                assert!(received.ends_with(&parts));
                send(theirs, &received).await;
            };
            let (reply, ()) = tokio::join!(req.request(&request), reply_to_it);
            assert!(reply.unwrap() == request);
        }
    }
}

/// Returns a request to its requester.
async fn echo(theirs: &Socket) {
    let request = recv(theirs).await;
    send(theirs, &request).await;
}

/// Does the same, and returns the sizes of the parts that follow the identity.
async fn form_and_echo(router: &Socket) -> Vec<usize> {
    let request = recv(router).await;
    send(router, &request).await;
    request[1..].iter().map(Vec::len).collect()
}

async fn bind(ours: &Req, transport: Transport) -> String {
    ours.bind(&*own_endpoint(transport)).await.unwrap().to_string()
}
