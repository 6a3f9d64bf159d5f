//! SUB and XSUB, for tests that are generic over them.

use futures::Stream;
use tokio_zmtp::{Builder, Multipart, ReceivingSocket, Sub, XSub};

/// Runs `async fn $test<S: Subscriber>()` for both types.
macro_rules! for_either_subscriber {
    ($test:ident) => {
        crate::one_way::for_pairs!($test [] sub: Sub, xsub: XSub,);
    };
}
pub(super) use for_either_subscriber;

/// A socket type that subscribes.
pub(super) trait Subscriber: ReceivingSocket + Stream<Item = Multipart> + Unpin {
    fn builder() -> Builder<Self>;

    /// Subscribes to a topic. An XSUB sends a message for it, to which its high-water mark does not
    /// apply.
    fn subscribe(&self, topic: &str);
}

impl Subscriber for Sub {
    fn builder() -> Builder<Self> {
        Self::builder()
    }

    fn subscribe(&self, topic: &str) {
        self.subscribe(topic).unwrap();
    }
}

impl Subscriber for XSub {
    fn builder() -> Builder<Self> {
        Self::builder().send_hwm(1)
    }

    fn subscribe(&self, topic: &str) {
        self.try_send(format!("\x01{topic}")).unwrap();
    }
}
