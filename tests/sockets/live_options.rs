//! Options that are changed while the socket is in use.

use std::iter;
use std::time::Duration;

use tokio::time::Instant;
use tokio_test::{assert_pending, task};
use tokio_zmtp::{Client, Server};

use crate::remote::{self, Remote, ReservedPort};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_higher_hwm_wakes_waiting_senders() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let client = Client::builder().send_hwm(2).connect(port.endpoint()).await.unwrap();
    assert_eq!(fill(&client, 1), 2);
    let mut waiting: Vec<_> = (0..3).map(|_| task::spawn(client.send("waits"))).collect();
    for send in &mut waiting {
        assert_pending!(send.poll());
    }

    client.set_send_hwm(4);

    assert_eq!(client.send_hwm(), 4);
    let woken: Vec<_> = waiting.iter().map(task::Spawn::is_woken).collect();
    assert_eq!(woken, [true, true, false]);
    let third = waiting.pop().unwrap();
    for send in waiting {
        send.await.unwrap();
    }
    assert_eq!(fill(&client, 1), 0);

    // Zero disables the high-water mark.
    client.set_send_hwm(0);
    assert!(third.is_woken());
    third.await.unwrap();
    for _ in 0..2_000 {
        client.try_send("x").unwrap();
    }
}

#[tokio::test]
async fn a_higher_hwm_in_bytes_wakes_waiting_senders() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let client = Client::builder().send_hwm_bytes(1).connect(port.endpoint()).await.unwrap();
    assert_eq!(fill(&client, 100), 1);
    let mut send = task::spawn(client.send("waits"));
    assert_pending!(send.poll());

    client.set_send_hwm_bytes(1_000);

    assert_eq!(client.send_hwm_bytes(), 1_000);
    assert!(send.is_woken());
    send.await.unwrap();
}

#[tokio::test]
async fn a_lower_hwm_keeps_queued_messages_and_accepts_no_more() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let client = Client::new();
    client.connect(port.endpoint()).await.unwrap();
    for number in 0..5_u8 {
        client.try_send([number]).unwrap();
    }
    client.set_send_hwm(2);
    assert_eq!(fill(&client, 1), 0);
    assert_eq!(client.stats().queued.outgoing, 5);
    client.set_send_hwm(6);
    assert_eq!(fill(&client, 1), 1);
    client.set_send_hwm_bytes(1);
    client.set_send_hwm(0);
    assert_eq!(fill(&client, 1), 0);

    let mut remote = port.listen().accept_as("SERVER").await;
    for number in 0..5_u8 {
        assert_eq!(remote.read_message().await, [number]);
    }
}

#[tokio::test]
async fn a_changed_hwm_applies_to_later_remotes() {
    let _watchdog = Watchdog::start();
    let client = Client::builder().build();
    client.set_send_hwm(3);
    let port = ReservedPort::reserve();
    client.connect(port.endpoint()).await.unwrap();
    assert_eq!(fill(&client, 1), 3);
}

#[tokio::test]
async fn the_message_that_reaches_an_hwm_in_bytes_is_the_last_that_is_queued() {
    let _watchdog = Watchdog::start();
    for (mark, size, taken) in [(1, 0, 1), (1_000, 400, 3), (1_000, 5_000, 1), (100_000, 30_000, 4)]
    {
        let port = ReservedPort::reserve();
        let builder = Client::builder().send_hwm_bytes(mark);
        let client = builder.connect(port.endpoint()).await.unwrap();
        assert_eq!(fill(&client, size), taken);
    }

    let server = Server::builder().recv_hwm_bytes(30).bind("tcp://127.0.0.1:*").await.unwrap();
    assert_eq!(server.recv_hwm_bytes(), 30);
    let mut remote = Remote::client(&server.last_endpoint().unwrap()).await;
    let messages = remote::message(b"0123456789").repeat(8);
    remote.write(&[remote::ping(b""), messages].concat()).await;
    assert_eq!(remote.read_frame().await.1, b"\x04PONG");
    assert_eq!(server.stats().queued.incoming, 3);
    for _ in 0..8 {
        assert_eq!(server.recv().await.unwrap(), "0123456789");
        assert!(server.stats().queued.incoming <= 3);
    }
}

#[tokio::test]
async fn a_connection_continues_to_read_when_the_hwm_is_raised() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().recv_hwm(2).bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = Remote::client(&server.last_endpoint().unwrap()).await;
    remote.write(&[remote::ping(b""), remote::message(b"x").repeat(10)].concat()).await;
    remote.read_frame().await;
    assert_eq!(server.stats().queued.incoming, 2);

    server.set_recv_hwm(6);
    assert_eq!(server.recv_hwm(), 6);
    until_queued(&server, 6).await;
    server.set_recv_hwm_bytes(1);
    server.set_recv_hwm(0);
    remote.write(&remote::message(b"x")).await;
    assert_eq!(server.stats().queued.incoming, 6);
    server.set_recv_hwm_bytes(0);
    until_queued(&server, 11).await;
}

#[tokio::test]
async fn a_lower_hwm_keeps_received_messages_and_reads_no_more() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = Remote::client(&endpoint).await;
    remote.write(&remote::message(b"x").repeat(5)).await;
    remote.sync().await;

    server.set_recv_hwm(2);
    assert_eq!(server.stats().queued.incoming, 5);
    remote.write(&[remote::ping(b""), remote::message(b"y").repeat(5)].concat()).await;
    assert_eq!(remote.read_frame().await.1, b"\x04PONG");
    assert_eq!(server.stats().queued.incoming, 5);
    for _ in 0..5 {
        assert_eq!(server.recv().await.unwrap(), "x");
    }
    for _ in 0..5 {
        assert_eq!(server.recv().await.unwrap(), "y");
        assert!(server.stats().queued.incoming <= 2);
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_linger_applies() {
    let _watchdog = Watchdog::start();
    for (first, last) in [(Some(60), Some(0)), (Some(0), Some(60)), (None, Some(60))] {
        let [first, last] = [first, last].map(|linger| linger.map(Duration::from_secs));
        let port = ReservedPort::reserve();
        let builder = Client::builder().linger(first).connect_timeout(None);
        let client = builder.connect(port.endpoint()).await.unwrap();
        assert_eq!(client.linger(), first);
        client.try_send("x").unwrap();

        client.set_linger(last);
        assert_eq!(client.linger(), last);
        let before = Instant::now();
        assert_eq!(client.close().await.undelivered, 1);
        assert_eq!(before.elapsed(), last.unwrap());
    }
}

/// Sends messages of one size until the client is full. Returns their number.
fn fill(client: &Client, size: usize) -> usize {
    let body = || vec![0; size];
    iter::repeat_with(|| client.try_send(body())).take_while(Result::is_ok).count()
}

/// Waits until a server has queued `messages` messages.
async fn until_queued(server: &Server, messages: usize) {
    while server.stats().queued.incoming < messages {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.stats().queued.incoming, messages);
}
