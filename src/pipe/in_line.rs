//! The position of a task in a line of waiting tasks.

use super::Ticket;

/// A line in which tasks wait, for example for queue capacity or messages.
pub(crate) trait WaitingLine {
    /// Removes a task from the line, and passes on a slot or wake-up that it was granted.
    fn cancel(&self, ticket: Ticket);
}

/// The position of a task in a line, from its first wait on. Dropping it cancels the position.
#[derive(Debug)]
pub(crate) struct InLine<L: WaitingLine> {
    line: L,
    ticket: Option<Ticket>,
}

impl<L: WaitingLine> InLine<L> {
    #[inline]
    pub(crate) const fn new(line: L) -> Self {
        Self { line, ticket: None }
    }

    /// Returns the line, and the ticket for polling it.
    #[inline]
    pub(crate) const fn parts(&mut self) -> (&L, &mut Option<Ticket>) {
        (&self.line, &mut self.ticket)
    }

    /// Cancels the position. A later wait begins at the end of the line.
    pub(crate) fn cancel(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.line.cancel(ticket);
        }
    }
}

impl<L: WaitingLine> Drop for InLine<L> {
    #[inline]
    fn drop(&mut self) {
        self.cancel();
    }
}
