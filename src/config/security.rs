//! The forms in which the security of a socket is written.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use zeroize::Zeroizing;
use zmtp_proto::mechanism::Mechanism;

use crate::auth::{CurveKeypair, CurvePublicKey, CurveSecretKey};

/// A mechanism: `"null"`, `"plain_server"`, `{ curve_server = { secret_key = ".." } }` and so on.
pub(super) mod mechanism {
    pub(in crate::config) use super::{
        read_mechanism as deserialize, write_mechanism as serialize,
    };
}

/// The name of a domain.
pub(super) mod domain {
    pub(in crate::config) use super::{read_domain as deserialize, write_domain as serialize};
}

/// A [`Mechanism`] with its keys as text. The socket's own public key is not written, because it
/// follows from the secret key.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Form {
    Null,
    PlainClient {
        username: String,
        password: Secret,
    },
    PlainServer,
    CurveClient {
        server_key: String,
        /// Generated for the socket if it is absent.
        secret_key: Option<Secret>,
    },
    CurveServer {
        secret_key: Secret,
    },
}

/// Text that is overwritten in memory when it is dropped.
pub(super) struct Secret(pub(super) Zeroizing<String>);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

pub(super) fn read_mechanism<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Mechanism, D::Error> {
    use serde::de::Error;

    let keypair = |secret: &Secret| {
        secret.0.parse::<CurveSecretKey>().map(CurveKeypair::from).map_err(D::Error::custom)
    };
    Ok(match Form::deserialize(deserializer)? {
        Form::Null => Mechanism::Null,
        Form::PlainClient { username, password } => {
            Mechanism::plain_client(username, password.0.as_str()).map_err(D::Error::custom)?
        }
        Form::PlainServer => Mechanism::PlainServer,
        Form::CurveClient { server_key, secret_key } => {
            let server_key: CurvePublicKey = server_key.parse().map_err(D::Error::custom)?;
            match secret_key {
                Some(secret) => Mechanism::CurveClient { server_key, keypair: keypair(&secret)? },
                None => Mechanism::curve_client(server_key),
            }
        }
        Form::CurveServer { secret_key } => {
            Mechanism::CurveServer { keypair: keypair(&secret_key)? }
        }
    })
}

pub(super) fn write_mechanism<S: Serializer>(
    mechanism: &Mechanism,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let secret_key = |keypair: &CurveKeypair| Secret(keypair.secret_key().to_text());
    let form = match mechanism {
        Mechanism::Null => Form::Null,
        Mechanism::PlainClient { username, password, .. } => Form::PlainClient {
            username: username.clone(),
            password: Secret(Zeroizing::new(password.as_str().into())),
        },
        Mechanism::PlainServer => Form::PlainServer,
        Mechanism::CurveClient { server_key, keypair } => Form::CurveClient {
            server_key: server_key.to_string(),
            secret_key: Some(secret_key(keypair)),
        },
        Mechanism::CurveServer { keypair } => Form::CurveServer { secret_key: secret_key(keypair) },
        _ => return Err(ser::Error::custom("this mechanism has no form in a configuration")),
    };
    form.serialize(serializer)
}

pub(super) fn read_domain<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Arc<str>, D::Error> {
    String::deserialize(deserializer).map(Arc::from)
}

pub(super) fn write_domain<S: Serializer>(
    domain: &Arc<str>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(domain)
}
