//! Properties that hold under every schedule.
//!
//! A model checker runs these tests: at each lock and each wait it decides which task continues. A
//! lost wake-up shows as a deadlock, which it reports with the schedule that led to it.
//!
//! The models run the code of the crate, from the futures of the handles down to the pipes, and
//! links. There are no streams: tasks of the model use an [`Attachment`] as a connection does. The
//! driver does not run.

mod batches;
mod connection_ends;
mod ended_pipes;
mod fan_out;
mod forwarding;
mod handshakes;
mod identities;
mod interests;
mod links;
mod notices;
mod openings;
mod permits;
mod receivers;
mod redirection;
mod replies;
mod requests;
mod routes;
mod schedules;
mod senders;
mod subscribers;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use shuttle::future::{JoinError, JoinHandle};
use tokio::sync::mpsc;
use zmtp_proto::group::Group;

use self::schedules::{all, some};
use super::core::incoming;
use super::reserving::Reserving;
use super::sending::Sending;
use super::waiting::WaitError;
use super::{Channel, Client, Core, Dish, Handle, Kind, Pub, Radio, Rep, Req, Router, Server};
use crate::driver::Driver;
use crate::message::Message;
use crate::monitor::EventSource;
use crate::options::{GroupOptions, Options, SlowSubscriber, TopicOptions};
use crate::pipe::{HighWaterMark, Take, Want};
use crate::routing::{
    Attachment, ConnectionTable, EndpointId, Exclusive, GroupTable, IdentityTable, Interests,
    NoticeTable, OutgoingPipes, Refusal, Requests, RoundRobin, Routing, RoutingTable, Strategy,
    SubscriptionTable,
};
use crate::runtime::Runtime;
use crate::stats::Dropped;

/// A socket without streams.
struct Model<K: Kind> {
    core: Arc<Core<K::Outgoing>>,
    _driver: Driver,
}

impl Model<Channel> {
    /// Creates a CHANNEL with this high-water mark for sending.
    fn channel(send_hwm: usize) -> Self {
        let options = Options { send_hwm, ..Options::default() };
        Self::new(
            OutgoingPipes::new(Exclusive::default(), HighWaterMark::new(send_hwm, 0)),
            options,
        )
    }
}

impl Model<Client> {
    /// Creates a CLIENT with these high-water marks for sending and receiving.
    fn client(send_hwm: usize, recv_hwm: usize) -> Self {
        Self::client_with(Options { send_hwm, recv_hwm, ..Options::default() })
    }

    fn client_with(options: Options) -> Self {
        Self::new(
            OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(options.send_hwm, 0)),
            options,
        )
    }
}

impl Model<Pub> {
    /// Creates a PUB without drops, with this high-water mark for sending.
    fn publisher(send_hwm: usize) -> Self {
        let mut outgoing =
            OutgoingPipes::new(SubscriptionTable::default(), HighWaterMark::new(send_hwm, 0));
        outgoing.set_topic_options(TopicOptions {
            slow_subscriber: SlowSubscriber::Wait,
            ..TopicOptions::default()
        });
        Self::new(outgoing, Options { send_hwm, ..Options::default() })
    }
}

impl Model<Radio> {
    /// Creates a RADIO without drops, with this high-water mark for sending.
    fn radio(send_hwm: usize) -> Self {
        let mut outgoing =
            OutgoingPipes::new(GroupTable::default(), HighWaterMark::new(send_hwm, 0));
        outgoing.set_group_options(GroupOptions { no_drop: true, ..GroupOptions::default() });
        Self::new(outgoing, Options { send_hwm, ..Options::default() })
    }
}

impl Model<Router> {
    /// Creates a ROUTER with this high-water mark for sending.
    fn router(send_hwm: usize, handover: bool) -> Self {
        let mut outgoing =
            OutgoingPipes::new(IdentityTable::default(), HighWaterMark::new(send_hwm, 0));
        outgoing.set_handover(handover);
        Self::new(outgoing, Options { send_hwm, ..Options::default() })
    }
}

