//! Sockets of other types are refused, on both sides.

use interop::SocketType;
use tokio_zmtp::{Gather, Scatter, SocketType as OurSocketType};

use crate::pairing::{guarded, refuse_each_other, socket};

#[tokio::test]
async fn our_scatter_and_gather_refuse_their_own_type_and_clients() {
    guarded(async {
        let theirs = socket(SocketType::Scatter);
        refuse_each_other(&Scatter::new(), &theirs, OurSocketType::Scatter).await;
        let theirs = socket(SocketType::Gather);
        refuse_each_other(&Gather::new(), &theirs, OurSocketType::Gather).await;
        let theirs = socket(SocketType::Client);
        refuse_each_other(&Scatter::new(), &theirs, OurSocketType::Client).await;
        let theirs = socket(SocketType::Client);
        refuse_each_other(&Gather::new(), &theirs, OurSocketType::Client).await;
    })
    .await;
}
