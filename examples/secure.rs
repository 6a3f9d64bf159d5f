//! A server that encrypts its traffic and identifies its clients by their keys.
//!
//! `cargo run --example secure`
//!
//! Keys are stored in certificates, files that czmq and other implementations of ZeroMQ read and
//! write. The secret file stays with its owner, and the public file is published. Unknown remotes
//! are refused and receive the reason.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio_zmtp::auth::{CurveCertificate, CurveKeypair, Keys};
use tokio_zmtp::{Client, Endpoint, Mechanism, NoRemoteError, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::temp_dir().join(format!("tokio-zmtp-secure-{}", std::process::id()));
    fs::create_dir_all(&directory)?;
    let shown = show(&directory).await;
    fs::remove_dir_all(&directory)?;
    shown
}

async fn show(directory: &Path) -> Result<(), Box<dyn Error>> {
    // Done once, when the service is set up. Each side keeps its own secret file.
    for name in ["server", "alice", "mallory"] {
        let certificate =
            CurveCertificate::from(CurveKeypair::generate()).with_metadata("name", name);
        certificate.save(directory.join(name))?;
    }

    // The server admits only clients whose public keys it has.
    let keys = Keys::new();
    let alice = CurveCertificate::load(directory.join("alice"))?;
    keys.insert(alice.public_key(), "alice");
    let keypair = keypair(&directory.join("server_secret"))?;
    let server = Server::builder()
        .mechanism(Mechanism::curve_server(keypair))
        .authenticator(keys.clone())
        .bind("tcp://127.0.0.1:*")
        .await?;
    let endpoint = server.last_endpoint().ok_or("the server is not bound")?;
    println!("server: listening on {endpoint}");
    let handle = server.clone();
    tokio::spawn(async move {
        while let Ok((request, remote)) = handle.recv_from().await {
            let name = remote.user_id().unwrap_or("a stranger");
            println!("server: {name} sends {}", String::from_utf8_lossy(&request));
            if handle.reply(&request, format!("hello {name}")).await.is_err() {
                println!("server: {name} has disconnected");
            }
        }
    });

    let alice = connect(&endpoint, directory, "alice").await?;
    alice.remotes().connected_timeout(CONNECT_LIMIT).await?;
    alice.send("hello").await?;
    println!("alice: received {}", alice.recv().await?.to_str()?);

    let mallory = connect(&endpoint, directory, "mallory").await?;
    match mallory.remotes().connected_timeout(CONNECT_LIMIT).await {
        Err(NoRemoteError::Failed(reason)) => println!("mallory: {}", chain(&reason)),
        other => return Err(format!("mallory was admitted: {other:?}").into()),
    }

    alice.close().await;
    server.close().await;
    Ok(())
}

/// Connects with the secret file of the client and the public file of the server.
async fn connect(
    endpoint: &Endpoint,
    directory: &Path,
    name: &str,
) -> Result<Client, Box<dyn Error>> {
    let server_key = CurveCertificate::load(directory.join("server"))?.public_key();
    let keypair = keypair(&directory.join(format!("{name}_secret")))?;
    let mechanism = Mechanism::curve_client((server_key, keypair));
    Ok(Client::builder().mechanism(mechanism).connect(endpoint.clone()).await?)
}

fn keypair(path: &Path) -> Result<CurveKeypair, Box<dyn Error>> {
    let certificate = CurveCertificate::load(path)?;
    certificate.keypair().ok_or_else(|| format!("no secret key in {}", path.display()).into())
}

/// Formats an error with its causes.
fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

/// A client that has the wrong server key is not refused, and retries. After this time, the error
/// contains the last failure.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);
