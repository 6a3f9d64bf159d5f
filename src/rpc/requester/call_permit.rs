//! The permit of a call.

use std::task::{Poll, Waker};

use super::call_limit::CallLimit;
use super::core::RequesterCore;
use crate::rpc::RequestingSocket;
use crate::socket::tracked::Ticket;

/// A slot of the [`CallLimit`], or the position in its line.
#[derive(Debug, Default)]
pub(super) struct CallPermit {
    ticket: Option<Ticket>,
    is_admitted: bool,
}

impl CallPermit {
    /// Acquires a slot unless it has one, or waits in line for one.
    #[inline]
    pub(super) fn poll_enter(&mut self, admission: &mut CallLimit, waker: &Waker) -> Poll<()> {
        if !self.is_admitted {
            self.is_admitted = admission.poll_enter(&mut self.ticket, waker).is_ready();
        }
        if self.is_admitted { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Returns whether it has a slot.
    pub(super) const fn is_admitted(&self) -> bool {
        self.is_admitted
    }

    /// Transfers its slot to a call that has been added.
    #[inline]
    pub(super) fn transfer(&mut self) {
        self.is_admitted = false;
    }

    /// Releases its slot or its position in the line.
    pub(super) fn release<S: RequestingSocket>(&mut self, core: &RequesterCore<S>) {
        let Self { ticket, is_admitted } = std::mem::take(self);
        match ticket {
            Some(ticket) => core.calls.with(|calls, wakes| calls.admission.cancel(ticket, wakes)),
            None if is_admitted => core.calls.with(|calls, wakes| calls.admission.leave(wakes)),
            None => {}
        }
    }
}
