//! Messages of one part or several, to and from sockets of either library.

use tokio_zmtp::{
    Channel, Dealer, Gather, Message, Multipart, Pair, Pull, Push, Scatter, TrySendError,
};

use crate::pairing::{until_some, would_not_block};
use crate::side::{Ours, Side, SocketType, Theirs};

/// The parts of a message.
pub(crate) type Parts = Vec<Vec<u8>>;

/// A side that sends to any of its remotes.
pub(crate) trait Sends: Side {
    /// Whether its messages can have several parts.
    const MULTIPART: bool;

    /// Returns whether the message was queued.
    fn try_send(&self, message: &[Vec<u8>]) -> bool;
    async fn send(&self, message: &[Vec<u8>]);

    /// Sends a message with this body, which `receiver` receives.
    async fn pass(&self, receiver: &impl Receives, body: impl AsRef<[u8]>) {
        self.pass_message(receiver, &Self::message(body)).await;
    }

    /// Sends a message, which `receiver` receives.
    async fn pass_message(&self, receiver: &impl Receives, message: &[Vec<u8>]) {
        self.send(message).await;
        receiver.expect(message).await;
    }

    /// Returns a message with this body: in one part, or if the type permits, among several.
    fn message(body: impl AsRef<[u8]>) -> Parts {
        let body = body.as_ref().to_vec();
        if Self::MULTIPART { vec![body.clone(), Vec::new(), body] } else { vec![body] }
    }

    /// Returns messages of different sizes, and if the type permits, different numbers of parts.
    fn messages() -> Vec<Parts> {
        if !Self::MULTIPART {
            return bodies().map(|body| vec![body]).collect();
        }
        let mut messages = Vec::new();
        for body in bodies() {
            messages.push(vec![body.clone()]);
            messages.push(vec![body.clone(), Vec::new(), vec![7; 7]]);
            messages.push(vec![Vec::new(), body]);
        }
        messages.push((0..1_000).map(|number: u32| number.to_be_bytes().to_vec()).collect());
        messages
    }
}

/// A side that receives from all of its remotes.
pub(crate) trait Receives: Side {
    async fn recv(&self) -> Parts;

    /// Receives this message.
    async fn expect(&self, message: &[Vec<u8>]) {
        assert!(self.recv().await == *message, "a message of {} parts is damaged", message.len());
    }
}

/// Returns bodies whose frames have short and long sizes, in clear and encrypted.
pub(crate) fn bodies() -> impl Iterator<Item = Vec<u8>> {
    [0, 1, 33, 222, 223, 255, 256, 8_192, 65_536, 1 << 20]
        .into_iter()
        .map(|size| (0..size).map(|at: usize| (at % 251) as u8).collect())
}

/// A message of `tokio-zmtp` that consists of parts.
trait FromParts {
    const MULTIPART: bool;

    fn from_parts(parts: &[Vec<u8>]) -> Self;
    fn to_parts(&self) -> Parts;
}

impl FromParts for Message {
    const MULTIPART: bool = false;

    fn from_parts(parts: &[Vec<u8>]) -> Self {
        let [body] = parts else { panic!("{} parts instead of one", parts.len()) };
        Self::from(&body[..])
    }

    fn to_parts(&self) -> Parts {
        vec![self.to_vec()]
    }
}

impl FromParts for Multipart {
    const MULTIPART: bool = true;

    fn from_parts(parts: &[Vec<u8>]) -> Self {
        parts.iter().collect()
    }

    fn to_parts(&self) -> Parts {
        self.iter().map(<[u8]>::to_vec).collect()
    }
}

macro_rules! ours_sends {
    ($($name:ident),+) => {
        $(
            impl Sends for Ours<$name> {
                const MULTIPART: bool = <$name as SocketType>::Message::MULTIPART;

                fn try_send(&self, parts: &[Vec<u8>]) -> bool {
                    match self.0.try_send(<$name as SocketType>::Message::from_parts(parts)) {
                        Ok(()) => true,
                        Err(TrySendError::Full(unsent)) => {
                            let unchanged = unsent.to_parts() == *parts;
                            assert!(unchanged, "a failed send returns a different message");
                            false
                        }
                        Err(error) => panic!("cannot send: {error}"),
                    }
                }

                async fn send(&self, parts: &[Vec<u8>]) {
                    let message = <$name as SocketType>::Message::from_parts(parts);
                    self.0.send(message).await.unwrap();
                }
            }
        )+
    };
}

macro_rules! ours_receives {
    ($($name:ident),+) => {
        $(
            impl Receives for Ours<$name> {
                async fn recv(&self) -> Parts {
                    self.0.recv().await.unwrap().to_parts()
                }
            }
        )+
    };
}

ours_sends!(Channel, Dealer, Pair, Push, Scatter);
ours_receives!(Channel, Dealer, Gather, Pair, Pull);

impl<S: SocketType> Sends for Theirs<S>
where
    Ours<S>: Sends,
{
    const MULTIPART: bool = <Ours<S> as Sends>::MULTIPART;

    fn try_send(&self, message: &[Vec<u8>]) -> bool {
        would_not_block(self.socket.try_send_parts(message)).is_some()
    }

    async fn send(&self, message: &[Vec<u8>]) {
        until_some(|| would_not_block(self.socket.try_send_parts(message))).await;
    }
}

impl<S: SocketType> Receives for Theirs<S>
where
    Ours<S>: Receives,
{
    async fn recv(&self) -> Parts {
        until_some(|| would_not_block(self.socket.try_recv_parts())).await
    }
}
