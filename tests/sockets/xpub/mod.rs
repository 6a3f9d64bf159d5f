//! XPUB (RFC 29).

mod leaving;
mod manual;
mod pairs;
mod requests;
mod unread;
mod wire;

use tokio_zmtp::{Multipart, Upstream, XPub};

/// Receives requests, and shows each as the sign and the topic.
async fn requests<const REQUESTS: usize>(publisher: &XPub) -> [String; REQUESTS] {
    let mut received = [(); REQUESTS].map(|()| String::new());
    for text in &mut received {
        *text = shown(&publisher.recv().await.unwrap());
    }
    received
}

/// Shows a request as the sign and the topic.
fn shown(upstream: &Upstream) -> String {
    match upstream {
        Upstream::Subscribe(request) => format!("+{}", request.topic()),
        Upstream::Cancel(request) => format!("-{}", request.topic()),
        Upstream::Message(message) => panic!("{message:?} is not a request"),
    }
}

/// Receives a message of an XSUB.
async fn message_of_xsub(publisher: &XPub) -> Multipart {
    match publisher.recv().await.unwrap() {
        Upstream::Message(message) => message,
        other => panic!("{other:?} is not a message"),
    }
}
