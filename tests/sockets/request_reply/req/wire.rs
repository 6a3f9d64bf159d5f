//! The bytes between a REQ and remotes of other implementations.

use tokio_zmtp::Req;
use tokio_zmtp::monitor::{DropCause, EventKind};

use super::{Watchdog, events, read_request, reply, req_and_router, start};
use crate::remote::{GREETING, Remote, RemoteListener, message, property, ready};

#[tokio::test]
async fn a_request_carries_an_id_of_four_bytes_and_an_empty_part() {
    let _watchdog = Watchdog::start();
    let (req, mut router) = req_and_router().await;
    let first = start(&req, ["A", "", "B"]);
    assert_eq!(router.read(2).await, b"\x01\x04");
    let id: [u8; 4] = router.read(4).await.try_into().unwrap();
    assert_eq!(router.read(2 + 3 + 2 + 3).await, b"\x01\x00\x01\x01A\x01\x00\x00\x01B");
    router.write(&[b"\x01\x04", &id[..], b"\x01\x00\x01\x01C\x01\x00\x00\x01D"].concat()).await;
    assert_eq!(first.await.unwrap().unwrap(), ["C", "", "D"]);

    let second = start(&req, "next");
    let (next, parts) = read_request(&mut router).await;
    assert_eq!(parts, [b"next"]);
    assert_eq!(u32::from_be_bytes(next), u32::from_be_bytes(id).wrapping_add(1));
    router.write(&reply(next, b"reply")).await;
    assert_eq!(second.await.unwrap().unwrap(), ["reply"]);
}

#[tokio::test]
async fn ids_begin_at_random() {
    let _watchdog = Watchdog::start();
    let mut ids = std::collections::HashSet::new();
    for _ in 0..4 {
        let (req, mut router) = req_and_router().await;
        let _started = start(&req, "request");
        ids.insert(read_request(&mut router).await.0);
    }
    assert!(ids.len() > 1, "{ids:?}");
}

#[tokio::test]
async fn each_request_receives_its_own_reply_in_any_order() {
    let _watchdog = Watchdog::start();
    let (req, mut router) = req_and_router().await;
    let started = ["a", "b", "c"].map(|body| start(&req, body));
    let mut requests = Vec::new();
    for _ in 0..3 {
        requests.push(read_request(&mut router).await);
    }
    for (id, parts) in requests.iter().rev() {
        router.write(&reply(*id, &parts[0])).await;
    }
    for (request, body) in started.into_iter().zip(["a", "b", "c"]) {
        assert_eq!(request.await.unwrap().unwrap(), [body]);
    }
}

#[tokio::test]
async fn long_requests_and_replies_of_many_parts_are_whole() {
    let _watchdog = Watchdog::start();
    let (req, mut router) = req_and_router().await;
    let parts: Vec<Vec<u8>> = (0..300).map(|len| vec![7; len * 10]).collect();
    let request = start(&req, parts.clone());
    let (id, received) = read_request(&mut router).await;
    assert_eq!(received, parts);
    let mut written = [b"\x01\x04", &id[..], b"\x01\x00"].concat();
    for part in &parts {
        written.extend(b"\x03");
        written.extend((part.len() as u64).to_be_bytes());
        written.extend(part);
    }
    written.extend(message(b"last"));
    router.write(&written).await;
    let reply = request.await.unwrap().unwrap();
    assert_eq!(reply.len(), 301);
    assert_eq!((reply.get(299), reply.last()), (Some(&parts[299][..]), &b"last"[..]));
}

#[tokio::test]
async fn malformed_replies_are_counted_and_do_not_end_the_connection() {
    let _watchdog = Watchdog::start();
    let (req, mut router) = req_and_router().await;
    let mut monitor = req.monitor();
    let request = start(&req, "request");
    let (id, _) = read_request(&mut router).await;
    for malformed in [
        &b"\x00\x05reply"[..],
        // Without the empty part.
        b"\x01\x04abcd\x00\x05reply",
        &[b"\x01\x04", &id[..], b"\x00\x05reply"].concat(),
        // Without the id.
        b"\x01\x00\x00\x05reply",
        // The empty part is the last one.
        &[b"\x01\x04", &id[..], b"\x00\x00"].concat(),
        b"\x00\x00",
        // Ids of other lengths, and another part before the empty one.
        b"\x01\x03abc\x01\x00\x00\x05reply",
        b"\x01\x05abcde\x01\x00\x00\x05reply",
        &[b"\x01\x01a\x01\x04", &id[..], b"\x01\x00\x00\x05reply"].concat(),
    ] {
        router.write(malformed).await;
    }
    router.sync().await;
    assert!(!request.is_finished());
    let dropped = req.stats().dropped;
    assert_eq!((dropped.malformed_replies, dropped.stray_replies), (9, 0));
    router.write(&reply(id, b"reply")).await;
    assert_eq!(request.await.unwrap().unwrap(), ["reply"]);

    // The first of a series is reported.
    router.write(b"\x00\x05again").await;
    router.sync().await;
    let mut reported = Vec::new();
    while let Some(event) = futures::FutureExt::now_or_never(monitor.recv()) {
        if let EventKind::MessagesDropped { messages, cause } = event.unwrap().unwrap().kind {
            reported.push((messages > 0, cause));
        }
    }
    assert_eq!(reported, [(true, DropCause::MalformedReply); 2]);
}

