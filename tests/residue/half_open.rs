//! Connections that never finish their handshake.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_zmtp::auth::{CurveKeypair, Users};
use tokio_zmtp::monitor::EventKind;
use tokio_zmtp::{Builder, Client, Endpoint, Mechanism, Server};

use crate::process_usage::{self, ProcessUsage};
use crate::watchdog::Watchdog;

#[test]
fn ten_thousand_half_open_connections_block_no_remote_and_cost_little() {
    let _alone = process_usage::alone();
    match env::var(ROLE).as_deref() {
        Err(_) => with_all_descriptors(
            "ten_thousand_half_open_connections_block_no_remote_and_cost_little",
        ),
        Ok("holder") => hold().unwrap(),
        Ok(_) => {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build().unwrap().block_on(serve());
        }
    }
}

async fn serve() {
    let keypair = CurveKeypair::generate();
    let to_curve = Mechanism::curve_client(keypair.public_key());
    let curve = || Server::builder().mechanism(Mechanism::CurveServer { keypair: keypair.clone() });
    let to_plain = Mechanism::plain_client("alice", "secret").unwrap();
    let users = Users::from_iter([("alice", "secret")]);
    let plain = Server::builder().mechanism(Mechanism::PlainServer).authenticator(users);
    let unlimited =
        |builder: Builder<Server>| builder.max_half_open(0).max_half_open_per_address(0);

    let held = HELD.min(descriptors() - OTHERS);
    if held < HELD {
        eprintln!("limited to {held} connections by the file limit of this process");
    }
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

    let (bytes, answer) = beginning(client).await;
    let holder = Holder::start(&endpoint, held, &bytes, answer);
    let (mut accepted, mut closed) = (0, 0);
    while accepted < held || closed < held - kept {
        match events.recv().await.unwrap().unwrap().kind {
            EventKind::Accepted => accepted += 1,
            EventKind::HandshakeFailed { .. } => closed += 1,
            _ => {}
        }
    }
    // Each connection has received its answer, or is closed.
    let holder = tokio::task::spawn_blocking(|| holder.wait()).await.unwrap();
    let during = ProcessUsage::take();
    let each = during.heap.saturating_sub(before.heap) / kept;
    assert!(each <= BYTES_EACH, "{each} bytes for each of {kept}");

    for _ in 0..20 {
        assert_served(&server, &endpoint, client).await;
    }
    drop(holder);
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
/// the length of this answer after the greeting.
async fn beginning(mechanism: &Mechanism) -> (Vec<u8>, usize) {
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
    ([bytes, header.to_vec(), hello].concat(), answer)
}

/// A process that dials a server repeatedly, and leaves every handshake unfinished.
struct Holder {
    child: Child,
    /// The process ends when this is closed, or when it is killed.
    _stdin: ChildStdin,
}

impl Holder {
    fn start(endpoint: &Endpoint, held: usize, bytes: &[u8], answer: usize) -> Self {
        let address = endpoint.to_string();
        let address = address.strip_prefix("tcp://").unwrap();
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("half_open::ten_thousand_half_open_connections_block_no_remote_and_cost_little")
            .env(ROLE, "holder")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let bytes: Vec<String> = bytes.iter().map(u8::to_string).collect();
        writeln!(stdin, "{address}\n{held}\n{answer}\n{}", bytes.join(" ")).unwrap();
        Self { child, _stdin: stdin }
    }

    /// Waits until the process holds all connections.
    fn wait(mut self) -> Self {
        let stdout = BufReader::new(self.child.stdout.take().unwrap());
        let held = stdout.lines().map_while(Result::ok).any(|line| line.contains("held"));
        assert!(held, "the holder has failed");
        self
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn hold() -> io::Result<()> {
    let mut lines = io::stdin().lock().lines();
    let mut line = || lines.next().ok_or(io::ErrorKind::UnexpectedEof)?;
    let address: SocketAddr = line()?.parse().unwrap();
    let count: usize = line()?.parse().unwrap();
    let answer: usize = line()?.parse().unwrap();
    let bytes: Vec<u8> = line()?.split(' ').map(|byte| byte.parse().unwrap()).collect();
    let mut held = Vec::new();
    for _ in 0..count {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(&bytes)?;
        stream.read_exact(&mut vec![0x00; GREETING + answer])?;
        held.push(stream);
    }
    writeln!(io::stdout(), "held")?;
    // Until the server process closes the pipe.
    while line().is_ok() {}
    Ok(())
}

/// Returns the number of files that this process may open.
fn descriptors() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let soft = line.split_whitespace().nth(3).unwrap();
    soft.parse().unwrap_or(usize::MAX)
}

/// Runs a test of this file in a process that may open as many files as the system allows.
fn with_all_descriptors(test: &str) {
    let script = "ulimit -Sn $(ulimit -Hn) && exec \"$0\" --exact --nocapture \"$1\"";
    let child = Command::new("sh")
        .args(["-c", script])
        .arg(env::current_exe().unwrap())
        .arg(format!("half_open::{test}"))
        .env(ROLE, "server")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    let errors = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && output.contains("1 passed"), "{output}{errors}");
}

/// The environment variable that contains the role of a child process.
const ROLE: &str = "TOKIO_ZMTP_HALF_OPEN";

/// The number of held connections. Each of the two processes has one file for each.
const HELD: usize = 10_000;

/// A generous estimate of the number of other files of a process.
const OTHERS: usize = 200;

/// The default limit of a server.
const BY_DEFAULT: usize = 4_096;

/// The documented heap size of a half-open connection (`Builder::max_half_open`).
const BYTES_EACH: usize = 8 * 1_024;

/// The size of a greeting (RFC 37, Greeting), and the offsets of its fields.
const GREETING: usize = 64;
const MECHANISM: usize = 12;
const AS_SERVER: usize = 32;
