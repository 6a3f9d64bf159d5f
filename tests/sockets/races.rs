//! Races between operations on one socket.
//!
//! The scheduling of threads determines the order of operations. No operation waits indefinitely in
//! any order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use tokio::task::{self, JoinSet};
use tokio_zmtp::{
    BindError, Client, ConnectError, DisconnectError, Endpoint, InprocEndpoint, NoRemoteError,
    Pull, Push, RecvError, SendError, Server, UnbindError,
};

use crate::remote::{self, GREETING, Remote, RemoteListener};
use crate::seed::seed;
use crate::transports::{Transport, over_every_transport, own_address};
use crate::watchdog::Watchdog;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn closing_leaves_no_task_waiting_on_other_handles() {
    let mut rng = Rng::with_seed(seed());
    for _ in 0..ROUNDS {
        let _watchdog = Watchdog::start();
        let listener = RemoteListener::bind();
        let endpoint = listener.endpoint();
        let client = Client::builder().linger(Duration::ZERO).send_hwm(1).build();
        let bound = client.bind(own_address()).await.unwrap();
        let mut tasks = JoinSet::new();
        for number in 0..7 {
            let (client, endpoint, bound) = (client.clone(), endpoint.clone(), bound.clone());
            let mut rng = rng.fork();
            tasks.spawn(async move {
                turns(&mut rng).await;
                use_until_closed(number, &client, endpoint, bound).await;
            });
        }

        turns(&mut rng).await;
        let report = client.close().await;

        tasks.join_all().await;
        assert_eq!(client.close().await, report);
        Server::builder().bind(bound).await.unwrap();
    }
}

