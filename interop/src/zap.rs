use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use crate::error::Error;
use crate::socket::Socket;
use crate::socket_option::SocketOption;
use crate::socket_type::SocketType;

/// Answers the authentication requests of libzmq's sockets in one context (RFC 27).
#[derive(Debug)]
pub struct ZapHandler {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl ZapHandler {
    /// Starts a handler for the context of `socket`. `decide` receives the frames of the
    /// credentials and returns whether the remote is admitted.
    ///
    /// # Errors
    ///
    /// Fails if the context already has a handler.
    pub fn start(
        socket: &Socket,
        decide: impl Fn(&[Vec<u8>]) -> bool + Send + 'static,
    ) -> Result<Self, Error> {
        let handler = Socket::new(socket.context(), SocketType::Rep)?;
        handler.set(SocketOption::RecvTimeout, POLL_MILLISECONDS)?;
        handler.bind("inproc://zeromq.zap.01")?;
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        let thread = thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                match handler.recv_parts() {
                    Ok(request) => answer(&handler, &request, &decide),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => panic!("the ZAP handler failed: {error}"),
                }
            }
        });
        Ok(Self { ended, thread: Some(thread) })
    }
}

impl Drop for ZapHandler {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic has already been printed.
            drop(thread.join());
        }
    }
}

fn answer(handler: &Socket, request: &[Vec<u8>], decide: impl Fn(&[Vec<u8>]) -> bool) {
    let [version, id, _domain, _address, _identity, _mechanism, credentials @ ..] = request else {
        panic!("a ZAP request has six frames and credentials: {request:?}");
    };
    let status: &[u8] = if decide(credentials) { b"200" } else { b"400" };
    // The user id is empty: libzmq passes another one to the socket, and a DISH mistakes it for a
    // message without a group.
    handler.send_parts(&[version, id, status, b"", b"", b""]).expect("libzmq accepts the reply");
}

const POLL_MILLISECONDS: i32 = 20;
