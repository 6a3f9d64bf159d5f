//! The Socket-Type property (RFC 37, The Socket-Type Property).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The type of a ZeroMQ socket, which the ends of a connection announce to each other.
///
/// The variants are all types that ZMTP 3.1 defines, since a remote may announce any of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SocketType {
    /// Sends requests and receives replies in lock step (RFC 28).
    Req,
    /// Receives requests and sends replies in lock step (RFC 28).
    Rep,
    /// Exchanges messages with anonymous remotes, round-robin (RFC 28).
    Dealer,
    /// Addresses remotes by their identity (RFC 28).
    Router,
    /// Publishes to its subscribers (RFC 29).
    Pub,
    /// Publishes to its subscribers and receives their subscriptions (RFC 29).
    Xpub,
    /// Subscribes to publishers (RFC 29).
    Sub,
    /// Subscribes to publishers by sending subscriptions itself (RFC 29).
    Xsub,
    /// Distributes messages among PULL sockets (RFC 30).
    Push,
    /// Collects messages from PUSH sockets (RFC 30).
    Pull,
    /// Exchanges messages with exactly one remote (RFC 31).
    Pair,
    /// Exchanges messages with SERVER sockets, round-robin (RFC 41).
    Client,
    /// Addresses CLIENT sockets by their routing id (RFC 41).
    Server,
    /// Transmits to the members of a group (RFC 48).
    Radio,
    /// Joins groups and receives their messages (RFC 48).
    Dish,
    /// Distributes single-part messages among GATHER sockets (RFC 49).
    Scatter,
    /// Collects single-part messages from SCATTER sockets (RFC 49).
    Gather,
    /// Addresses PEER sockets by their routing id (RFC 51).
    Peer,
    /// Exchanges single-part messages with exactly one CHANNEL socket (RFC 52).
    Channel,
}

/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub use zmtp_proto::socket_type::SocketType; }
/// use tokio_zmtp::SocketType;
///
/// assert_eq!(SocketType::Client.as_str(), "CLIENT");
/// assert!(SocketType::Client.is_compatible_with(SocketType::Server));
/// ```
impl SocketType {
    /// Returns the name on the wire, such as `"CLIENT"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Req => "REQ",
            Self::Rep => "REP",
            Self::Dealer => "DEALER",
            Self::Router => "ROUTER",
            Self::Pub => "PUB",
            Self::Xpub => "XPUB",
            Self::Sub => "SUB",
            Self::Xsub => "XSUB",
            Self::Push => "PUSH",
            Self::Pull => "PULL",
            Self::Pair => "PAIR",
            Self::Client => "CLIENT",
            Self::Server => "SERVER",
            Self::Radio => "RADIO",
            Self::Dish => "DISH",
            Self::Scatter => "SCATTER",
            Self::Gather => "GATHER",
            Self::Peer => "PEER",
            Self::Channel => "CHANNEL",
        }
    }

    /// Returns whether a socket of this type announces an identity, by which a ROUTER addresses it
    /// (RFC 37, The Identity Property). A ROUTER announces one as well, as in libzmq.
    ///
    /// # Examples
    ///
    /// ```
    /// # mod tokio_zmtp { pub use zmtp_proto::socket_type::*; }
    /// use tokio_zmtp::SocketType;
    ///
    /// assert!(SocketType::Dealer.has_identity());
    /// assert!(!SocketType::Push.has_identity());
    /// ```
    #[must_use]
    pub const fn has_identity(self) -> bool {
        matches!(self, Self::Req | Self::Dealer | Self::Router)
    }

    /// Returns whether remotes subscribe to the messages of a socket of this type (RFC 29).
    ///
    /// # Examples
    ///
    /// ```
    /// # mod tokio_zmtp { pub use zmtp_proto::socket_type::*; }
    /// use tokio_zmtp::SocketType;
    ///
    /// assert!(SocketType::Pub.takes_subscriptions());
    /// assert!(!SocketType::Sub.takes_subscriptions());
    /// ```
    #[must_use]
    pub const fn takes_subscriptions(self) -> bool {
        matches!(self, Self::Pub | Self::Xpub)
    }

    /// Returns whether a socket of this type may communicate with one of type `other`.
    ///
    /// The relation is symmetric.
    #[must_use]
    pub const fn is_compatible_with(self, other: Self) -> bool {
        match self {
            Self::Req => matches!(other, Self::Rep | Self::Router),
            Self::Rep => matches!(other, Self::Req | Self::Dealer),
            Self::Dealer => matches!(other, Self::Rep | Self::Dealer | Self::Router),
            Self::Router => matches!(other, Self::Req | Self::Dealer | Self::Router),
            Self::Pub | Self::Xpub => matches!(other, Self::Sub | Self::Xsub),
            Self::Sub | Self::Xsub => matches!(other, Self::Pub | Self::Xpub),
            Self::Push => matches!(other, Self::Pull),
            Self::Pull => matches!(other, Self::Push),
            Self::Pair => matches!(other, Self::Pair),
            Self::Client => matches!(other, Self::Server),
            Self::Server => matches!(other, Self::Client),
            Self::Radio => matches!(other, Self::Dish),
            Self::Dish => matches!(other, Self::Radio),
            Self::Scatter => matches!(other, Self::Gather),
            Self::Gather => matches!(other, Self::Scatter),
            Self::Peer => matches!(other, Self::Peer),
            Self::Channel => matches!(other, Self::Channel),
        }
    }
}

