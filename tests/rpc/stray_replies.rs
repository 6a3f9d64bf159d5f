//! Unexpected replies, and messages that are not valid replies.

use tokio_zmtp::Client;
use tokio_zmtp::rpc::{CallError, ErrorCode, Requester};

use crate::wire::{Bare, CANCEL, END, ERROR, PART, REPLY, REQUEST, body, envelope, unique, until};

#[tokio::test]
async fn a_duplicate_reply_is_counted_and_dropped() {
    let (requester, bare) = asked().await;
    let (from, id, rest) = ask(&requester, &bare).await;
    for _ in 0..3 {
        bare.send(from, REPLY, id, body(&rest)).await;
    }
    until(&requester, |stats| stats.duplicate == 2).await;
    assert_eq!(requester.stats().answered, 1);
    assert!(requester.stats().is_consistent());
}

#[tokio::test]
async fn a_reply_without_a_call_is_unknown() {
    let (requester, bare) = asked().await;
    let (from, id, _) = ask(&requester, &bare).await;
    for strange in [id + 1, id + (1 << 24), u64::MAX] {
        bare.send(from, REPLY, strange, "").await;
    }
    until(&requester, |stats| stats.unknown == 3).await;
    assert_eq!(requester.stats().outstanding, 1);
}

#[tokio::test]
async fn a_reply_from_another_server_is_unknown() {
    let (requester, first) = asked().await;
    let second = Bare::bind(&unique()).await;
    requester.client().connect(second.endpoint().as_str()).await.unwrap();
    let calls = [(); 2].map(|()| tokio::spawn(requester.call("x")));
    let (from_first, asked_first, _) = first.expect(REQUEST).await;
    let (from_second, asked_second, _) = second.expect(REQUEST).await;
    second.send(from_second, REPLY, asked_first, "a lie").await;
    until(&requester, |stats| stats.unknown == 1).await;
    first.send(from_first, REPLY, asked_first, "one").await;
    second.send(from_second, REPLY, asked_second, "two").await;
    let [one, two] = calls;
    let replies = [one.await.unwrap().unwrap(), two.await.unwrap().unwrap()];
    assert_eq!(replies, ["one", "two"]);
}

#[tokio::test]
async fn an_invalid_reply_is_counted_and_dropped() {
    let (requester, bare) = asked().await;
    let (from, id, _) = ask(&requester, &bare).await;
    let nonsense = [
        Vec::new(),
        b"\x12\0".to_vec(),
        envelope(REQUEST, id, [0x00]),
        envelope(CANCEL, id, ""),
        envelope(0x22, id + 1, "another version, of no call"),
    ];
    let count = nonsense.len() as u64;
    for message in nonsense {
        bare.server.route(from, message).await.unwrap();
    }
    until(&requester, |stats| stats.malformed == count).await;
    assert_eq!(requester.stats().outstanding, 1);
}

#[tokio::test]
async fn a_malformed_reply_fails_its_call() {
    let (requester, bare) = asked().await;
    for (kind, rest) in [
        (0x22, &b"another version"[..]),
        (0x1f, b"another kind"),
        (ERROR, &[0x10, 0, 0, 0]),
        (ERROR, &[0x10, 0, 0, 0, 0, 0xff]),
        (END, b"more"),
    ] {
        let call = tokio::spawn(requester.call("x"));
        let (from, id, _) = bare.expect(REQUEST).await;
        bare.send(from, kind, id, rest).await;
        assert_eq!(call.await.unwrap(), Err(CallError::BadReply));
        assert_eq!(bare.expect(CANCEL).await.1, id);
    }
    let stats = requester.stats();
    assert_eq!((stats.malformed, stats.bad_replies), (5, 5));
    assert!(stats.is_consistent());
}

#[tokio::test]
async fn an_unrequested_stream_fails_the_call() {
    for kind in [PART, END] {
        let (requester, bare) = asked().await;
        let call = tokio::spawn(requester.call("x"));
        let (from, id, _) = bare.expect(REQUEST).await;
        bare.send(from, kind, id, "").await;
        assert_eq!(call.await.unwrap(), Err(CallError::BadReply));
        assert_eq!(bare.expect(CANCEL).await.1, id);
        assert_eq!(requester.stats().bad_replies, 1);
        assert!(requester.stats().is_consistent());
    }
}

#[tokio::test]
async fn an_error_states_whether_a_retry_is_safe() {
    let (requester, bare) = asked().await;
    for (code, is_retryable) in
        [(0x01, true), (0x02, true), (0x0e, true), (0x10, false), (0x99, false)]
    {
        let call = tokio::spawn(requester.call("x"));
        let (from, id, _) = bare.expect(REQUEST).await;
        bare.send(from, ERROR, id, [&[code, 0, 0, 1, 2][..], "why".as_bytes()].concat()).await;
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(error.is_retryable(), is_retryable, "{error}");
        let CallError::Failed(failure) = error else { panic!("not an error of the responder") };
        assert_eq!(failure.code(), ErrorCode::new(code));
        assert_eq!((failure.detail(), failure.text()), (258, "why"));
    }
    assert_eq!(requester.stats().failed, 5);
}

async fn asked() -> (Requester, Bare) {
    let bare = Bare::bind(&unique()).await;
    let client = Client::new();
    client.connect(bare.endpoint().as_str()).await.unwrap();
    (Requester::new(client), bare)
}

/// Makes a call in a detached task, so that the call is not cancelled.
async fn ask(requester: &Requester, bare: &Bare) -> (tokio_zmtp::RoutingId, u64, Vec<u8>) {
    tokio::spawn(requester.call("x"));
    bare.expect(REQUEST).await
}
