//! Sending and receiving in turn, as in libzmq.

use std::fmt;

use self::sealed::TakesTurns;
use crate::error::LockStepError;

/// A socket whose operations take turns, as those of libzmq's REQ and REP do (RFC 28).
///
/// An operation out of turn fails with [`LockStepError::OutOfTurn`] and changes nothing. Each
/// operation takes `&mut self`, so that one task owns the order. Any number of `LockStep`s and of
/// handles can share a socket.
///
/// It is created by [`Req::lock_step`](crate::Req::lock_step) and
/// [`Rep::lock_step`](crate::Rep::lock_step). Programs that do not require a strict order do not
/// need it.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::LockStepError;
///
/// # async fn example(rep: tokio_zmtp::Rep) -> Result<(), Box<dyn std::error::Error>> {
/// let mut service = rep.lock_step();
/// assert!(matches!(service.send("unasked").await, Err(LockStepError::OutOfTurn(_))));
/// loop {
///     let request = service.recv().await?;
///     service.send(request).await?;
/// }
/// # }
/// ```
pub struct LockStep<S: TakesTurns> {
    socket: S,
    /// The exchange that the first operation has begun and the second one will end.
    exchange: Option<S::Exchange>,
}

/// The state machine. The socket type determines which operation begins an exchange and which one
/// ends it.
impl<S: TakesTurns> LockStep<S> {
    pub(super) const fn new(socket: S) -> Self {
        Self { socket, exchange: None }
    }

    /// Returns the socket if it is the turn of the operation that begins an exchange.
    pub(super) fn idle<E, T>(&self, message: T) -> Result<(&S, T), LockStepError<E, T>> {
        match self.exchange {
            None => Ok((&self.socket, message)),
            Some(_) => Err(LockStepError::OutOfTurn(message)),
        }
    }

    /// Begins an exchange: it is the turn of the other operation.
    pub(super) fn begin(&mut self, exchange: S::Exchange) {
        self.exchange = Some(exchange);
    }

    /// Returns the exchange if it is the turn of the operation that ends it.
    pub(super) fn begun<E, T>(
        &mut self,
        message: T,
    ) -> Result<(&mut S::Exchange, T), LockStepError<E, T>> {
        match &mut self.exchange {
            Some(exchange) => Ok((exchange, message)),
            None => Err(LockStepError::OutOfTurn(message)),
        }
    }

    /// Ends the exchange: it is the turn of the operation that begins the next one.
    pub(super) fn end(&mut self) {
        self.exchange = None;
    }

    /// Returns the socket.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(rep: tokio_zmtp::Rep) -> Result<(), Box<dyn std::error::Error>> {
    /// let service = rep.lock_step();
    /// let endpoint = service.socket().bind("tcp://127.0.0.1:*").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn socket(&self) -> &S {
        &self.socket
    }
}

impl<S: TakesTurns> fmt::Debug for LockStep<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockStep")
            .field("socket", &self.socket)
            .field("exchange", &self.exchange)
            .finish()
    }
}

pub(super) mod sealed {
    use std::fmt;

    use crate::socket::Socket;

    /// A socket type whose operations can take turns.
    #[expect(unnameable_types, reason = "so that other crates cannot implement it")]
    pub trait TakesTurns: Socket {
        /// What one operation leaves to the other.
        type Exchange: fmt::Debug + Send;
    }
}
