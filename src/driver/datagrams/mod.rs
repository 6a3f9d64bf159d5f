//! The tasks of `udp` endpoints: one [`RadioSender`] for each that a RADIO is connected to, and one
//! [`DishReceiver`] for each that a DISH is bound to.
//!
//! Datagrams have no connection. While its socket is open, an endpoint is one remote, whether or
//! not another program uses the address: it has an id and statistics, and counts as connected.
//! There is no handshake, and no heartbeat. What is lost is counted and reported, and ends nothing.

mod losses;
mod receiver;
mod sender;

pub(super) use self::receiver::DishReceiver;
pub(super) use self::sender::RadioSender;
