//! Closing and dropping sockets.

use std::time::Duration;

use futures::{FutureExt, SinkExt};
use tokio::runtime;
use tokio::time::Instant;
use tokio_test::{assert_pending, task};
use tokio_zmtp::{
    BindError, Client, ConnectError, DisconnectError, Message, RecvError, RouteError, RoutingId,
    SendError, Server, TryRecvError, TryRouteError, TrySendError, UnbindError,
};

use crate::remote::{self, LONGER_THAN_BUFFERS, Remote, RemoteListener, ReservedPort};
use crate::transports::{Transport, over_every_transport, own_address};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn closing_writes_all_queued_messages_and_ends_the_stream() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::new();
    client.connect(listener.endpoint()).await.unwrap();
    for number in 0..1_000_u32 {
        client.send(number.to_be_bytes()).await.unwrap();
    }

    let read = async {
        let mut remote = listener.accept_as("SERVER").await;
        for number in 0..1_000_u32 {
            assert_eq!(remote.read_message().await, number.to_be_bytes());
        }
        assert_eq!(remote.read_to_end().await, b"");
    };
    let (report, ()) = tokio::join!(client.close(), read);

    assert_eq!(report.undelivered, 0);
}

#[tokio::test]
async fn closing_a_server_writes_all_messages_queued_for_each_client() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remotes = Vec::new();
    for _ in 0..3 {
        let (remote, id) = Remote::known_to(&server).await;
        for number in 0..500_u32 {
            server.route(id, number.to_be_bytes()).await.unwrap();
        }
        remotes.push(remote);
    }

    let read = async {
        for mut remote in remotes {
            for number in 0..500_u32 {
                assert_eq!(remote.read_message().await, number.to_be_bytes());
            }
            assert_eq!(remote.read_to_end().await, b"");
        }
    };
    let (report, ()) = tokio::join!(server.close(), read);

    assert_eq!(report.undelivered, 0);
}

#[tokio::test]
async fn closing_waits_for_a_remote_that_is_slow_to_read() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::new();
    client.connect(listener.endpoint()).await.unwrap();
    client.send(vec![7; LONGER_THAN_BUFFERS]).await.unwrap();
    client.send("last").await.unwrap();
    let mut remote = listener.accept_as("SERVER").await;
    remote.peek().await;

    let mut close = task::spawn(client.close());
    assert_pending!(close.poll());
    assert!(remote.read_message().await == vec![7; LONGER_THAN_BUFFERS]);
    assert_eq!(remote.read_message().await, b"last");
    assert_eq!(remote.read_to_end().await, b"");
    drop(remote);

    assert_eq!(close.await.undelivered, 0);
}

#[tokio::test]
async fn unread_messages_do_not_cause_losses_at_close() {
    let _watchdog = Watchdog::start();
    let builder = Server::builder().recv_hwm(1).send_hwm(0);
    let server = builder.bind("tcp://127.0.0.1:*").await.unwrap();
    let (mut remote, id) = Remote::known_to(&server).await;
    // Fills the queue, the read buffer, and a part of the kernel's buffer. Closing a stream with
    // unread bytes would reset it.
    remote.write(&remote::message(&[0; 1_000]).repeat(300)).await;
    for _ in 0..2_000 {
        server.route(id, vec![7; 1_000]).await.unwrap();
    }

    let read = async {
        for _ in 0..2_000 {
            assert_eq!(remote.read_message().await, [7; 1_000]);
        }
        drop(remote);
    };
    let (report, ()) = tokio::join!(server.close(), read);

    assert_eq!(report.undelivered, 0);
}

#[tokio::test]
async fn closing_without_linger_reports_undelivered_messages() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let client = Client::builder().linger(Duration::ZERO).connect(port.endpoint()).await.unwrap();
    for _ in 0..3 {
        client.send("x").await.unwrap();
    }
    assert_eq!(client.close().await.undelivered, 3);
}

#[tokio::test]
async fn closing_reports_messages_at_every_stage_of_being_sent() {
    let _watchdog = Watchdog::start();
    let server = Server::builder()
        .linger(Duration::ZERO)
        .send_hwm(1)
        .bind("tcp://127.0.0.1:*")
        .await
        .unwrap();
    let (remote, id) = Remote::known_to(&server).await;
    // A message in transmission, a queued message, and a message in a sink.
    server.route(id, vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    remote.peek().await;
    server.try_route(id, "queued").unwrap();
    let mut sink = server.clone();
    sink.feed(Message::from("held").with_routing_id(id)).await.unwrap();
    drop(sink);

    assert_eq!(server.close().await.undelivered, 3);
}

#[tokio::test]
async fn messages_queued_for_an_ended_remote_are_reported() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    server.bind("tcp://127.0.0.1:*").await.unwrap();
    let (remote, id) = Remote::known_to(&server).await;
    server.route(id, vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    remote.peek().await;
    for _ in 0..10 {
        server.try_route(id, "x").unwrap();
    }
    drop(remote);
    assert_eq!(server.close().await.undelivered, 11);
}

#[tokio::test]
async fn messages_dropped_by_a_disconnect_without_linger_are_reported() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let client = Client::builder().linger(Duration::ZERO).connect(port.endpoint()).await.unwrap();
    client.send("x").await.unwrap();
    client.disconnect(port.endpoint()).await.unwrap();
    assert_eq!(client.close().await.undelivered, 1);
}

