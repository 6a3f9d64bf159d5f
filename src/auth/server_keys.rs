//! The key pairs of a CURVE server, which can be rotated.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use thiserror::Error;
use tokio::runtime::Handle;
use tokio::time::{self, Instant};
use tokio_util::task::AbortOnDropHandle;

use zmtp_proto::mechanism::curve::{AcceptedKeypairs, ServerKeypairs};

use super::{CurveKeypair, CurvePublicKey};
use crate::sync::{Lock, MutexGuard};

/// The key pairs of a CURVE server: the current one, and up to three former ones that are still
/// accepted.
///
/// It is a handle: clones share the key pairs, and changes apply immediately, in all sockets that
/// use them. Established connections continue, as do handshakes in which the first command of the
/// client has been processed. Sockets that share a port must share the handle, or have the same
/// keys at all times.
///
/// The first command of a client does not name the server's key that the client uses. The server
/// tries the accepted key pairs in turn, with one key agreement for each. It begins with the key
/// pair that was used last, so that a handshake usually needs only one. Withdraw former keys when
/// all clients have the new one.
///
/// The secret half of a withdrawn key pair is overwritten in memory immediately, even if
/// connections have been accepted on which the client has sent nothing. A
/// [guide](crate::guide::keys) describes how to rotate keys.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use tokio_zmtp::auth::{CurveKeypair, ServerKeys};
/// use tokio_zmtp::{Client, Mechanism, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (old, new) = (CurveKeypair::generate(), CurveKeypair::generate());
/// let keys = ServerKeys::new(old.clone());
/// let server = Server::builder()
///     .mechanism(Mechanism::curve_server(keys.clone()))
///     .bind("tcp://127.0.0.1:*")
///     .await?;
/// let endpoint = server.last_endpoint().unwrap();
///
/// // Clients can use either key for a day.
/// keys.rotate(new.clone(), Duration::from_secs(86_400))?;
/// for server_key in [old.public_key(), new.public_key()] {
///     let mechanism = Mechanism::curve_client(server_key);
///     let client = Client::builder().mechanism(mechanism).connect(&endpoint).await?;
///     client.send("hello").await?;
///     assert_eq!(server.recv().await?, "hello");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ServerKeys(Arc<Lock<Keyring>>);

/// The error of adding a fifth key to those of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("more than {KEYS_MAX} keys of one server")]
#[non_exhaustive]
pub struct TooManyKeys;

/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use tokio_zmtp::auth::{CurveKeypair, ServerKeys};
///
/// let [first, second, third] = [(); 3].map(|()| CurveKeypair::generate());
/// let keys = ServerKeys::new(first.clone());
/// keys.rotate(second.clone(), None)?;
/// assert_eq!(keys.public_key(), second.public_key());
/// assert_eq!(keys.accepted(), [second.public_key(), first.public_key()]);
/// assert!(keys.withdraw(&first.public_key()));
///
/// keys.rotate(third.clone(), Duration::from_secs(3_600))?;
/// assert_eq!(keys.accepted().len(), 2);
/// // The secret of `second` has been disclosed.
/// keys.replace(third);
/// assert_eq!(keys.accepted().len(), 1);
/// # Ok::<(), tokio_zmtp::auth::TooManyKeys>(())
/// ```
impl ServerKeys {
    /// Creates a handle with one key pair.
    #[must_use]
    pub fn new(keypair: CurveKeypair) -> Self {
        Self(Arc::new(Lock::new(Keyring::new(keypair))))
    }

