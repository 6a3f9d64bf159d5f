//! The request for an upgrade, from its arrival to the answer.

use std::io;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tungstenite::handshake::server;
use tungstenite::http::{Request, Response};

use super::upgrade::read_head;
use crate::monitor::UpgradeError;
use crate::transport::shutdown::shut_down;
use crate::transport::stream::Stream;

/// A request for an upgrade that is not answered yet.
#[derive(Debug)]
pub(crate) struct UpgradeRequest<S = Stream> {
    stream: S,
    head: Request<()>,
    /// What follows the request.
    input: BytesMut,
}

impl UpgradeRequest {
    /// Reads a request. There is no time limit.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    ///
    /// # Errors
    ///
    /// [`UpgradeError`], after its status has been sent to the remote.
    pub(crate) async fn read(mut stream: Stream) -> Result<Self, UpgradeError> {
        let mut input = BytesMut::new();
        match read_head::<server::Request>(&mut stream, &mut input).await {
            Ok(head) => Ok(Self { stream, head, input }),
            Err(error) => Err(refuse(stream, error).await),
        }
    }

    /// Sends the response that `decide` returns. Returns the upgraded stream, and what follows the
    /// request.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    ///
    /// # Errors
    ///
    /// [`UpgradeError`], after its status has been sent to the remote.
    pub(super) async fn answer(
        self,
        decide: impl FnOnce(&Request<()>) -> Result<Response<()>, UpgradeError>,
    ) -> Result<(Stream, BytesMut), UpgradeError> {
        let Self { mut stream, head, input } = self;
        let mut output = Vec::new();
        match decide(&head) {
            Ok(response) => {
                server::write_response(&mut output, &response).map_err(UpgradeError::invalid)?;
                stream.write_all(&output).await?;
                stream.flush().await?;
                Ok((stream, input))
            }
            Err(error) => Err(refuse(stream, error).await),
        }
    }

    /// Refuses the request, because no socket serves its path. Returns the reason.
    pub(crate) async fn refuse_path(self) -> UpgradeError {
        let path = self.path().to_owned();
        refuse(self.stream, UpgradeError::Path { path }).await
    }
}

impl<S> UpgradeRequest<S> {
    /// Returns the requested path, without its query.
    pub(crate) fn path(&self) -> &str {
        self.head.uri().path()
    }

    /// Converts the stream.
    pub(crate) fn map<T>(
        self,
        change: impl FnOnce(S) -> io::Result<T>,
    ) -> io::Result<UpgradeRequest<T>> {
        let Self { stream, head, input } = self;
        Ok(UpgradeRequest { stream: change(stream)?, head, input })
    }
}

/// Sends the status of an error to the remote, if it can receive one. Returns the error.
async fn refuse(mut stream: Stream, error: UpgradeError) -> UpgradeError {
    let Some(refusal) = error.refusal() else { return error };
    let mut output = Vec::new();
    // If the remote has disconnected, the status cannot be sent.
    if server::write_response(&mut output, &refusal).is_ok()
        && stream.write_all(&output).await.is_ok()
    {
        shut_down(&mut stream).await;
    }
    error
}
