//! Hosts in network namespaces of their own, joined by a bridge (`unshare` of util-linux, `ip` of
//! iproute2).
//!
//! The namespaces belong to processes and end with them. A user namespace grants the rights, where
//! the system permits it.

use std::env;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::process::Stdio;

use support::skipped::skip;
use support::watchdog::Watchdog;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::runtime::Runtime;
use tokio_zmtp::Endpoint;

use crate::name_server::{NameServer, path};

/// Runs a test in a network of its own: this process starts the test of that name again in a
/// namespace. Skips it if this is not possible.
pub(crate) fn in_a_network<F: Future<Output = ()>>(name: &str, test: impl FnOnce(Network) -> F) {
    let runtime = Runtime::new().unwrap();
    if is_inside() {
        let _watchdog = Watchdog::start();
        return runtime.block_on(async { test(Network::new().await).await });
    }
    runtime.block_on(async {
        let probe = unshare().args(["sh", "-c", PROBE]).output().await;
        let probed = probe.as_ref().is_ok_and(|output| output.status.success());
        if !probed {
            return skip(format_args!(
                "network namespaces, `ip` and `knotd` are needed: {probe:?}"
            ));
        }
        let mut again = unshare();
        again.arg(env::current_exe().unwrap()).args(["--exact", name, "--nocapture"]);
        let output = again.env(INSIDE, "1").output().await.unwrap();
        // Unlike `eprint`, this is shown also if the test passes.
        io::stderr().write_all(&output.stderr).unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        // A name without a test would succeed.
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    });
}

/// Returns whether this process is in a namespace of these tests.
pub(crate) fn is_inside() -> bool {
    env::var_os(INSIDE).is_some()
}

/// Returns a command that runs a program in a network namespace, as root of a user namespace.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.env("PATH", path()).args(["--user", "--map-root-user", "--net"]);
    command
}

/// The network, seen from the host of the client.
pub(crate) struct Network {
    hosts: u8,
}

impl Network {
    async fn new() -> Self {
        run("ip link set lo up && ip link add bridge type bridge && \
             ip addr add 10.77.0.1/24 dev bridge && ip link set bridge up")
        .await;
        Self { hosts: 1 }
    }

    /// Connects the namespace of a process. Returns the address of the host, and the interface at
    /// this end of its cable.
    async fn join(&mut self, process: &Child) -> (Ipv4Addr, String) {
        self.hosts += 1;
        let (address, near) = (Ipv4Addr::new(10, 77, 0, self.hosts), format!("host{}", self.hosts));
        let id = process.id().unwrap();
        run(&format!(
            "ip link add {near} type veth peer name far netns {id} && \
             ip link set {near} master bridge up && nsenter --target {id} --net sh -c \
             'ip link set lo up && ip addr add {address}/24 dev far && ip link set far up'"
        ))
        .await;
        (address, near)
    }

    /// Starts a name server on a host of its own.
    pub(crate) async fn name_server(&mut self, name: &str, records: &str) -> NameServer {
        let mut command = Command::new("unshare");
        command.args(["--net", "knotd"]);
        let any = (Ipv4Addr::UNSPECIFIED, 53).into();
        let mut server = NameServer::run(command, any, name, records).await.unwrap();
        let (address, _) = self.join(&server.process).await;
        server.address = (address, 53).into();
        server
    }

    /// Starts a server on a host of its own.
    pub(crate) async fn server(&mut self) -> Host {
        let mut command = Command::new("unshare");
        command.arg("--net").arg(env::current_exe().unwrap());
        command.args(["--exact", "namespaces::serve", "--ignored", "--nocapture"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut host =
            Host { address: Ipv4Addr::UNSPECIFIED, cable: String::new(), process, output };
        // It is in its namespace, but has no network yet.
        host.until("started").await;
        (host.address, host.cable) = self.join(&host.process).await;
        host.command("bind").await;
        host.until("listening").await;
        host
    }

    /// Disconnects a host, whose connections do not notice it.
    pub(crate) async fn cut(&self, host: &Host) {
        run(&format!("ip link set {} down", host.cable)).await;
    }
}

/// The host of a server.
pub(crate) struct Host {
    address: Ipv4Addr,
    cable: String,
    process: Child,
    output: Lines<BufReader<ChildStdout>>,
}

impl Host {
    /// Returns the endpoint that its record names.
    pub(crate) fn endpoint(&self) -> Endpoint {
        let [.., number] = self.address.octets();
        format!("tcp://host{number}.example.test:{PORT}").parse().unwrap()
    }

    /// Returns its records, with a TTL of one second.
    pub(crate) fn records(&self) -> String {
        let (address, [.., number]) = (self.address, self.address.octets());
        format!("host{number} 1 A {address}\n_calls._tcp 1 SRV 0 0 {PORT} host{number}\n")
    }

    /// Waits until the first call has arrived.
    pub(crate) async fn until_called(&mut self) {
        self.until("called").await;
    }

    /// Drains and ends the server. Returns the number of requests that it has answered.
    pub(crate) async fn end(mut self) -> u64 {
        self.command("end").await;
        let answered = self.until("answered").await;
        let answered = answered.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(self.process.wait().await.unwrap().success());
        answered
    }

    async fn command(&mut self, command: &str) {
        let input = self.process.stdin.as_mut().unwrap();
        input.write_all(format!("{command}\n").as_bytes()).await.unwrap();
    }

    /// Returns the next line of its output with this text.
    async fn until(&mut self, text: &str) -> String {
        while let Some(line) = self.output.next_line().await.unwrap() {
            if line.contains(text) {
                return line;
            }
        }
        panic!("the server ended before it was {text}");
    }
}

async fn run(script: &str) {
    let output = Command::new("sh").args(["-c", script]).output().await.unwrap();
    assert!(output.status.success(), "{script}: {output:?}");
}

pub(crate) const PORT: u16 = 5555;
/// The environment variable of processes that a test has started.
const INSIDE: &str = "IN_TEST_NETWORK";
const PROBE: &str = "ip link add bridge type bridge && nsenter --version && knotd --version";
