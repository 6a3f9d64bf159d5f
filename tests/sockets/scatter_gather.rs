//! SCATTER and GATHER (RFC 49): what they do not share with the types in `one_way`.

use tokio_zmtp::Gather;
use tokio_zmtp::monitor::DropCause;

use crate::events;
use crate::remote::{MORE, Remote, message};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_gather_discards_multipart_messages_entirely() {
    let _watchdog = Watchdog::start();
    let gather = Gather::new();
    let endpoint = gather.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = gather.monitor();
    let mut remote = Remote::dial(&endpoint).await;
    remote.shake_hands("SCATTER").await;
    remote.write(&[&[MORE, 1][..], b"a", &message(b"b"), &message(b"whole")].concat()).await;
    assert_eq!(gather.recv().await.unwrap(), "whole");
    events::until_dropped(&mut monitor, 1, DropCause::Multipart).await;
}
