//! The identities that remotes announce (RFC 37, The Identity Property).

use tokio_zmtp::Identity;

use crate::remote::{GREETING, Remote, command, message, property};
use crate::served::Served;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_remote_has_the_identity_that_it_announces() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    let longest = [0xFF; 255];
    for (announced, identity) in [
        (&b"worker"[..], Some(&b"worker"[..])),
        (b"\0zero", Some(b"\0zero")),
        (&longest, Some(&longest)),
        (b"", None),
        (&[0xFF; 256], None),
    ] {
        let mut remote = Remote::dial(&server.endpoint).await;
        remote.write(&GREETING).await;
        remote.write(&command("READY", &property("Identity", announced))).await;
        remote.write(&message(b"x")).await;
        let (_, remote) = server.server.recv_from().await.unwrap();
        assert_eq!(remote.identity().map(Identity::as_bytes), identity);
    }
}
