//! Incompatible sockets.

use interop::{EventKind, Monitor};
use tokio::time;
use tokio_zmtp::monitor::{EventKind as OurEventKind, HandshakeFailure};
use tokio_zmtp::{
    Channel, Client, Dealer, Dish, Gather, Pair, Peer, Pub, Pull, Push, Radio, Rep, Req, Scatter,
    Server, Sub, XPub, XSub,
};

use crate::pairing::{ANY_PORT, POLL_INTERVAL, guarded};
use crate::side::{Ours, Side, SocketType, Theirs};

#[tokio::test]
async fn sockets_of_the_same_type_refuse_each_other() {
    guarded(async {
        refuse_each_other::<Dish, Dish>().await;
        refuse_each_other::<Gather, Gather>().await;
        refuse_each_other::<Pub, Pub>().await;
        refuse_each_other::<Pull, Pull>().await;
        refuse_each_other::<Push, Push>().await;
        refuse_each_other::<Radio, Radio>().await;
        refuse_each_other::<Rep, Rep>().await;
        refuse_each_other::<Req, Req>().await;
        refuse_each_other::<Scatter, Scatter>().await;
        refuse_each_other::<Sub, Sub>().await;
        refuse_each_other::<XPub, XPub>().await;
        refuse_each_other::<XSub, XSub>().await;
    })
    .await;
}

#[tokio::test]
async fn our_scatter_and_gather_refuse_their_client() {
    guarded(async {
        refuse_each_other::<Scatter, Client>().await;
        refuse_each_other::<Gather, Client>().await;
    })
    .await;
}

#[tokio::test]
async fn our_push_refuses_their_gather() {
    guarded(refuse_each_other::<Push, Gather>()).await;
}

#[tokio::test]
async fn our_dealer_refuses_their_push_and_pull() {
    guarded(async {
        refuse_each_other::<Dealer, Push>().await;
        refuse_each_other::<Dealer, Pull>().await;
    })
    .await;
}

#[tokio::test]
async fn our_pair_refuses_their_channel_and_dealer() {
    guarded(async {
        refuse_each_other::<Pair, Channel>().await;
        refuse_each_other::<Pair, Dealer>().await;
    })
    .await;
}

#[tokio::test]
async fn our_sub_and_xsub_refuse_their_push_and_pair() {
    guarded(async {
        refuse_each_other::<Sub, Push>().await;
        refuse_each_other::<Sub, Pair>().await;
        refuse_each_other::<XSub, Push>().await;
        refuse_each_other::<XSub, Pair>().await;
    })
    .await;
}

#[tokio::test]
async fn our_pub_and_xpub_refuse_their_pull_and_dish() {
    guarded(async {
        refuse_each_other::<Pub, Pull>().await;
        refuse_each_other::<Pub, Dish>().await;
        refuse_each_other::<XPub, Pull>().await;
        refuse_each_other::<XPub, Pub>().await;
    })
    .await;
}

#[tokio::test]
async fn our_rep_refuses_their_pair_and_pull() {
    guarded(async {
        refuse_each_other::<Rep, Pair>().await;
        refuse_each_other::<Rep, Pull>().await;
    })
    .await;
}

#[tokio::test]
async fn our_req_refuses_their_dealer_and_pair() {
    guarded(async {
        refuse_each_other::<Req, Dealer>().await;
        refuse_each_other::<Req, Pair>().await;
    })
    .await;
}

#[tokio::test]
async fn our_peer_refuses_their_client_and_server() {
    guarded(async {
        refuse_each_other::<Peer, Client>().await;
        refuse_each_other::<Peer, Server>().await;
    })
    .await;
}

#[tokio::test]
async fn their_peer_is_refused_by_our_client_and_server() {
    guarded(async {
        refuse_each_other::<Client, Peer>().await;
        refuse_each_other::<Server, Peer>().await;
    })
    .await;
}

/// Connects their socket to ours, and expects both to report the failed handshake.
async fn refuse_each_other<O: SocketType, T: SocketType>() {
    let (ours, theirs) = (Ours::<O>::new(), Theirs::<T>::new());
    let mut of_ours = ours.0.monitor();
    let of_theirs = theirs.socket.monitor().unwrap();
    theirs.connect(&ours.bind(ANY_PORT).await).await;

    let failure = loop {
        let event = of_ours.recv().await.unwrap().unwrap();
        if let OurEventKind::HandshakeFailed { reason } = event.kind {
            break reason;
        }
    };
    let HandshakeFailure::IncompatibleSocketType { local, remote } = failure else {
        panic!("{failure:?}");
    };
    assert_eq!((local, remote), (O::SOCKET_TYPE, T::SOCKET_TYPE));
    until_refused(&of_theirs).await;
}

/// Waits until the handshake of a socket of theirs has failed.
pub(crate) async fn until_refused(monitor: &Monitor) {
    loop {
        match monitor.try_next().unwrap() {
            Some(event) => match event.kind {
                EventKind::Disconnected => return,
                kind if kind.is_handshake_failure() => return,
                kind => assert_ne!(kind, EventKind::HandshakeSucceeded),
            },
            None => time::sleep(POLL_INTERVAL).await,
        }
    }
}
