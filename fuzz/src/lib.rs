//! What the fuzz targets of streams share: a runtime, memory that is limited, and the remote.

use std::alloc::System;

use cap::Cap;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tungstenite::handshake::derive_accept_key;

/// Runs a future in a runtime of its own, whose clock advances when every task waits. Allocations
/// beyond [`MEMORY_MAX`] abort the process.
pub fn run<F: Future>(future: F) -> F::Output {
    HEAP.set_limit(HEAP.allocated() + MEMORY_MAX).expect("the limit is above what is allocated");
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build();
    let output = runtime.expect("a runtime can be created").block_on(future);
    HEAP.set_limit(usize::MAX).expect("the limit is above what is allocated");
    output
}

/// Returns the ends of a stream on which at most `piece` bytes arrive at a time.
pub fn stream_of_pieces(piece: u8) -> (DuplexStream, DuplexStream) {
    tokio::io::duplex(usize::from(piece).max(1))
}

/// Changes bits at the given positions.
pub fn flip(bytes: &mut [u8], flips: &[(u16, u8)]) {
    for (at, bits) in flips {
        let at = usize::from(*at) % bytes.len().max(1);
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= bits;
        }
    }
}

/// Writes bytes and ends the stream, while everything that arrives is read. Returns the latter.
///
/// The other end may have ended before. It has written an answer then, or nothing.
pub async fn send_all(far: DuplexStream, bytes: &[u8]) -> Vec<u8> {
    let (mut reader, mut writer) = tokio::io::split(far);
    let writing = async {
        let _ = writer.write_all(bytes).await;
        let _ = writer.shutdown().await;
    };
    let mut read = Vec::new();
    let (_, _) = tokio::join!(writing, reader.read_to_end(&mut read));
    read
}

/// Reads a request or a response to its end, or to the end of the stream.
pub async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    head
}

/// Sends a valid request for an upgrade, and reads the response.
pub async fn upgrade_as_client(far: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let request = [REQUEST.concat().as_bytes(), b"\r\n"].concat();
    far.write_all(&request).await.expect("the acceptor reads the request");
    assert!(read_head(far).await.starts_with(SWITCHING));
}

/// Reads a request for an upgrade, and sends a valid response.
pub async fn upgrade_as_server(far: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let accept = accept_header(&read_head(far).await);
    let response = [RESPONSE.concat(), accept, "\r\n".to_owned()].concat();
    far.write_all(response.as_bytes()).await.expect("the connector reads the response");
}

/// Returns the header that answers the key of a request.
pub fn accept_header(request: &[u8]) -> String {
    let request = std::str::from_utf8(request).expect("the request is text");
    let mut lines = request.lines().filter_map(|line| line.split_once(": "));
    let key = lines.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"));
    let (_, key) = key.expect("the request has a key");
    format!("Sec-WebSocket-Accept: {}\r\n", derive_accept_key(key.as_bytes()))
}

/// The lines of a valid request.
pub const REQUEST: [&str; 7] = [
    "GET /zmq HTTP/1.1\r\n",
    "Host: example.org\r\n",
    "Upgrade: websocket\r\n",
    "Connection: Upgrade\r\n",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    "Sec-WebSocket-Version: 13\r\n",
    "Sec-WebSocket-Protocol: ZWS2.0/NULL\r\n",
];

/// The lines of a valid response, without the header that answers the key.
pub const RESPONSE: [&str; 4] = [
    "HTTP/1.1 101 Switching Protocols\r\n",
    "Upgrade: websocket\r\n",
    "Connection: Upgrade\r\n",
    "Sec-WebSocket-Protocol: ZWS2.0/NULL\r\n",
];

/// The beginning of a response that performs the upgrade.
pub const SWITCHING: &[u8] = b"HTTP/1.1 101";

/// A multiple of all buffers of a connection, in bytes. libFuzzer limits inputs to 4 KiB.
const MEMORY_MAX: usize = 0x10_0000;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);
