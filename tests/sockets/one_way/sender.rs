//! The verbs of socket types and their messages, for tests that are generic over them.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::time::Duration;

use futures::{Sink, Stream};
use tokio_zmtp::{
    Batched, Builder, Channel, CloseReport, Dealer, Gather, GroupMessage, Message, Multipart, Pair,
    Permit, Pull, Push, ReceivingSocket, RecvError, Remote, Scatter, SendError, SendingSocket,
    TryRecvError, TrySendError,
};

/// A socket type that picks the remote of a message, and the type that receives from it.
pub(crate) trait Sender:
    SendingSocket
    + Sink<<Self as Sender>::Message, Error = SendError<<Self as Sender>::Message>>
    + Unpin
{
    type Message: Payload;
    type Receiver: Receiver<Message = Self::Message>;
    type Batched: Sink<Self::Message, Error = SendError<Self::Message>> + Unpin + Send;

    /// The name of the type.
    const NAME: &str;

    fn builder() -> Builder<Self>;

    fn new() -> Self {
        Self::builder().build()
    }

    fn send(
        &self,
        message: Self::Message,
    ) -> impl Future<Output = Result<(), SendError<Self::Message>>> + Send;

    fn try_send(&self, message: Self::Message) -> Result<(), TrySendError<Self::Message>>;

    fn send_many(
        &self,
        messages: &mut VecDeque<Self::Message>,
    ) -> impl Future<Output = Result<(), SendError<()>>> + Send;

    fn try_send_many(&self, messages: &mut VecDeque<Self::Message>)
    -> Result<(), TrySendError<()>>;

    fn batched(self, capacity: usize) -> Self::Batched;

    /// Returns the socket of the sink, and the messages that have not been sent.
    fn unbatched(sink: Self::Batched) -> (Self, VecDeque<Self::Message>);

    fn send_timeout(
        &self,
        message: Self::Message,
        timeout: Duration,
    ) -> impl Future<Output = Result<(), SendError<Self::Message>>>;

    fn reserve(&self) -> impl Future<Output = Result<Permit<'_, Self::Message>, SendError<()>>>;

    fn try_reserve(&self) -> Result<Permit<'_, Self::Message>, TrySendError<()>>;

    /// Sends a message through a permit.
    fn send_through(
        permit: Permit<'_, Self::Message>,
        message: Self::Message,
    ) -> Result<(), TrySendError<Self::Message>>;

    /// Returns the sender and the receiver of the opposite direction, if both types have it.
    fn opposite(_near: &Self, _far: &Self::Receiver) -> Option<(Self, Self::Receiver)> {
        None
    }

    /// Closes the socket. Returns the messages that were not written, as the type sends them.
    fn close_and_return(&self) -> impl Future<Output = (CloseReport, Vec<Self::Message>)>;
}

/// A socket type that receives.
pub(crate) trait Receiver: ReceivingSocket + Stream<Item = Self::Message> + Unpin {
    type Message: Payload;

    /// The name of the type.
    const NAME: &str;

    fn builder() -> Builder<Self>;

    fn new() -> Self {
        Self::builder().build()
    }

    fn recv(&self) -> impl Future<Output = Result<Self::Message, RecvError>> + Send;

    fn try_recv(&self) -> Result<Self::Message, TryRecvError>;

    fn recv_timeout(
        &self,
        timeout: Duration,
    ) -> impl Future<Output = Result<Self::Message, RecvError>>;

    fn recv_from(&self) -> impl Future<Output = Result<(Self::Message, Remote), RecvError>>;

    fn recv_many(
        &self,
        buffer: &mut Vec<Self::Message>,
        limit: usize,
    ) -> impl Future<Output = Result<usize, RecvError>>;
}

macro_rules! senders {
    ($($sender:ident: $message:ident => $receiver:ident $({ $($method:tt)* })?,)+) => {
        $(impl Sender for $sender {
            type Message = $message;
            type Receiver = $receiver;
            type Batched = Batched<$sender>;

            const NAME: &str = stringify!($sender);

            fn builder() -> Builder<Self> {
                $sender::builder()
            }

            async fn send(&self, message: $message) -> Result<(), SendError<$message>> {
                $sender::send(self, message).await
            }

            fn try_send(&self, message: $message) -> Result<(), TrySendError<$message>> {
                $sender::try_send(self, message)
            }

            async fn send_many(
                &self,
                messages: &mut VecDeque<$message>,
            ) -> Result<(), SendError<()>> {
                $sender::send_many(self, messages).await
            }

            fn try_send_many(
                &self,
                messages: &mut VecDeque<$message>,
            ) -> Result<(), TrySendError<()>> {
                $sender::try_send_many(self, messages)
            }

            fn batched(self, capacity: usize) -> Batched<$sender> {
                $sender::batched(self, capacity)
            }

            fn unbatched(sink: Batched<$sender>) -> ($sender, VecDeque<$message>) {
                sink.into_inner()
            }

            async fn send_timeout(
                &self,
                message: $message,
                timeout: Duration,
            ) -> Result<(), SendError<$message>> {
                $sender::send_timeout(self, message, timeout).await
            }

            async fn reserve(&self) -> Result<Permit<'_, $message>, SendError<()>> {
                $sender::reserve(self).await
            }

            fn try_reserve(&self) -> Result<Permit<'_, $message>, TrySendError<()>> {
                $sender::try_reserve(self)
            }

            fn send_through(
                permit: Permit<'_, $message>,
                message: $message,
            ) -> Result<(), TrySendError<$message>> {
                permit.send(message)
            }

            async fn close_and_return(&self) -> (CloseReport, Vec<$message>) {
                $sender::close_with_undelivered(self).await
            }

            $($($method)*)?
        })+
    };
}

