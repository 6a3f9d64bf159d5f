//! What a kernel publishes.

use std::io::{self, Write};
use std::sync::Arc;

use serde::Deserialize;
use tokio_zmtp::{Sub, Topic};

use crate::connection_file::{ConnectionFile, KernelSocket};
use crate::signed_dealer::{Session, SocketError};
use crate::wire::Message;

/// A SUB that receives all messages of the kernel.
pub(crate) struct Iopub {
    socket: Sub,
    session: Arc<Session>,
}

/// A published message.
pub(crate) struct Publication {
    /// The request that caused it.
    pub(crate) parent_id: Option<String>,
    pub(crate) content: Published,
}

/// The content of a published message.
pub(crate) enum Published {
    /// Text that a cell has printed.
    Text(Stream),
    /// The request is handled, and everything that it publishes has been published.
    Idle,
    /// Another message, such as the code of a cell, or a value, which this client receives with the
    /// reply.
    Other,
}

/// The content of a `stream`.
#[derive(Deserialize)]
pub(crate) struct Stream {
    name: StreamName,
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum StreamName {
    Stdout,
    Stderr,
}

/// The content of a `status`.
#[derive(Deserialize)]
struct Status {
    execution_state: String,
}

impl Iopub {
    pub(crate) async fn connect(
        connection: &ConnectionFile,
        session: Arc<Session>,
    ) -> Result<Self, SocketError> {
        // The first part of a message is its topic, such as `kernel.….status`. The empty topic
        // matches all messages.
        let builder = Sub::builder().subscribe(Topic::default());
        let builder = connection.configure(builder)?;
        let socket = builder.connect(connection.endpoint(KernelSocket::Iopub)?).await?;
        Ok(Self { socket, session })
    }

    /// Receives a message.
    ///
    /// If the future is dropped, no message is lost.
    pub(crate) async fn recv(&self) -> Result<Publication, SocketError> {
        let parts = self.socket.recv().await?;
        let mut message = Message::decode(&parts, self.session.key())?;
        let parent_id = message.parent_id.take();
        let content = match message.header.msg_type.as_str() {
            "stream" => Published::Text(message.into_content()?),
            "status" => {
                let Status { execution_state } = message.into_content()?;
                if execution_state == "idle" { Published::Idle } else { Published::Other }
            }
            _ => Published::Other,
        };
        Ok(Publication { parent_id, content })
    }
}

impl Stream {
    /// Prints the text where the cell has printed it.
    pub(crate) fn show(&self) -> io::Result<()> {
        let (mut stdout, mut stderr) = (io::stdout(), io::stderr());
        let output: &mut dyn Write = match self.name {
            StreamName::Stdout => &mut stdout,
            StreamName::Stderr => &mut stderr,
        };
        output.write_all(self.text.as_bytes())?;
        output.flush()
    }
}
