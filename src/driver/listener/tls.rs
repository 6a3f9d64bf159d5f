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
        let headed = self.behind_proxy(&mut incoming, deadline).await;
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
        served.unwrap_or_else(|reason| self.refuse(&subject, origin, reason));
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
        let caller = (&subject.endpoint, connection_info.origin, None);
        let establishing = Box::pin(self.half_open(caller, async |call| {
            let encrypted = deadline.keep(Box::pin(self.encrypt(stream))).await?;
            let RemoteStream { stream, admission, .. } = encrypted;
            let call = call.map(|call| call.clone().with_admission(&admission));
            let admission = Some(Box::new(admission));
            self.shake_hands(stream, admission, call.as_ref(), subject, deadline).await
        }));
        Box::pin(self.serve_stream(establishing, connection_info, subject)).await
    }

    pub(super) async fn encrypt(&self, stream: Stream) -> Result<RemoteStream, HandshakeFailure> {
        let Some(server) = &self.shared.options.tls.server else {
            unreachable!("an endpoint with TLS is not bound without it")
        };
        server.encrypt(stream).await.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => HandshakeFailure::ClosedByRemote,
            _ => error.into(),
        })
    }
}
