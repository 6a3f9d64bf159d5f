//! The routing id by which a SERVER or PEER distinguishes its remotes (RFC 41, RFC 51).

use std::fmt;
use std::num::{NonZeroU32, TryFromIntError};

/// Identifies one remote of a [`Server`](crate::Server) or [`Peer`](crate::Peer).
///
/// A routing id is a non-zero 32-bit number that the socket assigns to a remote (RFC 41, The SERVER
/// Socket Type; RFC 51, The PEER Socket Type). A remote cannot choose it, and no two live remotes
/// share one. It lives as long as the remote's queues. For an accepted remote this is the
/// connection itself: one that reconnects is a new remote with a new id. A remote that this socket
/// connected to keeps its id between connections, unless [`immediate`](crate::Builder::immediate)
/// is set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(transparent))]
pub struct RoutingId(NonZeroU32);

impl RoutingId {
    /// Creates a routing id from its number; `None` for zero, which is reserved.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::RoutingId;
    ///
    /// let id = RoutingId::new(7).unwrap();
    /// assert_eq!(u32::from(id), 7);
    /// assert_eq!(RoutingId::new(0), None);
    /// ```
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }
}

impl From<NonZeroU32> for RoutingId {
    fn from(number: NonZeroU32) -> Self {
        Self(number)
    }
}

impl From<RoutingId> for u32 {
    fn from(id: RoutingId) -> Self {
        id.0.get()
    }
}

impl TryFrom<u32> for RoutingId {
    type Error = TryFromIntError;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        NonZeroU32::try_from(number).map(Self)
    }
}

impl fmt::Display for RoutingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for RoutingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoutingId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_not_a_routing_id() {
        assert_eq!(RoutingId::new(0), None);
        assert!(RoutingId::try_from(0).is_err());
    }

    #[cfg(feature = "serde")]
    #[test]
    fn it_is_written_as_its_number() {
        let id = RoutingId::new(7).unwrap();
        assert_eq!(toml::Value::try_from(id).unwrap(), toml::Value::Integer(7));
        assert_eq!(toml::Value::Integer(7).try_into(), Ok(id));
        assert!(toml::Value::Integer(0).try_into::<RoutingId>().is_err());
    }

    #[test]
    fn keeps_its_number() {
        let id = RoutingId::new(7).unwrap();
        assert_eq!(u32::from(id), 7);
        assert_eq!(id.to_string(), "7");
    }
}
