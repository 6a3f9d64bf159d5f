//! What holds under every schedule.
//!
//! A model checker runs these tests: at each lock and each wait it decides which task goes on. A lost
//! wake-up shows as a deadlock, which it reports, with the schedule that led to it.
//!
//! The code is the crate's own, from the futures of the handles down to the pipes. What a connection
//! does with its [`Attachment`] is played by tasks of the model, as there are no streams here, and the
//! driver does not run. Links, which need none, are the crate's own.

mod connection_ends;
mod ended_pipes;
mod links;
#[cfg(feature = "rpc")]
mod openings;
mod permits;
mod receivers;
mod routes;
mod schedules;
mod senders;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use shuttle::future::{JoinError, JoinHandle};
use tokio::sync::mpsc;
use zmtp_proto::socket_type::SocketType;

use self::schedules::{all, some};
use super::reserving::Reserving;
use super::sending::{Sending, WaitError};
use super::{Client, Core, Handle, Kind, Server};
use crate::driver::Driver;
use crate::message::Message;
use crate::monitor::EventSource;
use crate::options::Options;
use crate::pipe::{Take, Want};
use crate::routing::{
    Attachment, EndpointId, Refusal, RoundRobin, Routing, RoutingTable, Strategy,
};
use crate::runtime::Runtime;
use crate::stats::Dropped;

/// A socket without streams.
struct Model<K: Kind> {
    core: Arc<Core<K::Outgoing>>,
    _driver: Driver,
}

impl Model<Client> {
    /// A CLIENT with these marks, for what it sends and for what it receives.
    fn client(send_hwm: usize, recv_hwm: usize) -> Self {
        let options = Options { send_hwm, recv_hwm, ..Options::default() };
        let (core, driver) = Core::new(SocketType::Client, RoundRobin::pipes, options, runtime());
        Self { core, _driver: driver }
    }
}

impl Model<Server> {
    /// A SERVER with this mark for what it sends.
    fn server(send_hwm: usize) -> Self {
        let options = Options { send_hwm, ..Options::default() };
        let table = |hwm| RoutingTable::pipes(hwm, 0);
        let (core, driver) = Core::new(SocketType::Server, table, options, runtime());
        Self { core, _driver: driver }
    }
}

impl<K: Kind> Model<K> {
    fn attach(&self) -> Attachment {
        self.attach_to(EndpointId(0))
    }

    fn attach_to(&self, endpoint: EndpointId) -> Attachment {
        let subject = EventSource::endpoint(SocketAddr::from(([127, 0, 0, 1], 1)).into());
        self.routing().attach(endpoint, subject).expect("the socket is not closed")
    }

    /// A task that sends a message.
    fn send(&self, to: Target<K>, letter: char) -> JoinHandle<Sent> {
        let core = Arc::clone(&self.core);
        let message = Message::from([letter as u8]);
        shuttle::future::spawn(async move {
            let sent = Sending::new(&core, to, message, None).await;
            sent.map_err(|(error, message)| (refusal(error), message))
        })
    }

    /// Queues messages for which there is room.
    fn fill(&self, to: Target<K>, letters: &str) {
        for letter in letters.bytes() {
            let filled = self.core.try_send(to, &mut Some(Message::from([letter])));
            assert_eq!(filled, Ok(()));
        }
    }

    /// A task that waits for a slot and then has nothing to send.
    fn reserve(&self, to: Target<K>) -> JoinHandle<Option<Refusal>> {
        let core = Arc::clone(&self.core);
        shuttle::future::spawn(async move {
            let reserved = Reserving::new(&core, to, None).await;
            reserved.err().map(refusal)
        })
    }

    /// A task that waits for a slot and uses it.
    fn reserve_and_send(&self, to: Target<K>, letter: char) -> JoinHandle<Sent> {
        let core = Arc::clone(&self.core);
        let message = Message::from([letter as u8]);
        shuttle::future::spawn(async move {
            match Reserving::new(&core, to, None).await {
                Ok(slot) => slot.send(message),
                Err(error) => Err((refusal(error), message)),
            }
        })
    }

    /// Ends a socket of which all has been written, but for as many messages that were counted.
    async fn end(self, connection: JoinHandle<Attachment>, written: Written, undelivered: usize) {
        self.routing().close();
        assert_eq!(written.rest(connection).await, "");
        assert_eq!(self.dropped().undelivered, undelivered as u64);
    }

    /// How many messages were counted as undelivered.
    fn undelivered(&self) -> usize {
        usize::try_from(self.dropped().undelivered).unwrap()
    }

    fn handle(&self) -> Handle<K> {
        Handle::new(Arc::clone(&self.core))
    }

    fn routing(&self) -> &Routing {
        &self.core.control.shared().routing
    }

    fn dropped(&self) -> Dropped {
        self.routing().losses.read()
    }
}

/// The target of a message.
type Target<K> = <<K as Kind>::Outgoing as Strategy>::Target;

type Sent = Result<(), (Refusal, Message)>;

/// What a connection has written, in order.
struct Written(mpsc::UnboundedReceiver<char>);

impl Written {
    /// Waits for as many messages.
    async fn take(&mut self, messages: usize) -> String {
        let mut letters = String::new();
        while letters.len() < messages {
            letters.push(self.0.recv().await.expect("the connection has ended too soon"));
        }
        letters
    }

    /// Waits for the end of the connection, and for what it writes until then.
    async fn rest(mut self, connection: JoinHandle<Attachment>) -> String {
        drop(connection.await.unwrap());
        let mut letters = String::new();
        while let Some(letter) = self.0.recv().await {
            letters.push(letter);
        }
        letters
    }
}

/// A runtime that runs no tasks: models have no timers.
fn runtime() -> Runtime {
    static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
        tokio::runtime::Builder::new_current_thread().build().expect("it has no drivers")
    });
    Runtime::new(RUNTIME.handle().clone())
}

/// A task that does what a connection does that can always write, until its queue ends.
fn connection(attachment: Attachment) -> (JoinHandle<Attachment>, Written) {
    let (tx, rx) = mpsc::unbounded_channel();
    (shuttle::future::spawn(write(attachment, tx)), Written(rx))
}

async fn write(mut attachment: Attachment, written: mpsc::UnboundedSender<char>) -> Attachment {
    let mut taken = VecDeque::new();
    while let Take::Messages =
        poll_fn(|cx| attachment.poll_take(Want::Write, cx.waker(), &mut taken)).await
    {
        for message in taken.drain(..) {
            let _ = written.send(letter(&message));
        }
    }
    attachment
}

/// Waits for a sender, which may have been aborted, and adds to `queued` what it has sent. What it has
/// not sent was handed back to it, for a reason that is returned.
async fn join(sender: JoinHandle<Sent>, queued: &mut String, letter: char) -> Option<Refusal> {
    match sender.await {
        Ok(Ok(())) => queued.push(letter),
        Ok(Err((refusal, message))) => {
            assert_eq!(self::letter(&message), letter);
            return Some(refusal);
        }
        Err(JoinError::Cancelled) => {}
    }
    None
}

fn refusal(error: WaitError) -> Refusal {
    match error {
        WaitError::Refused(refusal) => refusal,
        WaitError::Timeout => unreachable!("there is no time limit"),
    }
}

fn letter(message: &Message) -> char {
    assert_eq!(message.len(), 1);
    char::from(message[0])
}

fn sorted(letters: &str) -> String {
    let mut letters: Vec<_> = letters.chars().collect();
    letters.sort_unstable();
    letters.into_iter().collect()
}
