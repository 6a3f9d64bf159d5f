//! Probes of sockets, and of remotes that are not sockets.

use std::time::Duration;

use support::python;
use tokio_zmtp::auth::{CurveKeypair, Users};
use tokio_zmtp::monitor::{DialFailure, ForeignProtocol, HandshakeFailure};
use tokio_zmtp::probe::{ProbeError, ProbeOutcome, Probed};
use tokio_zmtp::{Builder, Dealer, Endpoint, Mechanism, Pub, Router, Socket, SocketType};

use crate::over_transport::OverTransport;
use crate::remote::{RemoteListener, ReservedPort};
use crate::transports::Transport;
use crate::watchdog::Watchdog;

#[cfg(unix)]
#[tokio::test]
async fn a_probe_does_not_join_over_ipc() {
    a_probe_does_not_join(Transport::Ipc).await;
}

#[tokio::test]
async fn a_probe_does_not_join_over_tcp() {
    a_probe_does_not_join(Transport::Tcp).await;
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn a_probe_does_not_join_over_tls() {
    a_probe_does_not_join(Transport::Tls).await;
}

#[cfg(feature = "ws")]
#[tokio::test]
async fn a_probe_does_not_join_over_websockets() {
    a_probe_does_not_join(Transport::WebSocket).await;
}

async fn a_probe_does_not_join(transport: Transport) {
    let _watchdog = Watchdog::start();
    let publisher = Pub::builder().over(transport).metadata("X-Tenant", "blue").unwrap();
    let publisher = publisher.bind(transport.any()).await.unwrap();
    let builder = Dealer::builder().over(transport);

    let probed = builder.probe(publisher.last_endpoint().unwrap()).await.unwrap();

    let ProbeOutcome::Announced { socket_type, properties, .. } = &probed.outcome else {
        panic!("{probed:?}");
    };
    assert_eq!(*socket_type, Some(SocketType::Pub));
    assert!(properties.contains(&("X-Tenant".into(), "blue".into())));
    assert_eq!((probed.mechanism.as_str(), probed.as_server), ("NULL", false));
    assert!(publisher.remotes().is_empty());
    assert_eq!(publisher.stats().refused, Default::default());
}

#[tokio::test]
async fn the_password_of_plain_is_checked() {
    let _watchdog = Watchdog::start();
    let users = Users::new();
    users.insert("alice", "swordfish");
    let server = Pub::builder()
        .mechanism(Mechanism::PlainServer)
        .authenticator(users)
        .bind(Transport::Tcp.any())
        .await
        .unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let with = |password: &str| {
        Dealer::builder().mechanism(Mechanism::plain_client("alice", password).unwrap())
    };

    let probed = with("swordfish").probe(&endpoint).await.unwrap();
    assert!(matches!(probed.outcome, ProbeOutcome::Welcomed), "{probed:?}");
    let probed = with("tuna").probe(&endpoint).await.unwrap();
    assert!(
        matches!(&probed.outcome, ProbeOutcome::Failed(HandshakeFailure::Refused { reason }) if reason == "400"),
        "{probed:?}"
    );
    let probed = Dealer::builder().probe(&endpoint).await.unwrap();
    assert!(matches!(probed.outcome, ProbeOutcome::CredentialsRequired), "{probed:?}");
    assert_eq!((probed.mechanism.as_str(), probed.as_server), ("PLAIN", true));
    assert!(server.remotes().is_empty());
}

#[tokio::test]
async fn the_key_of_a_curve_server_is_checked() {
    let _watchdog = Watchdog::start();
    let keypair = CurveKeypair::generate();
    let server = Pub::builder()
        .mechanism(Mechanism::curve_server(keypair.clone()))
        .bind(Transport::Tcp.any())
        .await
        .unwrap();
    let endpoint = server.last_endpoint().unwrap();

    assert_key_is_checked(&endpoint, &keypair).await;
    assert!(server.remotes().is_empty());
}

/// A PULL of Python is a server of CURVE with this key.
#[tokio::test]
async fn the_key_of_a_curve_server_of_python_is_checked() {
    let _watchdog = Watchdog::start();
    let keypair = CurveKeypair::generate();
    let Some((mut remote, endpoint)) = python_remote(&format!(
        r#"{{"curveServer":1,"curveSecretKey":"{}"}}"#,
        keypair.secret_key().to_text().replace('\\', "\\\\")
    )) else {
        return;
    };

    assert_key_is_checked(&endpoint, &keypair).await;
    assert_eq!(remote.line(), "done");
    assert_eq!(remote.finish(), "");
}

#[tokio::test]
async fn a_pull_of_python_announces_its_type() {
    let _watchdog = Watchdog::start();
    let Some((mut remote, endpoint)) = python_remote("{}") else { return };

    let probed = Dealer::builder().probe(&endpoint).await.unwrap();
    assert!(
        matches!(
            probed.outcome,
            ProbeOutcome::Announced { socket_type: Some(SocketType::Pull), .. }
        ),
        "{probed:?}"
    );
    assert_eq!(remote.line(), "done");
    assert_eq!(remote.finish(), "");
}

#[tokio::test]
async fn a_router_waits_for_the_metadata_of_the_other_end() {
    let _watchdog = Watchdog::start();
    let router = Router::builder().bind(Transport::Tcp.any()).await.unwrap();

    let probed = briefly(Dealer::builder()).probe(router.last_endpoint().unwrap()).await.unwrap();
    assert!(matches!(probed.outcome, ProbeOutcome::Waiting), "{probed:?}");
}

#[tokio::test]
async fn another_protocol_is_recognized() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let endpoint = listener.endpoint();
    let answering = async {
        listener.accept().await.write(b"SSH-2.0-OpenSSH_9.2\r\n").await;
    };

    let builder = Dealer::builder();
    let (probed, ()) = tokio::join!(builder.probe(&endpoint), answering);
    let failure = failure(probed);
    assert!(
        matches!(
            failure,
            DialFailure::Handshake(HandshakeFailure::ForeignProtocol {
                protocol: ForeignProtocol::Ssh
            })
        ),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_remote_without_a_greeting_exceeds_the_time_limit() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let failure = failure(briefly(Dealer::builder()).probe(listener.endpoint()).await);
    assert!(
        matches!(failure, DialFailure::Handshake(HandshakeFailure::TimedOut { .. })),
        "{failure:?}"
    );
}

#[tokio::test]
async fn an_endpoint_without_a_listener_is_reported() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let failure = failure(Dealer::builder().probe(port.endpoint()).await);
    assert!(matches!(failure, DialFailure::Transport(_)), "{failure:?}");

    let refused = Dealer::builder().probe("tcp://*:5555").await.unwrap_err();
    assert!(matches!(refused, ProbeError::Endpoint(_)), "{refused:?}");
}

