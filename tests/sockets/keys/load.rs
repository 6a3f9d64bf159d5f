//! Keys of a server and its clients that change under load.

use std::env;
use std::ops::AddAssign;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::{OwnedRwLockReadGuard, RwLock};
use tokio::task::{self, JoinSet};
use tokio_zmtp::ReconnectStop;
use tokio_zmtp::auth::Keys;

use super::*;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn no_valid_client_fails_while_keys_are_rotated_under_load() {
    let began = std::time::Instant::now();
    let load = Arc::new(Load::bind().await);
    let answering = task::spawn({
        let server = load.server.clone();
        async move {
            while let Ok(request) = server.recv().await {
                server.reply(&request, "reply").await.unwrap();
            }
        }
    });
    let mut visitors = JoinSet::new();
    for number in 0..VISITORS {
        let load = Arc::clone(&load);
        visitors.spawn(async move { load.visit_repeatedly(&format!("visitor {number}")).await });
    }
    let rotations = rotations();
    let mut done = load.rotate_repeatedly(rotations).await;
    load.is_over.store(true, Ordering::Relaxed);
    for visits in visitors.join_all().await {
        done += visits;
    }
    let refused = load.server.stats().refused;
    load.server.close().await;
    answering.await.unwrap();
    eprintln!("{rotations} rotations in {:?}: {done:?}, {refused:?}", began.elapsed());

    assert!(done.exchanges >= 2 * rotations);
    assert!(done.revoked > 0);
    assert_eq!(refused.security, rotations, "clients whose key of the server was withdrawn");
    // Each client with a revoked key is refused when it connects again. Connections of earlier visits
    // whose end the server has not noticed are revoked as well.
    assert!(refused.denied >= 2 * done.revoked, "{refused:?}");
    assert!(refused.denied <= done.revoked + done.ended, "{refused:?}");
}

struct Load {
    server: Server,
    server_keys: ServerKeys,
    clients: Keys,
    /// The keys that clients may use: the current one, and during its window the former one.
    usable: Mutex<Vec<UsableKey>>,
    is_over: AtomicBool,
}

/// A key of the server. It is locked for reading while a client uses it.
type UsableKey = Arc<RwLock<CurvePublicKey>>;

#[derive(Debug, Default)]
struct Visits {
    /// Connections that have exchanged messages.
    exchanges: u64,
    /// Clients whose key was revoked.
    revoked: u64,
    /// Connections that ended for it.
    ended: u64,
}

impl Load {
    async fn bind() -> Self {
        let [first] = pairs();
        let (server_keys, clients) = (ServerKeys::new(first.clone()), Keys::new());
        let server = server_with(&server_keys).authenticator(clients.clone());
        // The clock advances by whole windows.
        let server = server.handshake_interval(None).bind(ANY_PORT).await.unwrap();
        let usable = Mutex::new(vec![usable(&first)]);
        Self { server, server_keys, clients, usable, is_over: AtomicBool::new(false) }
    }

    /// Rotates the key of the server, and connects with the new key and the former one, during the
    /// window and after it.
    async fn rotate_repeatedly(&self, rotations: u64) -> Visits {
        let [own] = pairs();
        self.clients.insert(own.public_key(), "rotator");
        let mut watchdog = Watchdog::start();
        for rotation in 0..rotations {
            if rotation % 100 == 99 {
                drop(watchdog);
                watchdog = Watchdog::start();
            }
            let [new] = pairs();
            self.server_keys.rotate(new.clone(), WINDOW).unwrap();
            let former = {
                let mut keys = self.usable.lock().unwrap();
                keys.push(usable(&new));
                Arc::clone(&keys[0])
            };
            let former_key = *former.read().await;
            self.visit(former_key, &own).await;
            self.visit(new.public_key(), &own).await;
            self.usable.lock().unwrap().remove(0);
            // Until the last client that uses it has left.
            drop(former.write().await);
            advance(WINDOW).await;
            let late = self.connect(former_key, &own).await;
            late.remotes().connected().await.unwrap_err();
        }
        drop(watchdog);
        Visits { exchanges: 2 * rotations, ..Visits::default() }
    }

    /// Connects again and again as one user, who often has a new key.
    async fn visit_repeatedly(&self, user: &str) -> Visits {
        let mut visits = Visits::default();
        let [mut own] = pairs();
        self.clients.insert(own.public_key(), user);
        while !self.is_over.load(Ordering::Relaxed) {
            for _ in 0..VISITS_WITH_A_KEY {
                let server_key = self.any_key();
                self.visit(*server_key, &own).await;
            }
            let [new] = pairs();
            self.clients.insert(new.public_key(), user);
            let server_key = self.any_key();
            self.visit(*server_key, &new).await;
            visits.ended += self.revoke(*server_key, &own).await;
            visits.exchanges += VISITS_WITH_A_KEY + 2;
            visits.revoked += 1;
            own = new;
        }
        visits
    }

    /// Revokes the key of a connected client, which is then refused. Returns the number of connections
    /// that ended.
    async fn revoke(&self, server_key: CurvePublicKey, own: &CurveKeypair) -> u64 {
        let client = client_with(ClientKeys::new(server_key, own.clone()));
        let client = client.connect_timeout(None).handshake_interval(None).build();
        let mut events = client.monitor();
        client.connect(endpoint(&self.server)).await.unwrap();
        client.send("request").await.unwrap();
        assert_eq!(client.recv().await.unwrap(), "reply");
        let ended = self.clients.revoke(&own.public_key());
        assert!(ended >= 1);
        let reason = failure(&mut events).await;
        assert!(matches!(reason, HandshakeFailure::Refused { .. }), "{reason:?}");
        ended.try_into().unwrap()
    }

    /// Connects a client that is admitted, exchanges messages, and leaves.
    async fn visit(&self, server_key: CurvePublicKey, own: &CurveKeypair) {
        let client = self.connect(server_key, own).await;
        client.remotes().connected().await.unwrap();
        client.send("request").await.unwrap();
        assert_eq!(client.recv().await.unwrap(), "reply");
        client.close().await;
    }

    /// Connects a client that tries once.
    async fn connect(&self, server_key: CurvePublicKey, own: &CurveKeypair) -> Client {
        client_with(ClientKeys::new(server_key, own.clone()))
            .connect_timeout(None)
            .handshake_interval(None)
            .reconnect_stop([ReconnectStop::HandshakeFailed])
            .connect(endpoint(&self.server))
            .await
            .unwrap()
    }

    /// Returns one of the keys that clients may use.
    fn any_key(&self) -> OwnedRwLockReadGuard<CurvePublicKey> {
        let keys = self.usable.lock().unwrap();
        let key = Arc::clone(&keys[fastrand::usize(..keys.len())]);
        key.try_read_owned().unwrap()
    }
}

impl AddAssign for Visits {
    fn add_assign(&mut self, other: Self) {
        self.exchanges += other.exchanges;
        self.revoked += other.revoked;
        self.ended += other.ended;
    }
}

fn usable(pair: &CurveKeypair) -> UsableKey {
    Arc::new(RwLock::new(pair.public_key()))
}

fn rotations() -> u64 {
    env::var("ROTATIONS").map_or(ROTATIONS, |rotations| rotations.parse().unwrap())
}

const ROTATIONS: u64 = 50;

/// Users that connect meanwhile.
const VISITORS: usize = 4;

const VISITS_WITH_A_KEY: u64 = 3;
