//! A proxy for outgoing connections.

use std::fmt;
use std::net::SocketAddr;

use thiserror::Error;
use zmtp_proto::endpoint::{Endpoint, EndpointError, TcpEndpoint, check_connectable};
use zmtp_proto::mechanism::plain::Password;

/// A SOCKS5 proxy for outgoing connections (RFC 1928). With the feature `socks` only.
///
/// `Debug` shows neither the username nor the password.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Client, SocksProxy};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let proxy = SocksProxy::new("127.0.0.1:1080")?.with_credentials("user", "password")?;
/// let client = Client::builder().socks_proxy(proxy).connect("tcp://example.org:5555").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(try_from = "Table", into = "Table")
)]
pub struct SocksProxy {
    endpoint: TcpEndpoint,
    credentials: Option<Credentials>,
}

#[derive(Clone, PartialEq, Eq)]
struct Credentials {
    username: String,
    password: Password,
}

/// The error of [`SocksProxy::with_credentials`]: the username or the password is empty, or longer
/// than 255 bytes (RFC 1929).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a proxy's username and password must have 1 to 255 bytes")]
#[non_exhaustive]
pub struct SocksCredentialsError;

impl SocksProxy {
    /// Creates a proxy from its host and port, such as `proxy.example.org:1080`, in the form of an
    /// endpoint.
    ///
    /// # Errors
    ///
    /// [`EndpointError`] if it is not valid, or cannot be connected to.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::SocksProxy;
    ///
    /// let proxy = SocksProxy::new("proxy.example.org:1080")?;
    /// # Ok::<(), tokio_zmtp::EndpointError>(())
    /// ```
    pub fn new(address: &str) -> Result<Self, EndpointError> {
        let address = address.strip_prefix("tcp://").unwrap_or(address);
        let endpoint: Endpoint = format!("tcp://{address}").parse()?;
        check_connectable(&endpoint)?;
        let Endpoint::Tcp(endpoint) = endpoint else { unreachable!("it begins with `tcp://`") };
        Ok(Self { endpoint, credentials: None })
    }

    /// Adds the credentials of this socket at the proxy (RFC 1929). They are sent unencrypted.
    ///
    /// # Errors
    ///
    /// [`SocksCredentialsError`] if either of them is empty or too long.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::SocksProxy;
    ///
    /// let proxy = SocksProxy::new("127.0.0.1:1080")?.with_credentials("user", "password")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_credentials(
        self,
        username: impl Into<String>,
        password: impl Into<Password>,
    ) -> Result<Self, SocksCredentialsError> {
        let (username, password) = (username.into(), password.into());
        if [&username, password.as_str()].iter().any(|one| !(1..=255).contains(&one.len())) {
            return Err(SocksCredentialsError);
        }
        Ok(Self { credentials: Some(Credentials { username, password }), ..self })
    }

    pub(crate) fn endpoint(&self) -> &TcpEndpoint {
        &self.endpoint
    }

    /// Returns the username and the password.
    pub(crate) fn credentials(&self) -> Option<(&str, &str)> {
        self.credentials.as_ref().map(|one| (one.username.as_str(), one.password.as_str()))
    }
}

impl fmt::Debug for SocksProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = self.credentials.as_ref().map(|_| format_args!(".."));
        f.debug_struct("SocksProxy")
            .field("endpoint", &self.endpoint)
            .field("credentials", &credentials)
            .finish()
    }
}

impl From<SocketAddr> for SocksProxy {
    fn from(address: SocketAddr) -> Self {
        Self { endpoint: address.into(), credentials: None }
    }
}

/// The text form of the proxy.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
struct Table {
    address: String,
    username: Option<String>,
    password: Option<String>,
}

#[cfg(feature = "serde")]
impl TryFrom<Table> for SocksProxy {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, String> {
        let proxy = Self::new(&table.address).map_err(|error| error.to_string())?;
        match (table.username, table.password) {
            (Some(username), Some(password)) => {
                proxy.with_credentials(username, password).map_err(|error| error.to_string())
            }
            (None, None) => Ok(proxy),
            _ => Err("`username` and `password` require each other".to_owned()),
        }
    }
}

#[cfg(feature = "serde")]
impl From<SocksProxy> for Table {
    fn from(proxy: SocksProxy) -> Self {
        let address = proxy.endpoint.to_string();
        let address = address.strip_prefix("tcp://").unwrap_or(&address).to_owned();
        let (username, password) =
            proxy.credentials.map(|one| (one.username, one.password.as_str().into())).unzip();
        Self { address, username, password }
    }
}

#[cfg(test)]
mod tests {
    use zmtp_proto::endpoint::EndpointErrorKind;

    use super::*;

    #[test]
    fn debug_shows_no_credentials() {
        let proxy = SocksProxy::new("localhost:1080").unwrap();
        let proxy = proxy.with_credentials("alice", "secret").unwrap();
        let shown = format!("{proxy:?}");
        assert!(shown.contains("localhost:1080"));
        assert!(!shown.contains("secret") && !shown.contains("alice"), "{shown}");
    }

    #[test]
    fn an_unusable_proxy_is_refused() {
        for (address, kind) in [
            ("*:1080", EndpointErrorKind::WildcardHost),
            ("localhost:*", EndpointErrorKind::WildcardPort),
            ("localhost", EndpointErrorKind::NoPort),
            ("tcp://localhost", EndpointErrorKind::NoPort),
        ] {
            assert_eq!(SocksProxy::new(address).unwrap_err().kind(), kind);
        }
        let proxy = || SocksProxy::from(SocketAddr::from(([127, 0, 0, 1], 1080)));
        let long = "x".repeat(256);
        for (username, password) in [("", "x"), ("x", ""), (&long, "x"), ("x", &long)] {
            assert_eq!(proxy().with_credentials(username, password), Err(SocksCredentialsError));
        }
    }

    #[cfg(feature = "serde")]
    #[test]
    fn it_is_written_as_a_table() {
        for text in [
            "address = \"localhost:1080\"\n",
            "address = \"[::1]:1080\"\nusername = \"user\"\npassword = \"secret\"\n",
        ] {
            let proxy: SocksProxy = toml::from_str(text).unwrap();
            assert_eq!(toml::to_string(&proxy).unwrap(), text);
        }
        let half = "address = 'localhost:1080'\nusername = 'user'";
        let error = toml::from_str::<SocksProxy>(half).unwrap_err();
        assert!(error.to_string().contains("`username` and `password` require each other"));
    }
}
