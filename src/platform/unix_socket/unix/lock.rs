//! Locks the path of a socket, so that one process at a time changes the file there.

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;
use tokio::time;

use super::file_id::FileId;

/// A locked file next to the path of a socket. It exists only while this value does.
///
/// Testing whether a socket still listens and removing its file are two steps. Without a lock,
/// another process could replace the file between them, or could have bound the path without
/// listening yet. The system releases the lock of a process that dies. The file that such a process
/// leaves behind is locked and removed by the next one.
#[derive(Debug)]
pub(super) struct FileLock {
    path: PathBuf,
    /// Locked until it is closed, which is after its removal.
    _file: fs::File,
}

/// The reason why a lock was not acquired.
#[derive(Debug)]
enum Failure {
    /// Another attempt may succeed. Holds what to report if none does.
    Held(io::Error),
    Io(io::Error),
}

impl FileLock {
    /// Waits for the lock of a path, given by its directory and its name. A holder never waits.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind.
    ///
    /// # Errors
    ///
    /// The error of the system, or that the holder does not release the lock.
    pub(super) async fn acquire(path: &Path, name: &OsStr) -> io::Result<Self> {
        let path = path.with_file_name(lock_name(name));
        // It uses the system's clock, because it waits for other processes.
        let deadline = Instant::now() + PATIENCE;
        loop {
            match Self::try_acquire(&path) {
                Ok(lock) => return Ok(lock),
                Err(Failure::Held(_)) if Instant::now() < deadline => time::sleep(PAUSE).await,
                Err(Failure::Held(error) | Failure::Io(error)) => return Err(error),
            }
        }
    }

    fn try_acquire(path: &Path) -> Result<Self, Failure> {
        let held = || Failure::Held(in_words(io::ErrorKind::TimedOut, path, "stays locked"));
        let Some(file) = open(path)? else { return Err(held()) };
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(held()),
            Err(Errno::NOLCK | Errno::NOSYS | Errno::OPNOTSUPP) => {
                let reason = "cannot be locked on this file system";
                return Err(in_words(io::ErrorKind::Unsupported, path, reason).into());
            }
            Err(errno) => return Err(io::Error::from(errno).into()),
        }
        // The last holder may have removed the file meanwhile.
        let locked = FileId::of(&file.metadata()?);
        if fs::symlink_metadata(path).map_or(true, |there| FileId::of(&there) != locked) {
            return Err(held());
        }
        Ok(Self { path: path.to_owned(), _file: file })
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // No other process removes or replaces it meanwhile.
        let _ = fs::remove_file(&self.path);
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Opens the file, or creates it; returns `None` if it was removed meanwhile.
fn open(path: &Path) -> Result<Option<fs::File>, Failure> {
    match options().write(true).create_new(true).mode(MODE).open(path) {
        Ok(file) => {
            // Regardless of the umask, because other users may compete for the path.
            if let Err(error) = file.set_permissions(Permissions::from_mode(MODE)) {
                // A process that has opened it meanwhile finds that it was removed.
                let _ = fs::remove_file(path);
                return Err(error.into());
            }
            return Ok(Some(file));
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.into()),
    }
    // NFS locks a file only for a process that can write to it, which not every user can.
    let opened = options().write(true).open(path).or_else(|_| options().open(path));
    match opened {
        Ok(file) if file.metadata()?.is_file() => Ok(Some(file)),
        Ok(_) => Err(in_words(io::ErrorKind::AlreadyExists, path, "is not a regular file").into()),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound => Ok(None),
            // Another user has created it and is about to set its mode.
            io::ErrorKind::PermissionDenied => {
                Err(Failure::Held(in_words(error.kind(), path, "belongs to another user")))
            }
            _ => Err(error.into()),
        },
    }
}

/// Returns the options for opening a file that any user may have created: a link is not followed,
/// and a FIFO does not block.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    options.read(true).custom_flags(flags as i32);
    options
}

/// Returns the name of the lock file, derived from that of the socket so that all processes use the
/// same file. It is hidden, and unlikely to belong to anything else.
fn lock_name(name: &OsStr) -> OsString {
    let mut lock = OsString::from(".");
    lock.push(name);
    lock.push(".zmtp-lock");
    lock
}

fn in_words(kind: io::ErrorKind, path: &Path, what: &str) -> io::Error {
    io::Error::new(kind, format!("{} {what}", path.display()))
}

/// Readable by all, because users without write permission have to lock it as well.
const MODE: u32 = 0o644;

/// How long to wait for a holder, which needs less than a millisecond unless it is stopped.
const PATIENCE: Duration = Duration::from_secs(5);

const PAUSE: Duration = Duration::from_millis(1);
