//! A directory for one file.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process;

/// A directory that was created for one file, and is removed with it.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// The process that has created it. A forked child must not remove the directory.
    owner: u32,
}

impl Directory {
    /// Creates a directory that only this user can use.
    pub(super) fn fresh() -> io::Result<Self> {
        loop {
            let name = format!("tokio-zmtp-{:016x}", fastrand::u64(..));
            let path = std::env::temp_dir().join(name);
            match DirBuilder::new().mode(0o700).create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                created => return created.map(|()| Self { path, owner: process::id() }),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    #[cfg(test)]
    pub(super) fn as_in_a_child(&self) -> Self {
        Self { path: self.path.clone(), owner: self.owner + 1 }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if process::id() == self.owner {
            let _ = fs::remove_dir(&self.path);
        }
    }
}
