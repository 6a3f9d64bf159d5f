//! What both sides of the upgrade from HTTP to a WebSocket share (RFC 6455, 4; RFC 45).

use std::io;

use bytes::BytesMut;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};
use tungstenite::handshake::machine::TryParse;
use tungstenite::http::header::{CONNECTION, SEC_WEBSOCKET_VERSION};
use tungstenite::http::{Response, StatusCode};
use zmtp_proto::greeting::MechanismName;

/// The reason why a stream is not upgraded to a WebSocket.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UpgradeError {
    /// The stream failed, or ended during the upgrade.
    #[error("the stream failed during the upgrade")]
    Io(#[from] io::Error),
    /// The request or the response is not that of a WebSocket. The remote receives the status 400,
    /// or 426 if it asks for another version.
    #[error("the remote does not request a valid upgrade")]
    Invalid(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The request or the response is longer than 8 KiB. The remote receives the status 431.
    #[error("the header of the remote is longer than {limit} bytes")]
    HeaderTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The remote requests another path. It receives the status 404.
    #[error("the remote requests the path {path}")]
    Path {
        /// The requested path.
        path: String,
    },
    /// The request comes from a web page whose origin is not allowed. The remote receives the status
    /// 403.
    #[error("the origin {origin} is not allowed")]
    Origin {
        /// The origin of the page.
        origin: String,
    },
    /// The remote does not offer or accept the subprotocol of the mechanism. It receives the status
    /// 400.
    #[error("the remote does not use the subprotocol {expected}")]
    Subprotocol {
        /// The subprotocol of this end.
        expected: String,
    },
    /// The server refuses the upgrade.
    #[error("the server answers with the status {status}")]
    Refused {
        /// The status of its response.
        status: u16,
    },
}

impl UpgradeError {
    pub(super) fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Invalid(error.into())
    }

    /// Returns the response to the remote, if it can receive one.
    pub(super) fn refusal(&self) -> Option<Response<()>> {
        let mut response =
            Response::builder().header(CONNECTION, "close").header("Content-Length", 0);
        response = match self {
            Self::Io(_) | Self::Refused { .. } => return None,
            Self::Invalid(error) if is_other_version(&**error) => {
                let upgrade = response.status(StatusCode::UPGRADE_REQUIRED);
                upgrade.header(SEC_WEBSOCKET_VERSION, "13")
            }
            Self::Invalid(_) | Self::Subprotocol { .. } => response.status(StatusCode::BAD_REQUEST),
            Self::HeaderTooLong { .. } => {
                response.status(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
            }
            Self::Path { .. } => response.status(StatusCode::NOT_FOUND),
            Self::Origin { .. } => response.status(StatusCode::FORBIDDEN),
        };
        response.body(()).ok()
    }
}

fn is_other_version(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    use tungstenite::error::{Error, ProtocolError};
    matches!(
        error.downcast_ref(),
        Some(Error::Protocol(ProtocolError::MissingSecWebSocketVersionHeader))
    )
}

/// Returns the subprotocol of a mechanism (RFC 45).
pub(super) fn subprotocol(mechanism: MechanismName) -> String {
    format!("ZWS2.0/{}", mechanism.as_str())
}

/// Returns the name of the same subprotocol for browsers, which refuse the one of RFC 45: a slash is
/// not permitted in a token (RFC 6455, 4.1).
pub(super) fn subprotocol_of_browsers(mechanism: MechanismName) -> String {
    format!("ZWS2.0-{}", mechanism.as_str())
}

/// Reads a request or a response. What follows it stays in `input`.
pub(super) async fn read_head<T: TryParse>(
    stream: &mut (impl AsyncRead + Unpin),
    input: &mut BytesMut,
) -> Result<T, UpgradeError> {
    loop {
        if let Some((len, head)) = T::try_parse(input).map_err(UpgradeError::invalid)? {
            let _ = input.split_to(len);
            return Ok(head);
        }
        if input.len() >= HEAD_MAX {
            return Err(UpgradeError::HeaderTooLong { limit: HEAD_MAX });
        }
        let room = HEAD_MAX - input.len();
        if stream.read_buf(&mut bytes::BufMut::limit(&mut *input, room)).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}

/// The longest request or response, in bytes.
const HEAD_MAX: usize = 0x2000;
