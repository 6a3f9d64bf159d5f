//! An attacker: connections that never complete the handshake of CURVE.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{cmp, io};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time;
use tokio_zmtp::auth::{CurveKeypair, CurveSecretKey};
use zmtp_proto::handshake::{Handshake, HandshakeConfig};
use zmtp_proto::mechanism::HandshakeMechanism;
use zmtp_proto::mechanism::curve::Seed;
use zmtp_proto::metadata::Metadata;
use zmtp_proto::socket_type::SocketType;

use crate::Failure;
use crate::case::{Flood, FloodKind};
use crate::implementation::curve::{SERVER_PUBLIC, SERVER_SECRET};
use crate::report::{Done, Report};
use crate::role::{Orders, Role};

/// Attacks for as many milliseconds as requested, and reports the number of connections.
pub(crate) async fn attack(role: Role, mut orders: Orders) -> Result<(), Failure> {
    let flood = role.flood.ok_or("the attack is not specified")?;
    let endpoint = role.endpoint.strip_prefix("tcp://").ok_or("the endpoint is not one of tcp")?;
    let attack = Arc::new(Attack {
        flood,
        server: endpoint.parse()?,
        bytes: request(flood.kind)?,
        pace: Semaphore::new(0),
        established: AtomicU64::new(0),
    });
    Report::Ready.send();
    while let Some(milliseconds) = orders.recv().await {
        let mut attackers = JoinSet::new();
        for number in 0..CONNECTIONS {
            let attack = Arc::clone(&attack);
            attackers.spawn(async move {
                loop {
                    attack.connect(number).await;
                }
            });
        }
        let start = Instant::now();
        let end = Duration::from_millis(milliseconds);
        // Connections of the first half second, before the queues of the server are full, are not counted.
        let mut before = None;
        while start.elapsed() < end {
            time::sleep(TICK).await;
            if before.is_none() && start.elapsed() > COUNTED_AFTER {
                before = Some((Instant::now(), attack.established.load(Ordering::Relaxed)));
            }
            let due = u64::from(flood.rate) * start.elapsed().as_millis() as u64 / 1_000;
            let issued = attack.established.load(Ordering::Relaxed);
            let missing = due.saturating_sub(issued + attack.pace.available_permits() as u64);
            attack.pace.add_permits(usize::try_from(missing)?.min(CONNECTIONS));
        }
        let (since, count) = before.unwrap_or((start, 0));
        let received = attack.established.load(Ordering::Relaxed) - count;
        let seconds = since.elapsed().as_secs_f64();
        attackers.shutdown().await;
        Report::Done(Done { seconds, received: Some(received), ..Done::default() }).send();
    }
    Ok(())
}

#[derive(Debug)]
struct Attack {
    flood: Flood,
    server: SocketAddr,
    /// The greeting and a HELLO.
    bytes: Vec<u8>,
    /// Permits for new connections, if their rate is limited.
    pace: Semaphore,
    /// The number of established connections.
    established: AtomicU64,
}

impl Attack {
    /// Establishes a connection and ends it. Failures are part of an attack.
    async fn connect(&self, number: usize) {
        if self.flood.rate > 0
            && let Ok(permit) = self.pace.acquire().await
        {
            permit.forget();
        }
        if self.shake_hands(number).await.is_err() {
            time::sleep(TICK).await;
        }
    }

    async fn shake_hands(&self, number: usize) -> io::Result<()> {
        let socket = TcpSocket::new_v4()?;
        // A reset frees the port immediately.
        socket.set_zero_linger()?;
        if let Some(address) = self.address(number) {
            socket.bind((address, 0).into())?;
        }
        let mut stream = match time::timeout(CONNECT_TIME, socket.connect(self.server)).await {
            Ok(connected) => connected?,
            Err(_) => return Ok(()),
        };
        self.established.fetch_add(1, Ordering::Relaxed);
        stream.write_all(&self.bytes).await?;
        let mut received = [0; 512];
        let mut count = 0;
        let staying = async {
            loop {
                match stream.read(&mut received).await {
                    Ok(0) | Err(_) => return,
                    Ok(more) => count += more,
                }
                if self.flood.kind == FloodKind::Leave && count >= WELCOME_END {
                    return;
                }
            }
        };
        let _ = time::timeout(PATIENCE, staying).await;
        Ok(())
    }

    fn address(&self, number: usize) -> Option<Ipv4Addr> {
        let count = cmp::min(usize::from(self.flood.addresses), CONNECTIONS);
        let number = number.checked_rem(count)?;
        Some(Ipv4Addr::new(127, 1, (number / 250) as u8, (1 + number % 250) as u8))
    }
}

/// Returns the greeting and the HELLO of a client.
fn request(kind: FloodKind) -> Result<Vec<u8>, Failure> {
    let server_keypair = CurveKeypair::from(SERVER_SECRET.parse::<CurveSecretKey>()?);
    let mut server =
        handshake(HandshakeMechanism::CurveServer { keypairs: [server_keypair].into() }, 1);
    let server_key = SERVER_PUBLIC.parse()?;
    let keypair = CurveKeypair::generate();
    let mut client = handshake(HandshakeMechanism::CurveClient { server_key, keypair }, 2);
    let mut bytes = BytesMut::new();
    let mut greeting = BytesMut::new();
    while let Some(output) = server.poll_output() {
        greeting.extend_from_slice(&output);
    }
    while let Some(output) = client.poll_output() {
        bytes.extend_from_slice(&output);
    }
    client.handle_input(&mut greeting)?;
    while let Some(output) = client.poll_output() {
        bytes.extend_from_slice(&output);
    }
    if kind == FloodKind::Garbage {
        let start = bytes.len() - HELLO_BOX;
        bytes[start..].fill(0x5a);
    }
    Ok(bytes.to_vec())
}

fn handshake(mechanism: HandshakeMechanism, seed: u8) -> Handshake {
    let config = HandshakeConfig { socket_type: SocketType::Client, metadata: Metadata::default() };
    Handshake::new(&config, mechanism, false, Seed::new(&[seed; Seed::LEN]))
}

/// More than the server's default limit of half-open connections.
const CONNECTIONS: usize = 6_000;

/// The time after which the attacker abandons a connection.
const PATIENCE: Duration = Duration::from_secs(1);

/// The time after which it tries again if the server's queue is full. TCP would wait for a second.
const CONNECT_TIME: Duration = Duration::from_millis(20);

const TICK: Duration = Duration::from_millis(1);

/// The time before connections are counted.
const COUNTED_AFTER: Duration = Duration::from_millis(500);

/// The length of the greeting and the WELCOME.
const WELCOME_END: usize = 64 + 2 + 168;

/// The length of the box of a HELLO.
const HELLO_BOX: usize = 80;
