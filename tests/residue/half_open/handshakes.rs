//! Handshakes of ZMTP that never end.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task;
use tokio_zmtp::auth::{CurveKeypair, Users};
use tokio_zmtp::monitor::EventKind;
use tokio_zmtp::{Builder, Client, Endpoint, Mechanism, Server};

use super::remotes::Beginning;
use super::{BY_DEFAULT, HeldOpen, in_processes};
use crate::process_usage::ProcessUsage;
use crate::watchdog::Watchdog;

#[test]
fn ten_thousand_half_open_connections_block_no_remote_and_cost_little() {
    in_processes(TEST, serve);
}

const TEST: &str = concat!(
    "half_open::handshakes::",
    "ten_thousand_half_open_connections_block_no_remote_and_cost_little"
);

async fn serve(held: usize) {
    let keypair = CurveKeypair::generate();
    let to_curve = Mechanism::curve_client(keypair.public_key());
    let curve = || Server::builder().mechanism(Mechanism::curve_server(keypair.clone()));
    let to_plain = Mechanism::plain_client("alice", "secret").unwrap();
    let users = Users::from_iter([("alice", "secret")]);
    let plain = Server::builder().mechanism(Mechanism::PlainServer).authenticator(users);
    let unlimited =
        |builder: Builder<Server>| builder.max_half_open(0).max_half_open_per_address(0);

    assert_held_off(unlimited(plain), &to_plain, held, held).await;
    assert_held_off(unlimited(curve()), &to_curve, held, held).await;
    assert_held_off(curve(), &to_curve, held, BY_DEFAULT.min(held)).await;
}

/// Holds `held` half-open connections to a server, which keeps `kept` of them and serves other
/// clients.
async fn assert_held_off(server: Builder<Server>, client: &Mechanism, held: usize, kept: usize) {
    let _watchdog = Watchdog::start();
    // A time limit would end connections.
    let server = server.handshake_interval(None).bind("tcp://127.0.0.1:*").await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    assert_served(&server, &endpoint, client).await;
    let mut events = server.monitor();
    let before = ProcessUsage::take();

    let address = endpoint.to_string().strip_prefix("tcp://").unwrap().parse().unwrap();
    let mut remotes = HeldOpen::start(TEST, address, &[beginning(client).await]);
    let dialing = task::spawn_blocking(move || {
        remotes.dial(held);
        remotes
    });
    let (mut accepted, mut closed) = (0, 0);
    while accepted < held || closed < held - kept {
        match events.recv().await.unwrap().unwrap().kind {
            EventKind::Accepted => accepted += 1,
            EventKind::HandshakeFailed { .. } => closed += 1,
            _ => {}
        }
    }
    // Each connection has received its answer, or is closed.
    let remotes = dialing.await.unwrap();
    let during = ProcessUsage::take();
    let each = during.heap.saturating_sub(before.heap) / kept;
    assert!(each <= BYTES_EACH, "{each} bytes for each of {kept}");

    for _ in 0..20 {
        assert_served(&server, &endpoint, client).await;
    }
    drop(remotes);
    server.close().await;
}

async fn assert_served(server: &Server, endpoint: &Endpoint, mechanism: &Mechanism) {
    let client = Client::builder().mechanism(mechanism.clone());
    let client = client.connect(endpoint.clone()).await.unwrap();
    client.send("honest").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "honest");
    client.close().await;
}

/// Returns the bytes that a client writes before it waits for an answer to its first command, and
/// the length of the greeting and this answer.
async fn beginning(mechanism: &Mechanism) -> Beginning {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::builder().mechanism(mechanism.clone());
    let _client = client.connect(listener.local_addr().unwrap()).await.unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut bytes = vec![0x00; GREETING];
    stream.read_exact(&mut bytes).await.unwrap();
    let mut greeting = bytes.clone();
    greeting[AS_SERVER] = 0x01;
    stream.write_all(&greeting).await.unwrap();
    let mut header = [0x00; 2];
    stream.read_exact(&mut header).await.unwrap();
    let mut hello = vec![0x00; header[1].into()];
    stream.read_exact(&mut hello).await.unwrap();
    let answer = if bytes[MECHANISM..].starts_with(b"CURVE") { 170 } else { 10 };
    let sent = [bytes, header.to_vec(), hello].concat();
    Beginning { sent, answer: GREETING + answer }
}

/// The documented heap size of a half-open connection (`Builder::max_half_open`).
const BYTES_EACH: usize = 8 * 1_024;

/// The size of a greeting (RFC 37, Greeting), and the offsets of its fields.
const GREETING: usize = 64;
const MECHANISM: usize = 12;
const AS_SERVER: usize = 32;