senders! {
    Channel: Message => Channel {
        fn opposite(near: &Self, far: &Self) -> Option<(Self, Self)> {
            Some((far.clone(), near.clone()))
        }
    },
    Dealer: Multipart => Dealer {
        fn opposite(near: &Self, far: &Self) -> Option<(Self, Self)> {
            Some((far.clone(), near.clone()))
        }
    },
    Pair: Multipart => Pair {
        fn opposite(near: &Self, far: &Self) -> Option<(Self, Self)> {
            Some((far.clone(), near.clone()))
        }
    },
    Push: Multipart => Pull,
    Scatter: Message => Gather,
}

macro_rules! receivers {
    ($($receiver:ident: $message:ident,)+) => {
        $(impl Receiver for $receiver {
            type Message = $message;

            const NAME: &str = stringify!($receiver);

            fn builder() -> Builder<Self> {
                $receiver::builder()
            }

            async fn recv(&self) -> Result<$message, RecvError> {
                $receiver::recv(self).await
            }

            fn try_recv(&self) -> Result<$message, TryRecvError> {
                $receiver::try_recv(self)
            }

            async fn recv_timeout(&self, timeout: Duration) -> Result<$message, RecvError> {
                $receiver::recv_timeout(self, timeout).await
            }

            async fn recv_from(&self) -> Result<($message, Remote), RecvError> {
                $receiver::recv_from(self).await
            }

            async fn recv_many(
                &self,
                buffer: &mut Vec<$message>,
                limit: usize,
            ) -> Result<usize, RecvError> {
                $receiver::recv_many(self, buffer, limit).await
            }
        })+
    };
}

receivers! {
    Channel: Message,
    Dealer: Multipart,
    Gather: Message,
    Pair: Multipart,
    Pull: Multipart,
}

/// Messages that begin with a number.
pub(crate) trait Numbered {
    fn number(&self) -> u32;
}

impl Numbered for Message {
    fn number(&self) -> u32 {
        u32::from_be_bytes(self[..].try_into().unwrap())
    }
}

impl Numbered for GroupMessage {
    fn number(&self) -> u32 {
        u32::from_be_bytes(self[..].try_into().unwrap())
    }
}

/// Checks that no part is missing.
impl Numbered for Multipart {
    fn number(&self) -> u32 {
        let number = u32::from_be_bytes(self[0].try_into().unwrap());
        assert_eq!(*self, Self::numbered(number), "a message lacks parts");
        number
    }
}

/// Messages that tests create. A type that has parts uses several.
pub(crate) trait Payload:
    Numbered + Clone + Debug + PartialEq + From<&'static str> + Send + Sync + 'static
{
    fn numbered(number: u32) -> Self;

    /// Creates a message of an even number of bytes.
    fn of_len(len: usize) -> Self;

    /// Returns messages of many sizes.
    fn samples() -> Vec<Self>;
}

impl Payload for Message {
    fn numbered(number: u32) -> Self {
        Self::from(number.to_be_bytes())
    }

    fn of_len(len: usize) -> Self {
        Self::from(vec![7; len])
    }

    fn samples() -> Vec<Self> {
        [0, 1, 100, 40_000, 1_000_000].map(|len| vec![7; len].into()).into()
    }
}

impl Payload for Multipart {
    fn numbered(number: u32) -> Self {
        Self::from(vec![number.to_be_bytes().to_vec(), vec![], b"last".to_vec()])
    }

    fn of_len(len: usize) -> Self {
        Self::from(vec![vec![7; len / 2], vec![], vec![8; len / 2]])
    }

    fn samples() -> Vec<Self> {
        vec![
            Self::from("one"),
            Self::from(["", "a", ""]),
            Self::from(vec![vec![7; 300], vec![8; 100_000], vec![], vec![9; 40_000]]),
            Self::from(vec![vec![7; 1_000_000], vec![8]]),
            (0..1_000).map(|number: u32| number.to_be_bytes()).collect(),
        ]
    }
}
