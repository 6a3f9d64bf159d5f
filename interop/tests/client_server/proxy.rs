//! Sockets of libzmq that exchange messages through our proxy.

use interop::SocketType;
use tokio::task;
use tokio_zmtp::{Gather, Scatter, proxy};

use crate::ours;
use crate::pairing::{ANY_PORT, ClientSide, DEFAULT_HWM, ServerSide, Side, greet, guarded};
use crate::theirs::{self, TheirClient};

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

/// Each end has a small high-water mark, so that back-pressure passes through the proxy.
#[tokio::test]
async fn a_scatter_reaches_a_gather_through_our_proxy_and_another_gets_copies() {
    guarded(async {
        let scatter = TheirClient(theirs::socket(SocketType::Scatter, SMALL_HWM));
        let gather = TheirClient(theirs::socket(SocketType::Gather, SMALL_HWM));
        let watcher = TheirClient(theirs::socket(SocketType::Gather, 0));
        let frontend = Gather::builder().recv_hwm(SMALL_HWM).bind(ANY_PORT).await.unwrap();
        let backend = Scatter::builder().send_hwm(SMALL_HWM).bind(ANY_PORT).await.unwrap();
        let capture = Scatter::builder().send_hwm(0).build();
        scatter.connect(&frontend.last_endpoint().unwrap().to_string()).await;
        gather.connect(&backend.last_endpoint().unwrap().to_string()).await;
        capture.connect(watcher.bind(ANY_PORT).await).await.unwrap();
        let proxy = proxy(&frontend, &backend).capture(&capture);
        let handle = proxy.handle();
        let running = task::spawn(proxy);

        tokio::join!(
            scatter.send_numbered(COUNT, 1_000),
            gather.recv_numbered(COUNT),
            watcher.recv_numbered(COUNT),
        );

        handle.stop();
        let stats = running.await.unwrap().stats;
        assert_eq!((stats.to_backend.messages, stats.captured.messages), (COUNT, COUNT));
        assert_eq!(stats.capture_dropped.messages, 0);
    })
    .await;
}

const SMALL_HWM: usize = 10;

/// More messages than all queues hold.
const COUNT: u64 = 10_000;
