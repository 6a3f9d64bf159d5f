//! Unix.

use std::fs::{File, OpenOptions};
use std::future;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use rustix::event::{self, PollFd, PollFlags};
use rustix::io::Errno;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::exit::Exit;

/// The standard output without the buffer of `std`.
pub(crate) type StandardOutput = File;

pub(crate) fn standard_output() -> io::Result<StandardOutput> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// Waits until the reader of standard output has closed it. A file is never closed.
pub(crate) async fn reader_closed() {
    let (sender, closed) = oneshot::channel();
    // It ends with the process. A thread of its own, because the runtime would wake up whenever the
    // reader has read something.
    thread::spawn(move || {
        let stdout = io::stdout();
        // Errors and hang-ups are reported without being requested.
        let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
        while let Err(Errno::INTR) = event::poll(&mut watched, None) {}
        if watched[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) {
            let _ = sender.send(());
        }
    });
    if closed.await.is_err() {
        future::pending().await
    }
}

/// Creates a file that only its owner can read.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Returns a shell that runs a command.
pub(crate) fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]);
    shell
}

/// Handles Ctrl-C (SIGINT) and SIGTERM: the future waits for the first one, and the second one ends
/// the process.
pub(crate) fn signals() -> io::Result<impl Future<Output = Exit>> {
    // The handlers themselves end the process at the second signal, even if all threads wait for
    // the reader of the output.
    let again = Arc::new(AtomicBool::new(false));
    for (number, exit) in [(SIGINT, Exit::Interrupted), (SIGTERM, Exit::Terminated)] {
        flag::register_conditional_shutdown(number, exit as i32, Arc::clone(&again))?;
        flag::register(number, Arc::clone(&again))?;
    }
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => Exit::Interrupted,
            _ = terminate.recv() => Exit::Terminated,
        }
    })
}