    /// Replaces the current key pair. The replaced key pair is accepted until the end of the
    /// window, or with `None` until it is [withdrawn](Self::withdraw).
    ///
    /// A window of zero withdraws the replaced key pair immediately. If the new key pair is already
    /// the current one, nothing changes, and the window is ignored.
    ///
    /// The window is measured by Tokio's clock. In a Tokio runtime, a task overwrites the secret
    /// half when the window ends. Outside of a runtime, or if the runtime ends earlier, it is
    /// overwritten by the next handshake, or by the next call of `rotate`,
    /// [`withdraw`](Self::withdraw) or [`accepted`](Self::accepted).
    ///
    /// # Errors
    ///
    /// [`TooManyKeys`] if more than four key pairs would be accepted. Nothing changes.
    ///
    /// # Panics
    ///
    /// Panics in a Tokio runtime without time enabled if there is a window. Nothing changes.
    pub fn rotate(
        &self,
        keypair: CurveKeypair,
        window: impl Into<Option<Duration>>,
    ) -> Result<(), TooManyKeys> {
        // A window beyond the range of the clock has no end.
        let until = window.into().and_then(|window| Instant::now().checked_add(window));
        if let (Some(until), Ok(_)) = (until, Handle::try_current()) {
            // Panics before anything changes.
            drop(time::sleep_until(until));
        }
        self.0.lock().rotate(keypair, until)?;
        self.start_timer();
        Ok(())
    }

    /// Replaces all key pairs with one, and withdraws the others immediately, for example if a
    /// secret key has been disclosed.
    pub fn replace(&self, keypair: CurveKeypair) {
        let replaced = std::mem::replace(&mut *self.0.lock(), Keyring::new(keypair));
        drop(replaced);
    }

    /// Stops accepting a former key pair; returns false if it was not accepted, or if it is the
    /// current one.
    pub fn withdraw(&self, key: &CurvePublicKey) -> bool {
        self.keyring().withdraw(|former| former.keypair.public_key() == *key)
    }

    /// Returns the public half of the current key pair.
    #[must_use]
    pub fn public_key(&self) -> CurvePublicKey {
        self.0.lock().current.public_key()
    }

    /// Returns the public halves of all accepted key pairs: first the current one, then the former
    /// ones, from the newest to the oldest.
    #[must_use]
    pub fn accepted(&self) -> Vec<CurvePublicKey> {
        self.keyring().accepted().map(CurveKeypair::public_key).collect()
    }

    /// Returns the current key pair.
    #[cfg(feature = "serde")]
    pub(crate) fn current(&self) -> CurveKeypair {
        self.0.lock().current.clone()
    }

    /// Returns the key pairs for handshakes.
    pub(super) fn for_handshakes(&self) -> ServerKeypairs {
        ServerKeypairs::new(Arc::clone(&self.0) as Arc<dyn AcceptedKeypairs>)
    }

    /// Lets the next handshake try this key pair first.
    pub(super) fn handshake_used(&self, key: &CurvePublicKey) {
        self.0.lock().try_first(key);
    }

    /// Returns the key pairs without those whose window has ended.
    fn keyring(&self) -> MutexGuard<'_, Keyring> {
        let mut keyring = self.0.lock();
        keyring.expire();
        keyring
    }

    /// Withdraws the key pairs whose window has ended, and starts a task that waits for the end of
    /// the next window, unless one already does.
    fn start_timer(&self) {
        let mut keyring = self.keyring();
        let next = keyring.former.iter().filter_map(|former| former.until).min();
        let (Some(until), Ok(runtime)) = (next, Handle::try_current()) else { return };
        let is_started = keyring.timer.as_ref().is_some_and(|timer| {
            timer.until > Instant::now() && timer.until <= until && !timer.task.is_finished()
        });
        if is_started {
            return;
        }
        let (sleep, weak) = (time::sleep_until(until), Arc::downgrade(&self.0));
        let task = runtime.spawn(async move {
            sleep.await;
            if let Some(keyring) = Weak::upgrade(&weak) {
                Self(keyring).start_timer();
            }
        });
        keyring.timer = Some(WindowTimer { until, task: AbortOnDropHandle::new(task) });
    }
}

impl AcceptedKeypairs for Lock<Keyring> {
    fn accepted(&self) -> Arc<[CurveKeypair]> {
        let mut keyring = self.lock();
        // The timer does not run after its runtime has ended.
        keyring.expire();
        Arc::clone(&keyring.tried)
    }
}

impl From<CurveKeypair> for ServerKeys {
    fn from(keypair: CurveKeypair) -> Self {
        Self::new(keypair)
    }
}

/// Compares the current key pairs, and the former ones that are accepted.
impl PartialEq for ServerKeys {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.accepted() == other.accepted()
    }
}

impl Eq for ServerKeys {}

