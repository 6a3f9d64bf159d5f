//! DISH.

use zmtp_proto::group::Group;
use zmtp_proto::socket_type::SocketType;

use crate::options::Options;
use crate::pipe::HighWaterMark;
use crate::routing::{JoinedGroups, OutgoingPipes};
use crate::socket::sections::{cooperative_scheduling, ending_of_receiver, silent_failures};
use crate::socket::verbs::verbs;
use crate::socket::{Builder, Core, Handle, Kind};

/// A socket that receives the messages of the groups that it has joined from any number of
/// [`Radio`](crate::Radio)s (RFC 48).
///
/// A `Dish` is a handle: cloning it is cheap and returns another handle to the same socket. Every
/// handle can receive, join and leave concurrently, from any task or thread. It has no method that
/// sends. A message goes to one of the handles that wait in `recv`.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Dish, Group, Radio};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (weather, traffic) = (Group::try_from("weather")?, Group::try_from("traffic")?);
/// let dish = Dish::new();
/// dish.join(&weather);
/// let endpoint = dish.bind("tcp://127.0.0.1:*").await?;
/// let radio = Radio::new();
/// radio.connect(&endpoint).await?;
///
/// // A dish receives what is sent after its request to join has arrived.
/// while radio.members(&weather).is_empty() {
///     tokio::task::yield_now().await;
/// }
/// radio.send(&traffic, "jam").await?;
/// radio.send(&weather, "rain").await?;
/// assert_eq!(&dish.recv().await?[..], b"rain");
/// # Ok(())
/// # }
/// ```
///
/// # Characteristics
///
/// | Characteristic | Value |
/// |---|---|
/// | Compatible remotes | [`Radio`](crate::Radio) |
/// | Direction | unidirectional |
/// | Send/receive pattern | receive only |
/// | Outgoing routing strategy | none |
/// | Incoming routing strategy | fair-queued, by group |
/// | Action in mute state | not applicable |
///
/// # Groups
///
/// The joined groups are a state of the socket, which [`join`](Self::join) and
/// [`leave`](Self::leave) change at any time, before and after `bind` and `connect`. The socket
/// announces its groups to every remote when a connection is established, also after a reconnect,
/// and later the changes. No high-water mark applies to them. A remote that does not read receives
/// only the difference when it reads again.
///
/// A radio sends only messages of joined groups. Messages that were in transit when the dish left
/// their group are discarded: after `leave` returns, no message of the group is received.
///
/// # Datagrams
///
/// A dish can also bind [`udp` endpoints](crate::guide::endpoints#datagrams). Messages of groups that it
/// has not joined are discarded when they arrive. Messages that arrive while
/// [`recv_hwm`](Builder::recv_hwm) of the endpoint are queued are dropped and
/// [counted](crate::stats::DroppedDatagrams::overflowed), and so are datagrams that are not
/// messages.
///
/// # Mute state
///
/// A dish does not send and is never mute. While [`recv_hwm`](Builder::recv_hwm) messages of a
/// remote are queued, it does not read from that remote. The radio then drops messages for this
/// dish, or with [`no_drop`](Builder::no_drop) waits for it.
///
#[doc = silent_failures!("dish", "radio", ", and no event reports the failure.")]
///
/// # Stream
///
/// A `Dish` is a [`Stream`](futures_core::Stream) of received
/// [`GroupMessage`](crate::GroupMessage)s, which ends when the socket is closed.
///
#[doc = cooperative_scheduling!()]
/// Discarded messages count as well.
///
#[doc = ending_of_receiver!()]
#[derive(Clone)]
pub struct Dish(pub(in crate::socket) Handle<Self>);

impl Kind for Dish {
    const SOCKET_TYPE: SocketType = SocketType::Dish;

    type Outgoing = JoinedGroups;

    fn outgoing(send_hwm: HighWaterMark) -> OutgoingPipes<JoinedGroups> {
        JoinedGroups::pipes(send_hwm)
    }

    fn configure(core: &Core<JoinedGroups>, options: &Options) {
        for group in &options.groups.join {
            core.join_group(group);
        }
    }
}

impl Core<JoinedGroups> {
    /// Joins a group. Returns false if it is joined already.
    ///
    /// The incoming lock is taken under the outgoing one, so that concurrent changes of a group
    /// have the same order for remotes and for receivers. A proxy acquires the locks of two
    /// sockets in the same order.
    pub(in crate::socket) fn join_group(&self, group: &Group) -> bool {
        self.outgoing.with(|outgoing, wakes| {
            let is_new = outgoing.join_group(group, wakes);
            if is_new {
                self.incoming.lock().want(group.clone());
            }
            is_new
        })
    }

    /// Leaves a group. Returns false if it is not joined.
    pub(in crate::socket) fn leave_group(&self, group: &Group) -> bool {
        self.outgoing.with(|outgoing, wakes| {
            let was_joined = outgoing.leave_group(group, wakes);
            if was_joined {
                self.incoming.lock().unwant(group);
            }
            was_joined
        })
    }
}

impl Builder<Dish> {
    /// Adds a group that the socket joins when it is created. Default: none.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::{Dish, Group};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let weather = Group::try_from("weather")?;
    /// let dish = Dish::builder().join(&weather).connect("tcp://192.0.2.1:5555").await?;
    /// assert_eq!(dish.joined(), [weather]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn join(mut self, group: &Group) -> Self {
        self.options.groups.join.push(group.clone());
        self
    }
}

verbs!(Dish, "dish", crate::message::GroupMessage: Endpoints, Join, Receive, Remotes, Options);
