//! Streams that a dialer of the application establishes are dialed again, as those of `connect`.

use std::future;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::DuplexStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_zmtp::auth::Admission;
use tokio_zmtp::monitor::{DialFailure, EventKind};
use tokio_zmtp::{
    Client, ConnectError, Dialer, Endpoint, EndpointErrorKind, NoRemoteError, Pub, ReconnectStop,
    RemoteStream, Server, Sub,
};

use crate::events;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn messages_sent_before_the_first_stream_are_delivered() {
    let _watchdog = Watchdog::start();
    let (server, client) = (Server::new(), Client::new());
    client.connect_with("stream://simulated", to(&server)).await.unwrap();
    for number in 0..10_u32 {
        client.send(number.to_string()).await.unwrap();
    }
    for number in 0..10_u32 {
        assert_eq!(server.recv().await.unwrap(), number.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_dialed_again_with_the_back_off() {
    let _watchdog = Watchdog::start();
    let interval = Duration::from_secs(1);
    let client = Client::builder().reconnect_interval(interval).build();
    let mut monitor = client.monitor();
    let server = Server::new();
    let (attempts, accept) = (AtomicUsize::new(0), to(&server));
    let begun = Instant::now();
    let dialer = move |endpoint| {
        let refused = attempts.fetch_add(1, Ordering::Relaxed) < 3;
        let accepted = accept(endpoint);
        async move {
            if refused { Err(io::ErrorKind::ConnectionRefused.into()) } else { accepted.await }
        }
    };
    client.connect_with("stream://simulated", dialer).await.unwrap();

    for _ in 0..3 {
        assert!(matches!(events::next(&mut monitor).await.kind, EventKind::ConnectDelayed));
        let failed = events::next(&mut monitor).await;
        assert!(matches!(
            &failed.kind,
            EventKind::ConnectFailed { reason: DialFailure::Transport(error) }
                if error.kind() == io::ErrorKind::ConnectionRefused
        ));
        assert_eq!(failed.endpoint.to_string(), "stream://simulated");
        let retried = events::next(&mut monitor).await;
        assert!(matches!(retried.kind, EventKind::ConnectRetried { .. }));
    }
    for expected in ["ConnectDelayed", "Connected", "HandshakeSucceeded"] {
        assert_eq!(format!("{:?}", events::next(&mut monitor).await.kind), expected);
    }
    // The jitter shortens each delay by up to half.
    assert!(begun.elapsed() >= interval);
}

#[tokio::test]
async fn a_broken_stream_is_replaced_and_its_subscriptions_are_replayed() {
    let _watchdog = Watchdog::start();
    let publisher = Pub::new();
    let subscriber = Sub::builder().reconnect_interval(Duration::from_millis(1)).build();
    subscriber.subscribe("topic").unwrap();
    let (streams_tx, mut streams) = mpsc::unbounded_channel();
    subscriber
        .connect_with("stream://simulated", move |_| {
            let (near, far) = tokio::io::duplex(4_096);
            let sent = streams_tx.send(far);
            async move { sent.map(|()| near).map_err(io::Error::other) }
        })
        .await
        .unwrap();
    for number in 0..5_u32 {
        let id = publisher.attach(streams.recv().await.unwrap()).await.unwrap();
        publisher.subscribed("topic").await.unwrap();
        publisher.send(format!("topic {number}")).await.unwrap();
        assert_eq!(subscriber.recv().await.unwrap(), [format!("topic {number}")]);
        let mut monitor = publisher.monitor();
        assert!(publisher.remotes().disconnect(id));
        events::until_disconnected(&mut monitor).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_after_the_connect_timeout() {
    let _watchdog = Watchdog::start();
    let limit = Duration::from_secs(7);
    let client = Client::builder().connect_timeout(limit).build();
    let mut monitor = client.monitor();
    client
        .connect_with("stream://silent", |_| future::pending::<io::Result<DuplexStream>>())
        .await
        .unwrap();
    let failed = events::until(&mut monitor, is_failed).await;
    assert!(matches!(
        failed.kind,
        EventKind::ConnectFailed { reason: DialFailure::TimedOut { limit: reported } }
            if reported == limit
    ));
}

#[tokio::test]
async fn a_panic_of_the_dialer_fails_one_attempt() {
    let _watchdog = Watchdog::start();
    let client = Client::builder().reconnect_interval(Duration::from_millis(1)).build();
    let mut monitor = client.monitor();
    let server = Server::new();
    let (attempts, accept) = (AtomicUsize::new(0), to(&server));
    client
        .connect_with("stream://simulated", move |endpoint| {
            let attempt = attempts.fetch_add(1, Ordering::Relaxed);
            assert_ne!(attempt, 0, "a test");
            let accepted = accept(endpoint);
            async move {
                assert_ne!(attempt, 1, "a test");
                accepted.await
            }
        })
        .await
        .unwrap();
    client.send("queued").await.unwrap();
    for _ in 0..2 {
        let failed = events::until(&mut monitor, is_failed).await;
        let EventKind::ConnectFailed { reason: DialFailure::Transport(error) } = failed.kind else {
            panic!("{failed:?}")
        };
        assert_eq!(error.to_string(), "the dialer has panicked");
    }
    assert_eq!(server.recv().await.unwrap(), "queued");
}

#[tokio::test]
async fn disconnect_drops_the_attempt() {
    let _watchdog = Watchdog::start();
    let client = Client::new();
    let (begun_tx, mut begun) = mpsc::unbounded_channel::<oneshot::Receiver<()>>();
    client
        .connect_with("stream://silent", move |_| {
            let (dropped, alive) = oneshot::channel();
            begun_tx.send(alive).unwrap();
            async move {
                let _dropped = dropped;
                future::pending::<io::Result<DuplexStream>>().await
            }
        })
        .await
        .unwrap();
    let alive = begun.recv().await.unwrap();
    client.disconnect("stream://silent").await.unwrap();
    assert!(alive.await.is_err());
    // The closure is dropped, and with it the sender.
    assert!(begun.recv().await.is_none());
}

#[tokio::test]
async fn a_dialer_gets_the_endpoint_and_describes_the_remote() {
    let _watchdog = Watchdog::start();
    struct Tunnel(Server, Arc<Mutex<Vec<Endpoint>>>);

    impl Dialer for Tunnel {
        async fn dial(&self, endpoint: Endpoint) -> io::Result<RemoteStream> {
            self.1.lock().unwrap().push(endpoint);
            let (near, far) = tokio::io::duplex(4_096);
            self.0.attach(far).await.map_err(io::Error::other)?;
            let stream =
                RemoteStream::new(near).with_address(SocketAddr::from(([192, 0, 2, 1], 1)));
            Ok(stream.admitted(Admission::user("the other side")))
        }
    }

    for text in ["tcp://service.example:5555", "ipc:///run/service", "stream://vsock 3:5555"] {
        let (server, client, asked) = (Server::new(), Client::new(), Arc::default());
        let endpoint = text.parse::<Endpoint>().unwrap();
        let tunnel = Tunnel(server.clone(), Arc::clone(&asked));
        client.connect_with(text, tunnel).await.unwrap();
        assert_eq!(client.last_endpoint().as_ref(), Some(&endpoint));
        client.remotes().connected().await.unwrap();
        let remote = client.remotes().iter().next().unwrap();
        assert_eq!(remote.endpoint(), &endpoint);
        assert_eq!(remote.address(), Some(SocketAddr::from(([192, 0, 2, 1], 1))));
        assert_eq!(remote.user_id(), Some("the other side"));
        assert_eq!(asked.lock().unwrap()[..], [endpoint]);
    }
}

#[tokio::test]
async fn an_endpoint_that_nothing_can_dial_is_refused() {
    let client = Client::new();
    for (endpoint, kind) in [
        ("inproc://x", EndpointErrorKind::UnexpectedDialer),
        ("udp://127.0.0.1:1", EndpointErrorKind::UnexpectedDialer),
        ("tls://localhost:1", EndpointErrorKind::UnexpectedDialer),
        ("tcp://*:1", EndpointErrorKind::WildcardHost),
        ("stream://", EndpointErrorKind::NoName),
    ] {
        let dialer = |_| future::pending::<io::Result<DuplexStream>>();
        let refused = client.connect_with(endpoint, dialer).await;
        let Err(ConnectError::Endpoint(error)) = refused else { panic!("{refused:?}") };
        assert_eq!(error.kind(), kind);
    }
    let refused = client.connect("stream://x").await;
    let Err(ConnectError::Endpoint(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(error.kind(), EndpointErrorKind::NoDialer);
    assert!(client.bind("stream://x").await.is_err());
    assert!(client.connect_all("stream://x").await.is_err());
}

#[tokio::test]
async fn a_refused_stream_ends_the_endpoint_if_the_options_require_it() {
    let _watchdog = Watchdog::start();
    let client = Client::builder().reconnect_stop([ReconnectStop::ConnectionRefused]).build();
    client
        .connect_with("stream://refused", |_| async {
            Err::<DuplexStream, _>(io::ErrorKind::ConnectionRefused.into())
        })
        .await
        .unwrap();
    let failed = client.remotes().connected().await;
    assert!(matches!(failed, Err(NoRemoteError::Failed(DialFailure::Transport(_)))));
}

/// Returns a dialer that attaches the other end of each stream to a socket.
fn to(
    server: &Server,
) -> impl Fn(Endpoint) -> std::pin::Pin<Box<dyn Future<Output = io::Result<DuplexStream>> + Send>>
+ Send
+ Sync
+ 'static {
    let server = server.clone();
    move |_| {
        let server = server.clone();
        Box::pin(async move {
            let (near, far) = tokio::io::duplex(4_096);
            server.attach(far).await.map_err(io::Error::other)?;
            Ok(near)
        })
    }
}

fn is_failed(kind: &EventKind) -> bool {
    matches!(kind, EventKind::ConnectFailed { .. })
}
