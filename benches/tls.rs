//! One-way throughput over TLS on loopback, in one process with a thread for each end: messages from
//! a `Push` to a `Pull`, against the same bytes over a bare stream of `tokio-rustls`, in writes of
//! the same size, in alternating rounds.
//!
//! `cargo bench --bench tls --features tls [-- SIZE ...]`, sizes in bytes.

#![expect(clippy::print_stdout, reason = "the printed output is the result")]
#![expect(clippy::unwrap_used, reason = "a failure ends the measurement")]

use std::env;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_zmtp::{Pull, Push, TlsClient, TlsServer};

fn main() {
    let sizes: Vec<usize> = env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![1_024, 16_384, 131_072] } else { sizes };
    let certified = generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    println!("{:>8} {:>12} {:>12} {:>8}", "bytes", "bare MB/s", "tls:// MB/s", "ratio");
    for size in sizes {
        let count = BYTES / size;
        let (mut bare, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            bare.push(measure_bare(&certified, count, size));
            ours.push(measure_sockets(&certified, count, size));
        }
        let mut ratios: Vec<_> = bare.iter().zip(&ours).map(|(bare, ours)| ours / bare).collect();
        let [bare, ours, ratio] = [&mut bare, &mut ours, &mut ratios].map(|all| median(all));
        println!("{size:>8} {bare:>12.0} {ours:>12.0} {ratio:>8.2}");
    }
}

type Certified = CertifiedKey<rcgen::KeyPair>;

/// Returns the rate in megabytes per second.
fn measure_bare(certified: &Certified, count: usize, size: usize) -> f64 {
    let CertifiedKey { cert, signing_key } = certified;
    let key = PrivateKeyDer::from_pem_slice(signing_key.serialize_pem().as_bytes()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    // The client does not read them, and would reset the connection.
    server.send_tls13_tickets = 0;
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (address_tx, address) = mpsc::channel();
    let receiver = thread::spawn(move || {
        runtime().block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            address_tx.send(listener.local_addr().unwrap()).unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut stream = TlsAcceptor::from(Arc::new(server)).accept(stream).await.unwrap();
            let mut buffer = vec![0; size];
            stream.read_exact(&mut buffer).await.unwrap();
            let begun = Instant::now();
            for _ in 0..count {
                stream.read_exact(&mut buffer).await.unwrap();
            }
            begun.elapsed()
        })
    });
    runtime().block_on(async {
        let stream = TcpStream::connect(address.recv().unwrap()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connector = TlsConnector::from(Arc::new(client));
        let mut stream = connector.connect(name, stream).await.unwrap();
        let body = vec![1; size];
        for _ in 0..=count {
            stream.write_all(&body).await.unwrap();
        }
        stream.flush().await.unwrap();
        stream.shutdown().await.unwrap();
    });
    rate(count, size, receiver.join().unwrap().as_secs_f64())
}

/// Returns the rate in megabytes per second.
fn measure_sockets(certified: &Certified, count: usize, size: usize) -> f64 {
    let CertifiedKey { cert, signing_key } = certified;
    let server = TlsServer::new(cert.pem(), signing_key.serialize_pem()).unwrap();
    let client = TlsClient::with_roots(cert.pem()).unwrap();
    let (endpoint_tx, endpoint) = mpsc::channel();
    let receiver = thread::spawn(move || {
        runtime().block_on(async {
            let pull = Pull::builder().tls_server(server).build();
            endpoint_tx.send(pull.bind("tls://127.0.0.1:*").await.unwrap()).unwrap();
            pull.recv().await.unwrap();
            let begun = Instant::now();
            for _ in 0..count {
                assert_eq!(pull.recv().await.unwrap()[0].len(), size);
            }
            begun.elapsed()
        })
    });
    runtime().block_on(async {
        let push = Push::builder().tls_client(client).build();
        push.connect(endpoint.recv().unwrap()).await.unwrap();
        let body = Bytes::from(vec![1; size]);
        for _ in 0..=count {
            push.send(body.clone()).await.unwrap();
        }
        assert_eq!(push.close().await.undelivered, 0);
    });
    rate(count, size, receiver.join().unwrap().as_secs_f64())
}

fn rate(count: usize, size: usize, seconds: f64) -> f64 {
    (count * size) as f64 / seconds / 1e6
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The bytes of one measurement.
const BYTES: usize = 256 << 20;

const ROUNDS: usize = 9;
