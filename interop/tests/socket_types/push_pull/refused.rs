//! Sockets that do not fit.

use interop::SocketType;
use tokio_zmtp::{Pull, Push, SocketType as OurSocketType};

use crate::pairing::{guarded, refuse_each_other, socket};

#[tokio::test]
async fn sockets_of_the_same_type_refuse_each_other() {
    guarded(async {
        let (push, pull) = (socket(SocketType::Push), socket(SocketType::Pull));
        refuse_each_other(&Push::new(), &push, OurSocketType::Push).await;
        refuse_each_other(&Pull::new(), &pull, OurSocketType::Pull).await;
    })
    .await;
}

/// The thread-safe types have remotes of their own.
#[tokio::test]
async fn a_push_and_a_gather_refuse_each_other() {
    guarded(async {
        let gather = socket(SocketType::Gather);
        refuse_each_other(&Push::new(), &gather, OurSocketType::Gather).await;
    })
    .await;
}
