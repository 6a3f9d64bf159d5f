//! The operations whose instructions are counted.

use micro::benchmarks::{Connected, InprocBatch, MESSAGES, Round, SHORT, TryRecv, TrySend};

/// A part of a message's path, or all of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject {
    Send,
    Recv,
    Batch,
    Multipart,
    Inproc,
}

impl Subject {
    pub(crate) const ALL: [Self; 5] =
        [Self::Send, Self::Recv, Self::Batch, Self::Multipart, Self::Inproc];

    /// Returns the name of the subject in the budget.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Recv => "recv",
            Self::Batch => "batch",
            Self::Multipart => "multipart",
            Self::Inproc => "inproc",
        }
    }

    /// Creates a round, which handles [`MESSAGES`] messages.
    pub(crate) fn round(self) -> Box<dyn Round> {
        match self {
            Self::Send => Box::new(TrySend::new()),
            Self::Recv => Box::new(TryRecv::new()),
            Self::Batch => Box::new(Connected::new(SHORT, MESSAGES)),
            Self::Multipart => Box::new(Connected::multipart(SHORT, MESSAGES)),
            Self::Inproc => Box::new(InprocBatch::new()),
        }
    }
}