impl Model<Server> {
    /// Creates a SERVER with this high-water mark for sending.
    fn server(send_hwm: usize) -> Self {
        let options = Options { send_hwm, ..Options::default() };
        Self::new(
            OutgoingPipes::new(RoutingTable::with_seed(0), HighWaterMark::new(send_hwm, 0)),
            options,
        )
    }
}

impl<K: Kind> Model<K> {
    /// Creates a socket with these outgoing pipes.
    fn new(outgoing: OutgoingPipes<K::Outgoing>, options: Options) -> Self {
        let incoming = incoming::<K>(&options);
        let (core, driver) = Core::new(K::SOCKET_TYPE, outgoing, incoming, options, runtime());
        Self { core, _driver: driver }
    }

    fn attach(&self) -> Attachment {
        self.attach_to(EndpointId(0))
    }

    fn attach_to(&self, endpoint: EndpointId) -> Attachment {
        self.routing().attach(endpoint, subject()).expect("the socket is not closed")
    }

    /// Spawns a task that sends a letter.
    fn send(&self, to: Target<K>, letter: char) -> JoinHandle<Sent> {
        self.send_message(to, Message::from([letter as u8]))
    }

    /// Spawns a task that sends a message.
    fn send_message(&self, to: Target<K>, message: Message) -> JoinHandle<Sent> {
        let core = Arc::clone(&self.core);
        shuttle::future::spawn(async move {
            let sent = Sending::new(&core, to, message, None).await;
            sent.map_err(|(error, message)| (refusal(error), message))
        })
    }

    /// Queues messages, for which there must be queue capacity.
    fn fill(&self, to: Target<K>, letters: &str) {
        for letter in letters.bytes() {
            let filled = self.core.try_send(&to, &mut Some(Message::from([letter])));
            assert_eq!(filled, Ok(()));
        }
    }

    /// Spawns a task that waits for a slot and releases it.
    fn reserve(&self, to: Target<K>) -> JoinHandle<Option<Refusal>> {
        let core = Arc::clone(&self.core);
        shuttle::future::spawn(async move {
            let reserved = Reserving::new(&core, to, None).await;
            reserved.err().map(refusal)
        })
    }

    /// Spawns a task that waits for a slot and uses it.
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

    /// Ends a socket, and checks that no message is left to be written and that this many were
    /// counted as undelivered.
    async fn end(self, connection: JoinHandle<Attachment>, written: Written, undelivered: usize) {
        self.routing().close();
        assert_eq!(written.rest(connection).await, "");
        assert_eq!(self.dropped().undelivered, undelivered as u64);
    }

    /// Returns the number of messages that were counted as undelivered.
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

/// The messages that a connection has written, in order.
struct Written(mpsc::UnboundedReceiver<char>);

impl Written {
    /// Waits for this number of messages.
    async fn take(&mut self, messages: usize) -> String {
        let mut letters = String::new();
        while letters.len() < messages {
            letters.push(self.0.recv().await.expect("the connection writes all of these messages"));
        }
        letters
    }

    /// Waits for the end of the connection, and returns the messages that it writes until then.
    async fn rest(mut self, connection: JoinHandle<Attachment>) -> String {
        drop(connection.await.unwrap());
        let mut letters = String::new();
        while let Some(letter) = self.0.recv().await {
            letters.push(letter);
        }
        letters
    }
}

fn subject() -> EventSource {
    EventSource::endpoint(SocketAddr::from(([127, 0, 0, 1], 1)).into())
}

fn group(name: &str) -> Group {
    name.parse().unwrap()
}

/// Returns a runtime that runs no tasks: models have no timers.
fn runtime() -> Runtime {
    static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime without drivers can be built")
    });
    Runtime::new(RUNTIME.handle().clone())
}

/// Spawns a task that acts as a connection that can always write, until its queue ends.
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

/// Waits for a sender, which may have been aborted. Adds its message to `queued` if it was sent.
/// Returns the reason if the message was returned to the sender.
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

/// Returns the only byte of a message, or the last one behind the topic.
fn letter(message: &Message) -> char {
    char::from(*message.last().expect("every message has a letter"))
}

fn sorted(letters: &str) -> String {
    let mut letters: Vec<_> = letters.chars().collect();
    letters.sort_unstable();
    letters.into_iter().collect()
}
