//! Connections that are ended because their admission is revoked.

use std::fs;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::task;
use tokio_zmtp::auth::{
    Admission, AuditOutcome, Authenticator, CertificateError, CurveCertificate, CurveKeypair,
    KeyDirectoryError, Keys, Request, Revocation, StatusCode, Users,
};
use tokio_zmtp::monitor::DisconnectReason;

use super::*;
use crate::events;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn connections_with_a_revoked_key_end_and_others_continue() {
    let _watchdog = Watchdog::start();
    let [ours, alice, bob] = pairs();
    let keys = Keys::from_iter([(alice.public_key(), "alice"), (bob.public_key(), "bob")]);
    let of_server = ServerKeys::from(ours.clone());
    let bound = async || {
        let server = server_with(&of_server).authenticator(keys.clone());
        server.bind(ANY_PORT).await.unwrap()
    };
    let servers = [bound().await, bound().await];
    let mut monitors = servers.each_ref().map(|server| server.monitor());
    let mut clients = Vec::new();
    for server in &servers {
        for keypair in [&alice, &bob] {
            let keys = ClientKeys::new(ours.public_key(), keypair.clone());
            let client = client_with(keys).connect(endpoint(server)).await.unwrap();
            exchange(&client, server).await;
            clients.push(client);
        }
    }
    // A key that has been removed can still be revoked.
    assert!(keys.remove(&alice.public_key()));
    assert_eq!(keys.revoke(&alice.public_key()), 2);
    assert_eq!(keys.revoke(&alice.public_key()), 0);
    for monitor in &mut monitors {
        let reason = events::until_disconnected(monitor).await;
        assert!(matches!(reason, DisconnectReason::Revoked), "{reason:?}");
        // The client is refused when it reconnects, and does not try again.
        assert!(matches!(failure(monitor).await, HandshakeFailure::Rejected { .. }));
    }
    for (number, server) in servers.iter().enumerate() {
        exchange(&clients[2 * number + 1], server).await;
        assert_eq!(server.remotes().len(), 1);
    }
    // A key that is added again is admitted again.
    keys.insert(alice.public_key(), "alice");
    let of_alice = ClientKeys::new(ours.public_key(), alice);
    let again = client_with(of_alice).connect(endpoint(&servers[0])).await.unwrap();
    exchange(&again, &servers[0]).await;
    assert_eq!(keys.revoke_user("alice") + keys.revoke_user("bob"), 3);
}

#[tokio::test]
async fn a_user_of_plain_is_revoked() {
    let _watchdog = Watchdog::start();
    let users = Users::from_iter([("alice", "right")]);
    let server = Server::builder().mechanism(Mechanism::PlainServer).authenticator(users.clone());
    let server = server.bind(ANY_PORT).await.unwrap();
    let client = Client::builder().mechanism(Mechanism::plain_client("alice", "right").unwrap());
    let client = client.connect(endpoint(&server)).await.unwrap();
    exchange(&client, &server).await;
    let mut monitor = server.monitor();
    users.replace([("bob", "right")]);
    exchange(&client, &server).await;
    assert_eq!(users.revoke_removed(), 1);
    let reason = events::until_disconnected(&mut monitor).await;
    assert!(matches!(reason, DisconnectReason::Revoked), "{reason:?}");
}

/// Admits every remote, as soon as it is permitted.
struct Slow {
    revocation: Revocation,
    asked: Notify,
    permitted: Notify,
}

impl Authenticator for Slow {
    async fn authenticate(&self, _: Request) -> Result<Admission, StatusCode> {
        let admission = Admission::user("alice").revocable(&self.revocation);
        self.asked.notify_one();
        self.permitted.notified().await;
        Ok(admission)
    }
}

#[tokio::test]
async fn a_remote_is_refused_if_its_admission_has_been_revoked() {
    let _watchdog = Watchdog::start();
    let slow = Arc::new(Slow {
        revocation: Revocation::new(),
        asked: Notify::new(),
        permitted: Notify::new(),
    });
    let ours = CurveKeypair::generate();
    let server = server_with(&ours.clone().into()).authenticator(Arc::clone(&slow));
    let server = server.bind(ANY_PORT).await.unwrap();
    let mut monitor = server.monitor();
    let client = client_with(ours.public_key()).connect(endpoint(&server)).await.unwrap();
    client.send("never received").await.unwrap();
    slow.asked.notified().await;
    assert_eq!(slow.revocation.revoke(), 0);
    slow.permitted.notify_one();
    assert!(matches!(failure(&mut monitor).await, HandshakeFailure::Rejected { .. }));
    assert!(server.try_recv().is_err());
}

#[tokio::test]
async fn an_admission_that_is_revoked_when_it_is_reported_ends_its_connection() {
    let _watchdog = Watchdog::start();
    let [ours, alice] = pairs();
    let keys = Keys::from_iter([(alice.public_key(), "alice")]);
    let (revoking, key) = (keys.clone(), alice.public_key());
    let server = server_with(&ours.clone().into()).authenticator(keys).audit(move |event| {
        if let AuditOutcome::Admitted = event.outcome {
            revoking.revoke(&key);
        }
    });
    let server = server.bind(ANY_PORT).await.unwrap();
    let mut monitor = server.monitor();
    let keys = ClientKeys::new(ours.public_key(), alice);
    let client = client_with(keys).connect(endpoint(&server)).await.unwrap();
    client.send("never received").await.unwrap();
    let reason = events::until_disconnected(&mut monitor).await;
    assert!(matches!(reason, DisconnectReason::Revoked), "{reason:?}");
    assert!(server.try_recv().is_err());
}