#[tokio::test(start_paused = true)]
async fn closing_with_nothing_to_write_does_not_linger() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let listener = RemoteListener::bind();
    let client = Client::builder().connect_timeout(None).handshake_interval(None).build();
    client.connect(port.endpoint()).await.unwrap();
    client.connect(listener.endpoint()).await.unwrap();
    let endpoint = client.bind("tcp://127.0.0.1:*").await.unwrap();
    // Both connections are in the middle of a handshake.
    let _accepted = listener.accept().await;
    let mut dialed = Remote::dial(&endpoint).await;
    dialed.read(64).await;

    let before = Instant::now();
    client.close().await;
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn closing_ends_when_linger_expires() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let linger = Duration::from_secs(3_600);
    let client = Client::builder().linger(linger).connect(port.endpoint()).await.unwrap();
    client.send("x").await.unwrap();

    let before = Instant::now();
    assert_eq!(client.close().await.undelivered, 1);
    assert!(before.elapsed() >= linger);
}

over_every_transport!(a_closed_client_returns_every_message);

async fn a_closed_client_returns_every_message(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind(transport.any()).await.unwrap();
    let client = Client::new();
    client.connect(endpoint.clone()).await.unwrap();
    let mut clone = client.clone();
    client.close().await;

    let message = Message::from("x");
    for handle in [&client, &clone] {
        assert_eq!(handle.send("x").await, Err(SendError::Closed(message.clone())));
        assert_eq!(handle.try_send("x"), Err(TrySendError::Closed(message.clone())));
        assert_eq!(handle.recv().await, Err(RecvError::Closed));
        assert_eq!(handle.try_recv(), Err(TryRecvError::Closed));
        let error = handle.bind(transport.any()).await.unwrap_err();
        assert!(matches!(error, BindError::Closed));
        let error = handle.connect(endpoint.clone()).await.unwrap_err();
        assert!(matches!(error, ConnectError::Closed));
        let error = handle.unbind(endpoint.clone()).await.unwrap_err();
        assert!(matches!(error, UnbindError::Closed));
        let error = handle.disconnect(endpoint.clone()).await.unwrap_err();
        assert!(matches!(error, DisconnectError::Closed));
    }
    SinkExt::send(&mut clone, "x").await.unwrap_err();
    assert_eq!(client.close().await.undelivered, 0);
}

over_every_transport!(a_closed_server_returns_every_message);

async fn a_closed_server_returns_every_message(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind(transport.any()).await.unwrap();
    let client = Client::new();
    client.connect(endpoint).await.unwrap();
    client.send("hello").await.unwrap();
    let request = server.recv().await.unwrap();
    let id = request.routing_id().unwrap();
    server.close().await;

    let message = Message::from("x");
    assert_eq!(server.route(id, "x").await, Err(RouteError::Closed(message.clone())));
    assert_eq!(server.try_route(id, "x"), Err(TryRouteError::Closed(message.clone())));
    assert_eq!(server.reply(&request, "x").await, Err(RouteError::Closed(message.clone())));
    let mut sink = server.clone();
    let to_id = message.clone().with_routing_id(id);
    assert_eq!(SinkExt::send(&mut sink, to_id).await, Err(RouteError::Closed(message.clone())));
    let unknown = RoutingId::new(1).unwrap();
    assert_eq!(server.try_route(unknown, "x"), Err(TryRouteError::Closed(message)));
    assert_eq!(server.recv().await, Err(RecvError::Closed));
}

#[tokio::test]
async fn received_messages_remain_available_after_closing() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = Remote::client(&endpoint).await;
    for number in 0..10_u8 {
        remote.write(&remote::message(&[number])).await;
    }
    remote.sync().await;
    drop(remote);

    server.close().await;

    for number in 0..9 {
        assert_eq!(server.recv().await.unwrap(), [number]);
    }
    assert_eq!(server.try_recv().unwrap(), [9]);
    assert_eq!(server.recv().await, Err(RecvError::Closed));
    assert_eq!(server.try_recv(), Err(TryRecvError::Closed));
}

over_every_transport!(closing_wakes_all_tasks_waiting_on_other_handles);

