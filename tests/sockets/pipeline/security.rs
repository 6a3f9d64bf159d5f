//! PUSH and PULL under PLAIN and CURVE.

use tokio_zmtp::auth::CurveKeypair;
use tokio_zmtp::monitor::DisconnectReason;
use tokio_zmtp::{Mechanism, Multipart, Pull, Push};

use crate::events;
use crate::security::AdmitAll;
use crate::transports::Transport;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn parts_pass_under_every_mechanism() {
    let _watchdog = Watchdog::start();
    for transport in [
        Transport::Tcp,
        #[cfg(unix)]
        Transport::Ipc,
    ] {
        let keypair = CurveKeypair::generate();
        let client = Mechanism::curve_client(keypair.public_key());
        let curve = (Mechanism::CurveServer { keypair }, client);
        let plain = Mechanism::plain_client("guest", "swordfish").unwrap();
        for (server, client) in [(Mechanism::PlainServer, plain), curve] {
            let pull = Pull::builder().mechanism(server).authenticator(AdmitAll).build();
            let endpoint = pull.bind(transport.any()).await.unwrap();
            let push = Push::builder().mechanism(client).connect(endpoint).await.unwrap();
            let messages = [
                Multipart::from("one"),
                Multipart::from(["", "a", ""]),
                Multipart::from(vec![vec![7; 300], vec![8; 100_000], vec![], vec![9; 40_000]]),
                (0..1_000).map(|number: u32| number.to_be_bytes()).collect(),
            ];
            for message in &messages {
                push.send(message).await.unwrap();
            }
            for message in &messages {
                assert_eq!(pull.recv().await.unwrap(), *message);
            }
        }
    }
}

#[tokio::test]
async fn the_limits_apply_to_encrypted_messages() {
    let _watchdog = Watchdog::start();
    let keypair = CurveKeypair::generate();
    let client = Mechanism::curve_client(keypair.public_key());
    let pull = Pull::builder()
        .mechanism(Mechanism::CurveServer { keypair })
        .authenticator(AdmitAll)
        .max_message_parts(3)
        .max_message_size(10)
        .build();
    let endpoint = pull.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = pull.monitor();
    let push = Push::builder().mechanism(client).connect(endpoint).await.unwrap();
    push.send(["0123", "456789", ""]).await.unwrap();
    assert_eq!(pull.recv().await.unwrap(), ["0123", "456789", ""]);
    push.send(["0123", "456789", "x"]).await.unwrap();
    let reason = events::until_disconnected(&mut monitor).await;
    let is_expected = matches!(reason, DisconnectReason::MessageTooLarge { size: 11, limit: 10 });
    assert!(is_expected, "{reason:?}");
    push.send(["", "", "", ""]).await.unwrap();
    let reason = events::until_disconnected(&mut monitor).await;
    assert!(matches!(reason, DisconnectReason::TooManyParts { limit: 3 }), "{reason:?}");
}
