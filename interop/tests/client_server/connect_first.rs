//! A socket can connect to an endpoint before it is bound.

use crate::pairing::{
    Binds, ClientSide, DEFAULT_HWM, ServerSide, free_endpoint, greet, in_every_pairing,
};

in_every_pairing!(messages_sent_before_the_remote_binds_arrive_in_order, hwm = DEFAULT_HWM);

async fn messages_sent_before_the_remote_binds_arrive_in_order(
    client: impl ClientSide,
    server: impl ServerSide,
    binds: Binds,
) {
    let endpoint = free_endpoint();
    match binds {
        Binds::Client => {
            // A server cannot send first, so there is nothing to send yet.
            server.connect(&endpoint).await;
            client.bind(&endpoint).await;
            client.send_numbered(QUEUED, SIZE).await;
        }
        Binds::Server => {
            client.connect(&endpoint).await;
            client.send_numbered(QUEUED, SIZE).await;
            server.bind(&endpoint).await;
        }
    }
    server.recv_numbered(QUEUED).await;
    greet(&client, &server).await;
}

/// The number of messages, which fit into the queue of an unbound endpoint.
const QUEUED: u64 = DEFAULT_HWM as u64;
const SIZE: usize = 16;
