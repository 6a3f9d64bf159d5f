//! Knot DNS, Debian's package `knot`, with one zone that tests change.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;

use support::skipped::skip;
use support::transports::own_loopback;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStderr, Command};
use tokio_zmtp_discovery::Dns;

/// A name server with the zone `example.test`. It ends with the test.
pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    pub(crate) process: Child,
    log: Lines<BufReader<ChildStderr>>,
    directory: PathBuf,
    serial: u32,
}

impl NameServer {
    /// Starts the name server with these records, or returns `None` if it is not installed. The name
    /// is that of a directory.
    pub(crate) async fn start(name: &str, records: &str) -> Option<Self> {
        // No other test uses the address, so that the port stays free.
        let reserved = TcpListener::bind((own_loopback(), 0)).await.unwrap();
        let address = reserved.local_addr().unwrap();
        drop(reserved);
        Self::run(Command::new("knotd"), address, name, records).await
    }

    /// Starts the name server by a command, which lacks its arguments.
    pub(crate) async fn run(
        mut command: Command,
        address: SocketAddr,
        name: &str,
        records: &str,
    ) -> Option<Self> {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        let config = format!(
            "server:\n  rundir: \"{path}\"\n  listen: {ip}@{port}\n\
             database:\n  storage: \"{path}\"\n\
             log:\n  - target: stderr\n    any: info\n\
             zone:\n  - domain: example.test\n    file: \"{path}/zone\"\n    semantic-checks: off\n    \
             zonefile-sync: -1\n    zonefile-load: whole\n    journal-content: none\n",
            path = directory.display(),
            ip = address.ip(),
            port = address.port(),
        );
        fs::write(directory.join("knot.conf"), config).unwrap();
        write_zone(&directory, 1, records);
        command.env("PATH", path());
        command.arg("-c").arg(directory.join("knot.conf"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = match command.kill_on_drop(true).spawn() {
            Ok(process) => process,
            Err(error) => {
                skip(format_args!("cannot run `knotd`: {error}"));
                return None;
            }
        };
        let log = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut server = Self { address, process, log, directory, serial: 1 };
        server.until_logged("server started").await;
        Some(server)
    }

    /// Replaces the records. When this returns, queries are answered with the new ones.
    pub(crate) async fn replace(&mut self, records: &str) {
        self.serial += 1;
        write_zone(&self.directory, self.serial, records);
        let id = self.process.id().unwrap().to_string();
        let signaled = Command::new("kill").args(["-HUP", &id]).status().await.unwrap();
        assert!(signaled.success());
        let loaded = format!("-> {},", self.serial);
        self.until_logged(&loaded).await;
    }

    /// Ends the process.
    pub(crate) async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }

    pub(crate) fn dns(&self) -> Dns {
        Dns::new([self.address])
    }

    async fn until_logged(&mut self, text: &str) {
        let mut lines = Vec::new();
        while let Some(line) = self.log.next_line().await.unwrap() {
            if line.contains(text) {
                return;
            }
            lines.push(line);
        }
        panic!("knotd ended: {lines:#?}");
    }
}

/// Returns the path of programs, with the directory of those for root, where Debian installs Knot.
pub(crate) fn path() -> String {
    format!("{}:/usr/sbin", env::var("PATH").unwrap_or_default())
}

/// Writes a zone whose answers must not be cached, also negative ones.
fn write_zone(directory: &std::path::Path, serial: u32, records: &str) {
    let zone = format!("$TTL 0\n@ SOA ns hostmaster {serial} 1 1 1 0\n@ NS ns\n{records}\n");
    fs::write(directory.join("zone"), zone).unwrap();
}
