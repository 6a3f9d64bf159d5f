//! The form of the properties that a socket announces.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::error::PropertyError;
use crate::socket::{Builder, Client};

/// Reads properties and checks them immediately, while their position in the text is known.
pub(super) fn properties<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let properties = BTreeMap::deserialize(deserializer)?;
    match announce(Client::builder(), &properties) {
        Ok(_) => Ok(properties),
        Err((name, error)) => {
            Err(D::Error::custom(format_args!("`{}`: {error}", name.escape_debug())))
        }
    }
}

/// Adds properties to those that a socket announces, or returns the refused one and the reason.
pub(super) fn announce<S>(
    builder: Builder<S>,
    properties: &BTreeMap<String, String>,
) -> Result<Builder<S>, (String, PropertyError)> {
    properties.iter().try_fold(builder, |builder, (name, value)| {
        builder.metadata(name, value).map_err(|error| (name.clone(), error))
    })
}
