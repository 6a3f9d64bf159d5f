//! What the two ends of a handshake announce to each other.

use super::super::greeting::Version;
use super::super::metadata::Metadata;
use super::super::socket_type::SocketType;

/// What this end announces to the remote.
#[derive(Debug, Clone)]
pub struct HandshakeConfig {
    /// The socket type that is announced to the remote.
    pub socket_type: SocketType,
    /// The properties that are announced after the Socket-Type. Names that start with `X-` belong
    /// to the application.
    pub metadata: Metadata,
}

impl HandshakeConfig {
    /// Adds a request for one of several services at the other end.
    pub fn requesting(mut self, resource: Option<&str>) -> Self {
        if let Some(resource) = resource {
            let mut metadata = Metadata::requesting(resource);
            metadata.append(&self.metadata);
            self.metadata = metadata;
        }
        self
    }

    /// Returns the result that the handshake reports to the remote about this end.
    pub fn introduction(&self) -> Negotiated {
        Negotiated {
            version: Version::ZMTP_3_1,
            socket_type: Some(self.socket_type),
            metadata: announced(self.socket_type, &self.metadata),
            user_id: None,
            granted: Metadata::default(),
        }
    }
}

/// The result of a handshake: the properties of the remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Negotiated {
    /// The highest version that the remote supports.
    pub version: Version,
    /// The remote's socket type, which is compatible with this end. `None` if the remote did not
    /// announce it.
    pub socket_type: Option<SocketType>,
    /// The properties that the remote announced.
    pub metadata: Metadata,
    /// The user that the authenticator has recognized. Not set by the handshake.
    pub user_id: Option<String>,
    /// The properties that the authenticator has added. Not set by the handshake.
    pub granted: Metadata,
}

/// Returns the metadata of this end.
pub(super) fn announced(socket_type: SocketType, metadata: &Metadata) -> Metadata {
    let mut announced = Metadata::announcing(socket_type);
    announced.append(metadata);
    announced
}
