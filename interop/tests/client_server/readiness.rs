//! Both libraries report the same ability to send a message, in each state of a socket.
//!
//! Full queues are tested in `mute_state`, and remotes that return in `restart`.

use std::iter;

use tokio::time;

use crate::pairing::{
    ANY_PORT, Binds, ClientSide, POLL_INTERVAL, Routed, ServerSide, free_endpoint, greet, join,
};

/// Runs `async fn $test($socket, remote)` with a socket of ours and a remote of theirs, and vice
/// versa.
macro_rules! of_either {
    ($test:ident, $socket:ident, $remote:ident) => {
        mod $test {
            use super::HWM;
            use crate::pairing::guarded;
            use crate::{ours, theirs};

            #[tokio::test]
            async fn ours() {
                guarded(super::$test(ours::$socket(HWM), theirs::$remote(HWM))).await;
            }

            #[tokio::test]
            async fn theirs() {
                guarded(super::$test(theirs::$socket(HWM), ours::$remote(HWM))).await;
            }
        }
    };
}

of_either!(a_client_without_an_endpoint_is_full, client, server);
of_either!(a_bound_client_without_remotes_is_full, client, server);
of_either!(a_client_that_dials_queues_up_to_the_high_water_mark, client, server);
of_either!(an_immediate_client_that_dials_is_full, immediate_client, server);
of_either!(a_bound_client_is_full_after_its_remote_has_left, client, server);
of_either!(a_client_continues_to_queue_for_a_remote_that_it_dials, client, server);
of_either!(a_server_without_an_endpoint_reports_unreachable, server, client);
of_either!(a_bound_server_without_remotes_reports_unreachable, server, client);
of_either!(a_server_that_dials_cannot_reach_a_remote_without_a_routing_id, server, client);
of_either!(an_immediate_server_that_dials_reports_unreachable, immediate_server, client);
of_either!(a_bound_server_does_not_reach_a_remote_that_has_left, server, client);
of_either!(a_server_continues_to_queue_for_a_remote_that_it_dials, server, client);

async fn a_client_without_an_endpoint_is_full(client: impl ClientSide, _: impl ServerSide) {
    assert!(!client.try_send(b"x"));
}

async fn a_bound_client_without_remotes_is_full(client: impl ClientSide, _: impl ServerSide) {
    client.bind(ANY_PORT).await;
    assert!(!client.try_send(b"x"));
}

async fn a_client_that_dials_queues_up_to_the_high_water_mark(
    client: impl ClientSide,
    server: impl ServerSide,
) {
    let endpoint = free_endpoint();
    client.connect(&endpoint).await;
    assert_eq!(fill(&client), HWM);
    server.bind(&endpoint).await;
    for _ in 0..HWM {
        assert_eq!(server.recv().await.0, b"x");
    }
}

async fn an_immediate_client_that_dials_is_full(client: impl ClientSide, server: impl ServerSide) {
    let endpoint = free_endpoint();
    client.connect(&endpoint).await;
    assert!(!client.try_send(b"x"));
    server.bind(&endpoint).await;
    while !client.try_send(b"y") {
        time::sleep(POLL_INTERVAL).await;
    }
    assert_eq!(server.recv().await.0, b"y");
}

async fn a_bound_client_is_full_after_its_remote_has_left(
    client: impl ClientSide,
    server: impl ServerSide,
) {
    join(&client, &server, Binds::Client).await;
    greet(&client, &server).await;
    drop(server);
    while client.try_send(b"x") {
        time::sleep(POLL_INTERVAL).await;
    }
}

async fn a_client_continues_to_queue_for_a_remote_that_it_dials(
    client: impl ClientSide,
    server: impl ServerSide,
) {
    join(&client, &server, Binds::Server).await;
    greet(&client, &server).await;
    drop(server);
    // Some messages may be written and lost before the end is detected, and libzmq counts up to
    // half of a queue twice.
    assert!(fill(&client) >= HWM / 2);
}

async fn a_server_without_an_endpoint_reports_unreachable(
    server: impl ServerSide,
    _: impl ClientSide,
) {
    assert_unreachable(&server);
}

async fn a_bound_server_without_remotes_reports_unreachable(
    server: impl ServerSide,
    _: impl ClientSide,
) {
    server.bind(ANY_PORT).await;
    assert_unreachable(&server);
}

async fn a_server_that_dials_cannot_reach_a_remote_without_a_routing_id(
    server: impl ServerSide,
    _: impl ClientSide,
) {
    server.connect(&free_endpoint()).await;
    assert_unreachable(&server);
}

async fn an_immediate_server_that_dials_reports_unreachable(
    server: impl ServerSide,
    client: impl ClientSide,
) {
    let endpoint = free_endpoint();
    server.connect(&endpoint).await;
    assert_unreachable(&server);
    client.bind(&endpoint).await;
    greet(&client, &server).await;
}

async fn a_bound_server_does_not_reach_a_remote_that_has_left(
    server: impl ServerSide,
    client: impl ClientSide,
) {
    join(&client, &server, Binds::Server).await;
    let id = greet(&client, &server).await;
    drop(client);
    while server.try_route(id, b"x") != Routed::Unreachable {
        // libzmq does not release a remote before the socket has tried to receive from it.
        time::timeout(POLL_INTERVAL, server.recv()).await.unwrap_err();
    }
}

async fn a_server_continues_to_queue_for_a_remote_that_it_dials(
    server: impl ServerSide,
    client: impl ClientSide,
) {
    join(&client, &server, Binds::Client).await;
    let id = greet(&client, &server).await;
    drop(client);
    while server.try_route(id, b"x") == Routed::Sent {
        time::sleep(POLL_INTERVAL).await;
    }
    assert_eq!(server.try_route(id, b"x"), Routed::Full);
}

fn assert_unreachable<S: ServerSide>(server: &S) {
    assert_eq!(server.try_route(S::unassigned_id(7), b"x"), Routed::Unreachable);
}

/// Sends messages until the queue is full. Returns the number of accepted messages.
fn fill(client: &impl ClientSide) -> usize {
    iter::repeat_with(|| client.try_send(b"x")).take_while(|taken| *taken).count()
}

const HWM: usize = 10;
