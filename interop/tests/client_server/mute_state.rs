//! A sender whose remote does not read fills all queues, and loses nothing.

use std::time::{Duration, Instant};

use interop::numbered;
use tokio::time;

use crate::pairing::{
    Binds, ClientSide, POLL_INTERVAL, Routed, ServerSide, greet, in_every_pairing, join,
};

in_every_pairing!(a_mute_client_loses_nothing, hwm = SMALL_HWM);
in_every_pairing!(a_server_that_is_mute_for_one_remote_loses_nothing, hwm = SMALL_HWM);

async fn a_mute_client_loses_nothing(
    client: impl ClientSide,
    server: impl ServerSide,
    binds: Binds,
) {
    join(&client, &server, binds).await;
    greet(&client, &server).await;
    let accepted = fill(|body| client.try_send(body)).await;
    let last = numbered(accepted, SIZE);
    tokio::join!(client.send(&last), server.recv_numbered(accepted + 1));
    greet(&client, &server).await;
}

async fn a_server_that_is_mute_for_one_remote_loses_nothing(
    client: impl ClientSide,
    server: impl ServerSide,
    binds: Binds,
) {
    join(&client, &server, binds).await;
    let id = greet(&client, &server).await;
    let accepted = fill(|body| match server.try_route(id, body) {
        Routed::Sent => true,
        Routed::Full => false,
        Routed::Unreachable => panic!("a remote that does not read is unreachable"),
    })
    .await;
    let last = numbered(accepted, SIZE);
    tokio::join!(server.route(id, &last), client.recv_numbered(accepted + 1));
    assert_eq!(greet(&client, &server).await, id);
}

/// Sends numbered messages until all queues stay full, and returns how many were accepted.
async fn fill(mut try_send: impl FnMut(&[u8]) -> bool) -> u64 {
    let mut accepted = 0;
    loop {
        let body = numbered(accepted, SIZE);
        let start = Instant::now();
        while !try_send(&body) {
            if start.elapsed() > MUTE_AFTER {
                return accepted;
            }
            time::sleep(POLL_INTERVAL).await;
        }
        accepted += 1;
        assert!(accepted < FAR_TOO_MANY, "the sender does not become mute");
    }
}

const SMALL_HWM: usize = 10;

/// A large body, so that the system's buffers are soon full.
const SIZE: usize = 65_536;

/// The time in which all messages that fit into the queues have moved toward the remote.
const MUTE_AFTER: Duration = Duration::from_millis(300);

/// The two queues hold 20 messages; the system's buffers hold an unknown amount, less than half a
/// gigabyte.
const FAR_TOO_MANY: u64 = 8_192;
