//! A client.

use std::time::Duration;

use tokio_zmtp::{ConnectError, Endpoint, Multipart, Req, RequestError};

use crate::protocol::CLIENT;

/// Requests services from a broker.
pub(crate) struct ServiceClient {
    req: Req,
}

impl ServiceClient {
    pub(crate) async fn connect(broker: &Endpoint) -> Result<Self, ConnectError> {
        let req = Req::builder()
            // The protocol has no id before the empty part.
            .correlate(false)
            .attempts(20)
            .attempt_timeout(TIMEOUT)
            .connect(broker)
            .await?;
        Ok(Self { req })
    }

    /// Sends a request to a service, and returns the reply.
    pub(crate) async fn request(
        &self,
        service: &str,
        body: impl Into<Multipart>,
    ) -> Result<Multipart, ServiceError> {
        let body = body.into();
        let request: Multipart = [CLIENT, service.as_bytes()].into_iter().chain(&body).collect();
        let reply = self.req.request(request).await?;
        let mut parts = reply.iter();
        if parts.next() != Some(CLIENT) || parts.next() != Some(service.as_bytes()) {
            return Err(ServiceError::Malformed);
        }
        Ok(parts.collect())
    }

    /// Returns the status of a service: 200 if a worker is registered for it, otherwise 404.
    pub(crate) async fn status(&self, service: &str) -> Result<String, ServiceError> {
        let reply = self.request("mmi.service", [service.as_bytes()]).await?;
        Ok(String::from_utf8_lossy(reply.first()).into_owned())
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    #[error("the reply is not one of the requested service")]
    Malformed,
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// The time limit of an attempt.
const TIMEOUT: Duration = Duration::from_millis(500);
