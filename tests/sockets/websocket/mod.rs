//! Sockets whose endpoints are WebSockets.

mod closing;
mod exchange;
mod failures;
mod half_open;
#[cfg(feature = "tls")]
mod node;
mod paths;
#[cfg(feature = "tls")]
mod secure;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_zmtp::{Endpoint, Socket};

/// Returns the bound endpoint of a socket with another path.
fn at(socket: &impl Socket, path: &str) -> Endpoint {
    let Some(Endpoint::WebSocket(bound)) = socket.last_endpoint() else { panic!("not bound") };
    let scheme = if bound.is_encrypted() { "wss" } else { "ws" };
    format!("{scheme}://{}:{}{path}", bound.host(), bound.port()).parse().unwrap()
}

/// Connects without a handshake to the port of a socket.
async fn dial(socket: &impl Socket) -> TcpStream {
    let Some(Endpoint::WebSocket(bound)) = socket.last_endpoint() else { panic!("not bound") };
    TcpStream::connect((bound.host().to_string(), bound.port())).await.unwrap()
}

/// Sends a request, and returns the response to its end, or to the end of the connection.
async fn request(stream: &mut TcpStream, path: &str, headers: &str) -> String {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    while !response.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => response.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(response).unwrap()
}

/// The headers of a valid request under NULL.
const NULL: &str = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ZWS2.0/NULL\r\n";