#[tokio::test]
async fn a_user_is_revoked_whose_key_has_another_user_by_now() {
    let _watchdog = Watchdog::start();
    let [ours, alice, other] = pairs();
    let keys = Keys::from_iter([(alice.public_key(), "alice"), (other.public_key(), "alice")]);
    let server = server_with(&ours.clone().into()).authenticator(keys.clone());
    let server = server.bind(ANY_PORT).await.unwrap();
    let mut monitor = server.monitor();
    let connect = async |keypair: &CurveKeypair| {
        let keys = ClientKeys::new(ours.public_key(), keypair.clone());
        let client = client_with(keys).connect(endpoint(&server)).await.unwrap();
        exchange(&client, &server).await;
        client
    };
    let clients = [connect(&alice).await, connect(&other).await];
    keys.insert(alice.public_key(), "bob");
    keys.remove(&other.public_key());
    assert_eq!(keys.revoke_user("bob"), 0);
    assert!(!keys.contains(&alice.public_key()));
    assert_eq!(keys.revoke_user("alice"), 2);
    for _ in 0..2 {
        let reason = events::until_disconnected(&mut monitor).await;
        assert!(matches!(reason, DisconnectReason::Revoked), "{reason:?}");
    }
    // Otherwise, the first client could connect again when its key is back.
    for client in clients {
        client.close().await;
    }

    // A user who returns is the same user, and a change of the user counts as a removal.
    keys.insert(alice.public_key(), "alice");
    let _again = connect(&alice).await;
    keys.insert(alice.public_key(), "bob");
    keys.insert(alice.public_key(), "alice");
    assert_eq!(keys.revoke_removed(), 0);
    keys.insert(alice.public_key(), "bob");
    assert_eq!(keys.revoke_removed(), 1);
}

#[tokio::test]
async fn a_connection_that_waits_for_its_last_messages_is_revoked() {
    let _watchdog = Watchdog::start();
    let [ours, alice] = pairs();
    let keys = Keys::from_iter([(alice.public_key(), "alice")]);
    let server = server_with(&ours.clone().into()).authenticator(keys.clone()).linger(None);
    let server = server.bind(ANY_PORT).await.unwrap();
    let mut monitor = server.monitor();
    let of_alice = ClientKeys::new(ours.public_key(), alice.clone());
    let client = client_with(of_alice).recv_hwm(1).connect(endpoint(&server)).await.unwrap();
    client.send("request").await.unwrap();
    let request = server.recv().await.unwrap();
    // More than the sockets of the system buffer, of which the client receives nothing.
    let large = Bytes::from(vec![0; 0x80_0000]);
    for _ in 0..4 {
        server.reply(&request, large.clone()).await.unwrap();
    }
    let remote = server.remotes().list().remove(0);
    assert!(server.remotes().disconnect(remote.connection_id()));
    // The connection lasts, and waits.
    task::yield_now().await;
    assert_eq!(keys.revoke(&alice.public_key()), 1);
    let reason = events::until_disconnected(&mut monitor).await;
    assert!(matches!(reason, DisconnectReason::Revoked), "{reason:?}");
}

#[test]
fn a_directory_of_certificates_is_reloaded_entirely_or_not_at_all() {
    let directory = std::env::temp_dir().join(format!("tokio-zmtp-keys-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let [alice, bob] = pairs();
    CurveCertificate::from(alice.clone()).save(directory.join("alice.cert")).unwrap();
    let named = CurveCertificate::from(bob.clone()).with_metadata("name", "robert");
    named.save(directory.join("bob.cert")).unwrap();
    let keys = Keys::load(&directory).unwrap();
    assert!(keys.contains(&alice.public_key()) && keys.contains(&bob.public_key()));

    fs::remove_file(directory.join("alice.cert")).unwrap();
    for name in ["broken.cert", "empty.cert"] {
        fs::write(directory.join(name), "not a certificate").unwrap();
    }
    let error = keys.reload(&directory).unwrap_err();
    let KeyDirectoryError::Files { files } = &error else { panic!("{error:?}") };
    let names: Vec<_> = files.iter().map(|(path, _)| path.file_name().unwrap()).collect();
    assert_eq!(names, ["broken.cert", "empty.cert"]);
    for (path, _) in files {
        assert!(error.to_string().contains(&format!("{}: ", path.display())), "{error}");
    }
    assert!(keys.contains(&alice.public_key()), "nothing has changed");

    for name in ["broken.cert", "empty.cert"] {
        fs::remove_file(directory.join(name)).unwrap();
    }
    CurveCertificate::from(bob.public_key()).save(directory.join("copy.cert")).unwrap();
    // Names of backups are ignored.
    fs::write(directory.join("copy.cert~"), "not a certificate").unwrap();
    let error = keys.reload(&directory).unwrap_err();
    let KeyDirectoryError::Files { files } = &error else { panic!("{error:?}") };
    let [(path, CertificateError::DuplicateKey { other })] = &files[..] else { panic!("{error}") };
    assert_eq!([other, path], [&directory.join("bob.cert"), &directory.join("copy.cert")]);
    assert!(keys.contains(&alice.public_key()), "nothing has changed");
    // The same key of the same user is not an error.
    named.save(directory.join("copy.cert")).unwrap();
    assert_eq!(keys.reload(&directory).unwrap(), 1);
    assert!(!keys.contains(&alice.public_key()) && keys.contains(&bob.public_key()));
    fs::remove_dir_all(&directory).unwrap();
    assert!(matches!(keys.reload(&directory), Err(KeyDirectoryError::Directory { .. })));
    assert!(keys.contains(&bob.public_key()));
}