async fn closing_wakes_all_tasks_waiting_on_other_handles(transport: Transport) {
    let _watchdog = Watchdog::start();
    let client = Client::new();
    client.bind(transport.any()).await.unwrap();
    let (sender, receiver) = (client.clone(), client.clone());
    let mut send = task::spawn(sender.send("x"));
    let mut receives = [task::spawn(receiver.recv()), task::spawn(client.recv())];
    let mut stream = task::spawn(client.clone());
    assert_pending!(send.poll());
    for receive in &mut receives {
        assert_pending!(receive.poll());
    }
    assert_pending!(stream.poll_next());

    client.close().await;

    assert_eq!(send.await, Err(SendError::Closed(Message::from("x"))));
    for receive in receives {
        assert_eq!(receive.await, Err(RecvError::Closed));
    }
    assert!(stream.is_woken());
    assert_eq!(stream.poll_next(), std::task::Poll::Ready(None));
}

#[tokio::test]
async fn closing_wakes_a_sender_waiting_for_a_full_remote() {
    let _watchdog = Watchdog::start();
    let server = Server::builder()
        .linger(Duration::ZERO)
        .send_hwm(1)
        .bind("tcp://127.0.0.1:*")
        .await
        .unwrap();
    let (remote, id) = Remote::known_to(&server).await;
    server.route(id, vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    remote.peek().await;
    server.try_route(id, "queued").unwrap();
    let mut route = task::spawn(server.route(id, "x"));
    assert_pending!(route.poll());

    server.close().await;

    assert_eq!(route.await, Err(RouteError::Closed(Message::from("x"))));
}

#[tokio::test]
async fn closing_concurrently_from_several_handles_closes_once() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::new();
    client.connect(listener.endpoint()).await.unwrap();
    client.send("x").await.unwrap();
    let clone = client.clone();

    let read = async {
        let mut remote = listener.accept_as("SERVER").await;
        assert_eq!(remote.read_message().await, b"x");
        assert_eq!(remote.read_to_end().await, b"");
    };
    let (first, second, ()) = tokio::join!(client.close(), clone.close(), read);

    assert_eq!(first, second);
    assert_eq!(client.close().await, first);
}

#[tokio::test]
async fn closing_continues_if_its_future_is_dropped() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::new();
    client.connect(listener.endpoint()).await.unwrap();
    client.send("x").await.unwrap();
    let mut remote = listener.accept_as("SERVER").await;
    assert_eq!(client.close().now_or_never(), None);

    assert_eq!(remote.read_message().await, b"x");
    assert_eq!(remote.read_to_end().await, b"");
    client.send("y").await.unwrap_err();
}

#[tokio::test]
async fn dropping_the_last_handle_writes_queued_messages() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::new();
    client.connect(listener.endpoint()).await.unwrap();
    let last = client.clone();
    drop(client);
    for number in 0..1_000_u32 {
        last.send(number.to_be_bytes()).await.unwrap();
    }
    drop(last);

    let mut remote = listener.accept_as("SERVER").await;
    for number in 0..1_000_u32 {
        assert_eq!(remote.read_message().await, number.to_be_bytes());
    }
    assert_eq!(remote.read_to_end().await, b"");
}

#[tokio::test]
async fn dropping_a_bound_socket_frees_its_address() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind(own_address()).await.unwrap();
    let (mut remote, _) = Remote::known_to(&server).await;
    drop(server);

    assert_eq!(remote.read_to_end().await, b"");
    Server::builder().bind(endpoint).await.unwrap();
}

#[test]
fn a_runtime_that_shuts_down_leaves_no_task_waiting() {
    let _watchdog = Watchdog::start();
    let theirs = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let theirs = theirs.unwrap();
    let ours = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (server, client, closing, _port) = theirs.block_on(async {
        let port = ReservedPort::reserve();
        let closing = Client::builder().linger(None).connect(port.endpoint()).await.unwrap();
        closing.send("x").await.unwrap();
        let server = Server::new();
        server.bind("tcp://127.0.0.1:*").await.unwrap();
        (server, Client::builder().build(), closing, port)
    });

    ours.block_on(async {
        let mut recv = task::spawn(server.recv());
        let mut send = task::spawn(client.send("x"));
        let mut close = task::spawn(closing.close());
        assert_pending!(recv.poll());
        assert_pending!(send.poll());
        assert_pending!(close.poll());

        theirs.shutdown_background();

        assert_eq!(recv.await, Err(RecvError::Closed));
        assert_eq!(send.await, Err(SendError::Closed(Message::from("x"))));
        close.await;
        let error = server.bind("tcp://127.0.0.1:*").await.unwrap_err();
        assert!(matches!(error, BindError::Closed));
    });
}