#[tokio::test]
async fn a_reply_to_an_abandoned_request_is_discarded_and_counted() {
    let _watchdog = Watchdog::start();
    let (req, mut router) = req_and_router().await;
    let mut monitor = req.monitor();
    let mut abandoned = Box::pin(req.request("abandoned"));
    assert!(futures::poll!(&mut abandoned).is_pending());
    let (late, _) = read_request(&mut router).await;
    drop(abandoned);
    let request = start(&req, "request");
    let (id, _) = read_request(&mut router).await;
    router.write(&[reply(late, b"late"), reply(id, b"reply"), reply(id, b"again")].concat()).await;
    assert_eq!(request.await.unwrap().unwrap(), ["reply"]);
    router.sync().await;
    assert_eq!(req.stats().dropped.stray_replies, 2);
    assert_eq!(req.stats().connected, 1);
    let event =
        events::until(&mut monitor, |kind| matches!(kind, EventKind::MessagesDropped { .. })).await;
    assert!(matches!(event.kind, EventKind::MessagesDropped { cause: DropCause::StrayReply, .. }));
}

/// `test_req_only_listens_to_current_peer` of libzmq, which is disabled there because it fails.
#[tokio::test]
async fn only_the_remote_of_the_request_can_reply() {
    let _watchdog = Watchdog::start();
    let listeners = [RemoteListener::bind(), RemoteListener::bind()];
    let req = Req::new();
    let mut routers = Vec::new();
    for listener in &listeners {
        req.connect(listener.endpoint()).await.unwrap();
        routers.push(listener.accept_as("ROUTER").await);
        routers.last_mut().unwrap().sync().await;
    }
    let [first, second] = &mut routers[..] else { unreachable!() };
    let requests = [start(&req, "request"), start(&req, "request")];
    let (first_id, _) = read_request(first).await;
    let (second_id, _) = read_request(second).await;
    second.write(&reply(first_id, b"foreign")).await;
    second.sync().await;
    assert_eq!(req.stats().dropped.stray_replies, 1);
    assert!(!requests.iter().any(tokio::task::JoinHandle::is_finished));
    first.write(&reply(first_id, b"own")).await;
    second.write(&reply(second_id, b"own")).await;
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap(), ["own"]);
    }
}

#[tokio::test]
async fn unsolicited_messages_of_a_remote_are_discarded() {
    let _watchdog = Watchdog::start();
    let (req, mut router) = req_and_router().await;
    router.write(&[reply(*b"abcd", b"unasked"), reply(*b"abcd", b"unasked")].concat()).await;
    router.sync().await;
    assert_eq!(req.stats().dropped.stray_replies, 2);
    let request = start(&req, "request");
    let (id, _) = read_request(&mut router).await;
    router.write(&reply(id, b"reply")).await;
    assert_eq!(request.await.unwrap().unwrap(), ["reply"]);
}

#[tokio::test]
async fn a_remote_of_zmtp_3_0_is_sent_the_same_form_of_request() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let req = Req::builder().connect(listener.endpoint()).await.unwrap();
    let mut rep = listener.accept().await;
    rep.shake_hands_as("REP", 0).await;
    let request = start(&req, "request");
    let (id, parts) = read_request(&mut rep).await;
    assert_eq!(parts, [b"request"]);
    rep.write(&reply(id, b"reply")).await;
    assert_eq!(request.await.unwrap().unwrap(), ["reply"]);
}

#[tokio::test]
async fn the_legal_remotes_are_rep_and_router() {
    let _watchdog = Watchdog::start();
    let req = Req::new();
    let endpoint = req.bind("tcp://127.0.0.1:*").await.unwrap();
    for socket_type in ["REP", "ROUTER"] {
        let mut remote = Remote::dial(&endpoint).await;
        remote.shake_hands(socket_type).await;
        remote.sync().await;
    }
    for socket_type in ["REQ", "DEALER", "PULL", "SERVER"] {
        let mut remote = Remote::dial(&endpoint).await;
        remote.write(&GREETING).await;
        remote.write(&ready(socket_type)).await;
        remote.read_to_end().await;
    }
    assert_eq!(req.stats().refused.incompatible, 4);
}

#[tokio::test]
async fn a_bound_req_sends_requests_to_remotes_that_connect() {
    let _watchdog = Watchdog::start();
    let req = Req::new();
    let endpoint = req.bind("tcp://127.0.0.1:*").await.unwrap();
    let request = start(&req, "request");
    let mut router = Remote::dial(&endpoint).await;
    router.shake_hands("ROUTER").await;
    let (id, parts) = read_request(&mut router).await;
    assert_eq!(parts, [b"request"]);
    router.write(&reply(id, b"reply")).await;
    assert_eq!(request.await.unwrap().unwrap(), ["reply"]);
}

#[tokio::test]
async fn a_req_announces_its_identity_and_probes_routers() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let builder = Req::builder().identity("worker".parse().unwrap()).probe_router(true);
    let req = builder.connect(listener.endpoint()).await.unwrap();
    let mut router = listener.accept().await;
    router.write(&GREETING).await;
    router.write(&ready("ROUTER")).await;
    router.read(GREETING.len()).await;
    let (_, announced) = router.read_frame().await;
    let identity = property("Identity", b"worker");
    assert!(announced.windows(identity.len()).any(|bytes| bytes == identity));
    assert_eq!(router.read_message().await, b"");
    let request = start(&req, "request");
    let (id, _) = read_request(&mut router).await;
    router.write(&reply(id, b"reply")).await;
    assert_eq!(request.await.unwrap().unwrap(), ["reply"]);
}
