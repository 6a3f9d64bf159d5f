//! Tests of the libzmq wrapper alone, which rule it out as the cause of other failures.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

#[cfg(unix)]
use std::io::Write;
#[cfg(unix)]
use std::os::fd::AsFd;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

use interop::{
    Context, Error, EventKind, Monitor, RemoteProcess, Socket, SocketOption, SocketType, TryError,
    number, numbered, version,
};
#[cfg(unix)]
use interop::{ExclusiveSocket, Message};
#[cfg(unix)]
use support::transports::Transport;

const GUARD: Duration = Duration::from_secs(60);
const REMOTE: &str = env!("CARGO_BIN_EXE_libzmq-remote");

#[test]
fn the_version_is_4_3_5() {
    assert_eq!(version(), (4, 3, 5));
}

#[test]
fn a_request_gets_its_reply() -> Result<(), Error> {
    let (server, client) = pair()?;
    for size in [0, 1, 255, 256, 65_536] {
        let body = vec![0x5a; size];
        client.send(&body)?;
        let request = server.recv()?;
        assert_ne!(request.routing_id, 0);
        assert_eq!(request.body, body);
        server.send_to(&request.body, request.routing_id)?;
        let reply = client.recv()?;
        assert_eq!((reply.body, reply.routing_id), (body, 0));
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn waiting_ends_with_a_message_or_with_a_readable_file() -> Result<(), Error> {
    let context = Context::new()?;
    let sender = Socket::new(&context, SocketType::Pair)?;
    sender.bind("tcp://127.0.0.1:*")?;
    let receiver = Socket::new(&context, SocketType::Pair)?;
    receiver.connect(&sender.last_endpoint()?)?;
    let mut receiver = ExclusiveSocket::new(receiver).unwrap();
    let (file, mut remote) = UnixStream::pair().unwrap();

    sender.send(b"message")?;
    assert!(receiver.wait_for_message_or(file.as_fd())?);
    let mut message = Message::new()?;
    receiver.recv_part(&mut message)?;
    assert_eq!(message.body(), b"message");

    remote.write_all(b"byte").unwrap();
    assert!(!receiver.wait_for_message_or(file.as_fd())?);
    Ok(())
}

#[test]
fn an_unknown_routing_id_is_unreachable() -> Result<(), Error> {
    let (server, client) = pair()?;
    client.send(b"here")?;
    let unknown = server.recv()?.routing_id.wrapping_add(1).max(1);
    let error = server.send_to(b"body", unknown).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::HostUnreachable);
    Ok(())
}

#[test]
fn empty_and_full_queues_would_block() -> Result<(), Error> {
    let context = Context::new()?;
    let client = Socket::new(&context, SocketType::Client)?;
    assert_eq!(client.try_recv().unwrap_err(), TryError::WouldBlock);
    assert_eq!(client.try_send(b"body").unwrap_err(), TryError::WouldBlock);
    client.set(SocketOption::RecvTimeout, 1)?;
    assert_eq!(client.recv().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    Ok(())
}

#[test]
fn a_client_over_inproc_does_not_reconnect_to_a_returning_server() -> Result<(), Error> {
    let context = Context::new()?;
    let client = Socket::new(&context, SocketType::Client)?;
    let server = Socket::new(&context, SocketType::Server)?;
    server.bind("inproc://service")?;
    client.connect("inproc://service")?;
    client.send(b"first")?;
    assert_eq!(server.recv()?.body, b"first");
    drop(server);
    while client.try_send(b"lost").is_ok() {
        std::thread::yield_now();
    }
    let server = Socket::new(&context, SocketType::Server)?;
    server.bind("inproc://service")?;
    client.set(SocketOption::SendTimeout, 50)?;
    assert_eq!(client.send(b"second").unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_bound_path_is_taken_over_by_another_server() -> Result<(), Error> {
    let context = Context::new()?;
    let robbed = Socket::new(&context, SocketType::Server)?;
    robbed.bind(&Transport::Ipc.any().to_string())?;
    let endpoint = robbed.last_endpoint()?;
    let robber = Socket::new(&context, SocketType::Server)?;
    robber.bind(&endpoint)?;
    let client = Socket::new(&context, SocketType::Client)?;
    client.connect(&endpoint)?;
    client.send(b"whose")?;
    assert_eq!(robber.recv()?.body, b"whose");
    Ok(())
}

#[test]
fn a_monitor_reports_the_connection_and_its_end() -> Result<(), Error> {
    let context = Context::new()?;
    let server = socket(&context, SocketType::Server)?;
    server.bind("tcp://127.0.0.1:*")?;
    let client = socket(&context, SocketType::Client)?;
    let monitor = client.monitor()?;
    client.connect(&server.last_endpoint()?)?;
    wait_for(&monitor, EventKind::HandshakeSucceeded)?;
    drop(server);
    wait_for(&monitor, EventKind::Disconnected)
}

#[test]
fn a_dropped_monitor_does_not_stop_its_socket() -> Result<(), Error> {
    let (server, client) = pair()?;
    drop(client.monitor()?);
    client.disconnect(&server.last_endpoint()?)?;
    client.connect(&server.last_endpoint()?)?;
    client.send(b"body")?;
    assert_eq!(server.recv()?.body, b"body");
    Ok(())
}

#[test]
fn a_dealer_is_refused_by_a_server() -> Result<(), Error> {
    let context = Context::new()?;
    let server = socket(&context, SocketType::Server)?;
    server.bind("tcp://127.0.0.1:*")?;
    let dealer = socket(&context, SocketType::Dealer)?;
    let monitor = dealer.monitor()?;
    dealer.connect(&server.last_endpoint()?)?;
    // libzmq does not report a failed handshake for a wrong type.
    wait_for(&monitor, EventKind::Disconnected)
}

#[test]
fn processes_exchange_messages_across_a_restart() {
    let server = start_remote(&["server", "bind", "tcp://127.0.0.1:*", "echo"]);
    let endpoint = bound(&server);
    let ask = ["client", "connect", &endpoint, "ask", "100", "64"];
    assert_eq!(start_remote(&ask).line_within(GUARD).as_deref(), Some("done 100"));
    server.kill();
    let waiting = start_remote(&ask);
    let server = start_remote(&["server", "bind", &endpoint, "echo"]);
    assert_eq!(bound(&server), endpoint);
    assert_eq!(waiting.line_within(GUARD).as_deref(), Some("done 100"));
}

#[test]
fn processes_count_sent_and_received_messages() -> Result<(), Error> {
    let sink = start_remote(&["server", "bind", "tcp://127.0.0.1:*", "sink", "10000"]);
    let endpoint = bound(&sink);
    let send = start_remote(&["client", "connect", &endpoint, "send", "10000", "64"]);
    assert_eq!(send.line_within(GUARD).as_deref(), Some("done 10000"));
    assert_eq!(sink.line_within(GUARD).as_deref(), Some("done 10000"));

    let send = start_remote(&["server", "bind", "tcp://127.0.0.1:*", "send", "100", "64"]);
    let client = socket(&Context::new()?, SocketType::Client)?;
    client.connect(&bound(&send))?;
    client.send(b"here")?;
    for expected in 0..100 {
        assert_eq!(number(&client.recv()?.body), Some(expected));
    }
    Ok(())
}

#[test]
fn a_sink_fails_on_a_gap() -> Result<(), Error> {
    let sink = start_remote(&["server", "bind", "tcp://127.0.0.1:*", "sink", "2"]);
    let client = socket(&Context::new()?, SocketType::Client)?;
    client.connect(&bound(&sink))?;
    client.send(&numbered(0, 8))?;
    client.send(&numbered(2, 8))?;
    assert_eq!(sink.line_within(GUARD), None);
    Ok(())
}

fn pair() -> Result<(Socket, Socket), Error> {
    let context = Context::new()?;
    let server = socket(&context, SocketType::Server)?;
    server.bind("tcp://127.0.0.1:*")?;
    let client = socket(&context, SocketType::Client)?;
    client.connect(&server.last_endpoint()?)?;
    Ok((server, client))
}

fn socket(context: &Context, socket_type: SocketType) -> Result<Socket, Error> {
    let socket = Socket::new(context, socket_type)?;
    socket.set(SocketOption::RecvTimeout, GUARD.as_millis() as i32)?;
    socket.set(SocketOption::SendTimeout, GUARD.as_millis() as i32)?;
    Ok(socket)
}

fn wait_for(monitor: &Monitor, kind: EventKind) -> Result<(), Error> {
    while monitor.next_within(GUARD)?.expect("the event arrives in time").kind != kind {}
    Ok(())
}

fn start_remote(arguments: &[&str]) -> RemoteProcess {
    RemoteProcess::start(REMOTE, arguments).unwrap()
}

fn bound(remote: &RemoteProcess) -> String {
    let line = remote.line_within(GUARD).expect("a remote that binds reports its endpoint");
    line.strip_prefix("bound ").expect("a remote first reports its endpoint").to_owned()
}