/// Shows the public keys.
impl fmt::Debug for ServerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerKeys").field(&self.accepted()).finish()
    }
}

struct Keyring {
    current: CurveKeypair,
    /// From the newest to the oldest.
    former: Vec<FormerKeypair>,
    /// All accepted key pairs, in the order in which a handshake tries them.
    tried: Arc<[CurveKeypair]>,
    timer: Option<WindowTimer>,
}

/// The task that waits for the end of the next window.
struct WindowTimer {
    until: Instant,
    task: AbortOnDropHandle<()>,
}

struct FormerKeypair {
    keypair: CurveKeypair,
    /// `None` until it is withdrawn.
    until: Option<Instant>,
}

impl Keyring {
    fn new(current: CurveKeypair) -> Self {
        let tried = [current.clone()].into();
        Self { current, former: Vec::new(), tried, timer: None }
    }

    fn accepted(&self) -> impl Iterator<Item = &CurveKeypair> {
        [&self.current].into_iter().chain(self.former.iter().map(|former| &former.keypair))
    }

    fn rotate(&mut self, keypair: CurveKeypair, until: Option<Instant>) -> Result<(), TooManyKeys> {
        if keypair == self.current {
            return Ok(());
        }
        self.expire();
        let is_new = self.former.iter().all(|former| former.keypair != keypair);
        let is_accepted = until.is_none_or(|until| until > Instant::now());
        if is_new && is_accepted && self.former.len() + 1 == KEYS_MAX {
            return Err(TooManyKeys);
        }
        self.former.retain(|former| former.keypair != keypair);
        let replaced = std::mem::replace(&mut self.current, keypair);
        if is_accepted {
            self.former.insert(0, FormerKeypair { keypair: replaced, until });
        }
        self.tried = self.accepted().cloned().collect();
        Ok(())
    }

    /// Withdraws the former key pairs that match, and returns whether there were any.
    fn withdraw(&mut self, is_withdrawn: impl Fn(&FormerKeypair) -> bool) -> bool {
        let before = self.former.len();
        self.former.retain(|former| !is_withdrawn(former));
        let has_changed = self.former.len() < before;
        if has_changed {
            self.tried = self.accepted().cloned().collect();
        }
        has_changed
    }

    fn expire(&mut self) {
        if self.former.iter().any(|former| former.until.is_some()) {
            let now = Instant::now();
            self.withdraw(|former| former.until.is_some_and(|until| until <= now));
        }
    }

    fn try_first(&mut self, key: &CurvePublicKey) {
        let at = self.tried.iter().position(|keypair| keypair.public_key() == *key);
        if let Some(at) = at.filter(|&at| at > 0) {
            let mut tried = self.tried.to_vec();
            tried[..=at].rotate_right(1);
            self.tried = tried.into();
        }
    }
}

