//! A page, a REST route and a ZeroMQ socket on one HTTP port.
//!
//! `cargo run -p services --bin websocket`
//!
//! ```sh
//! curl localhost:8080/remotes                                    # 401
//! curl -H 'Authorization: Bearer alice' localhost:8080/remotes   # the users that are connected
//! ```
//!
//! A route upgrades its request to a WebSocket, and attaches it to a `Server`. The middleware of the
//! router authenticates each request, and the socket learns the user from it. A client connects to
//! `ws://localhost:8080/zmq` with the same header, as the test of this program does. The environment
//! variable `LISTEN` sets the address.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::env;
use std::error::Error;

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use axum::{Router, serve};
use hyper_util::rt::TokioIo;
use services::shutdown_signal;
use tokio::net::TcpListener;
use tokio_zmtp::auth::Admission;
use tokio_zmtp::ws::WebSocketAcceptor;
use tokio_zmtp::{Mechanism, Server};

/// The user of a request.
#[derive(Clone)]
struct User(String);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::new();
    tokio::spawn(answer(server.clone()));
    let router = Router::new()
        .route("/zmq", get(upgrade))
        .route("/remotes", get(remotes))
        .layer(middleware::from_fn(authenticate))
        .route("/", get(async || "a page\n"))
        .with_state(server.clone());

    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    tokio::select! {
        served = serve(listener, router) => served?,
        signaled = shutdown_signal() => signaled?,
    }
    println!("ending");
    let undelivered = server.close().await.undelivered;
    println!("ended with {undelivered} undelivered requests");
    Ok(())
}

/// Greets each user. Replies go to the WebSocket of the request.
async fn answer(server: Server) {
    while let Ok((request, remote)) = server.recv_from().await {
        let user = remote.user_id().unwrap_or("stranger");
        // A user that has disconnected needs no reply.
        let _ = server.reply(&request, format!("hello {user}")).await;
    }
}

/// Authenticates a request. A real program would look up the session of a cookie, or verify the
/// token.
async fn authenticate(mut request: Request, next: Next) -> Result<Response, StatusCode> {
    let token = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let user = token.and_then(|token| token.strip_prefix("Bearer "));
    let user = User(user.ok_or(StatusCode::UNAUTHORIZED)?.to_owned());
    request.extensions_mut().insert(user);
    Ok(next.run(request).await)
}

/// Upgrades a request, and attaches the WebSocket.
async fn upgrade(
    State(server): State<Server>,
    Extension(User(user)): Extension<User>,
    mut request: Request,
) -> Response {
    let acceptor = WebSocketAcceptor::new(&Mechanism::Null);
    let response = match acceptor.respond(&request) {
        Ok(response) => response,
        Err(error) => return error.response().map(|()| Body::empty()),
    };
    // Ready when the server has sent the response.
    let upgrading = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrading.await {
            let stream = acceptor.upgraded(TokioIo::new(upgraded)).admitted(Admission::user(user));
            // Fails only if the socket is closed.
            let _ = server.attach(stream).await;
        }
    });
    response.map(|()| Body::empty())
}

/// Lists the users that are connected.
async fn remotes(State(server): State<Server>) -> String {
    let users = server.remotes().iter().filter_map(|remote| remote.user_id().map(str::to_owned));
    users.map(|user| user + "\n").collect()
}
