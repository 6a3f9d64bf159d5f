//! Waiting with a timeout, for several messages, and for queue capacity before a message exists.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::task;
use tokio::time::Instant;
use tokio_test::assert_pending;
use tokio_zmtp::{
    Client, RecvError, RouteError, RoutingId, SendError, Server, TryRecvError, TryRouteError,
    TrySendError,
};

use crate::over_transport::OverTransport;
use crate::remote::ReservedPort;
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

#[tokio::test(start_paused = true)]
async fn a_send_timeout_returns_the_message() {
    let _watchdog = Watchdog::start();
    let client = Client::builder().build();
    let sent = client.send_timeout("one", Duration::from_secs(5)).await;
    assert_eq!(sent, Err(SendError::Timeout("one".into())));
    client.close().await;
    let sent = client.send_timeout("two", Duration::from_secs(5)).await;
    assert_eq!(sent, Err(SendError::Closed("two".into())));
}

/// As an `async fn` does, outside of every critical section.
#[tokio::test]
async fn a_send_that_is_polled_after_it_was_ready_panics_and_the_socket_continues() {
    let _watchdog = Watchdog::start();
    let client = Client::new();
    let mut waiting = tokio_test::task::spawn(client.send("one"));
    assert_pending!(waiting.poll());
    let server = Server::new();
    client.connect(server.bind("tcp://127.0.0.1:*").await.unwrap()).await.unwrap();
    client.remotes().connected().await.unwrap();
    for mut send in [waiting, tokio_test::task::spawn(client.send("two"))] {
        while send.poll().is_pending() {
            task::yield_now().await;
        }
        catch_unwind(AssertUnwindSafe(|| send.poll())).unwrap_err();
    }
    client.send("three").await.unwrap();
    for expected in ["one", "two", "three"] {
        assert_eq!(server.recv().await.unwrap(), expected);
    }
}

over_every_transport_and_streams!(a_timeout_of_zero_succeeds_if_no_wait_is_needed);

async fn a_timeout_of_zero_succeeds_if_no_wait_is_needed(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::builder().over(transport).build();
    let endpoint = server.bind(transport.any()).await.unwrap();
    let client = Client::builder().over(transport).build();
    transport.connect(&client, &server, endpoint).await;
    client.send_timeout("one", Duration::ZERO).await.unwrap();
    let id = server.recv_timeout(Duration::MAX).await.unwrap().routing_id().unwrap();
    assert_eq!(server.recv_timeout(Duration::ZERO).await, Err(RecvError::Timeout));
    server.route_timeout(id, "two", Duration::ZERO).await.unwrap();
    assert_eq!(client.recv().await.unwrap(), "two");
}

over_every_transport_and_streams!(
    a_timeout_of_zero_does_not_expire_when_the_task_budget_is_used_up
);

async fn a_timeout_of_zero_does_not_expire_when_the_task_budget_is_used_up(transport: Transport) {
    let _watchdog = Watchdog::start();
    let builder = Server::builder().over(transport).recv_hwm(0).send_hwm(0);
    let server = builder.bind(transport.any()).await.unwrap();
    let client = Client::builder().over(transport).recv_hwm(0).send_hwm(0).build();
    transport.connect(&client, &server, server.last_endpoint().unwrap()).await;
    client.send("hello").await.unwrap();
    let id = server.recv().await.unwrap().routing_id().unwrap();
    for _ in 0..MORE_THAN_A_BUDGET {
        client.send_timeout("request", Duration::ZERO).await.unwrap();
        server.route_timeout(id, "reply", Duration::ZERO).await.unwrap();
    }
    let mut received = 0;
    while received < MORE_THAN_A_BUDGET {
        match client.recv_timeout(Duration::ZERO).await {
            Ok(_) => received += 1,
            Err(error) => {
                assert_eq!(error, RecvError::Timeout);
                assert_eq!(client.try_recv(), Err(TryRecvError::Empty), "after {received}");
                task::yield_now().await;
            }
        }
    }
}

over_every_transport_and_streams!(a_route_with_a_time_limit_reports_why_it_failed);

async fn a_route_with_a_time_limit_reports_why_it_failed(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::builder().over(transport).send_hwm(1).bind(transport.any()).await.unwrap();
    let unknown = RoutingId::new(7).unwrap();
    let sent = server.route_timeout(unknown, "one", Duration::from_secs(5)).await;
    assert_eq!(sent, Err(RouteError::HostUnreachable("one".into())));

    let client = Client::builder().over(transport).build();
    transport.connect(&client, &server, server.last_endpoint().unwrap()).await;
    client.send("hello").await.unwrap();
    let id = server.recv().await.unwrap().routing_id().unwrap();
    let slot = server.reserve_route(id).await.unwrap();
    let sent = server.route_timeout(id, "two", Duration::from_millis(1)).await;
    assert_eq!(sent, Err(RouteError::Timeout("two".into())));
    slot.send("three").unwrap();
    assert_eq!(client.recv().await.unwrap(), "three");
}

