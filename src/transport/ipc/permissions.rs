//! Permissions: the mode and the owner of the file of a socket.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::Refusal;
use crate::options::IpcOptions;

/// Applies the options to a socket that does not listen yet.
pub(super) fn set(path: &Path, options: IpcOptions) -> Result<(), Refusal> {
    if !is_set(options) {
        return Ok(());
    }
    let IpcOptions { group, mode, owner, .. } = options;
    let (_file, target) = hold(path)?;
    // In this order, no step needs a privilege that the previous one has removed.
    if let Some(mode) = mode {
        if mode > MODE_MAX {
            return Err(refused(MODE, invalid("the mode is above 0o777")));
        }
        let outcome = fs::set_permissions(&target, Permissions::from_mode(mode));
        outcome.map_err(|source| refused(MODE, source))?;
    }
    for (option, uid, gid) in [(GROUP, None, group), (OWNER, owner, None)] {
        if [uid, gid].contains(&Some(NOT_AN_ID)) {
            return Err(refused(option, invalid("the value means no change")));
        }
        if uid.or(gid).is_some() {
            let outcome = std::os::unix::fs::chown(&target, uid, gid);
            outcome.map_err(|source| refused(option, source))?;
        }
    }
    let there = fs::metadata(&target)?;
    for (option, wanted, found) in [
        (MODE, mode, there.mode() & MODE_MAX),
        (GROUP, group, there.gid()),
        (OWNER, owner, there.uid()),
    ] {
        if wanted.is_some_and(|wanted| wanted != found) {
            return Err(refused(option, io::Error::other("the file system ignored the option")));
        }
    }
    Ok(())
}

/// Refuses the options for an abstract name, to which any process can connect.
pub(super) fn refuse(options: IpcOptions) -> Result<(), Refusal> {
    let IpcOptions { group, mode, owner, .. } = options;
    for (option, value) in [(MODE, mode), (GROUP, group), (OWNER, owner)] {
        if value.is_some() {
            return Err(refused(option, invalid("an abstract name has no file")));
        }
    }
    Ok(())
}

/// Returns whether the options decide which processes may connect, and not the umask.
pub(super) fn is_set(IpcOptions { group, mode, owner, .. }: IpcOptions) -> bool {
    group.or(mode).or(owner).is_some()
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

fn refused(option: &'static str, source: io::Error) -> Refusal {
    Refusal::FileOption { option, source }
}

fn invalid(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}

const GROUP: &str = "ipc_group";
const MODE: &str = "ipc_mode";
const OWNER: &str = "ipc_owner";

/// The other bits have no meaning for a socket.
const MODE_MAX: u32 = 0o777;

/// The value that means no change to `chown`.
const NOT_AN_ID: u32 = u32::MAX;
