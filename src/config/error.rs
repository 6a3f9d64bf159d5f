use thiserror::Error;

use crate::error::{BindError, ConnectError, PropertyError};

/// The reason why a socket cannot be started from its description.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// An endpoint cannot be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// An endpoint cannot be connected to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A property cannot be announced.
    #[error("the property `{}` is refused", name.escape_debug())]
    #[non_exhaustive]
    Property {
        /// The name of the property.
        name: String,
        /// The reason.
        source: PropertyError,
    },
}
