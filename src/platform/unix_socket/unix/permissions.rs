//! Permissions: the mode and the owner of the file of a socket.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::platform::unix_socket::{BindRefusal, FileAccess, FileAttribute};

/// Sets the attributes of the file of a socket that does not listen yet.
pub(super) fn set(path: &Path, access: FileAccess) -> Result<(), BindRefusal> {
    if access.attribute().is_none() {
        return Ok(());
    }
    let FileAccess { group, mode, owner } = access;
    let (_file, target) = hold(path)?;
    // In this order, no step needs a privilege that the previous one has removed.
    if let Some(mode) = mode {
        if mode > MODE_MAX {
            return Err(refused(FileAttribute::Mode, invalid("the mode is above 0o777")));
        }
        let outcome = fs::set_permissions(&target, Permissions::from_mode(mode));
        outcome.map_err(|source| refused(FileAttribute::Mode, source))?;
    }
    let owners = [(FileAttribute::Group, None, group), (FileAttribute::Owner, owner, None)];
    for (attribute, uid, gid) in owners {
        if [uid, gid].contains(&Some(NOT_AN_ID)) {
            return Err(refused(attribute, invalid("the value means no change")));
        }
        if uid.or(gid).is_some() {
            let outcome = std::os::unix::fs::chown(&target, uid, gid);
            outcome.map_err(|source| refused(attribute, source))?;
        }
    }
    let there = fs::metadata(&target)?;
    for (attribute, wanted, found) in [
        (FileAttribute::Mode, mode, there.mode() & MODE_MAX),
        (FileAttribute::Group, group, there.gid()),
        (FileAttribute::Owner, owner, there.uid()),
    ] {
        if wanted.is_some_and(|wanted| wanted != found) {
            let source = io::Error::other("the file system ignored the option");
            return Err(refused(attribute, source));
        }
    }
    Ok(())
}

/// Opens the file, so that no other file is changed if it is replaced meanwhile; returns the path
/// of the open file.
#[cfg(linux_kernel)]
fn hold(path: &Path) -> io::Result<(fs::File, PathBuf)> {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;

    let flags = (OFlags::PATH | OFlags::NOFOLLOW).bits();
    let file = fs::OpenOptions::new().read(true).custom_flags(flags as i32).open(path)?;
    if !file.metadata()?.file_type().is_socket() {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    let held = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    // The path is missing if `/proc` is not mounted.
    let target = if held.exists() { held } else { path.to_owned() };
    Ok((file, target))
}

#[cfg(not(linux_kernel))]
fn hold(path: &Path) -> io::Result<((), PathBuf)> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    Ok(((), path.to_owned()))
}

fn refused(attribute: FileAttribute, source: io::Error) -> BindRefusal {
    BindRefusal::Attribute { attribute, source }
}

fn invalid(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}

/// The other bits have no meaning for a socket.
const MODE_MAX: u32 = 0o777;

/// The value that means no change to `chown`.
const NOT_AN_ID: u32 = u32::MAX;
