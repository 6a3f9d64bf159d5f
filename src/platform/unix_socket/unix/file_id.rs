//! Whether two files are the same.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// A device and an inode number, which no other file has while its socket is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    number: u64,
}

impl FileId {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), number: metadata.ino() }
    }
}
