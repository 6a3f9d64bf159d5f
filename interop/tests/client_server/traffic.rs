//! Every body arrives unchanged and in order.

use crate::pairing::{Binds, ClientSide, DEFAULT_HWM, ServerSide, greet, in_every_pairing, join};

in_every_pairing!(bodies_of_every_size_arrive_unchanged, hwm = DEFAULT_HWM);
in_every_pairing!(messages_keep_their_order_in_both_directions, hwm = DEFAULT_HWM);

async fn bodies_of_every_size_arrive_unchanged(
    client: impl ClientSide,
    server: impl ServerSide,
    binds: Binds,
) {
    join(&client, &server, binds).await;
    assert_unchanged(&client, &server).await;
}

/// Sends bodies in both directions.
pub(crate) async fn assert_unchanged(client: &impl ClientSide, server: &impl ServerSide) {
    for size in SIZES {
        let body = bytes(size);
        client.send(&body).await;
        let (request, id) = server.recv().await;
        assert!(request == body, "a request of {size} bytes is damaged");

        let body: Vec<u8> = body.into_iter().rev().collect();
        server.route(id, &body).await;
        let reply = client.recv().await;
        assert!(reply == body, "a reply of {size} bytes is damaged");
    }
}

async fn messages_keep_their_order_in_both_directions(
    client: impl ClientSide,
    server: impl ServerSide,
    binds: Binds,
) {
    join(&client, &server, binds).await;
    assert_in_order(&client, &server).await;
}

/// Sends messages in both directions concurrently.
pub(crate) async fn assert_in_order(client: &impl ClientSide, server: &impl ServerSide) {
    let id = greet(client, server).await;
    tokio::join!(
        client.send_numbered(MESSAGES, SIZE),
        server.recv_numbered(MESSAGES),
        server.route_numbered(MESSAGES, SIZE, id),
        client.recv_numbered(MESSAGES),
    );
}

/// Returns bytes whose pattern repeats after 251 KiB at the earliest, so that no part of them can
/// replace another.
fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|at| ((at + at / 1_024) % 251) as u8).collect()
}

/// Sizes around the change of the frame's size field, and around 64 KiB buffers.
const SIZES: [usize; 7] = [0, 1, 255, 256, 65_535, 65_536, 10 << 20];

const MESSAGES: u64 = 100_000;
const SIZE: usize = 16;
