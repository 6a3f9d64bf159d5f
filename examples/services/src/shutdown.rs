//! Signals that end a process.

use std::io;

use tokio::signal;

/// Waits for Ctrl-C or, on Unix, for SIGTERM, which `docker stop`, Kubernetes and systemd send.
///
/// # Errors
///
/// If the system does not let the process listen for signals.
#[cfg(unix)]
pub async fn shutdown_signal() -> io::Result<()> {
    use tokio::signal::unix::{self, SignalKind};

    let mut terminate = unix::signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
    }
}

/// Waits for Ctrl-C or, on Unix, for SIGTERM, which `docker stop`, Kubernetes and systemd send.
///
/// # Errors
///
/// If the system does not let the process listen for signals.
#[cfg(not(unix))]
pub async fn shutdown_signal() -> io::Result<()> {
    signal::ctrl_c().await
}
