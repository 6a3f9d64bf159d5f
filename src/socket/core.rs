//! The state that all handles of one socket share.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use zmtp_proto::handshake::HandshakeConfig;
use zmtp_proto::message_shape::MessageShape;
use zmtp_proto::metadata::Metadata;
use zmtp_proto::socket_type::SocketType;

use super::Kind;
use super::control::Control;
use super::coop::charge_copies;
use crate::driver::{Driver, SocketState};
use crate::message::Message;
use crate::monitor::EventPublisher;
use crate::options::{Options, Unroutable};
use crate::pipe::{HighWaterMark, PipeKey, Ticket};
use crate::remote::{ACCEPTS_PING, LOCK_STEP};
use crate::routing::{
    Copies, FairQueue, Losses, Outgoing, OutgoingPipes, Refusal, Routing, SlowReport, Strategy,
};
use crate::runtime::Runtime;
use crate::sync::Lock;

/// The socket itself. When the last handle drops it, the driver receives no more commands, and
/// ends.
#[derive(Debug)]
pub(super) struct Core<R> {
    pub(super) outgoing: Arc<Lock<OutgoingPipes<R>>>,
    pub(super) incoming: Arc<Lock<FairQueue>>,
    pub(super) control: Control,
    /// The default time limit of receiving.
    pub(super) recv_timeout: Option<Duration>,
    /// The default time limit of sending.
    pub(super) send_timeout: Option<Duration>,
}

impl<R: Strategy + Default + 'static> Core<R> {
    /// Starts a socket of a type and its driver.
    ///
    /// # Panics
    ///
    /// See [`Runtime::current`].
    #[track_caller]
    pub(super) fn start<K: Kind<Outgoing = R>>(mut options: Options) -> Arc<Self> {
        options.send_timeout = options.send_timeout.or(K::SEND_TIMEOUT);
        let send_hwm = HighWaterMark::new(options.send_hwm, options.send_hwm_bytes);
        let outgoing = OutgoingPipes::new(R::default(), send_hwm);
        let incoming = incoming::<K>(&options);
        let runtime = Runtime::current();
        let (core, driver) = Self::new(K::SOCKET_TYPE, outgoing, incoming, options, runtime);
        core.runtime().spawn(driver.run());
        core
    }

    /// Creates a socket and its driver.
    pub(super) fn new(
        socket_type: SocketType,
        outgoing: OutgoingPipes<R>,
        incoming: FairQueue,
        options: Options,
        runtime: Runtime,
    ) -> (Arc<Self>, Driver) {
        let outgoing = Arc::new(Lock::new(outgoing));
        let incoming = Arc::new(Lock::new(incoming));
        let publisher = Arc::new(EventPublisher::default());
        let routing = Routing {
            outgoing: Arc::clone(&outgoing) as Arc<Lock<dyn Outgoing>>,
            incoming: Arc::clone(&incoming),
            losses: Arc::new(Losses::new(Arc::clone(&publisher))),
            ends: Arc::default(),
            takes_replies: R::TAKES_REPLIES,
            notifies: R::NOTIFIES,
            returned: Arc::default(),
            subscription_events: options.subscription_events.then(|| Arc::clone(&publisher)),
        };
        let metadata = metadata(socket_type, &options);
        let handshake = HandshakeConfig { socket_type, metadata };
        let (commands, driver_commands) = mpsc::channel(COMMANDS);
        let Options { recv_timeout, send_timeout, .. } = options;
        let shared = Arc::new(SocketState::new(routing, options, handshake, publisher, runtime));
        let driver = Driver::new(driver_commands, Arc::clone(&shared));
        let control = Control::new(commands, shared);
        (Arc::new(Self { outgoing, incoming, control, recv_timeout, send_timeout }), driver)
    }
}

impl<R> Core<R> {
    pub(super) fn message_shape(&self) -> MessageShape {
        self.control.shared().message_shape()
    }

    pub(super) fn runtime(&self) -> &Runtime {
        &self.control.shared().runtime
    }

    /// Cancels a ticket in the line of receivers.
    pub(super) fn cancel_receive(&self, ticket: Ticket) {
        self.incoming.with(|incoming, wakes| incoming.cancel(ticket, wakes));
    }
}

impl<R: Strategy> Core<R> {
    /// Queues a message if there is capacity, and takes it out of `message` only then.
    #[inline]
    pub(super) fn try_send(
        &self,
        to: &R::Target,
        message: &mut Option<Message>,
    ) -> Result<(), Refusal> {
        if R::FANS_OUT {
            return self.try_send_to_many(to, message);
        }
        let sent = self.outgoing.with(|outgoing, wakes| outgoing.try_send(to, message, wakes));
        if R::IDENTIFIES {
            sent.or_else(|refusal| self.drop_unroutable(refusal, to, message))
        } else {
            sent
        }
    }

