//! An upgrade to a WebSocket succeeds only with what RFC 6455 and RFC 45 require, its outcome does not
//! depend on how the bytes are split, and it takes limited memory.
//!
//! The fuzzer begins with a valid request or response. It adds lines, which may repeat valid ones, and
//! flips arbitrary bits.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tokio::io::AsyncWriteExt;
use tokio_zmtp::Mechanism;
use tokio_zmtp::ws::{WebSocketAcceptor, WebSocketConnector};
use tokio_zmtp_fuzz::{
    REQUEST, RESPONSE, SWITCHING, accept_header, flip, read_head, run, send_all, stream_of_pieces,
};

fuzz_target!(|input: (u8, u8, Vec<(u16, u8)>, Vec<(u8, &[u8])>, &[u8])| {
    let (choice, piece, flips, lines, rest) = input;
    let is_request = choice & 0x01 == 0x00;
    let valid: &[&str] = if is_request { &REQUEST } else { &RESPONSE };
    let mut head = Vec::new();
    if choice & 0x02 == 0x00 {
        head.extend_from_slice(valid.concat().as_bytes());
    }
    for (number, more) in lines {
        head.extend_from_slice(more);
        // Beyond the valid lines, the fuzzer writes them itself.
        let line = valid.get(usize::from(number)).copied().unwrap_or("\r\n");
        head.extend_from_slice(line.as_bytes());
    }
    if choice & 0x04 == 0x00 {
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(rest);
    flip(&mut head, &flips);

    let outcomes = [piece, u8::MAX].map(|piece| match is_request {
        true => run(accept(&head, piece)),
        false => run(connect(&head, piece, choice & 0x08 == 0x00)),
    });
    assert_eq!(outcomes[0], outcomes[1]);
});

/// Returns the response to a request, and whether it is accepted.
async fn accept(request: &[u8], piece: u8) -> (bool, Vec<u8>) {
    let (near, far) = stream_of_pieces(piece);
    let acceptor = WebSocketAcceptor::new(&Mechanism::Null);
    // The accepted stream is dropped, which ends it.
    let accepting = async { acceptor.accept(near).await.is_ok() };
    let (accepted, response) = tokio::join!(accepting, send_all(far, request));
    assert_eq!(accepted, response.starts_with(SWITCHING));
    if accepted {
        assert!(request.trim_ascii_start().starts_with(b"GET "));
        for required in ["upgrade", "websocket", "sec-websocket-key", "sec-websocket-version"] {
            assert!(contains(request, required), "{required}");
        }
        assert!(contains(request, "zws2.0/null") || contains(request, "zws2.0-null"));
    }
    (accepted, response)
}

/// Returns whether a response is accepted.
async fn connect(response: &[u8], piece: u8, answers_key: bool) -> (bool, Vec<u8>) {
    let (near, mut far) = stream_of_pieces(piece);
    let connector = WebSocketConnector::new(&Mechanism::Null, "example.org", "/zmq");
    let connecting = async { connector.connect(near).await.is_ok() };
    let responding = async {
        let accept = accept_header(&read_head(&mut far).await);
        let (first, others) = response.split_at(end_of_line(response));
        let accept = if answers_key { accept.as_bytes() } else { b"" };
        let _ = far.write_all(&[first, accept, others].concat()).await;
        let _ = far.shutdown().await;
        send_all(far, b"").await
    };
    let (connected, _) = tokio::join!(connecting, responding);
    if connected {
        assert!(answers_key);
        assert!(response.trim_ascii_start().starts_with(b"HTTP/1.1 101"));
        for required in ["upgrade", "websocket", "zws2.0/null"] {
            assert!(contains(response, required), "{required}");
        }
    }
    (connected, Vec::new())
}

/// Returns the length of the first line.
fn end_of_line(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1)
}

/// Returns whether a text occurs in the bytes, in lower or upper case.
fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes()))
}
