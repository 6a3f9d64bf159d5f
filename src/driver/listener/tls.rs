//! Accepted connections of `tls` endpoints.

use std::io;
use std::sync::Arc;

use super::ListenerState;
use super::serving::IncomingConnection;
use crate::connection::Deadline;
use crate::driver::incoming::Incoming;
use crate::monitor::{EventSource, HandshakeFailure};
use crate::remotes::PendingHandshake;
use crate::transport::{RemoteStream, Stream};

impl ListenerState {
    /// Serves one remote of a `tls` endpoint from its handshake to its end.
    pub(super) async fn serve_tls(
        self: Arc<Self>,
        mut incoming: Incoming,
        arriving: PendingHandshake,
    ) {
        let deadline = Deadline::after(self.shared.options.handshake_interval);
        let headed = if incoming.is_proxied(&self.shared.options) {
            Box::pin(self.accept_proxy_header(&mut incoming, deadline)).await
        } else {
            Ok(true)
        };
        if let Ok(false) = headed {
            return;
        }
        let Incoming::Stream(stream, origin) = incoming else {
            unreachable!("a `tls` endpoint accepts streams")
        };
        let (connection_info, subject) = self.accepted(self.endpoint.clone(), origin, arriving);
        let served = match headed {
            Ok(_) => {
                Box::pin(self.serve_encrypted(stream, connection_info, &subject, deadline)).await
            }
            Err(reason) => Err(reason),
        };
        served.unwrap_or_else(|reason| self.refuse(&subject, reason));
    }

    /// Establishes TLS with a remote, which then performs the handshake of ZMTP. Both count as
    /// half-open, and have one deadline.
    async fn serve_encrypted(
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