#[tokio::test]
async fn a_permit_counts_against_the_hwm_until_it_is_dropped() {
    let _watchdog = Watchdog::start();
    let unbound = ReservedPort::reserve();
    let client = Client::builder().send_hwm(2).connect(unbound.endpoint()).await.unwrap();
    let first = client.try_reserve().unwrap();
    let second = client.reserve().await.unwrap();
    assert_eq!(client.try_reserve().map(drop), Err(TrySendError::Full(())));
    assert_eq!(client.try_send("one"), Err(TrySendError::Full("one".into())));
    drop(first);
    client.try_send("two").unwrap();
    assert_eq!(client.try_send("three"), Err(TrySendError::Full("three".into())));
    second.send("four").unwrap();
}

#[tokio::test]
async fn a_dropped_permit_serves_a_waiting_sender() {
    let _watchdog = Watchdog::start();
    let unbound = ReservedPort::reserve();
    let client = Client::builder().send_hwm(1).connect(unbound.endpoint()).await.unwrap();
    let permit = client.reserve().await.unwrap();
    let mut sending = tokio_test::task::spawn(client.send("waits"));
    assert!(sending.poll().is_pending());
    drop(permit);
    assert!(sending.is_woken());
    assert!(sending.poll().is_ready());
}

over_every_transport_and_streams!(a_permit_outlives_its_remote_and_returns_the_message);

async fn a_permit_outlives_its_remote_and_returns_the_message(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::builder().over(transport).build();
    let endpoint = server.bind(transport.any()).await.unwrap();
    let client = Client::builder().over(transport).build();
    transport.connect(&client, &server, endpoint).await;
    client.send("hello").await.unwrap();
    let id = server.recv().await.unwrap().routing_id().unwrap();
    let permit = server.reserve_route(id).await.unwrap();
    client.close().await;
    while server.try_reserve_route(id).is_ok() {
        task::yield_now().await;
    }
    assert_eq!(permit.send("late"), Err(TryRouteError::HostUnreachable("late".into())));
    assert_eq!(server.try_reserve_route(id).map(drop), Err(TryRouteError::HostUnreachable(())));
}

over_every_transport_and_streams!(many_messages_are_received_together_and_in_order);

async fn many_messages_are_received_together_and_in_order(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::builder().over(transport).build();
    let endpoint = server.bind(transport.any()).await.unwrap();
    let client = Client::builder().over(transport).build();
    transport.connect(&client, &server, endpoint).await;
    for number in 0..100_u8 {
        client.send([number]).await.unwrap();
    }
    let mut received = Vec::new();
    while received.len() < 100 {
        let before = received.len();
        let count = server.recv_many(&mut received, 30).await.unwrap();
        assert!((1..=30).contains(&count));
        assert_eq!(received.len(), before + count);
    }
    assert!(received.iter().map(|message| message[0]).eq(0..100));
    assert_eq!(server.recv_many(&mut received, 0).await, Ok(0));
    server.close().await;
    assert_eq!(server.recv_many(&mut received, 30).await, Err(RecvError::Closed));
}

#[tokio::test(start_paused = true)]
async fn the_time_limits_of_a_socket_apply_by_default() {
    let _watchdog = Watchdog::start();
    let limit = Duration::from_secs(5);
    let client = Client::builder().send_timeout(limit).recv_timeout(limit).build();
    let start = Instant::now();
    assert_eq!(client.send("one").await, Err(SendError::Timeout("one".into())));
    assert_eq!(client.reserve().await.map(drop), Err(SendError::Timeout(())));
    assert_eq!(client.recv().await, Err(RecvError::Timeout));
    assert_eq!(client.recv_many(&mut Vec::new(), 1).await, Err(RecvError::Timeout));
    assert_eq!(start.elapsed(), limit * 4);
    let sent = client.send_timeout("two", limit * 2).await;
    assert_eq!(sent, Err(SendError::Timeout("two".into())));
    assert_eq!(start.elapsed(), limit * 6);
}

/// More messages than a task budget allows: 128 operations, each for eight messages.
const MORE_THAN_A_BUDGET: usize = 3_000;
