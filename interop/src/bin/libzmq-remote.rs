//! A process with one libzmq socket, for tests to start, kill and restart.
//!
//! The process waits at most a minute for each message, so that it ends soon after its test.

#![expect(clippy::print_stdout, reason = "the test that started this process reads its output")]

use std::env;
use std::error::Error;
use std::io;
use std::process::{self, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use interop::{Context, Socket, SocketOption, SocketType, number, numbered};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("libzmq-remote: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [socket_type, direction, endpoint, mode @ ..] = arguments else {
        return Err(USAGE.into());
    };
    let context = Context::new()?;
    let socket = match socket_type.as_str() {
        "client" => Socket::new(&context, SocketType::Client)?,
        "pull" => Socket::new(&context, SocketType::Pull)?,
        "server" => Socket::new(&context, SocketType::Server)?,
        _ => return Err(USAGE.into()),
    };
    socket.set(SocketOption::ReconnectInterval, 10)?;
    let mode: Vec<&str> = mode.iter().map(String::as_str).collect();
    if mode == ["idle"] {
        socket.set(SocketOption::RecvHwm, 1)?;
    }
    for timeout in [SocketOption::Linger, SocketOption::RecvTimeout, SocketOption::SendTimeout] {
        socket.set(timeout, PATIENCE.as_millis().try_into()?)?;
    }
    match direction.as_str() {
        "bind" => {
            bind_patiently(&socket, endpoint)?;
            println!("bound {}", socket.last_endpoint()?);
        }
        "connect" => socket.connect(endpoint)?,
        _ => return Err(USAGE.into()),
    }
    let is_server = socket_type == "server";
    match mode[..] {
        ["ask", count, size] if !is_server => ask(&socket, count.parse()?, size.parse()?),
        ["echo"] => echo(&socket),
        ["idle"] => {
            thread::sleep(PATIENCE);
            Ok(())
        }
        ["send", count, size] => send(&socket, is_server, count.parse()?, size.parse()?),
        ["sink", count] => sink(&socket, count.parse()?),
        _ => Err(USAGE.into()),
    }
}

/// Binds as soon as a predecessor's endpoint is free.
fn bind_patiently(socket: &Socket, endpoint: &str) -> Result<(), interop::Error> {
    let start = Instant::now();
    loop {
        match socket.bind(endpoint) {
            Err(error)
                if error.kind() == io::ErrorKind::AddrInUse && start.elapsed() < PATIENCE =>
            {
                thread::sleep(Duration::from_millis(10));
            }
            result => return result,
        }
    }
}

fn ask(socket: &Socket, count: u64, size: usize) -> Result<(), Box<dyn Error>> {
    // A remote that reconnects may still hold replies for the previous process.
    let first = u64::from(process::id()) << 32;
    for request in (first..first + count).map(|number| numbered(number, size)) {
        socket.send(&request)?;
        while socket.recv()?.body != request {}
    }
    println!("done {count}");
    Ok(())
}

fn echo(socket: &Socket) -> Result<(), Box<dyn Error>> {
    loop {
        let request = socket.recv()?;
        reply(socket, request.routing_id, &request.body)?;
    }
}

fn send(socket: &Socket, is_server: bool, count: u64, size: usize) -> Result<(), Box<dyn Error>> {
    let routing_id = if is_server { socket.recv()?.routing_id } else { 0 };
    for body in (0..count).map(|number| numbered(number, size)) {
        reply(socket, routing_id, &body)?;
    }
    println!("done {count}");
    Ok(())
}

fn sink(socket: &Socket, count: u64) -> Result<(), Box<dyn Error>> {
    for expected in 0..count {
        let found = number(&socket.recv()?.body);
        if found != Some(expected) {
            return Err(format!("expected message {expected}, received {found:?}").into());
        }
    }
    println!("done {count}");
    Ok(())
}

/// Sends to the remote with `routing_id`, or as a CLIENT if that is zero.
fn reply(socket: &Socket, routing_id: u32, body: &[u8]) -> Result<(), interop::Error> {
    match routing_id {
        0 => socket.send(body),
        _ => socket.send_to(body, routing_id),
    }
}

const PATIENCE: Duration = Duration::from_secs(60);

const USAGE: &str = "usage: libzmq-remote client|pull|server bind|connect ENDPOINT MODE
prints `bound ENDPOINT` when bound; MODE is one of
  ask COUNT SIZE   client: send numbered messages, each after the echo of the one before
  echo             return every message
  idle             receive no message, and queue as few as possible
  send COUNT SIZE  send numbered messages; a server sends them to the first remote that writes
  sink COUNT       receive numbered messages, starting from 0, in order
all except echo and idle print `done COUNT` and exit when the messages are flushed";
