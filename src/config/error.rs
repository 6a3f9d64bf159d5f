use thiserror::Error;

use crate::error::{BindError, ConnectError, PropertyError};

/// The error of starting a socket that is described by data.
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
        /// Its name.
        name: String,
        /// What is wrong with it.
        source: PropertyError,
    },
}
