//! Servers of libzmq that exchange messages through our proxy.

use tokio::task;
use tokio_zmtp::proxy;

use crate::ours;
use crate::pairing::{ANY_PORT, DEFAULT_HWM, ServerSide, Side, greet, guarded};
use crate::theirs;

#[tokio::test]
async fn two_servers_exchange_messages_through_our_proxy() {
    guarded(async {
        let (east, west) = (theirs::server(DEFAULT_HWM), theirs::server(DEFAULT_HWM));
        let (frontend, backend) = (ours::client(DEFAULT_HWM), ours::client(DEFAULT_HWM));
        frontend.connect(&east.bind(ANY_PORT).await).await;
        west.connect(&backend.bind(ANY_PORT).await).await;
        let east_id = greet(&frontend, &east).await;
        let west_id = greet(&backend, &west).await;
        let proxy = proxy(&frontend.0, &backend.0);
        let handle = proxy.handle();
        let running = task::spawn(proxy);

        tokio::join!(
            east.route_numbered(COUNT, 64, east_id),
            west.recv_numbered(COUNT),
            west.route_numbered(COUNT, 10_000, west_id),
            east.recv_numbered(COUNT),
        );

        handle.stop();
        let stats = running.await.unwrap().stats;
        assert_eq!((stats.to_backend.messages, stats.to_frontend.messages), (COUNT, COUNT));
        assert_eq!((stats.to_backend.bytes, stats.to_frontend.bytes), (64 * COUNT, 10_000 * COUNT));
    })
    .await;
}

/// More messages than all queues hold.
const COUNT: u64 = 10_000;