/// The sender waits for a remote, and closes the socket as soon as its message is queued for one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_message_for_a_remote_that_arrives_is_written_before_the_end() {
    for _ in 0..ROUNDS {
        let _watchdog = Watchdog::start();
        let mut pairs = JoinSet::new();
        for _ in 0..16 {
            let push = Push::new();
            let endpoint = push.bind(own_address()).await.unwrap();
            pairs.spawn(async move {
                let sender = tokio::spawn(async move {
                    push.send("task").await.unwrap();
                    push.close().await
                });
                let pull = Pull::builder().connect(endpoint).await.unwrap();
                assert_eq!(sender.await.unwrap().undelivered, 0);
                assert_eq!(pull.recv().await.unwrap(), ["task"]);
            });
        }
        pairs.join_all().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn unbinding_ends_all_new_connections() {
    let mut rng = Rng::with_seed(seed());
    for _ in 0..ROUNDS {
        let _watchdog = Watchdog::start();
        let server = Server::new();
        let endpoint = server.bind(own_address()).await.unwrap();
        let mut remotes = JoinSet::new();
        for number in 0..6 {
            let (endpoint, mut rng) = (endpoint.clone(), rng.fork());
            remotes.spawn(async move {
                turns(&mut rng).await;
                let Some(mut remote) = Remote::dial_if_bound(&endpoint).await else { return };
                let hello = [&GREETING[..], &remote::ready("CLIENT")].concat();
                remote.write_what_is_taken(&hello[..rng.usize(..=hello.len())]).await;
                turns(&mut rng).await;
                if number == 0 {
                    remote.reset();
                } else {
                    remote.read_to_end().await;
                }
            });
        }

        turns(&mut rng).await;
        server.unbind(endpoint.clone()).await.unwrap();

        remotes.join_all().await;
        server.bind(endpoint).await.unwrap();
    }
}

over_every_transport!(
    disconnecting_a_remote_that_reconnects_loses_nothing,
    flavor = "multi_thread",
    worker_threads = 4
);

async fn disconnecting_a_remote_that_reconnects_loses_nothing(transport: Transport) {
    let _watchdog = Watchdog::start();
    let mut rng = Rng::with_seed(seed());
    let server = Server::new();
    let endpoint = server.bind(transport.any()).await.unwrap();
    let client = Client::builder().reconnect_interval(Duration::from_millis(1)).send_hwm(4);
    let client = client.connect(endpoint).await.unwrap();
    let received_all = Arc::new(AtomicBool::new(false));
    let disconnecting = task::spawn({
        let (server, received_all, mut rng) = (server.clone(), received_all.clone(), rng.fork());
        async move {
            while !received_all.load(Ordering::Relaxed) {
                for remote in server.remotes().list() {
                    turns(&mut rng).await;
                    server.remotes().disconnect(remote.connection_id());
                }
                task::yield_now().await;
            }
        }
    });
    let sending = task::spawn({
        let client = client.clone();
        async move {
            for number in 0..MESSAGES {
                turns(&mut rng).await;
                client.send(number.to_be_bytes()).await.unwrap();
            }
        }
    });

    let mut received = Vec::new();
    for _ in 0..MESSAGES {
        let message = server.recv().await.unwrap();
        received.push(u32::from_be_bytes((*message).try_into().unwrap()));
    }
    received_all.store(true, Ordering::Relaxed);
    sending.await.unwrap();
    disconnecting.await.unwrap();

    received.sort_unstable();
    assert!(received.into_iter().eq(0..MESSAGES), "a message was lost or duplicated");
    assert!(client.stats().reconnects > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_connects_to_the_new_owner_of_a_name() {
    let mut rng = Rng::with_seed(seed());
    for _ in 0..ROUNDS {
        let _watchdog = Watchdog::start();
        let endpoint = InprocEndpoint::unique();
        let server = Server::builder().build();
        let mut clients = JoinSet::new();
        for _ in 0..6 {
            let (endpoint, mut rng) = (endpoint.clone(), rng.fork());
            clients.spawn(async move {
                turns(&mut rng).await;
                let client = Client::builder().reconnect_interval(Duration::from_millis(1));
                let client = client.connect(endpoint).await.unwrap();
                // The server that remains receives the message, even if the client was connected to
                // another one before.
                while client.recv_timeout(Duration::from_millis(1)).await.is_err() {
                    let _ = client.try_send("anybody there?");
                }
            });
        }

        for _ in 0..10 {
            server.bind(endpoint.clone()).await.unwrap();
            turns(&mut rng).await;
            server.unbind(endpoint.clone()).await.unwrap();
        }
        server.bind(endpoint).await.unwrap();

        while !clients.is_empty() {
            tokio::select! {
                request = server.recv() => {
                    let _ = server.reply(&request.unwrap(), "yes").await;
                }
                Some(client) = clients.join_next() => client.unwrap(),
            }
        }
    }
}

/// Repeats an operation until the socket is closed.
async fn use_until_closed(number: usize, client: &Client, endpoint: Endpoint, bound: Endpoint) {
    loop {
        let closed = match number {
            0 => matches!(client.bind(ANY).await, Err(BindError::Closed)),
            1 => matches!(client.connect(endpoint.clone()).await, Err(ConnectError::Closed)),
            2 => matches!(client.disconnect(endpoint.clone()).await, Err(DisconnectError::Closed)),
            3 => match client.unbind(bound.clone()).await {
                Ok(()) => matches!(client.bind(bound.clone()).await, Err(BindError::Closed)),
                Err(error) => matches!(error, UnbindError::Closed),
            },
            4 => matches!(client.send("x").await, Err(SendError::Closed(_))),
            5 => matches!(client.recv().await, Err(RecvError::Closed)),
            _ => matches!(client.remotes().connected().await, Err(NoRemoteError::Closed)),
        };
        if closed {
            return;
        }
        task::yield_now().await;
    }
}

/// Yields to other tasks a random number of times.
async fn turns(rng: &mut Rng) {
    for _ in 0..rng.u32(..40) {
        task::yield_now().await;
    }
}

const ANY: &str = "tcp://127.0.0.1:*";

const ROUNDS: usize = 50;

const MESSAGES: u32 = 1_000;
