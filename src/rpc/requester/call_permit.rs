//! A place among the calls, or in the line for one.

use std::task::{Poll, Waker};

use super::call_limit::CallLimit;
use super::core::Core;
use crate::socket::tracked::Ticket;

/// How far somebody has got who wants to make a call.
#[derive(Debug, Default)]
pub(super) struct CallPermit {
    ticket: Option<Ticket>,
    is_admitted: bool,
}

impl CallPermit {
    /// Takes a place, if it has none, or waits in line for one.
    #[inline]
    pub(super) fn poll_enter(&mut self, admission: &mut CallLimit, waker: &Waker) -> Poll<()> {
        if !self.is_admitted {
            self.is_admitted = admission.poll_enter(&mut self.ticket, waker).is_ready();
        }
        if self.is_admitted { Poll::Ready(()) } else { Poll::Pending }
    }

    pub(super) const fn is_admitted(&self) -> bool {
        self.is_admitted
    }

    /// Passes its place on to a call that has been made.
    #[inline]
    pub(super) fn pass(&mut self) {
        self.is_admitted = false;
    }

    /// Gives back what it has.
    pub(super) fn give_up(&mut self, core: &Core) {
        let Self { ticket, is_admitted } = std::mem::take(self);
        match ticket {
            Some(ticket) => core.calls.with(|calls, wakes| calls.admission.cancel(ticket, wakes)),
            None if is_admitted => core.calls.with(|calls, wakes| calls.admission.leave(wakes)),
            None => {}
        }
    }
}
