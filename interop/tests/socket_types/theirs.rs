//! Sockets of libzmq on their own, and the messages of their remotes.

use interop::{BytesOption, Context, Socket, SocketType};
use support::transports::Transport;

use crate::messages::Parts;
use crate::pairing::{Binds, own_endpoint, until_some, would_not_block};

pub(crate) fn socket(socket_type: SocketType) -> Socket {
    Socket::new(&Context::new().unwrap(), socket_type).unwrap()
}

/// Binds one of two sockets, of which ours is the first, and connects the other.
pub(crate) async fn join(
    ours: &impl tokio_zmtp::Socket,
    theirs: &Socket,
    binds: Binds,
    transport: Transport,
) {
    let endpoint = own_endpoint(transport);
    if binds == Binds::First {
        let endpoint = ours.bind(&*endpoint).await.unwrap();
        theirs.connect(&endpoint.to_string()).unwrap();
    } else {
        theirs.bind(&endpoint).unwrap();
        ours.connect(theirs.last_endpoint().unwrap()).await.unwrap();
    }
}

pub(crate) async fn send(theirs: &Socket, message: &[Vec<u8>]) {
    until_some(|| would_not_block(theirs.try_send_parts(message))).await;
}

pub(crate) async fn recv(theirs: &Socket) -> Parts {
    until_some(|| would_not_block(theirs.try_recv_parts())).await
}

/// Subscribes by a SUB or XSUB.
pub(crate) async fn subscribe(subscriber: &Socket, their_type: SocketType, topic: &[u8]) {
    if their_type == SocketType::Sub {
        subscriber.set_bytes(BytesOption::Subscribe, topic).unwrap();
    } else {
        send(subscriber, &[[b"\x01", topic].concat()]).await;
    }
}

pub(crate) async fn cancel(subscriber: &Socket, their_type: SocketType, topic: &[u8]) {
    if their_type == SocketType::Sub {
        subscriber.set_bytes(BytesOption::Unsubscribe, topic).unwrap();
    } else {
        send(subscriber, &[[b"\x00", topic].concat()]).await;
    }
}

/// The types that subscribe.
pub(crate) const SUBSCRIBERS: [SocketType; 2] = [SocketType::Sub, SocketType::XSub];
