use std::thread::{self, JoinHandle};

use crate::context::Context;
use crate::socket::Socket;

/// `zmq_proxy` between two sockets of one context, in a thread.
///
/// Dropping it shuts the context down, which ends the proxy and closes its sockets.
#[derive(Debug)]
pub struct Proxy {
    context: Context,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy, which alone uses the sockets from now on.
    pub fn start(frontend: Socket, backend: Socket) -> Self {
        let context = frontend.context().clone();
        let thread = thread::spawn(move || frontend.forward(&backend));
        Self { context, thread: Some(thread) }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.context.shut_down();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
