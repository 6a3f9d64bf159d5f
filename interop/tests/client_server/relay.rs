//! A TCP relay that counts PONGs.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// A relay between two sockets. It ends with the connection that it relays.
#[derive(Debug)]
pub(crate) struct Relay {
    endpoint: String,
    pongs: Arc<AtomicUsize>,
    is_silent: Arc<AtomicBool>,
}

impl Relay {
    /// Relays the first connection made to it to `target`, a tcp endpoint.
    pub(crate) fn start(target: &str) -> Self {
        let target: SocketAddr = target.strip_prefix("tcp://").unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
        let pongs = Arc::new(AtomicUsize::new(0));
        let is_silent = Arc::new(AtomicBool::new(false));
        let direction = Direction { pongs: Arc::clone(&pongs), is_silent: Arc::clone(&is_silent) };
        thread::spawn(move || {
            let (dialed, _) = listener.accept().unwrap();
            let accepted = TcpStream::connect(target).unwrap();
            let back = (accepted.try_clone().unwrap(), dialed.try_clone().unwrap());
            let opposite = direction.clone();
            thread::spawn(move || opposite.copy(back.0, back.1));
            direction.copy(dialed, accepted);
        });
        Self { endpoint, pongs, is_silent }
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Returns the number of PONGs in both directions.
    pub(crate) fn pongs(&self) -> usize {
        self.pongs.load(Ordering::Relaxed)
    }

    /// Discards all later bytes of both ends, and keeps the connection open.
    pub(crate) fn fall_silent(&self) {
        self.is_silent.store(true, Ordering::Relaxed);
    }
}

/// Relays one direction.
#[derive(Clone, Debug)]
struct Direction {
    pongs: Arc<AtomicUsize>,
    is_silent: Arc<AtomicBool>,
}

impl Direction {
    fn copy(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = [0; 65_536];
        // The part of the command's name read so far: two reads may share it.
        let mut matched = 0;
        while let Ok(size @ 1..) = from.read(&mut buffer) {
            if self.is_silent.load(Ordering::Relaxed) {
                continue;
            }
            for &byte in &buffer[..size] {
                matched = match byte {
                    _ if byte == PONG[matched] => matched + 1,
                    _ => usize::from(byte == PONG[0]),
                };
                if matched == PONG.len() {
                    self.pongs.fetch_add(1, Ordering::Relaxed);
                    matched = 0;
                }
            }
            if to.write_all(&buffer[..size]).is_err() {
                break;
            }
        }
        // Either stream may have ended.
        drop(from.shutdown(Shutdown::Both));
        drop(to.shutdown(Shutdown::Both));
    }
}

/// RFC 37, Connection Heartbeating: the name of the command, after its length.
const PONG: &[u8] = b"\x04PONG";
