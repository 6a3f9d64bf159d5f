//! What subscribers send to an XPUB.

use zmtp_proto::command::Command;
use zmtp_proto::message_shape::{last_part, split_first_part};
use zmtp_proto::subscription;
use zmtp_proto::topic::Topic;

use super::{AnyMessage, Message, Multipart};
use crate::remote::Remote;

/// A subscription request or user message that an [`XPub`](crate::XPub) receives.
///
/// It converts into the message that an XPUB of libzmq receives. A request becomes a message of one
/// part: the byte 1 to subscribe or 0 to cancel, followed by the topic.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Upstream, XPub};
///
/// # async fn example(publisher: XPub) -> Result<(), Box<dyn std::error::Error>> {
/// match publisher.recv().await? {
///     Upstream::Subscribe(request) => println!("needed: {}", request.topic()),
///     Upstream::Cancel(request) => println!("no longer needed: {}", request.topic()),
///     Upstream::Message(message) => println!("{message:?}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub enum Upstream {
    /// A remote subscribes to a topic.
    Subscribe(SubscriptionRequest),
    /// A remote has cancelled a subscription, or its connection has ended.
    Cancel(SubscriptionRequest),
    /// A user message of an [XSUB](crate::XSub).
    Message(Multipart),
}

/// A request of a remote to subscribe to a topic, or to cancel a subscription.
///
/// It belongs to the connection that sent it, and never to a later one.
#[derive(Clone, Debug)]
pub struct SubscriptionRequest {
    /// Whether it subscribes, instead of cancelling.
    subscribes: bool,
    topic: Topic,
    remote: Remote,
}

impl SubscriptionRequest {
    pub(crate) const fn subscribes(&self) -> bool {
        self.subscribes
    }

    /// Returns the topic.
    ///
    /// # Examples
    ///
    /// ```
    /// # use tokio_zmtp::SubscriptionRequest;
    /// # fn example(request: &SubscriptionRequest) {
    /// println!("{}", request.topic());
    /// # }
    /// ```
    #[must_use]
    pub const fn topic(&self) -> &Topic {
        &self.topic
    }

    /// Returns the remote that subscribes or cancels. When its connection ends, its subscriptions
    /// are cancelled on its behalf.
    ///
    /// # Examples
    ///
    /// ```
    /// # use tokio_zmtp::SubscriptionRequest;
    /// # fn example(request: &SubscriptionRequest) {
    /// println!("{:?} is interested in {}", request.remote().address(), request.topic());
    /// # }
    /// ```
    #[must_use]
    pub const fn remote(&self) -> &Remote {
        &self.remote
    }
}

impl AnyMessage for Upstream {
    const HAS_ORIGIN: bool = true;

    type Origin = Remote;

    fn from_queue(frames: Message) -> Self {
        Self::Message(Multipart::from_queue(frames))
    }

    fn received(frames: Message, remote: Option<Remote>) -> Self {
        match (request(&frames), remote) {
            (Some(Command::Subscribe(topic)), Some(remote)) => {
                Self::Subscribe(SubscriptionRequest { subscribes: true, topic, remote })
            }
            (Some(Command::Cancel(topic)), Some(remote)) => {
                Self::Cancel(SubscriptionRequest { subscribes: false, topic, remote })
            }
            _ => Self::from_queue(frames),
        }
    }

    fn origin(remote: &Remote) -> Option<Remote> {
        Some(remote.clone())
    }

    fn into_queue(self) -> Message {
        match self {
            Self::Subscribe(request) => subscription_notice(true, request.topic.as_bytes()),
            Self::Cancel(request) => subscription_notice(false, request.topic.as_bytes()),
            Self::Message(message) => message.into_queue(),
        }
    }
}

impl From<Upstream> for Multipart {
    fn from(upstream: Upstream) -> Self {
        Self::from_queue(upstream.into_queue())
    }
}

/// Returns the form of a request in queues.
pub(crate) fn subscription_notice(subscribes: bool, topic: &[u8]) -> Message {
    Multipart::from(subscription::body(subscribes, topic)).into_queue()
}

/// Returns the request that a queued message represents, if any.
fn request(frames: &[u8]) -> Option<Command> {
    // Only a whole message of one part is a request.
    if split_first_part(frames).is_some() {
        return None;
    }
    subscription::command_of(last_part(frames)?)?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::tests::any_remote;

    #[test]
    fn a_message_of_one_part_that_begins_with_0_or_1_is_a_request() {
        let received = |message: Multipart| {
            let expected = message.clone();
            let upstream = Upstream::received(message.into_queue(), Some(any_remote()));
            assert_eq!(Multipart::from(upstream.clone()), expected);
            upstream
        };
        let upstream = received(b"\x01news".into());
        assert!(matches!(upstream, Upstream::Subscribe(request) if request.topic() == "news"));
        let upstream = received(b"\0".into());
        assert!(matches!(upstream, Upstream::Cancel(request) if request.topic() == ""));
        for message in [b"".into(), b"\x02".into(), Multipart::from([&b"\x01a"[..], b"b"])] {
            assert!(matches!(received(message), Upstream::Message(_)));
        }
    }
}