impl fmt::Display for SocketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Accepts only the upper-case names on the wire, as libzmq does.
impl FromStr for SocketType {
    type Err = ParseSocketTypeError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(match name {
            "REQ" => Self::Req,
            "REP" => Self::Rep,
            "DEALER" => Self::Dealer,
            "ROUTER" => Self::Router,
            "PUB" => Self::Pub,
            "XPUB" => Self::Xpub,
            "SUB" => Self::Sub,
            "XSUB" => Self::Xsub,
            "PUSH" => Self::Push,
            "PULL" => Self::Pull,
            "PAIR" => Self::Pair,
            "CLIENT" => Self::Client,
            "SERVER" => Self::Server,
            "RADIO" => Self::Radio,
            "DISH" => Self::Dish,
            "SCATTER" => Self::Scatter,
            "GATHER" => Self::Gather,
            "PEER" => Self::Peer,
            "CHANNEL" => Self::Channel,
            _ => return Err(ParseSocketTypeError(())),
        })
    }
}

/// A name that is not the name of a [`SocketType`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("unknown socket type")]
pub struct ParseSocketTypeError(());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsing_reverses_formatting() {
        for socket_type in ALL {
            assert_eq!(socket_type.as_str().parse(), Ok(socket_type));
            assert_eq!(socket_type.to_string(), socket_type.as_str());
        }
    }

    #[test]
    fn a_name_in_lower_case_is_unknown() {
        assert_eq!("client".parse::<SocketType>(), Err(ParseSocketTypeError(())));
        assert_eq!("STREAM".parse::<SocketType>(), Err(ParseSocketTypeError(())));
        assert_eq!("".parse::<SocketType>(), Err(ParseSocketTypeError(())));
    }

    #[test]
    fn compatible_socket_types_are_those_of_the_rfc() {
        for (socket_type, remotes) in LEGAL_REMOTES {
            let legal: Vec<&str> = ALL
                .into_iter()
                .filter(|other| socket_type.is_compatible_with(*other))
                .map(SocketType::as_str)
                .collect();
            assert_eq!(legal.join(" "), remotes, "remotes of {socket_type}");
        }
    }

    #[test]
    fn the_types_with_an_identity_are_those_that_a_router_addresses() {
        for socket_type in ALL {
            let is_addressed = socket_type.is_compatible_with(SocketType::Router);
            assert_eq!(socket_type.has_identity(), is_addressed, "{socket_type}");
        }
    }

    #[test]
    fn compatibility_is_symmetric() {
        for one in ALL {
            for other in ALL {
                assert_eq!(one.is_compatible_with(other), other.is_compatible_with(one));
            }
        }
    }

    const ALL: [SocketType; 19] = [
        SocketType::Req,
        SocketType::Rep,
        SocketType::Dealer,
        SocketType::Router,
        SocketType::Pub,
        SocketType::Xpub,
        SocketType::Sub,
        SocketType::Xsub,
        SocketType::Push,
        SocketType::Pull,
        SocketType::Pair,
        SocketType::Client,
        SocketType::Server,
        SocketType::Radio,
        SocketType::Dish,
        SocketType::Scatter,
        SocketType::Gather,
        SocketType::Peer,
        SocketType::Channel,
    ];

    /// RFC 37, The Socket-Type Property, with the legal remotes in the order of `ALL`.
    const LEGAL_REMOTES: [(SocketType, &str); 19] = [
        (SocketType::Req, "REP ROUTER"),
        (SocketType::Rep, "REQ DEALER"),
        (SocketType::Dealer, "REP DEALER ROUTER"),
        (SocketType::Router, "REQ DEALER ROUTER"),
        (SocketType::Pub, "SUB XSUB"),
        (SocketType::Xpub, "SUB XSUB"),
        (SocketType::Sub, "PUB XPUB"),
        (SocketType::Xsub, "PUB XPUB"),
        (SocketType::Push, "PULL"),
        (SocketType::Pull, "PUSH"),
        (SocketType::Pair, "PAIR"),
        (SocketType::Client, "SERVER"),
        (SocketType::Server, "CLIENT"),
        (SocketType::Radio, "DISH"),
        (SocketType::Dish, "RADIO"),
        (SocketType::Scatter, "GATHER"),
        (SocketType::Gather, "SCATTER"),
        (SocketType::Peer, "PEER"),
        (SocketType::Channel, "CHANNEL"),
    ];
}
