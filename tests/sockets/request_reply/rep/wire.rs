//! The bytes between a REP and its requesters.

use tokio_zmtp::{Rep, TryRecvError};

use super::{rep_and_requester, request, requester};
use crate::remote::{COMMAND, GREETING, Remote, property, ready};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_reply_begins_with_the_envelope_of_its_request() {
    let _watchdog = Watchdog::start();
    let (rep, mut remote) = rep_and_requester().await;
    remote.write(b"\x01\x03id2\x01\x03id1\x01\x00\x01\x02b1\x01\x00\x00\x02b2").await;
    let (request, mut replier) = rep.recv().await.unwrap();
    assert_eq!(request, ["b1", "", "b2"], "empty parts after the first are data");
    replier.reply(["r1", "", "r2"]).await.unwrap();
    let reply = b"\x01\x03id2\x01\x03id1\x01\x00\x01\x02r1\x01\x00\x00\x02r2";
    assert_eq!(remote.read(reply.len()).await, reply);
}

#[tokio::test]
async fn the_envelope_of_a_req_is_returned_with_and_without_a_correlation_id() {
    let _watchdog = Watchdog::start();
    let (rep, mut remote) = rep_and_requester().await;
    for envelope in [&b"\x01\x00"[..], b"\x01\x04\x4B\x94\xE8\x2A\x01\x00"] {
        remote.write(&[envelope, b"\x00\x01A"].concat()).await;
        let (request, mut replier) = rep.recv().await.unwrap();
        assert_eq!(request, ["A"]);
        replier.reply("B").await.unwrap();
        assert_eq!(remote.read(envelope.len() + 3).await, [envelope, b"\x00\x01B"].concat());
    }
}

/// Headers are returned as they arrived, even if they are longer than necessary.
#[tokio::test]
async fn envelopes_of_any_depth_and_length_are_kept() {
    let _watchdog = Watchdog::start();
    let (rep, mut remote) = rep_and_requester().await;
    let id_of_300 = [&b"\x03\0\0\0\0\0\0\x01\x2C"[..], &[7; 300]].concat();
    let long_header = b"\x03\0\0\0\0\0\0\0\x01x\x03\0\0\0\0\0\0\0\0".to_vec();
    let deep = [b"\x01\x05\0\x01\x02\x03\x04".repeat(10_000), b"\x01\x00".to_vec()].concat();
    for envelope in [[&id_of_300[..], b"\x01\x00"].concat(), long_header, deep] {
        let long_body = [&b"\x02\0\0\0\0\0\x01\0\0"[..], &[8; 0x1_0000]].concat();
        for body in [b"\x00\x00", &long_body[..]] {
            remote.write(&[&envelope, body].concat()).await;
            let (request, mut replier) = rep.recv().await.unwrap();
            assert_eq!(request.len(), 1);
            replier.reply(request).await.unwrap();
            let expected = [&envelope, body].concat();
            assert!(remote.read(expected.len()).await == expected, "{}", envelope.len());
        }
    }
}

/// libzmq's REP sends none either, although its documentation lists REP.
#[tokio::test]
async fn no_identity_is_announced() {
    let _watchdog = Watchdog::start();
    let rep = Rep::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = Remote::dial(&rep.last_endpoint().unwrap()).await;
    remote.write(&[&GREETING[..], &ready("REQ")].concat()).await;
    assert_eq!(remote.read(GREETING.len()).await, GREETING);
    let properties = [property("Socket-Type", b"REP"), property("X-Lock-Step", b"0")].concat();
    let ready_of_rep = [b"\x05READY", &properties[..]].concat();
    assert_eq!(remote.read_frame().await, (COMMAND, ready_of_rep));
}

#[tokio::test]
async fn requesters_with_the_same_identity_get_their_own_replies() {
    let _watchdog = Watchdog::start();
    let rep = Rep::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    let properties = [property("Socket-Type", b"REQ"), property("Identity", b"same")].concat();
    let mut remotes = Vec::new();
    let mut repliers = Vec::new();
    for number in 0..3_u8 {
        let mut remote = Remote::dial(&rep.last_endpoint().unwrap()).await;
        remote.write(&GREETING).await;
        remote.write(&crate::remote::command("READY", &properties)).await;
        assert_eq!(remote.read(GREETING.len()).await, GREETING);
        assert_eq!(remote.read_frame().await.0, COMMAND);
        remote.write(&request(&[number])).await;
        remotes.push(remote);
        repliers.push(rep.recv().await.unwrap());
    }
    for (request, mut replier) in repliers.into_iter().rev() {
        replier.reply(request).await.unwrap();
    }
    for (number, remote) in (0..).zip(&mut remotes) {
        assert_eq!(remote.read(5).await, request(&[number]));
    }
}

#[tokio::test]
async fn a_requester_of_zmtp_3_0_gets_its_reply() {
    let _watchdog = Watchdog::start();
    let rep = Rep::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = Remote::dial(&rep.last_endpoint().unwrap()).await;
    remote.shake_hands_as("REQ", 0).await;
    remote.write(&request(b"there")).await;
    let (received, mut replier) = rep.recv().await.unwrap();
    assert_eq!(received, ["there"]);
    replier.reply("back").await.unwrap();
    assert_eq!(remote.read(8).await, request(b"back"));
}

#[tokio::test]
async fn a_request_is_received_when_its_last_part_has_arrived() {
    let _watchdog = Watchdog::start();
    let (rep, mut remote) = rep_and_requester().await;
    for part in [&b"\x01\x02id"[..], b"\x01\x00", b"\x01\x01a"] {
        remote.write(part).await;
        remote.sync().await;
        assert_eq!(rep.try_recv().err(), Some(TryRecvError::Empty));
    }
    remote.write(b"\x00\x01b").await;
    assert_eq!(rep.recv().await.unwrap().0, ["a", "b"]);
}

#[tokio::test]
async fn legal_remotes_are_accepted_and_others_refused() {
    let _watchdog = Watchdog::start();
    let rep = Rep::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    let endpoint = rep.last_endpoint().unwrap();
    for socket_type in ["REQ", "DEALER"] {
        let mut remote = Remote::dial(&endpoint).await;
        remote.shake_hands(socket_type).await;
        remote.write(&request(b"?")).await;
        let (_, mut replier) = rep.recv().await.unwrap();
        replier.reply("!").await.unwrap();
        assert_eq!(remote.read(5).await, request(b"!"));
    }
    for socket_type in ["REP", "ROUTER", "PAIR", "CLIENT"] {
        let mut remote = Remote::dial(&endpoint).await;
        remote.write(&[&GREETING[..], &ready(socket_type)].concat()).await;
        let answer = remote.read_to_end().await;
        let has_error = answer.windows(6).any(|bytes| bytes == b"\x05ERROR");
        assert!(has_error, "{socket_type} is sent {}", answer.escape_ascii());
    }
    // The refused ones do not affect others.
    let mut remote = requester(&endpoint).await;
    remote.write(&request(b"still there")).await;
    assert_eq!(rep.recv().await.unwrap().0, ["still there"]);
}
