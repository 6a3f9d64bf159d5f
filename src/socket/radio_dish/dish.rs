//! DISH.

use zmtp_proto::group::Group;
use zmtp_proto::socket_type::SocketType;

#[cfg(doc)]
use crate::message::GroupMessage;
use crate::options::Options;
use crate::routing::Interests;
#[cfg(doc)]
use crate::socket::Builder;
use crate::socket::sections::{
    cooperative_scheduling, ending_of_receiver, silent_failures, stream,
};
use crate::socket::verbs::verbs;
use crate::socket::{Core, Handle, Kind};

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
/// A dish can also bind [`udp` endpoints](crate::guide::endpoints#datagrams). Messages of groups
/// that it has not joined are discarded when they arrive. Messages that arrive while
/// [`recv_hwm`](Builder::recv_hwm) messages of the endpoint are queued are dropped and
/// [counted](crate::stats::DroppedDatagrams::overflowed), and so are datagrams that are not
/// messages.
///
/// # Mute state
///
/// A dish does not send and is never mute. While [`recv_hwm`](Builder::recv_hwm) messages of a
/// remote are queued, it does not read from that remote. When the queue of the radio is full as
/// well, the radio drops messages for this dish, or with [`no_drop`](Builder::no_drop) waits for
/// it.
///
#[doc = silent_failures!("dish", "radio", ", and no event reports the failure.")]
///
#[doc = stream!("Dish", "[`GroupMessage`]s")]
///
#[doc = cooperative_scheduling!()]
/// Discarded messages count as well. [`try_recv`](Self::try_recv) discards at most 512 messages,
/// and then returns as if none were available.
///
#[doc = ending_of_receiver!()]
#[derive(Clone)]
pub struct Dish(pub(in crate::socket) Handle<Self>);

impl Kind for Dish {
    const SOCKET_TYPE: SocketType = SocketType::Dish;

    type Outgoing = Interests<Group>;

    fn configure(core: &Core<Interests<Group>>, options: &Options) {
        for group in &options.groups.join {
            core.add_interest(group);
        }
    }
}

verbs!(Dish, "dish", crate::message::GroupMessage: Endpoints, Join, Receive, Remotes, Options);
