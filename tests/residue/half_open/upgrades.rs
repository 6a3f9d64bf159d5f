//! Upgrades to WebSockets, and handshakes of TLS before them, that never end.

use std::net::SocketAddr;

#[cfg(feature = "tls")]
use rcgen::{CertifiedKey, generate_simple_self_signed};
#[cfg(feature = "tls")]
use tokio::io::AsyncReadExt;
#[cfg(feature = "tls")]
use tokio::net::TcpListener;
use tokio::task;
use tokio_zmtp::monitor::{EventKind, HandshakeFailure};
use tokio_zmtp::{Builder, Client, Endpoint, Server};
#[cfg(feature = "tls")]
use tokio_zmtp::{TlsClient, TlsServer};

use super::remotes::Beginning;
use super::{BY_DEFAULT, HeldOpen, in_processes};
use crate::process_usage::{self, ProcessUsage};
use crate::watchdog::Watchdog;

#[test]
fn ten_thousand_unfinished_upgrades_block_no_remote_and_leave_nothing() {
    in_processes(TEST, serve);
}

const TEST: &str = concat!(
    "half_open::upgrades::",
    "ten_thousand_unfinished_upgrades_block_no_remote_and_leave_nothing"
);

async fn serve(held: usize) {
    let silent = Beginning::default();
    let request = b"GET /zmq HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\n".to_vec();
    let ways = [silent, Beginning { sent: request, answer: 0 }];
    let flood = Flood { endpoint: "ws://127.0.0.1:*/zmq", client: Client::builder, ways };
    let unlimited =
        |builder: Builder<Server>| builder.max_half_open(0).max_half_open_per_address(0);
    flood.assert_held_off(unlimited(Server::builder()), held, held, BYTES_EACH).await;
    flood.assert_held_off(Server::builder(), held, BY_DEFAULT.min(held), BYTES_EACH).await;
    #[cfg(feature = "tls")]
    {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let trusting = TlsClient::with_roots(cert.pem()).unwrap();
        let tls = TlsServer::new(cert.pem(), signing_key.serialize_pem()).unwrap();
        let ways = [Beginning::default(), hello(&trusting).await];
        let client = || Client::builder().tls_client(trusting.clone());
        let flood = Flood { endpoint: "wss://127.0.0.1:*/zmq", client, ways };
        let server = Server::builder().tls_server(tls);
        // Each takes a signature by the server.
        let held = held.min(BY_DEFAULT + 1_000);
        let kept = BY_DEFAULT.min(held);
        flood.assert_held_off(server, held, kept, BYTES_EACH_OF_TLS).await;
    }
}

/// Returns the first record of a client of TLS, and the length of the header of the answer.
#[cfg(feature = "tls")]
async fn hello(tls: &TlsClient) -> Beginning {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("wss://{}/zmq", listener.local_addr().unwrap());
    let _client = Client::builder().tls_client(tls.clone()).connect(endpoint).await.unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut sent = vec![0x00; RECORD_HEADER];
    stream.read_exact(&mut sent).await.unwrap();
    let mut record = vec![0x00; u16::from_be_bytes([sent[3], sent[4]]).into()];
    stream.read_exact(&mut record).await.unwrap();
    sent.extend(record);
    Beginning { sent, answer: RECORD_HEADER }
}

/// Remotes that begin in these ways, and an honest client.
struct Flood<C> {
    endpoint: &'static str,
    client: C,
    ways: [Beginning; 2],
}

impl<C: Fn() -> Builder<Client>> Flood<C> {
    /// Holds `held` half-open connections to a server, which keeps `kept` of them, serves other
    /// clients, and finally releases everything.
    async fn assert_held_off(
        &self,
        server: Builder<Server>,
        held: usize,
        kept: usize,
        bytes_each: usize,
    ) {
        let _watchdog = Watchdog::start();
        // A time limit would end connections.
        let server = server.handshake_interval(None).bind(self.endpoint).await.unwrap();
        let endpoint = server.last_endpoint().unwrap();
        // Clients that have been served before have left what the server keeps of them.
        for _ in 0..20 {
            self.assert_served(&server, &endpoint).await;
        }
        let mut events = server.monitor();
        let tasks = process_usage::tasks();
        let before = ProcessUsage::take();

        let mut remotes = HeldOpen::start(TEST, address(&endpoint), &self.ways);
        let (mut dialed, mut evicted) = (0, 0);
        // In batches, because the system delays connections that the server has not accepted yet.
        while dialed < held {
            let count = BATCH.min(held - dialed);
            dialed += count;
            let dialing = task::spawn_blocking(move || {
                remotes.dial(count);
                remotes
            });
            while evicted < dialed.saturating_sub(kept) {
                let event = events.recv().await.unwrap().unwrap();
                let EventKind::HandshakeFailed { reason } = event.kind else { continue };
                assert!(matches!(reason, HandshakeFailure::TooManyHalfOpen), "{reason}");
                evicted += 1;
            }
            remotes = dialing.await.unwrap();
            process_usage::until_tasks_are(tasks + dialed.min(kept)).await;
        }
        drop(events);
        let during = ProcessUsage::take();
        assert!(during.descriptors >= before.descriptors + kept);
        let each = during.heap.saturating_sub(before.heap) / kept;
        assert!(each <= bytes_each, "{each} bytes for each of {kept}");

        for _ in 0..20 {
            self.assert_served(&server, &endpoint).await;
        }
        drop(remotes);
        process_usage::until_tasks_are(tasks).await;
        assert_eq!(ProcessUsage::take().descriptors, before.descriptors);
        // The listener has not collected the ended tasks yet.
        while ProcessUsage::take().heap > before.heap + LEFT_MAX {
            task::yield_now().await;
        }
        server.close().await;
    }

    async fn assert_served(&self, server: &Server, endpoint: &Endpoint) {
        let client = (self.client)().connect(endpoint.clone()).await.unwrap();
        client.send("honest").await.unwrap();
        assert_eq!(server.recv().await.unwrap(), "honest");
        client.close().await;
    }
}

fn address(endpoint: &Endpoint) -> SocketAddr {
    let Endpoint::WebSocket(bound) = endpoint else { unreachable!("it is a WebSocket") };
    format!("{}:{}", bound.host(), bound.port()).parse().unwrap()
}

/// The number of connections that the system accepts ahead of the server.
const BATCH: usize = 100;

/// The documented heap size of a half-open connection (`Builder::max_half_open`).
const BYTES_EACH: usize = 8 * 1_024;

/// The same with TLS, of which half of the connections have sent nothing.
#[cfg(feature = "tls")]
const BYTES_EACH_OF_TLS: usize = (8 + 24) * 1_024 / 2;

/// The length of the header of a record (RFC 8446, 5.1).
#[cfg(feature = "tls")]
const RECORD_HEADER: usize = 5;

/// The capacity that tables and queues keep, in bytes.
const LEFT_MAX: usize = 0x10_0000;
