//! A server whose users are in a database that changes while it runs.
//!
//! `cargo run -p programs --bin authenticator`, optionally with the path of a database after `--`
//!
//! Users are identified by their public keys, so there are no passwords to store. The database is
//! queried on blocking threads. If a query fails, remotes may retry.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row};
use tokio::task;
use tokio_zmtp::auth::{
    Admission, Authenticator, Credentials, CurveKeypair, CurvePublicKey, Request, Revocation,
    StatusCode,
};
use tokio_zmtp::monitor::{DialFailure, EventKind};
use tokio_zmtp::{Client, Endpoint, Mechanism, NoRemoteError, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let users = Users::open(env::args().nth(1)).await?;
    let keypair = CurveKeypair::generate();
    let server_key = keypair.public_key();
    let server = Server::builder()
        .mechanism(Mechanism::curve_server(keypair))
        .authenticator(users.clone())
        .bind("tcp://127.0.0.1:*")
        .await?;
    let endpoint = server.last_endpoint().ok_or("the server is not bound")?;
    tokio::spawn(serve(server.clone()));

    let (alice, bob) = (CurveKeypair::generate(), CurveKeypair::generate());
    users.add("alice", "admin", alice.public_key()).await?;
    let visit = |keypair: &CurveKeypair| visit(endpoint.clone(), server_key, keypair.clone());
    println!("alice: {}", visit(&alice).await?.1);
    println!("bob: {}", visit(&bob).await?.1);

    println!("bob is added");
    users.add("bob", "guest", bob.public_key()).await?;
    let (client, reply) = visit(&bob).await?;
    println!("bob: {reply}");

    println!("bob is revoked");
    let client = client.ok_or("bob was not admitted")?;
    let mut events = client.monitor();
    let ended = users.revoke("bob").await?;
    println!("connections that ended: {ended}");
    // His client reconnects and is refused.
    while let Some(event) = events.recv().await {
        if let EventKind::HandshakeFailed { reason } = event?.kind {
            println!("bob: refused: {reason}");
            break;
        }
    }

    println!("alice: {}", visit(&alice).await?.1);
    server.close().await;
    Ok(())
}

/// Sends a request to the server. Returns the reply or the reason for the refusal, and the client
/// if it was admitted.
async fn visit(
    endpoint: Endpoint,
    server_key: CurvePublicKey,
    keypair: CurveKeypair,
) -> Result<(Option<Client>, String), Box<dyn Error>> {
    let mechanism = Mechanism::curve_client((server_key, keypair));
    let client = Client::builder().mechanism(mechanism).connect(endpoint).await?;
    match client.remotes().connected().await {
        Ok(()) => {}
        Err(NoRemoteError::Failed(DialFailure::Handshake(reason))) => {
            return Ok((None, format!("refused: {reason}")));
        }
        Err(error) => return Err(error.into()),
    }
    client.send("who am I?").await?;
    let reply = client.recv().await?.to_str()?.to_owned();
    Ok((Some(client), reply))
}

/// Answers each user with its identity.
async fn serve(server: Server) {
    while let Ok((request, remote)) = server.recv_from().await {
        let name = remote.user_id().unwrap_or("a stranger");
        let role = remote.property("X-Role").map(String::from_utf8_lossy).unwrap_or_default();
        if server.reply(&request, format!("{name}, {role}")).await.is_err() {
            println!("{name} has disconnected");
        }
    }
}

/// The admitted users by their keys, in SQLite.
#[derive(Clone)]
struct Users(Arc<Mutex<State>>);

struct State {
    database: Connection,
    /// By the names of the users that have connected. Under the same lock as the database, so that
    /// no connection is admitted by a row that was read before its deletion.
    revocations: HashMap<String, Revocation>,
}

impl Users {
    /// Opens the database at a path, or creates one in memory.
    async fn open(path: Option<String>) -> Result<Self, DatabaseError> {
        let database = match path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        let revocations = HashMap::new();
        let users = Self(Arc::new(Mutex::new(State { database, revocations })));
        users.query(|state| state.database.execute_batch(TABLE)).await?;
        Ok(users)
    }

    async fn add(
        &self,
        name: &'static str,
        role: &'static str,
        key: CurvePublicKey,
    ) -> Result<(), DatabaseError> {
        const ADD: &str = "INSERT OR REPLACE INTO users (key, name, role) VALUES (?1, ?2, ?3)";
        self.query(move |state| state.database.execute(ADD, (key.to_string(), name, role))).await?;
        Ok(())
    }

    /// Removes a user, and ends its connections. Returns their number.
    async fn revoke(&self, name: &'static str) -> Result<usize, DatabaseError> {
        self.query(move |state| {
            state.database.execute("DELETE FROM users WHERE name = ?1", (name,))?;
            Ok(state.revocations.remove(name).map_or(0, |revocation| revocation.revoke()))
        })
        .await
    }

    /// Returns the name and the role of the user with a key, and the revocation of its connections.
    async fn find(
        &self,
        key: CurvePublicKey,
    ) -> Result<Option<(String, String, Revocation)>, DatabaseError> {
        const FIND: &str = "SELECT name, role FROM users WHERE key = ?1";
        let columns = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        self.query(move |State { database, revocations }| {
            let found = database.query_row(FIND, (key.to_string(),), columns).optional()?;
            Ok(found.map(|(name, role): (String, String)| {
                let revocation = revocations.entry(name.clone()).or_default().clone();
                (name, role, revocation)
            }))
        })
        .await
    }

    /// Queries the database on a blocking thread.
    async fn query<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut State) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let users = self.clone();
        task::spawn_blocking(move || {
            let mut state = users.0.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(query(&mut state)?)
        })
        .await?
    }
}

impl Authenticator for Users {
    async fn authenticate(&self, request: Request) -> Result<Admission, StatusCode> {
        let Credentials::Curve { public_key } = request.credentials else {
            return Err(StatusCode::Denied);
        };
        match self.find(public_key).await {
            Ok(Some((name, role, revocation))) => Admission::user(name)
                .revocable(&revocation)
                .property("X-Role", role)
                .map_err(|_| StatusCode::InternalError),
            Ok(None) => Err(StatusCode::Denied),
            Err(error) => {
                println!("the query failed: {error}");
                Err(StatusCode::TemporaryError)
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum DatabaseError {
    #[error("the query was not executed")]
    Join(#[from] task::JoinError),
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS users (
        key TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        role TEXT NOT NULL
    )";
