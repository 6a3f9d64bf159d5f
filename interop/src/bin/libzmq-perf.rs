//! libzmq's throughput and latency for CLIENT and SERVER, measured as its own tools
//! `local_thr`, `remote_thr`, `local_lat` and `remote_lat` do: default options, one I/O thread.

#![expect(clippy::print_stdout, reason = "the result of the measurement goes to the output")]

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use interop::{Context, Message, OctetsOption, Socket, SocketOption, SocketType};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("libzmq-perf: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [role, endpoint, count, size] = arguments else {
        return Err(USAGE.into());
    };
    let (count, size) = (count.parse()?, size.parse()?);
    match role.as_str() {
        "lat-client" => lat_client(endpoint, count, size),
        "lat-server" => lat_server(endpoint, count, size),
        "thr-client" => thr_client(endpoint, count, size),
        "thr-server" => thr_server(endpoint, count, size),
        _ => Err(USAGE.into()),
    }
}

fn thr_server(endpoint: &str, count: u32, size: usize) -> Result<(), Box<dyn Error>> {
    let server = bound_server(endpoint)?;
    let mut message = Message::new()?;
    recv_sized(&server, &mut message, size)?;
    let start = Instant::now();
    for _ in 1..count {
        recv_sized(&server, &mut message, size)?;
    }
    let elapsed = start.elapsed();
    // The client closes when it has heard that: a libzmq that closes over `ipc` may lose the last.
    server.send_message(&mut message)?;
    let rate = f64::from(count.saturating_sub(1)) / seconds(elapsed);
    println!(
        "throughput size={size} messages={count} seconds={:.6} messages_per_second={rate:.0} \
         megabytes_per_second={:.3}",
        seconds(elapsed),
        rate * size as f64 / 1e6,
    );
    Ok(())
}

fn thr_client(endpoint: &str, count: u32, size: usize) -> Result<(), Box<dyn Error>> {
    let client = connected_client(endpoint)?;
    for _ in 0..count {
        client.send_message(&mut Message::zeroed(size)?)?;
    }
    recv_sized(&client, &mut Message::new()?, size)
}

fn lat_server(endpoint: &str, count: u32, size: usize) -> Result<(), Box<dyn Error>> {
    let server = bound_server(endpoint)?;
    let mut message = Message::new()?;
    for _ in 0..count {
        recv_sized(&server, &mut message, size)?;
        // The message still carries the routing id of who sent it.
        server.send_message(&mut message)?;
    }
    Ok(())
}

fn lat_client(endpoint: &str, count: u32, size: usize) -> Result<(), Box<dyn Error>> {
    let client = connected_client(endpoint)?;
    let mut message = Message::zeroed(size)?;
    let start = Instant::now();
    for _ in 0..count {
        client.send_message(&mut message)?;
        recv_sized(&client, &mut message, size)?;
    }
    let elapsed = start.elapsed();
    let round_trip = seconds(elapsed) / f64::from(count) * 1e6;
    println!(
        "latency size={size} round_trips={count} seconds={:.6} round_trip_us={round_trip:.3} \
         one_way_us={:.3}",
        seconds(elapsed),
        round_trip / 2.0,
    );
    Ok(())
}

fn bound_server(endpoint: &str) -> Result<Socket, Box<dyn Error>> {
    let server = flushing_socket(SocketType::Server)?;
    if is_curve() {
        server.set(SocketOption::CurveServer, 1)?;
        server.set_octets(OctetsOption::CurveSecretKey, SERVER_SECRET)?;
    }
    server.bind(endpoint)?;
    println!("bound {}", server.last_endpoint()?);
    Ok(server)
}

fn connected_client(endpoint: &str) -> Result<Socket, Box<dyn Error>> {
    let client = flushing_socket(SocketType::Client)?;
    if is_curve() {
        client.set_octets(OctetsOption::CurveServerKey, SERVER_PUBLIC)?;
        client.set_octets(OctetsOption::CurvePublicKey, CLIENT_PUBLIC)?;
        client.set_octets(OctetsOption::CurveSecretKey, CLIENT_SECRET)?;
    }
    client.connect(endpoint)?;
    Ok(client)
}

/// Whether the environment asks for CURVE.
fn is_curve() -> bool {
    env::var("MECHANISM").is_ok_and(|mechanism| mechanism == "curve")
}

/// Creates a socket that delivers everything before the process ends.
fn flushing_socket(socket_type: SocketType) -> Result<Socket, interop::Error> {
    let socket = Socket::new(&Context::new()?, socket_type)?;
    socket.set(SocketOption::Linger, -1)?;
    Ok(socket)
}

fn recv_sized(socket: &Socket, message: &mut Message, size: usize) -> Result<(), Box<dyn Error>> {
    socket.recv_message(message)?;
    match message.body().len() {
        found if found == size => Ok(()),
        found => Err(format!("expected {size} octets, received {found}").into()),
    }
}

/// Returns a number to divide by.
fn seconds(elapsed: Duration) -> f64 {
    elapsed.max(Duration::from_nanos(1)).as_secs_f64()
}

// The keys of zmq_curve(7), which everybody knows.
const CLIENT_PUBLIC: &[u8; 40] = b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
const CLIENT_SECRET: &[u8; 40] = b"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";
const SERVER_PUBLIC: &[u8; 40] = b"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
const SERVER_SECRET: &[u8; 40] = b"JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";

const USAGE: &str = "usage: libzmq-perf ROLE ENDPOINT COUNT SIZE
  thr-server  bind, print `bound ENDPOINT`, receive COUNT messages of SIZE octets, print the rate
  thr-client  connect, send COUNT messages of SIZE octets, exit when they are flushed
  lat-server  bind, print `bound ENDPOINT`, return COUNT messages of SIZE octets
  lat-client  connect, make COUNT round trips of SIZE octets, print the latency
a measurement is one line: a word, then name=value pairs";
