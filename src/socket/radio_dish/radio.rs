//! RADIO.

use zmtp_proto::socket_type::SocketType;

use crate::options::Options;
use crate::routing::GroupTable;
use crate::socket::sections::{closed_sink, cooperative_scheduling, ending, silent_failures};
use crate::socket::verbs::verbs;
#[cfg(doc)]
use crate::socket::{Builder, CloseReport};
use crate::socket::{Core, Handle, Kind};

/// A socket that sends each message to a group: to all [`Dish`](crate::Dish)es that have joined it
/// (RFC 48).
///
/// A `Radio` is a handle: cloning it is cheap and returns another handle to the same socket. Every
/// handle can send concurrently, from any task or thread. It has no method that receives.
///
/// Groups are names of up to 255 bytes that match exactly: see [`Group`](crate::Group). They need
/// not be declared. A message is encoded once for all members. Up to 256 bytes, with its group and
/// frame headers, are copied into the queue of each member; a longer message is held once.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Dish, Group, Radio};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let weather = Group::try_from("weather")?;
/// let radio = Radio::new();
/// let endpoint = radio.bind("tcp://127.0.0.1:*").await?;
/// let dish = Dish::new();
/// dish.join(&weather);
/// dish.connect(&endpoint).await?;
///
/// // A dish receives what is sent after its request to join has arrived: see Late joiners.
/// while radio.members(&weather).is_empty() {
///     tokio::task::yield_now().await;
/// }
/// radio.send(&weather, "rain").await?;
/// let message = dish.recv().await?;
/// assert_eq!((message.group(), &message[..]), (weather, &b"rain"[..]));
/// # Ok(())
/// # }
/// ```
///
/// # Characteristics
///
/// | Characteristic | Value |
/// |---|---|
/// | Compatible remotes | [`Dish`](crate::Dish) |
/// | Direction | unidirectional |
/// | Send/receive pattern | send only |
/// | Outgoing routing strategy | fan out by group |
/// | Incoming routing strategy | none |
/// | Action in mute state | drop; with [`no_drop`](Builder::no_drop) wait |
///
/// # Datagrams
///
/// A radio can also connect to [`udp` endpoints](crate::guide::endpoints#datagrams). It sends the
/// messages of all groups there, and the dishes filter them. While a radio is connected to a `udp`
/// endpoint, it refuses messages that do not fit a datagram, and sends them to no remote
/// ([`SendError::TooLong`](crate::SendError::TooLong)). Datagrams that the system does not send are
/// [counted](crate::stats::DroppedDatagrams::lost).
///
/// # Messages without a group
///
/// No message is sent first on each connection, as it would belong to no group:
///
/// ```compile_fail,E0599
/// tokio_zmtp::Radio::builder().hello_message("hello");
/// ```
///
/// # Late joiners
///
/// A dish receives what is sent after the radio has read its request to join, which takes a moment
/// after `join` and after every reconnect. [`members`](Self::members) returns the remotes that have
/// joined. A radio that *connected to* a dish queues messages for the groups of the earlier
/// connection while it reconnects. A new connection begins without groups: the dish receives what
/// is queued, as far as it joins the groups again.
///
/// # Mute state
///
/// A radio is never mute as a whole. If the queue of a member holds [`send_hwm`](Builder::send_hwm)
/// messages, that member misses the message, and all others receive it. The radio counts the
/// messages that a remote has missed: [`RemoteStats::missed`](crate::stats::RemoteStats::missed)
/// for each remote, [`Dropped::missed`](crate::stats::Dropped::missed) for all. The
/// [`monitor`](Self::monitor) reports the first of a series. A message of a group without members
/// is dropped and not counted.
///
/// With [`no_drop`](Builder::no_drop), a sender waits until the queues of all members have room:
/// [`full_members`](Self::full_members) returns those that have none. One member that does not read
/// then blocks all senders to its groups. Members keep a slot for each sender that waits, in the
/// order of arrival: a sender to several members is not overtaken, and other groups use the
/// remaining room.
///
#[doc = silent_failures!(
    "radio",
    "dish",
    ": the dish misses messages when its queue is full. A libzmq dish is never sent a PING, ",
    "because that would end its connection: its failure is not noticed."
)]
///
/// # Sink
///
/// A `Radio` is a [`Sink`](futures_sink::Sink) of [`GroupMessage`](crate::GroupMessage)s.
#[doc = closed_sink!()]
///
#[doc = cooperative_scheduling!()]
/// The copies for the members of a group count as well: with a hundred members, it yields about
/// four times as often.
///
#[doc = ending!()]
#[derive(Clone)]
pub struct Radio(pub(in crate::socket) Handle<Self>);

impl Kind for Radio {
    const SOCKET_TYPE: SocketType = SocketType::Radio;
    const RECEIVES: bool = false;

    type Outgoing = GroupTable;

    fn configure(core: &Core<GroupTable>, options: &Options) {
        core.outgoing.lock().set_group_options(options.groups.clone());
    }
}

verbs!(Radio, "radio", crate::message::GroupMessage: Endpoints, Transmit, Remotes, Options);