/// The maximum number of keys of one server that it accepts, or that a client tries. A server
/// computes a key agreement with each of them for a HELLO that none of them opens.
pub(super) const KEYS_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_former_key_pair_is_erased_at_the_end_of_its_window() {
        let [first, second, third] = [(); 3].map(|()| CurveKeypair::generate());
        let keys = ServerKeys::new(first.clone());
        keys.rotate(second.clone(), Duration::from_secs(60)).unwrap();
        time::sleep(Duration::from_secs(30)).await;
        keys.rotate(third.clone(), Duration::from_secs(10)).unwrap();
        assert_eq!(keys.accepted(), [&third, &second, &first].map(CurveKeypair::public_key));
        time::sleep(Duration::from_secs(11)).await;
        assert_eq!(stored(&keys), [&third, &first].map(CurveKeypair::public_key));
        time::sleep(Duration::from_secs(20)).await;
        assert_eq!(stored(&keys), [third.public_key()]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_ends_without_a_runtime_that_lasts_until_then() {
        let keys = ServerKeys::new(CurveKeypair::generate());
        let rotated = keys.clone();
        let outside = std::thread::spawn(move || {
            rotated.rotate(CurveKeypair::generate(), Duration::from_millis(1)).unwrap();
        });
        outside.join().unwrap();
        assert!(keys.0.lock().timer.is_none());
        let until = keys.0.lock().former[0].until.unwrap();
        time::sleep_until(until).await;
        assert_eq!(keys.0.accepted().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_use_outside_of_the_runtime_does_not_end_the_timer() {
        let [first, second] = [(); 2].map(|()| CurveKeypair::generate());
        let keys = ServerKeys::new(first);
        keys.rotate(second.clone(), Duration::from_secs(60)).unwrap();
        let used = keys.clone();
        let outside = std::thread::spawn(move || {
            assert_eq!(used.accepted().len(), 2);
            used.rotate(CurveKeypair::generate(), Duration::from_secs(90)).unwrap();
        });
        outside.join().unwrap();
        time::sleep(Duration::from_secs(61)).await;
        assert_eq!(stored(&keys), [keys.public_key(), second.public_key()]);
        time::sleep(Duration::from_secs(30)).await;
        assert_eq!(stored(&keys), [keys.public_key()]);
    }

    #[tokio::test(start_paused = true)]
    async fn many_rotations_start_one_task() {
        let keys = ServerKeys::new(CurveKeypair::generate());
        let pairs = [(); 2].map(|()| CurveKeypair::generate());
        for pair in pairs.iter().cycle().take(1_000) {
            keys.rotate(pair.clone(), Duration::from_secs(60)).unwrap();
        }
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 1);
    }

    #[test]
    fn only_a_rotation_needs_the_clock_of_a_runtime() {
        let keys = ServerKeys::new(CurveKeypair::generate());
        keys.rotate(CurveKeypair::generate(), Duration::from_secs(60)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _context = runtime.enter();
        let before = keys.accepted();
        let rotated = std::panic::catch_unwind(|| {
            keys.rotate(CurveKeypair::generate(), Duration::from_secs(60))
        });
        rotated.unwrap_err();
        assert_eq!(keys.accepted(), before);
        assert_eq!(format!("{keys:?}").matches("CurvePublicKey").count(), 2);
        assert_ne!(keys, ServerKeys::new(CurveKeypair::generate()));
        assert!(keys.withdraw(&keys.accepted()[1]));
    }

    #[test]
    fn no_more_than_four_key_pairs_are_accepted() {
        let pairs = [(); 5].map(|()| CurveKeypair::generate());
        let keys = ServerKeys::new(pairs[0].clone());
        for pair in &pairs[1..4] {
            keys.rotate(pair.clone(), None).unwrap();
        }
        assert_eq!(keys.rotate(pairs[4].clone(), None), Err(TooManyKeys));
        assert_eq!(keys.public_key(), pairs[3].public_key());
        // A key pair that is accepted already can become the current one.
        keys.rotate(pairs[0].clone(), None).unwrap();
        assert_eq!(keys.accepted()[..2], [&pairs[0], &pairs[3]].map(CurveKeypair::public_key));
        // Without a window, nothing is added.
        keys.rotate(pairs[4].clone(), Duration::ZERO).unwrap();
        assert_eq!(keys.accepted().len(), 4);
        assert!(!keys.withdraw(&pairs[0].public_key()));
        assert!(!keys.withdraw(&pairs[4].public_key()), "it is the current one");
        assert!(keys.withdraw(&pairs[3].public_key()));
    }

    #[test]
    fn the_key_pair_that_was_used_last_is_tried_first() {
        let pairs = [(); 3].map(|()| CurveKeypair::generate());
        let keys = ServerKeys::new(pairs[0].clone());
        for pair in &pairs[1..] {
            keys.rotate(pair.clone(), None).unwrap();
        }
        let tried = || keys.0.accepted().to_vec();
        assert_eq!(tried(), [pairs[2].clone(), pairs[1].clone(), pairs[0].clone()]);
        keys.handshake_used(&pairs[0].public_key());
        assert_eq!(tried(), [pairs[0].clone(), pairs[2].clone(), pairs[1].clone()]);
        keys.withdraw(&pairs[0].public_key());
        keys.handshake_used(&pairs[0].public_key());
        assert_eq!(tried(), [pairs[2].clone(), pairs[1].clone()]);
    }

    fn stored(keys: &ServerKeys) -> Vec<CurvePublicKey> {
        keys.0.lock().accepted().map(CurveKeypair::public_key).collect()
    }
}
