//! Proxies between CHANNEL sockets.

use tokio_zmtp::proxy::ProxyEnd;
use tokio_zmtp::{Channel, Client, Gather, Scatter, Server, proxy};

use super::turns;
use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;

over_every_transport!(two_channels_exchange_messages_through_a_proxy);

async fn two_channels_exchange_messages_through_a_proxy(transport: Transport) {
    let _watchdog = Watchdog::start();
    let frontend = Channel::builder().bind(transport.any()).await.unwrap();
    let backend = Channel::builder().bind(transport.any()).await.unwrap();
    let running = proxy(&frontend, &backend);
    let handle = running.handle();
    let task = tokio::spawn(running);
    let east = Channel::builder().connect(frontend.last_endpoint().unwrap()).await.unwrap();
    let west = Channel::builder().connect(backend.last_endpoint().unwrap()).await.unwrap();
    for number in 0..100_u8 {
        east.send([number]).await.unwrap();
        west.send([number, number]).await.unwrap();
    }
    for number in 0..100_u8 {
        assert_eq!(west.recv().await.unwrap(), [number]);
        assert_eq!(east.recv().await.unwrap(), [number, number]);
    }
    handle.stop();
    assert_eq!(task.await.unwrap().end, ProxyEnd::Stopped);
}

/// Messages that the proxy cannot forward meanwhile stay in the frontend.
#[tokio::test]
async fn the_next_remote_of_a_channel_receives_messages_that_were_not_sent_to_the_last() {
    let _watchdog = Watchdog::start();
    let frontend = Channel::builder().bind(Transport::Inproc.any()).await.unwrap();
    let backend = Channel::builder().bind(Transport::Inproc.any()).await.unwrap();
    let task = tokio::spawn(proxy(&frontend, &backend));
    let east = Channel::builder().connect(frontend.last_endpoint().unwrap()).await.unwrap();
    let first = Channel::builder().connect(backend.last_endpoint().unwrap()).await.unwrap();
    east.send("for the first").await.unwrap();
    assert_eq!(first.recv().await.unwrap(), "for the first");
    first.close().await;
    while !backend.remotes().is_empty() {
        turns().await;
    }
    east.send("for the next").await.unwrap();
    turns().await;
    let next = Channel::builder().connect(backend.last_endpoint().unwrap()).await.unwrap();
    assert_eq!(next.recv().await.unwrap(), "for the next");
    task.abort();
}

#[tokio::test]
async fn a_channel_and_a_client_can_be_joined_in_either_order() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().bind(Transport::Inproc.any()).await.unwrap();
    let client = Client::builder().connect(server.last_endpoint().unwrap()).await.unwrap();
    let channel = Channel::builder().bind(Transport::Inproc.any()).await.unwrap();
    let user = Channel::builder().connect(channel.last_endpoint().unwrap()).await.unwrap();
    for proxy in [proxy(&channel, &client), proxy(&client, &channel)] {
        let task = tokio::spawn(proxy);
        user.send("request").await.unwrap();
        let request = server.recv().await.unwrap();
        server.reply(&request, "reply").await.unwrap();
        assert_eq!(user.recv().await.unwrap(), "reply");
        task.abort();
    }
}

#[tokio::test]
async fn a_channel_can_be_a_capture() {
    let _watchdog = Watchdog::start();
    let capture = Channel::builder().bind(Transport::Inproc.any()).await.unwrap();
    let watcher = Channel::builder().connect(capture.last_endpoint().unwrap()).await.unwrap();
    let frontend = Gather::builder().bind(Transport::Inproc.any()).await.unwrap();
    let producer = Scatter::builder().connect(frontend.last_endpoint().unwrap()).await.unwrap();
    let backend = Scatter::builder().bind(Transport::Inproc.any()).await.unwrap();
    let consumer = Gather::builder().connect(backend.last_endpoint().unwrap()).await.unwrap();
    let task = tokio::spawn(proxy(&frontend, &backend).capture(&capture));
    producer.send("task").await.unwrap();
    assert_eq!(consumer.recv().await.unwrap(), "task");
    assert_eq!(watcher.recv().await.unwrap(), "task");
    task.abort();
}
