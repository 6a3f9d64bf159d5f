//! Servers that refuse a page, or violate the protocol.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::http::HeaderValue;
use axum::http::header::SEC_WEBSOCKET_PROTOCOL;
use axum::response::Response;
use axum::routing::get;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_zmtp::ws::WebSocketAcceptor;
use tokio_zmtp::{Mechanism, Server};

use crate::page::Page;
use crate::route::{attached, attached_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_server_causes_a_typed_error_and_a_delay() {
    let server = Server::new();
    let routes = Router::new()
        .route("/server", attached(&server))
        .route("/plain", attached_with(&server, &Mechanism::PlainServer))
        .route("/other", get(async |request| raw(request, "ZWS2.0-OTHER", Vec::new())))
        .route(
            "/raw/{name}",
            get(async |Path(name): Path<String>, request: Request| {
                raw(request, "ZWS2.0-NULL", frames(&name))
            }),
        );
    let Some(page) = Page::open("bad_servers.mjs", routes).await else { return };
    page.finish().await;
}

/// Upgrades to a WebSocket with this subprotocol, and sends bytes.
fn raw(mut request: Request, subprotocol: &'static str, bytes: Vec<u8>) -> Response {
    let acceptor = WebSocketAcceptor::new(&Mechanism::Null);
    let mut response = acceptor.respond(&request).unwrap();
    let subprotocol = HeaderValue::from_static(subprotocol);
    response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, subprotocol);
    let upgrading = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut stream = TokioIo::new(upgrading.await.unwrap());
        // The page may have disconnected.
        if stream.write_all(&bytes).await.is_ok() {
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    });
    response.map(|()| Body::empty())
}

/// Returns the frames of a route.
fn frames(name: &str) -> Vec<u8> {
    let ready = b"\x02\x05READY\x0BSocket-Type\0\0\0\x06SERVER".as_slice();
    match name {
        "text" => frame(0x81, b"hello"),
        "empty" => frame(0x82, b""),
        "flags" => [frame(0x82, ready), frame(0x82, b"\x04x")].concat(),
        "message" => frame(0x82, b"\x00hello"),
        "metadata" => frame(0x82, b"\x02\x05READY\x0BSocket-Type\0\0\0\xFFSERVER"),
        "type" => frame(0x82, b"\x02\x05READY\x0BSocket-Type\0\0\0\x03PUB"),
        "error" => frame(0x82, b"\x02\x05ERROR\x07go away"),
        "occupied" => frame(0x82, b"\x02\x05ERROR\x08occupied"),
        "large" => [frame(0x82, ready), frame(0x82, b"\x00hello world")].concat(),
        "parts" => [frame(0x82, ready), frame(0x82, b"\x01x").repeat(4)].concat(),
        "close" => [frame(0x82, ready), frame(0x88, b"\x03\xF3maintenance")].concat(),
        "silent" => Vec::new(),
        _ => panic!("no such route: {name}"),
    }
}

/// Returns a frame of a server.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, u8::try_from(payload.len()).unwrap()], payload].concat()
}
