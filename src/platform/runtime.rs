//! The Tokio runtime.

/// Checks that the current runtime has IO enabled. Elsewhere, the first connection does: only a
/// socket of Unix can be registered and needs no address.
///
/// # Panics
///
/// If IO is not enabled.
#[track_caller]
pub(crate) fn check_io() {
    #[cfg(unix)]
    drop(tokio::net::UnixDatagram::unbound());
}
