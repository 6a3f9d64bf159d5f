//! Events of a socket's endpoints and connections.
//!
//! [`Socket::monitor`](crate::Socket::monitor) creates a [`Monitor`], a stream of [`Event`]s.

mod claimant;
mod event;
mod protocol_error;
mod publisher;
mod reason;
#[cfg(feature = "tls")]
mod tls_failure;
#[cfg(feature = "ws")]
mod upgrade_error;

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use thiserror::Error;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;

pub use self::claimant::Claimant;
pub use self::event::{DropCause, Event, EventKind};
pub use self::protocol_error::ProtocolError;
pub(crate) use self::publisher::{EventPublisher, EventSource};
pub use self::reason::{DialFailure, DisconnectReason, HandshakeFailure};
#[cfg(feature = "tls")]
pub use self::tls_failure::TlsFailure;
#[cfg(feature = "ws")]
pub use self::upgrade_error::UpgradeError;

#[doc(inline)]
pub use zmtp_proto::foreign_protocol::ForeignProtocol;

/// A stream of the events of a socket's endpoints and connections, from its creation to the end
/// of the socket.
///
/// A monitor that is not read never blocks the socket: up to 1,024 events wait for it. If there are
/// more, it loses the oldest, and reports how many it has [`Missed`]. Any number of monitors can
/// watch one socket, and each receives every event.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::monitor::EventKind;
/// use tokio_zmtp::{Client, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new();
/// let endpoint = server.bind("tcp://127.0.0.1:*").await?;
/// let mut monitor = server.monitor();
/// let client = Client::new();
/// client.connect(endpoint).await?;
///
/// let event = monitor.recv().await.unwrap()?;
/// assert!(matches!(event.kind, EventKind::Accepted));
/// let event = monitor.recv().await.unwrap()?;
/// assert!(matches!(event.kind, EventKind::HandshakeSucceeded));
/// let client_id = event.routing_id.unwrap();
/// server.route(client_id, "welcome").await?;
/// assert_eq!(client.recv().await?, "welcome");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Monitor {
    events: Option<BroadcastStream<Event>>,
}

/// The error of a [`Monitor`] that has lost events because it was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("missed {events} events")]
#[non_exhaustive]
pub struct Missed {
    /// The number of lost events.
    pub events: u64,
}

impl Monitor {
    /// Waits for the next event; returns `None` after the end of the socket.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is ready loses no event.
    ///
    /// # Errors
    ///
    /// [`Missed`] in place of the lost events.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(client: tokio_zmtp::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut monitor = client.monitor();
    /// while let Some(Ok(event)) = monitor.recv().await {
    ///     println!("{event:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn recv(&mut self) -> Option<Result<Event, Missed>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for Monitor {
    type Item = Result<Event, Missed>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(events) = &mut self.events else { return Poll::Ready(None) };
        Pin::new(events).poll_next(cx).map(|next| {
            next.map(|event| {
                event.map_err(|BroadcastStreamRecvError::Lagged(events)| Missed { events })
            })
        })
    }
}
