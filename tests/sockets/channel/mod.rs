//! CHANNEL and PAIR: exactly one remote.
//!
//! Every test applies to both types. In the names of the tests, a channel is a socket of either
//! type.

mod handshakes;
mod occupied;
mod only_remote;
mod traffic;

use tokio_zmtp::monitor::{DialFailure, EventKind, HandshakeFailure, Monitor};
use tokio_zmtp::{Builder, Endpoint, Mechanism};

use crate::events;
use crate::one_way::{Numbered, Payload, Receiver, Sender};
use crate::transports::Transport;
use crate::watchdog::Watchdog;
use crate::{remote, transports};

/// Runs `async fn $test<S: OnlyRemote>()` for both types. Arguments are those of `for_every_pair!`.
macro_rules! for_either_type {
    ($test:ident $(, $($how:tt)+)?) => {
        crate::one_way::for_pairs!($test [$($($how)+)?] channel: Channel, pair: Pair,);
    };
}
use for_either_type;

/// A socket type that has exactly one remote, of the same type.
trait OnlyRemote: Sender<Receiver = Self> + Receiver<Message = MessageOf<Self>> {}

impl<S: Sender<Receiver = Self> + Receiver<Message = MessageOf<Self>>> OnlyRemote for S {}

type MessageOf<S> = <S as Sender>::Message;

fn builder<S: OnlyRemote>() -> Builder<S> {
    <S as Sender>::builder()
}

/// Returns a bound channel and its endpoint.
async fn bound<S: OnlyRemote>(transport: Transport) -> (S, Endpoint) {
    let channel = builder::<S>().build();
    let endpoint = channel.bind(transport.any()).await.unwrap();
    (channel, endpoint)
}

/// Returns a channel that is connected to `endpoint`, whose channel must have no other remote.
async fn connected<S: OnlyRemote>(endpoint: &Endpoint) -> S {
    let channel = quick::<S>().connect(endpoint).await.unwrap();
    channel.remotes().connected().await.unwrap();
    channel
}

/// Returns options for a channel that is refused repeatedly.
fn quick<S: OnlyRemote>() -> Builder<S> {
    use std::time::Duration;
    let builder = builder::<S>().reconnect_interval(Duration::from_millis(1));
    builder.reconnect_interval_max(Duration::from_millis(2))
}

/// Waits until a handshake has failed. Returns the event and the reason.
async fn until_failed(monitor: &mut Monitor) -> (events::About, HandshakeFailure) {
    let event =
        events::until(monitor, |kind| matches!(kind, EventKind::HandshakeFailed { .. })).await;
    let about = events::about(&event);
    let EventKind::HandshakeFailed { reason } = event.kind else { unreachable!() };
    (about, reason)
}

/// Waits until a channel is refused because the remote is occupied.
async fn until_refused(monitor: &mut Monitor) {
    let (_, failure) = until_failed(monitor).await;
    assert_occupied(&failure);
}

fn assert_occupied(failure: &HandshakeFailure) {
    let HandshakeFailure::Refused { reason } = failure else { panic!("{failure:?}") };
    assert_eq!(reason, "occupied");
}
