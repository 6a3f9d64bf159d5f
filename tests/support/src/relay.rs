//! A relay between two sockets, which can change the frames in transit.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_zmtp::Endpoint;

/// Relays connections to `endpoint`. `change` may modify the header and the body of each frame in
/// both directions. Returns the endpoint of the relay, which ends with its runtime.
pub async fn relay(endpoint: &Endpoint, change: fn(&mut [u8], &mut [u8])) -> Endpoint {
    relay_changed(endpoint, Changes { greeting: |_| {}, frame: change }).await
}

/// Relays connections to `endpoint`, whose ends take each other for remotes of ZMTP 3.0.
pub async fn relay_as_zmtp_3_0(endpoint: &Endpoint) -> Endpoint {
    let greeting = |greeting: &mut [u8; 64]| greeting[MINOR_AT] = 0;
    relay_changed(endpoint, Changes { greeting, frame: |_, _| {} }).await
}

/// What a relay changes in both directions.
#[derive(Clone, Copy)]
struct Changes {
    greeting: fn(&mut [u8; 64]),
    frame: fn(&mut [u8], &mut [u8]),
}

async fn relay_changed(endpoint: &Endpoint, changes: Changes) -> Endpoint {
    let target: SocketAddr = endpoint.to_string().strip_prefix("tcp://").unwrap().parse().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(target).await.unwrap();
            let (from_near, to_near) = near.into_split();
            let (from_far, to_far) = far.into_split();
            tokio::spawn(forward(from_near, to_far, changes));
            tokio::spawn(forward(from_far, to_near, changes));
        }
    });
    address.into()
}

/// Relays one direction until it ends.
async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, changes: Changes) -> Option<()> {
    let mut greeting = [0; 64];
    from.read_exact(&mut greeting).await.ok()?;
    (changes.greeting)(&mut greeting);
    to.write_all(&greeting).await.ok()?;
    loop {
        let mut header = vec![from.read_u8().await.ok()?];
        let size_len = if header[0] & LONG == 0 { 1 } else { 8 };
        header.resize(1 + size_len, 0);
        from.read_exact(&mut header[1..]).await.ok()?;
        let size = header[1..].iter().fold(0, |size, &byte| size << 8 | usize::from(byte));
        let mut body = vec![0; size];
        from.read_exact(&mut body).await.ok()?;
        (changes.frame)(&mut header, &mut body);
        to.write_all(&[header, body].concat()).await.ok()?;
    }
}

/// Sets the COMMAND flag of frames with a CURVE MESSAGE, which needs no key.
pub fn mark_messages(header: &mut [u8], body: &mut [u8]) {
    if body.starts_with(b"\x07MESSAGE") {
        header[0] |= COMMAND;
    }
}

/// The position of the minor version in a greeting.
const MINOR_AT: usize = 11;

// Flags of frames.
const LONG: u8 = 0x02;
const COMMAND: u8 = 0x04;
