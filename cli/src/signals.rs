//! Ctrl-C and SIGTERM: the first one closes the sockets in order, the second one ends the process.

use std::io;
use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

use crate::exit::Exit;

/// The signal that has interrupted the program.
static INTERRUPTED: OnceLock<watch::Receiver<Option<Exit>>> = OnceLock::new();

/// Starts to listen. Must be called in a runtime, once.
#[cfg(unix)]
pub(crate) fn listen() -> io::Result<()> {
    use std::sync::atomic::AtomicBool;

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag;
    use tokio::signal::unix::{SignalKind, signal};

    // The handlers themselves end the process at the second signal, even if all threads wait for
    // the reader of the output.
    let again = Arc::new(AtomicBool::new(false));
    for (number, exit) in [(SIGINT, Exit::Interrupted), (SIGTERM, Exit::Terminated)] {
        flag::register_conditional_shutdown(number, exit as i32, Arc::clone(&again))?;
        flag::register(number, Arc::clone(&again))?;
    }
    let (sender, receiver) = watch::channel(None);
    let _ = INTERRUPTED.set(receiver);
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::spawn(async move {
        let exit = tokio::select! {
            _ = interrupt.recv() => Exit::Interrupted,
            _ = terminate.recv() => Exit::Terminated,
        };
        sender.send_replace(Some(exit));
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
