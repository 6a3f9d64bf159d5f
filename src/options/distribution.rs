//! The options of sockets that distribute messages among remotes.

/// How a socket that picks the remote of a message distributes messages among its remotes.
///
/// See [`Builder::balance`](crate::Builder#method.balance).
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Balance, Push};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let push = Push::builder().balance(Balance::ShortestQueue).build();
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Balance {
    /// In turn, except remotes whose queue is full (RFC 28, RFC 30).
    #[default]
    RoundRobin,
    /// To the remote whose queue holds the fewest messages. If several do, in turn.
    ShortestQueue,
}

/// What happens to the messages that a remote has left in its queue.
///
/// See [`Builder::undelivered`](crate::Builder#method.undelivered).
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Push, Undelivered};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let push = Push::builder().undelivered(Undelivered::Redirect).build();
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Undelivered {
    /// They are dropped and [counted](crate::stats::Dropped::undelivered).
    #[default]
    Drop,
    /// They are sent to other remotes, in line with the senders of other messages.
    Redirect,
    /// They are returned to the application by [`recv_returned`](crate::Push::recv_returned).
    Return,
}

/// The options of PUSH and DEALER.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DistributionOptions {
    pub(crate) balance: Balance,
    /// The limits of messages that wait to be redirected or returned.
    pub(crate) returned_hwm: usize,
    pub(crate) returned_hwm_bytes: usize,
    pub(crate) undelivered: Undelivered,
}

impl Default for DistributionOptions {
    fn default() -> Self {
        Self {
            // RFC 28 and RFC 30 require it.
            balance: Balance::RoundRobin,
            // Ten remotes may leave with a full queue before the application takes a message.
            returned_hwm: 10_000,
            // As for the queues of remotes.
            returned_hwm_bytes: 0,
            // libzmq's behavior, except that it does not count them.
            undelivered: Undelivered::Drop,
        }
    }
}
