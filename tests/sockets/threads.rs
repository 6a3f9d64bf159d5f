//! Timeouts without a current runtime, or in another runtime.

use std::thread;
use std::time::Duration;

use futures::executor::block_on;
use tokio::runtime::{self, Runtime};
use tokio_zmtp::{
    BindError, Client, ConnectError, NoRemoteError, RecvError, RouteError, SendError, Server,
};

use crate::transports::Transport;
use crate::watchdog::Watchdog;

#[test]
fn timeouts_expire_on_any_thread_and_in_any_runtime() {
    let _watchdog = Watchdog::start();
    let runtime = Runtime::new().unwrap();
    // Neither runtime has a timer.
    let current_thread = runtime::Builder::new_current_thread().build().unwrap();
    let multi_thread = runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    for transport in transports() {
        block_on(timeouts_expire(&runtime, transport));
        current_thread.block_on(timeouts_expire(&runtime, transport));
        multi_thread.block_on(timeouts_expire(&runtime, transport));
    }
}

#[test]
fn a_socket_works_on_a_thread_outside_of_tokio() {
    let _watchdog = Watchdog::start();
    let runtime = Runtime::new().unwrap();
    for transport in transports() {
        let (server, client) = {
            let _guard = runtime.enter();
            (Server::builder().build(), Client::builder().build())
        };
        let endpoint = block_on(server.bind(transport.any())).unwrap();
        let requests = thread::spawn(move || {
            block_on(async {
                let request = server.recv().await.unwrap();
                server.reply(&request, "reply").await.unwrap();
                server.unbind(server.last_endpoint().unwrap()).await.unwrap();
                server.close().await
            })
        });
        block_on(async {
            client.connect(endpoint.clone()).await.unwrap();
            client.remotes().connected_timeout(LONG).await.unwrap();
            client.send_timeout("request", LONG).await.unwrap();
            assert_eq!(client.recv_timeout(LONG).await.unwrap(), "reply");
            client.disconnect(endpoint).await.unwrap();
            assert_eq!(client.close().await.undelivered, 0);
        });
        assert_eq!(requests.join().unwrap().written, 1);
    }
}

#[test]
fn waiting_operations_fail_when_the_runtime_shuts_down() {
    let _watchdog = Watchdog::start();
    for transport in transports() {
        for flavor in [runtime::Builder::new_multi_thread, runtime::Builder::new_current_thread] {
            let runtime = flavor().enable_all().build().unwrap();
            let (server, client) = runtime.block_on(async {
                let server = Server::new();
                server.bind(transport.any()).await.unwrap();
                (server, Client::builder().send_timeout(LONG).build())
            });
            let waits: Vec<_> = [client.clone(), client.clone()]
                .into_iter()
                .enumerate()
                .map(|(number, client)| {
                    thread::spawn(move || match number {
                        0 => assert!(block_on(client.send("x")).is_err()),
                        _ => assert!(block_on(client.recv_timeout(LONG)).is_err()),
                    })
                })
                .collect();
            drop(runtime);
            for wait in waits {
                wait.join().unwrap();
            }
            block_on(async {
                let late = client.send_timeout("late", LONG).await.unwrap_err();
                assert_eq!(late, SendError::Closed("late".into()));
                assert_eq!(server.recv_timeout(LONG).await, Err(RecvError::Closed));
                let bound = server.bind(transport.any()).await.unwrap_err();
                assert!(matches!(bound, BindError::Closed));
                let connected = client.connect("tcp://127.0.0.1:7").await.unwrap_err();
                assert!(matches!(connected, ConnectError::Closed));
                let connected = client.remotes().connected_timeout(LONG).await.unwrap_err();
                assert!(matches!(connected, NoRemoteError::Closed));
                client.close().await;
                server.close().await;
            });
        }
    }
}

/// Starts operations that never complete, with sockets of `runtime`.
async fn timeouts_expire(runtime: &Runtime, transport: Transport) {
    let (server, client, full) = {
        let _guard = runtime.enter();
        let server = Server::builder().recv_timeout(SHORT).send_timeout(SHORT).send_hwm(1).build();
        let client = Client::builder().recv_timeout(SHORT).send_timeout(SHORT).build();
        (server, client, Client::builder().send_hwm(1).send_timeout(SHORT).build())
    };
    assert!(matches!(
        client.remotes().connected_timeout(SHORT).await,
        Err(NoRemoteError::Timeout(None))
    ));
    assert_eq!(client.send("x").await, Err(SendError::Timeout("x".into())));
    assert_eq!(client.send_timeout("x", SHORT).await, Err(SendError::Timeout("x".into())));
    assert!(matches!(client.reserve().await, Err(SendError::Timeout(()))));
    assert_eq!(client.recv().await, Err(RecvError::Timeout));
    assert_eq!(client.recv_from().await.unwrap_err(), RecvError::Timeout);
    assert_eq!(client.recv_timeout(SHORT).await, Err(RecvError::Timeout));
    assert_eq!(client.recv_many(&mut Vec::new(), 1).await, Err(RecvError::Timeout));
    assert_eq!(server.recv_many(&mut Vec::new(), 1).await, Err(RecvError::Timeout));

    // The full queue of a client without a connection.
    full.connect(Transport::Inproc.any()).await.unwrap();
    full.send("x").await.unwrap();
    assert_eq!(full.send("y").await, Err(SendError::Timeout("y".into())));

    // The full queue of one remote.
    let endpoint = server.bind(transport.any()).await.unwrap();
    full.connect(endpoint).await.unwrap();
    full.send("hello").await.unwrap();
    let id = server.recv_timeout(LONG).await.unwrap().routing_id().unwrap();
    let _slot = server.reserve_route(id).await.unwrap();
    assert_eq!(server.route(id, "x").await, Err(RouteError::Timeout("x".into())));
    let routed = server.route_timeout(id, "x", SHORT).await;
    assert_eq!(routed, Err(RouteError::Timeout("x".into())));
    assert!(matches!(server.reserve_route(id).await, Err(RouteError::Timeout(()))));
}

fn transports() -> impl Iterator<Item = Transport> {
    [
        Transport::Inproc,
        #[cfg(unix)]
        Transport::Ipc,
        Transport::Tcp,
    ]
    .into_iter()
}

const SHORT: Duration = Duration::from_millis(3);

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(3_600);
