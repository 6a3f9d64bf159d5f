//! Ctrl-C and SIGTERM: the first one closes the sockets in order, the second one ends the process.

use std::io;
use std::sync::OnceLock;

use tokio::sync::watch;

use crate::exit::Exit;
use crate::platform;

/// The signal that has interrupted the program.
static INTERRUPTED: OnceLock<watch::Receiver<Option<Exit>>> = OnceLock::new();

/// Starts to listen. Must be called in a runtime, once.
pub(crate) fn listen() -> io::Result<()> {
    let first = platform::signals()?;
    let (sender, receiver) = watch::channel(None);
    let _ = INTERRUPTED.set(receiver);
    tokio::spawn(async move {
        sender.send_replace(Some(first.await));
    });
    Ok(())
}

/// Waits until the program is interrupted, and returns its exit code.
pub(crate) async fn interrupted() -> Exit {
    if let Some(mut receiver) = INTERRUPTED.get().cloned() {
        if let Ok(exit) = receiver.wait_for(Option::is_some).await {
            if let Some(exit) = *exit {
                return exit;
            }
        }
    }
    std::future::pending().await
}
