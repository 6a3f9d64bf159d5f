//! What both sides of the upgrade from HTTP to a WebSocket share (RFC 6455, 4; RFC 45).

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt};
use tungstenite::error::{Error as WebSocketError, ProtocolError as WebSocketViolation};
use tungstenite::handshake::machine::TryParse;
use tungstenite::http::header::{CONNECTION, SEC_WEBSOCKET_VERSION};
use tungstenite::http::{Response, StatusCode};
use zmtp_proto::greeting::MechanismName;

use crate::monitor::{ProtocolError, UpgradeError};

impl UpgradeError {
    /// Returns the response to the remote, if it can receive one.
    pub(super) fn refusal(&self) -> Option<Response<()>> {
        let mut response =
            Response::builder().header(CONNECTION, "close").header("Content-Length", 0);
        response = match self {
            Self::Io(_) | Self::Refused { .. } => return None,
            Self::Invalid(error) if is_other_version(error) => {
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

fn is_other_version(error: &ProtocolError) -> bool {
    matches!(
        error.downcast_ref(),
        Some(WebSocketError::Protocol(WebSocketViolation::MissingSecWebSocketVersionHeader))
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
