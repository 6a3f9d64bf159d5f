//! Accepted connections of `ws` and `wss` endpoints.

use std::sync::Arc;

use tracing::Span;
use zmtp_proto::endpoint::Endpoint;

use super::ListenerState;
use super::serving::IncomingConnection;
use crate::auth::Admission;
use crate::connection::Deadline;
use crate::driver::incoming::{HandOver, HandedOver, Incoming, PortId};
use crate::driver::log;
use crate::monitor::{EventSource, HandshakeFailure, UpgradeError};
use crate::remote::Origin;
use crate::remotes::PendingHandshake;
use crate::transport::Stream;
use crate::transport::websocket::{UpgradeRequest, WebSocketAcceptor};

/// A request that this socket answers, and what TLS has verified.
#[derive(Debug)]
struct Requested {
    request: UpgradeRequest,
    admission: Admission,
}

impl ListenerState {
    /// Serves one remote of a `ws` or `wss` endpoint from its request to its end.
    pub(super) async fn serve_websocket(
        self: Arc<Self>,
        mut incoming: Incoming,
        arriving: PendingHandshake,
    ) {
        let deadline = Deadline::after(self.shared.options.handshake_interval);
        let headed = self.behind_proxy(&mut incoming, deadline).await;
        let origin = incoming.origin();
        let requested = match headed {
            Ok(true) => Box::pin(self.requested(incoming, deadline)).await,
            Ok(false) => Ok(None),
            Err(reason) => Err(reason),
        };
        if let Ok(None) = requested {
            return;
        }
        let (connection_info, subject) = self.accepted(self.endpoint.clone(), origin, arriving);
        let served = match requested {
            Ok(Some(requested)) => {
                Box::pin(self.serve_upgraded(requested, connection_info, &subject, deadline)).await
            }
            Ok(None) => Ok(()),
            Err(reason) => Err(reason),
        };
        served.unwrap_or_else(|reason| self.refuse(&subject, origin, reason));
    }

    /// Returns the request of a remote. Returns `None` if it is handed over to another socket, or if
    /// the endpoint ended in between.
    async fn requested(
        &self,
        incoming: Incoming,
        deadline: Deadline,
    ) -> Result<Option<Requested>, HandshakeFailure> {
        match incoming {
            Incoming::SharedPort(stream, origin, port) => {
                let address = origin.address.map(|address| address.ip());
                let hearing = Box::pin(self.hear_upgrade(stream, origin, port, deadline));
                self.while_half_open(address, hearing).await.map(Option::flatten)
            }
            Incoming::HandOver(HandOver { request, .. }) => {
                let (request, admission) = request.into_upgrade();
                let request = request.map(|stream| stream.attach(&self.shared.options.tcp))?;
                Ok(Some(Requested { request, admission }))
            }
            _ => unreachable!("the port of a WebSocket accepts streams"),
        }
    }

    /// Reads the request of a remote. If another socket serves its path, hands it over.
    async fn hear_upgrade(
        &self,
        stream: Stream,
        origin: Origin,
        port: PortId,
        deadline: Deadline,
    ) -> Result<Option<Requested>, HandshakeFailure> {
        let (stream, admission) = deadline.keep(Box::pin(self.uncovered(stream))).await?;
        let request = deadline
            .keep(Box::pin(async {
                UpgradeRequest::read(stream).await.map_err(HandshakeFailure::from)
            }))
            .await?;
        if matches!(&self.endpoint, Endpoint::WebSocket(own) if own.path() == request.path()) {
            return Ok(Some(Requested { request, admission }));
        }
        let handing_over = async {
            let request = Box::new(HandedOver::Upgrade(request.map(Stream::detach)?, admission));
            let call = HandOver { request, origin, span: Span::current() };
            match call.hand_over_at_once(&port).await {
                Ok(()) => Ok(None),
                Err(HandOver { request, .. }) => {
                    let (request, _) = request.into_upgrade();
                    let request = request.map(|stream| stream.attach(&self.shared.options.tcp))?;
                    Err(request.refuse_path().await.into())
                }
            }
        };
        let handed_over = deadline.keep(Box::pin(handing_over)).await?;
        tracing::debug!(target: log::CONNECTION, "handed over");
        Ok(handed_over)
    }

    /// Establishes TLS with a remote of `wss`.
    async fn uncovered(&self, stream: Stream) -> Result<(Stream, Admission), HandshakeFailure> {
        match &self.endpoint {
            #[cfg(feature = "tls")]
            Endpoint::WebSocket(own) if own.is_encrypted() => {
                let encrypted = self.encrypt(stream).await?;
                Ok((encrypted.stream, encrypted.admission))
            }
            _ => Ok((stream, Admission::anonymous())),
        }
    }

    /// Answers a request, and performs the handshake of ZMTP. Both count as half-open.
    async fn serve_upgraded(
        &self,
        Requested { request, admission }: Requested,
        connection_info: IncomingConnection,
        subject: &EventSource,
        deadline: Deadline,
    ) -> Result<(), HandshakeFailure> {
        let acceptor = WebSocketAcceptor::for_listener(&self.shared.options);
        let known = admission.clone();
        let caller = (&subject.endpoint, connection_info.origin, Some(&known));
        let establishing = Box::pin(self.half_open(caller, async |call| {
            let answering =
                async { acceptor.upgrade(request).await.map_err(HandshakeFailure::from) };
            let stream = deadline.keep(Box::pin(answering)).await?;
            let admission = Some(Box::new(admission));
            self.shake_hands(stream, admission, call, subject, deadline).await
        }));
        Box::pin(self.serve_stream(establishing, connection_info, subject)).await
    }
}

impl From<UpgradeError> for HandshakeFailure {
    fn from(error: UpgradeError) -> Self {
        match error {
            UpgradeError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Self::ClosedByRemote
            }
            UpgradeError::Io(error) => Self::Io(error),
            error => Self::Upgrade(error),
        }
    }
}