async fn assert_key_is_checked(endpoint: &Endpoint, server: &CurveKeypair) {
    let probe_with = async |server: &CurveKeypair| {
        let mechanism = Mechanism::curve_client((server.public_key(), CurveKeypair::generate()));
        briefly(Dealer::builder().mechanism(mechanism)).probe(endpoint).await.unwrap()
    };
    let probed = probe_with(server).await;
    assert!(matches!(probed.outcome, ProbeOutcome::Welcomed), "{probed:?}");
    let probed = probe_with(&CurveKeypair::generate()).await;
    assert!(matches!(probed.outcome, ProbeOutcome::Failed(_)), "{probed:?}");
    assert_eq!(probed.mechanism, "CURVE");
}

/// Starts a PULL of Python with these options.
fn python_remote(options: &str) -> Option<(support::script::ScriptRemote, Endpoint)> {
    let script = "tests/sockets/socket_remote.py";
    let mut remote = python::start(env!("CARGO_TARGET_TMPDIR"), script)?;
    remote.write_line(&format!(
        r#"{{"type":"pull","bind":"tcp://127.0.0.1:*","count":0,"admitted":[],"options":{options}}}"#
    ));
    let endpoint = remote.line().parse().unwrap();
    Some((remote, endpoint))
}

fn briefly<S: Socket>(builder: Builder<S>) -> Builder<S> {
    builder.handshake_interval(Duration::from_millis(100))
}

fn failure(probed: Result<Probed, ProbeError>) -> DialFailure {
    match probed {
        Err(ProbeError::Failed { source, .. }) => source,
        other => panic!("{other:?}"),
    }
}
