//! Options for WebSockets.

#[cfg(feature = "serde")]
use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;
use tungstenite::http::HeaderMap;
use tungstenite::http::header::{HeaderName, HeaderValue};

/// The options of one socket for `ws` and `wss` endpoints.
#[derive(Clone, Debug, Default)]
pub(crate) struct WebSocketOptions {
    /// libzmq adds none.
    pub(crate) headers: RequestHeaders,
    /// The origins of web pages that are accepted. Every origin is by default, as by libzmq.
    pub(crate) origins: Option<Vec<String>>,
}

/// Headers that are added to the request for a WebSocket, such as `Authorization` or `Cookie`.
/// `Debug` shows their names only.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::ws::RequestHeaders;
///
/// let headers = RequestHeaders::new().with("Authorization", "Bearer mF_9.B5f-4.1JqM")?;
/// # Ok::<(), tokio_zmtp::ws::InvalidHeader>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")
)]
pub struct RequestHeaders(HeaderMap);

/// The error of [`RequestHeaders::with`]: the header is not valid in HTTP, or the upgrade itself sets
/// it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{}` is not the name of a header that can be added, or its value is not valid", .name.escape_debug())]
#[non_exhaustive]
pub struct InvalidHeader {
    /// The name of the header.
    pub name: String,
}

impl RequestHeaders {
    /// Creates an empty list.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::ws::RequestHeaders;
    ///
    /// let headers = RequestHeaders::new();
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a header.
    ///
    /// # Errors
    ///
    /// [`InvalidHeader`] if the name or the value is not valid in HTTP (RFC 9110, 5), or if the
    /// upgrade itself sets the header.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::ws::RequestHeaders;
    ///
    /// let headers = RequestHeaders::new().with("Cookie", "session=31d4d96e407aad42")?;
    /// # Ok::<(), tokio_zmtp::ws::InvalidHeader>(())
    /// ```
    pub fn with(mut self, name: &str, value: &str) -> Result<Self, InvalidHeader> {
        let invalid = || InvalidHeader { name: name.to_owned() };
        let header = HeaderName::try_from(name).map_err(|_| invalid())?;
        let mut value = HeaderValue::try_from(value).map_err(|_| invalid())?;
        let is_own =
            OWN.contains(&header.as_str()) || header.as_str().starts_with("sec-websocket-");
        if is_own {
            return Err(invalid());
        }
        value.set_sensitive(true);
        self.0.append(header, value);
        Ok(self)
    }

    pub(crate) const fn map(&self) -> &HeaderMap {
        &self.0
    }
}

#[cfg(feature = "serde")]
impl TryFrom<BTreeMap<String, String>> for RequestHeaders {
    type Error = InvalidHeader;

    fn try_from(table: BTreeMap<String, String>) -> Result<Self, InvalidHeader> {
        let mut headers = Self::default();
        for (name, value) in table {
            headers = headers.with(&name, &value)?;
        }
        Ok(headers)
    }
}

/// Omits values that are not ASCII, which a table does not contain.
#[cfg(feature = "serde")]
impl From<RequestHeaders> for BTreeMap<String, String> {
    fn from(RequestHeaders(headers): RequestHeaders) -> Self {
        let text = |value: &HeaderValue| Some(value.to_str().ok()?.to_owned());
        headers.iter().filter_map(|(name, value)| Some((name.to_string(), text(value)?))).collect()
    }
}

impl fmt::Debug for RequestHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// Headers that every request has.
const OWN: [&str; 3] = ["connection", "host", "upgrade"];
