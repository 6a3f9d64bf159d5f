//! A DEALER that exchanges signed messages with a ROUTER of the kernel.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use serde_json::Value;
use tokio_zmtp::auth::CurveKeyError;
use tokio_zmtp::{
    ConnectError, Dealer, EndpointError, Identity, Multipart, NoRemoteError, RecvError, SendError,
};

use crate::connection_file::{ConnectionFile, KernelSocket};
use crate::random::random;
use crate::signature::SigningKey;
use crate::wire::{Header, Message, WireError};

/// What all sockets of a client share.
pub(crate) struct Session {
    id: String,
    key: SigningKey,
    /// The number of messages sent.
    messages: AtomicU64,
}

pub(crate) struct SignedDealer {
    socket: Dealer,
    session: Arc<Session>,
}

impl Session {
    pub(crate) fn new(connection: &ConnectionFile) -> Arc<Self> {
        let id = random();
        Arc::new(Self { id, key: connection.key.clone(), messages: AtomicU64::new(0) })
    }

    /// Returns the key that signs messages.
    pub(crate) const fn key(&self) -> &SigningKey {
        &self.key
    }

    fn identity(&self) -> Identity {
        self.id.parse().expect("64 characters are not too long")
    }

    fn header(&self, msg_type: &str) -> Header {
        Header {
            msg_id: format!("{}_{}", self.id, self.messages.fetch_add(1, Ordering::Relaxed)),
            msg_type: msg_type.to_owned(),
            session: self.id.clone(),
            username: "username".to_owned(),
            date: humantime::format_rfc3339_micros(SystemTime::now()).to_string(),
            version: "5.4".to_owned(),
        }
    }
}

impl SignedDealer {
    /// Connects to a socket of the kernel, which need not be bound yet.
    pub(crate) async fn connect(
        connection: &ConnectionFile,
        kind: KernelSocket,
        session: Arc<Session>,
    ) -> Result<Self, SocketError> {
        // The kernel asks for input under the identity from which it received the cell. All
        // sockets therefore have the same.
        let builder = Dealer::builder().identity(session.identity());
        let builder = connection.configure(builder)?;
        let socket = builder.connect(connection.endpoint(kind)?).await?;
        Ok(Self { socket, session })
    }

    /// Waits until the kernel knows the identity of the socket.
    pub(crate) async fn connected(&self) -> Result<(), SocketError> {
        Ok(self.socket.remotes().connected().await?)
    }

    /// Sends a message, and returns its id.
    pub(crate) async fn send(&self, msg_type: &str, content: Value) -> Result<String, SocketError> {
        let message = Message::new(self.session.header(msg_type), content);
        self.socket.send(message.encode(&self.session.key)).await?;
        Ok(message.header.msg_id)
    }

    /// Receives a message.
    ///
    /// If the future is dropped, no message is lost.
    pub(crate) async fn recv(&self) -> Result<Message, SocketError> {
        let parts = self.socket.recv().await?;
        Ok(Message::decode(&parts, &self.session.key)?)
    }

    /// Receives the reply to a request.
    pub(crate) async fn recv_reply(&self, id: &str) -> Result<Message, SocketError> {
        loop {
            let reply = self.recv().await?;
            if reply.parent_id.as_deref() == Some(id) {
                return Ok(reply);
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    #[error("the connection file has an endpoint that is not valid")]
    Endpoint(#[from] EndpointError),
    #[error("the connection file has a key that is not valid")]
    Key(#[from] CurveKeyError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    NoRemote(#[from] NoRemoteError),
    #[error(transparent)]
    Recv(#[from] RecvError),
    #[error(transparent)]
    Send(#[from] SendError<Multipart>),
    #[error("the kernel sent a message that is not valid")]
    Wire(#[from] WireError),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_forged_reply_is_an_error_and_the_next_one_is_received() {
        let (kernel, dealer) = pair("forged").await;
        let id = dealer.send("kernel_info_request", json!({})).await.unwrap();
        let request = Message::decode(&kernel.recv().await.unwrap(), &dealer.session.key).unwrap();
        assert_eq!((&request.header.msg_id, request.parent_id), (&id, None));
        let reply = reply_to(Some(&id), &dealer.session);
        kernel.send(reply.encode(&SigningKey::generate())).await.unwrap();
        kernel.send(reply.encode(&dealer.session.key)).await.unwrap();
        let error = dealer.recv_reply(&id).await.unwrap_err();
        assert!(matches!(error, SocketError::Wire(WireError::Forged(_))), "{error}");
        let received = dealer.recv_reply(&id).await.unwrap();
        assert_eq!(received.header.msg_id, reply.header.msg_id);
    }

    #[tokio::test]
    async fn replies_to_other_requests_are_skipped() {
        let (kernel, dealer) = pair("others").await;
        for parent_id in [None, Some("first"), Some("second")] {
            let reply = reply_to(parent_id, &dealer.session);
            kernel.send(reply.encode(&dealer.session.key)).await.unwrap();
        }
        let reply = dealer.recv_reply("second").await.unwrap();
        assert_eq!(reply.parent_id.as_deref(), Some("second"));
    }

    fn reply_to(id: Option<&str>, session: &Session) -> Message {
        let mut reply = Message::new(session.header("kernel_info_reply"), json!({}));
        reply.parent_id = id.map(str::to_owned);
        reply
    }

    async fn pair(name: &str) -> (Dealer, SignedDealer) {
        let kernel = Dealer::new();
        let endpoint = kernel.bind(format!("inproc://{name}")).await.unwrap();
        let socket = Dealer::builder().connect(endpoint).await.unwrap();
        let session = Session {
            id: "a".to_owned(),
            key: SigningKey::generate(),
            messages: AtomicU64::new(0),
        };
        (kernel, SignedDealer { socket, session: Arc::new(session) })
    }
}
