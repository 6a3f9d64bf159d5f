//! Accepted connections of `tls` endpoints.

use std::io;

use super::ListenerState;
use super::serving::IncomingConnection;
use crate::connection::Deadline;
use crate::monitor::{EventSource, HandshakeFailure};
use crate::transport::{RemoteStream, Stream};

impl ListenerState {
    /// Establishes TLS with a remote, which then performs the handshake of ZMTP. Both count as
    /// half-open, and have one deadline.
    pub(super) async fn serve_tls(
        &self,
        stream: Stream,
        connection_info: IncomingConnection,
        subject: &EventSource,
        deadline: Deadline,
    ) -> Result<(), HandshakeFailure> {
        let serving = {
            let origin = connection_info.origin;
            let caller = (&subject.endpoint, origin, None);
            let encrypting =
                self.half_open(caller, async |_| deadline.keep(self.encrypt(stream)).await);
            let Some(encrypted) = Box::pin(encrypting).await? else { return Ok(()) };
            let RemoteStream { stream, admission, .. } = encrypted;
            let admission = Some(Box::new(admission));
            let establishing =
                Box::pin(self.establish_stream(stream, admission, origin, subject, deadline));
            Box::pin(self.serve_stream(establishing, connection_info, subject))
        };
        serving.await
    }

    async fn encrypt(&self, stream: Stream) -> Result<RemoteStream, HandshakeFailure> {
        let Some(server) = &self.shared.options.tls.server else {
            unreachable!("a `tls` endpoint is not bound without it")
        };
        server.encrypt(stream).await.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => HandshakeFailure::ClosedByRemote,
            _ => error.into(),
        })
    }
}
