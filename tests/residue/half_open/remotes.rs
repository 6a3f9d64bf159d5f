//! The process that dials a server, and leaves every handshake unfinished.

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::{REMOTES, ROLE};

/// What a remote does before it stops.
#[derive(Clone, Debug, Default)]
pub(super) struct Beginning {
    /// The bytes that it sends.
    pub(super) sent: Vec<u8>,
    /// The number of bytes that it waits for.
    pub(super) answer: usize,
}

/// Half-open connections of another process.
#[derive(Debug)]
pub(super) struct HeldOpen {
    child: Child,
    /// The process ends when this is closed, or when it is killed.
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl HeldOpen {
    /// Starts a process for a test that dials an address, and begins in these ways in turn.
    pub(super) fn start(test: &str, address: SocketAddr, beginnings: &[Beginning]) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "--nocapture", test])
            .env(ROLE, REMOTES)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{address}\n{}", beginnings.len()).unwrap();
        for Beginning { sent, answer } in beginnings {
            let sent: Vec<String> = sent.iter().map(u8::to_string).collect();
            writeln!(stdin, "{answer}\n{}", sent.join(" ")).unwrap();
        }
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdin, stdout }
    }

    /// Adds connections. Returns when the process holds them.
    pub(super) fn dial(&mut self, count: usize) {
        writeln!(self.stdin, "{count}").unwrap();
        let mut lines = self.stdout.by_ref().lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("held")), "the process that dials has failed");
    }
}

impl Drop for HeldOpen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Each line of the standard input is a number of connections to add. Holds them until the input ends.
pub(super) fn hold() -> io::Result<()> {
    let mut lines = io::stdin().lock().lines();
    let mut line = || lines.next().ok_or(io::ErrorKind::UnexpectedEof)?;
    let address: SocketAddr = line()?.parse().unwrap();
    let mut beginnings = Vec::new();
    for _ in 0..line()?.parse().unwrap() {
        let answer = line()?.parse().unwrap();
        let sent = line()?.split_whitespace().map(|byte| byte.parse().unwrap()).collect();
        beginnings.push(Beginning { sent, answer });
    }
    let mut ways = beginnings.iter().cycle();
    let mut held = Vec::new();
    // Until the server process closes the pipe.
    while let Ok(count) = line() {
        for Beginning { sent, answer } in ways.by_ref().take(count.parse().unwrap()) {
            let mut stream = TcpStream::connect(address)?;
            stream.write_all(sent)?;
            stream.read_exact(&mut vec![0x00; *answer])?;
            held.push(stream);
        }
        writeln!(io::stdout(), "held")?;
    }
    Ok(())
}