    /// Drops and counts a message that cannot be queued, if the options permit it.
    #[cold]
    pub(super) fn drop_unroutable(
        &self,
        refusal: Refusal,
        to: &R::Target,
        message: &mut Option<Message>,
    ) -> Result<(), Refusal> {
        let shared = self.control.shared();
        let drops = shared.options.router.unroutable == Unroutable::Drop;
        if !drops || refusal == Refusal::Closed {
            return Err(refusal);
        }
        *message = None;
        if self.outgoing.lock().miss(to) {
            self.account_for_copies();
        } else {
            shared.losses().unroutable(to);
        }
        Ok(())
    }

    /// Does the same where a message can be for many remotes, and reports those that begin to miss
    /// messages.
    fn try_send_to_many(
        &self,
        to: &R::Target,
        message: &mut Option<Message>,
    ) -> Result<(), Refusal> {
        let (sent, copies) = self.outgoing.with(|outgoing, wakes| {
            (outgoing.try_send(to, message, wakes), outgoing.take_copies())
        });
        self.account_for(copies);
        sent
    }

    /// Accounts for the copies of messages that were sent to many remotes in another way, or that
    /// the remote of a ROUTER has missed.
    pub(super) fn account_for_copies(&self) {
        if R::FANS_OUT || R::IDENTIFIES {
            let copies = self.outgoing.lock().take_copies();
            self.account_for(copies);
        }
    }

    /// Charges copies to the budget of the task, and counts the losses of slow remotes.
    #[inline]
    pub(super) fn account_for(&self, copies: Copies) {
        charge_copies(copies.queued);
        self.control.shared().losses().missed(copies);
        if copies.has_reports {
            self.report_slow();
        }
    }

    /// Reports the remotes that have begun to miss messages, and disconnects those that have missed
    /// too many.
    #[cold]
    fn report_slow(&self) {
        let reports = self.outgoing.lock().take_slow_reports();
        let shared = self.control.shared();
        for (remote, report) in reports {
            if let SlowReport::TooSlow(missed) = report {
                shared.remotes.cut_off(remote.connection_id(), missed.into());
            }
            shared.losses().report_slow(&remote, report);
        }
    }

    /// Queues a message for which there was capacity: in a reserved slot, if there is one and its
    /// remote is not gone, or in any other suitable slot. Takes it out of `message` only then. Also
    /// returns whether it left capacity for another one.
    #[inline]
    pub(super) fn send_ready(
        &self,
        slot: Option<PipeKey>,
        to: &R::Target,
        message: &mut Option<Message>,
    ) -> (Result<(), Refusal>, bool) {
        self.outgoing.with(|outgoing, wakes| {
            let in_slot =
                slot.is_some_and(|key| outgoing.send_reserved(key, message, wakes).is_ok());
            let sent = if in_slot { Ok(()) } else { outgoing.try_send(to, message, wakes) };
            (sent, outgoing.has_capacity(to) && sent.is_ok())
        })
    }

    /// Queues a message in a reserved slot or, if its remote is gone, in any other suitable slot.
    /// Takes it out of `message` only then.
    pub(super) fn send_reserved(
        &self,
        key: PipeKey,
        to: &R::Target,
        message: &mut Option<Message>,
    ) -> Result<(), Refusal> {
        let sent =
            self.outgoing.with(|outgoing, wakes| outgoing.send_reserved(key, message, wakes));
        sent.or_else(|_| self.try_send(to, message))
    }

    /// Cancels a ticket in the line of senders. A slot that it was granted goes to the next sender.
    pub(super) fn cancel_send(&self, to: &R::Target, ticket: Ticket) {
        self.outgoing.with(|outgoing, wakes| outgoing.cancel(to, ticket, wakes));
    }

    /// Releases a reserved slot.
    pub(super) fn release(&self, key: PipeKey) {
        self.outgoing.with(|outgoing, wakes| outgoing.release(key, wakes));
    }
}

/// Creates the incoming queue of a new socket.
pub(super) fn incoming<K: Kind>(options: &Options) -> FairQueue {
    if !K::RECEIVES {
        return FairQueue::closed();
    }
    let recv_hwm = HighWaterMark::new(options.recv_hwm, options.recv_hwm_bytes);
    FairQueue::new(recv_hwm, options.ended_hwm_bytes)
}

/// Returns the metadata that a socket announces.
fn metadata(socket_type: SocketType, options: &Options) -> Metadata {
    let mut metadata = Metadata::default();
    if socket_type.has_identity() {
        metadata = Metadata::identifying(&options.identity);
    }
    metadata.append(&options.metadata);
    let announced: Option<(_, &[u8])> = match socket_type {
        SocketType::Dish => Some((ACCEPTS_PING, b"1")),
        SocketType::Rep => Some((LOCK_STEP, b"0")),
        _ => None,
    };
    if let Some((name, value)) = announced {
        let pushed = metadata.push(name, value);
        debug_assert!(pushed.is_ok(), "the name is valid");
    }
    metadata
}

/// The number of commands that may wait for the driver. Handles wait for its answers, so any number
/// above one keeps them from waiting for each other.
const COMMANDS: usize = 16;
