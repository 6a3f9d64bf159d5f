//! Routes whose WebSockets are remotes of a socket.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use hyper_util::rt::TokioIo;
use tokio_zmtp::ws::WebSocketAcceptor;
use tokio_zmtp::{Mechanism, Socket};

/// Attaches the WebSockets of a route.
pub(crate) fn attached<S: Socket>(socket: &S) -> MethodRouter {
    attached_with(socket, &Mechanism::Null)
}

pub(crate) fn attached_with<S: Socket>(socket: &S, mechanism: &Mechanism) -> MethodRouter {
    let (socket, acceptor) = (socket.clone(), WebSocketAcceptor::new(mechanism));
    get(async move |request: Request| upgrade(&socket, &acceptor, request))
}

/// Answers a request for an upgrade, and attaches the WebSocket.
pub(crate) fn upgrade<S: Socket>(
    socket: &S,
    acceptor: &WebSocketAcceptor,
    mut request: Request,
) -> Response {
    let response = match acceptor.respond(&request) {
        Ok(response) => response,
        Err(error) => return error.response().map(|()| Body::empty()),
    };
    let upgrading = hyper::upgrade::on(&mut request);
    let (socket, acceptor) = (socket.clone(), acceptor.clone());
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrading.await {
            // Fails only if the socket is closed.
            let _ = socket.attach(acceptor.upgraded(TokioIo::new(upgraded))).await;
        }
    });
    response.map(|()| Body::empty())
}
