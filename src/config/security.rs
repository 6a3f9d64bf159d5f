//! The forms in which the security of a socket is written.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::form::one_or_many;
use crate::auth::{ClientKeys, CurveKeypair, CurvePublicKey, CurveSecretKey, Mechanism};

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
        #[serde(deserialize_with = "one_or_many", serialize_with = "write_one_or_many")]
        server_key: Vec<String>,
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
            let keypair = match secret_key {
                Some(secret) => keypair(&secret)?,
                None => CurveKeypair::generate(),
            };
            Mechanism::curve_client(client_keys(&server_key, keypair).map_err(D::Error::custom)?)
        }
        Form::CurveServer { secret_key } => Mechanism::curve_server(keypair(&secret_key)?),
    })
}

fn client_keys(server_keys: &[String], keypair: CurveKeypair) -> Result<ClientKeys, String> {
    let (first, others) = server_keys.split_first().ok_or("there is no key of the server")?;
    let read = |key: &String| key.parse::<CurvePublicKey>().map_err(|error| error.to_string());
    let keys = ClientKeys::new(read(first)?, keypair);
    for other in others {
        keys.add_server_key(read(other)?).map_err(|error| error.to_string())?;
    }
    Ok(keys)
}

fn write_one_or_many<S: Serializer>(keys: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    match keys {
        [key] => serializer.serialize_str(key),
        keys => keys.serialize(serializer),
    }
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
        Mechanism::CurveClient { keys } => Form::CurveClient {
            server_key: keys.server_keys().iter().map(ToString::to_string).collect(),
            secret_key: Some(secret_key(&keys.keypair())),
        },
        Mechanism::CurveServer { keys } => {
            Form::CurveServer { secret_key: secret_key(&keys.current()) }
        }
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
