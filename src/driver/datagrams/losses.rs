//! Counts the datagrams that an endpoint loses, and reports them.

use std::io;
use std::sync::Arc;

use crate::driver::SocketState;
use crate::quota::{Quotas, within_quota};
use crate::remote::Remote;
use crate::stats::DatagramDrop;

/// The losses of one remote with one cause.
///
/// Monitors and the log report the first in a series. The others are counted, and monitors report
/// their number when the series ends.
#[derive(Debug)]
pub(super) struct LossSeries {
    cause: DatagramDrop,
    /// Whether the last datagrams were lost.
    is_running: bool,
    /// The datagrams that have not been reported yet.
    unreported: u64,
    remote: Remote,
    shared: Arc<SocketState>,
    quotas: Arc<Quotas>,
}

impl LossSeries {
    pub(super) fn new(
        cause: DatagramDrop,
        remote: &Remote,
        shared: &Arc<SocketState>,
        quotas: &Arc<Quotas>,
    ) -> Self {
        let (remote, shared, quotas) = (remote.clone(), Arc::clone(shared), Arc::clone(quotas));
        Self { cause, is_running: false, unreported: 0, remote, shared, quotas }
    }

    /// Counts datagrams; none ends the series.
    pub(super) fn count(
        &mut self,
        datagrams: u64,
        error: Option<&(dyn std::error::Error + 'static)>,
    ) {
        if datagrams == 0 {
            return self.end();
        }
        self.shared.losses().datagrams(&self.remote, self.cause, datagrams);
        if self.is_running {
            self.unreported += datagrams;
            return;
        }
        self.is_running = true;
        let text = match self.cause {
            DatagramDrop::Lost => "cannot send datagrams",
            DatagramDrop::Malformed => "dropped datagrams that are not messages",
            DatagramDrop::Overflowed => "dropped datagrams: a queue is full",
        };
        within_quota!(
            self.quotas.datagrams,
            warn,
            target: crate::driver::log::CONNECTION,
            datagrams,
            error,
            "{text}",
        );
        self.shared.losses().report_datagrams(&self.remote, self.cause, datagrams);
    }

    fn end(&mut self) {
        self.is_running = false;
        let unreported = std::mem::take(&mut self.unreported);
        if unreported > 0 {
            self.shared.losses().report_datagrams(&self.remote, self.cause, unreported);
        }
    }
}

impl Drop for LossSeries {
    fn drop(&mut self) {
        self.end();
    }
}

/// Returns whether a socket that failed to send should be replaced: its address or its route is
/// gone, and another socket may have others. Any other failure concerns the datagram.
pub(super) fn calls_for_another_socket(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AddrNotAvailable
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NotConnected
    )
}
