//! Sockets that end during activity.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::{self, Runtime};
use tokio::task;
use tokio_zmtp::{Client, Endpoint, Server};

use crate::process_usage::{self, ProcessUsage};
use crate::remote::{self, GREETING, LONGER_THAN_BUFFERS, Remote, RemoteListener, ReservedPort};
use crate::watchdog::Watchdog;

#[test]
fn nothing_outlives_a_close() {
    assert_nothing_is_left(one_thread, async |busy| {
        busy.server.close().await;
        assert_eq!(process_usage::tasks(), 0, "close has returned before all tasks had ended");
        busy.bodies.assert_freed();
    });
}

#[test]
fn nothing_outlives_a_close_on_many_threads() {
    assert_nothing_is_left(many_threads, async |busy| {
        busy.server.close().await;
        busy.bodies.assert_freed();
    });
}

#[test]
fn nothing_outlives_the_last_handle() {
    assert_nothing_is_left(one_thread, async |busy| {
        let mut monitor = busy.server.monitor();
        drop(busy.server);
        while monitor.recv().await.is_some() {}
        assert_eq!(process_usage::tasks(), 0, "the monitor has ended before all tasks had");
        busy.bodies.assert_freed();
    });
}

#[test]
fn nothing_outlives_the_endpoints() {
    assert_nothing_is_left(one_thread, async |busy| {
        busy.server.unbind(busy.bound).await.unwrap();
        for endpoint in busy.connected {
            busy.server.disconnect(endpoint).await.unwrap();
        }
        // Only the driver remains.
        process_usage::until_tasks_are(1).await;
        busy.bodies.assert_freed();
    });
}

#[test]
fn nothing_outlives_the_runtime() {
    let _alone = process_usage::alone();
    let _watchdog = Watchdog::start();
    let before = ProcessUsage::take().descriptors;
    for runtime in [one_thread as fn() -> Runtime, many_threads] {
        let runtime = runtime();
        let Busy { server, bodies, .. } = runtime.block_on(Busy::start());

        drop(runtime);

        bodies.assert_freed();
        assert_eq!(ProcessUsage::take().descriptors, before);
        drop(server);
    }
}

#[test]
fn a_socket_whose_creation_is_cancelled_leaves_nothing_behind() {
    let _alone = process_usage::alone();
    let _watchdog = Watchdog::start();
    one_thread().block_on(async {
        let before = ProcessUsage::take().descriptors;
        for polls in 0..4 {
            let mut binding = tokio_test::task::spawn(Server::builder().bind("tcp://127.0.0.1:*"));
            let port = ReservedPort::reserve();
            let mut connecting =
                tokio_test::task::spawn(Client::builder().connect(port.endpoint()));
            for _ in 0..polls {
                if binding.poll().is_ready() | connecting.poll().is_ready() {
                    break;
                }
                task::yield_now().await;
            }
            drop((binding, connecting, port));

            process_usage::until_tasks_are(0).await;
            assert_eq!(ProcessUsage::take().descriptors, before);
        }
    });
}

/// Ends a socket several times in the same way, and compares the resource usage afterwards.
fn assert_nothing_is_left(runtime: fn() -> Runtime, end: impl AsyncFn(Busy)) {
    let _alone = process_usage::alone();
    let _watchdog = Watchdog::start();
    runtime().block_on(async {
        let mut left = Vec::new();
        for _ in 0..4 {
            end(Busy::start().await).await;
            process_usage::until_tasks_are(0).await;
            left.push(ProcessUsage::take());
        }
        // The first round is not compared, because the runtime itself grows.
        let (first, last) = (left[1], left[3]);
        assert_eq!(last.descriptors, first.descriptors);
        assert!(last.heap < first.heap + LONG, "{left:?}");
    });
}

/// A busy server without linger.
struct Busy {
    server: Server,
    bound: Endpoint,
    connected: [Endpoint; 3],
    /// The bodies that are being written or queued.
    bodies: Bodies,
    /// The remotes, some of them during a handshake.
    _remotes: Vec<Remote>,
    _listener: RemoteListener,
    _port: ReservedPort,
}

impl Busy {
    async fn start() -> Self {
        let server = Server::builder().linger(Duration::ZERO).recv_hwm(2);
        let server = server.bind("tcp://127.0.0.1:*").await.unwrap();
        let bound = server.last_endpoint().unwrap();
        let (mut remotes, mut ids) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let (remote, id) = Remote::known_to(&server).await;
            remotes.push(remote);
            ids.push(id);
        }
        let mut silent = Remote::dial(&bound).await;
        silent.write(&GREETING[..10]).await;
        remotes.push(silent);
        // The server dials an address without a listener, a silent listener, and a client.
        let (port, listener) = (ReservedPort::reserve(), RemoteListener::bind());
        let client = RemoteListener::bind();
        let connected = [port.endpoint(), listener.endpoint(), client.endpoint()];
        for endpoint in connected.clone() {
            server.connect(endpoint).await.unwrap();
        }
        remotes.push(listener.accept().await);
        remotes.push(client.accept_as("CLIENT").await);
        let bodies = Bodies::default();
        for (remote, id) in remotes.iter_mut().zip(ids) {
            server.route(id, bodies.make(LONGER_THAN_BUFFERS)).await.unwrap();
            for _ in 0..3 {
                server.route(id, bodies.make(LONG)).await.unwrap();
            }
            remote.peek().await;
            // More messages than the queue holds. The test does not receive them.
            remote.write(&remote::message(&[7; LONG]).repeat(4)).await;
        }
        bodies.assert_kept(3 * 4);
        Self {
            server,
            bound,
            connected,
            bodies,
            _remotes: remotes,
            _listener: listener,
            _port: port,
        }
    }
}

/// Counted bodies of messages.
#[derive(Default)]
struct Bodies(Arc<()>);

struct Body {
    bytes: Vec<u8>,
    _counted: Arc<()>,
}

impl Bodies {
    fn make(&self, len: usize) -> Bytes {
        Bytes::from_owner(Body { bytes: vec![0; len], _counted: Arc::clone(&self.0) })
    }

    fn assert_kept(&self, count: usize) {
        assert_eq!(Arc::strong_count(&self.0) - 1, count);
    }

    fn assert_freed(&self) {
        self.assert_kept(0);
    }
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn one_thread() -> Runtime {
    runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn many_threads() -> Runtime {
    runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap()
}

/// Long enough to reveal a body that is kept, and short enough for several bodies in one write.
const LONG: usize = 0x4000;
