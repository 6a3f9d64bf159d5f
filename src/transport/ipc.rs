//! Unix domain sockets.

use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::os::unix::net;
use std::path::{Path, PathBuf};
use std::str;

use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use tokio::net::{UnixListener, UnixStream};

use super::ListenError;
use crate::endpoint::{Endpoint, IpcEndpoint};
use crate::remote::{Origin, ProcessCredentials};

/// Listens on one path or abstract name.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: UnixListener,
    local: IpcEndpoint,
    /// Removed with this; nothing for an abstract name, nor where somebody else has made it.
    _file: Option<File>,
}

/// The file of a bound socket.
#[derive(Debug)]
struct File {
    path: PathBuf,
    /// The device and the number of the file, by which it is known to be ours still.
    identity: (u64, u64),
    /// A directory that was made for it.
    directory: Option<PathBuf>,
}

impl Listener {
    /// Binds the endpoint; takes the place of a file that nobody listens on any more.
    pub(super) fn bind(endpoint: &IpcEndpoint, backlog: u32) -> Result<Self, ListenError> {
        let listening = Self::listen(endpoint, backlog);
        listening.map_err(|source| {
            let endpoint = Endpoint::Ipc(endpoint.clone());
            ListenError::Listen { endpoint, source }
        })
    }

    fn listen(endpoint: &IpcEndpoint, backlog: u32) -> io::Result<Self> {
        let (socket, local, file) = if endpoint.is_wildcard() {
            let directory = fresh_directory()?;
            let path = directory.join("socket");
            let local = IpcEndpoint::from_path(&path)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
            (listen(&path, backlog)?, local, Some(File::of(path, Some(directory))?))
        } else if let Some(path) = endpoint.path() {
            let (socket, file) = listen_in_place(path, backlog)?;
            (socket, endpoint.clone(), Some(file))
        } else {
            (listen(&system_path(endpoint), backlog)?, endpoint.clone(), None)
        };
        Ok(Self { listener: UnixListener::from_std(socket.into())?, local, _file: file })
    }

    /// Goes on with a listener.
    pub(super) fn adopt(listener: net::UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let local = name(&SockRef::from(&listener).local_addr()?)?;
        Ok(Self { listener: UnixListener::from_std(listener)?, local, _file: None })
    }

    /// Waits for the next connection.
    pub(super) async fn accept(&self) -> io::Result<(UnixStream, Origin)> {
        let (stream, _) = self.listener.accept().await?;
        let origin = origin(&stream);
        Ok((stream, origin))
    }

    pub(super) fn local(&self) -> &IpcEndpoint {
        &self.local
    }
}

/// Dials the endpoint.
pub(super) async fn connect(endpoint: &IpcEndpoint) -> io::Result<(UnixStream, Origin)> {
    let stream = UnixStream::connect(system_path(endpoint)).await?;
    let origin = origin(&stream);
    Ok((stream, origin))
}

impl File {
    fn of(path: PathBuf, directory: Option<PathBuf>) -> io::Result<Self> {
        let identity = identity(&fs::symlink_metadata(&path)?);
        Ok(Self { path, identity, directory })
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // Somebody may have put another in its place.
        let is_ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|metadata| identity(&metadata) == self.identity);
        if is_ours {
            let _ = fs::remove_file(&self.path);
        }
        if let Some(directory) = &self.directory {
            let _ = fs::remove_dir(directory);
        }
    }
}

/// Listens on a path, also on one at which a socket was bound that nobody listens on any more.
///
/// The socket gets its name when it listens, so that nobody takes a new one for one that was left
/// behind.
fn listen_in_place(path: &Path, backlog: u32) -> io::Result<(Socket, File)> {
    let unnamed = spare(path);
    let socket = listen(&unnamed, backlog)?;
    let unnamed = File::of(unnamed, None)?;
    match fs::hard_link(&unnamed.path, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            clear(path)?;
            fs::hard_link(&unnamed.path, path)
        }
        linked => linked,
    }
    .map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => io::ErrorKind::AddrInUse.into(),
        _ => error,
    })?;
    let file = File { path: path.to_owned(), identity: unnamed.identity, directory: None };
    Ok((socket, file))
}

/// Removes the file of a socket that nobody listens on any more.
fn clear(path: &Path) -> io::Result<()> {
    if !is_stale(path) {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    // Others may be about the same: only one of them can move it, and it is looked at again, as it
    // may be another one by now.
    let aside = spare(path);
    match fs::rename(path, &aside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        moved => moved?,
    }
    let is_stale = is_stale(&aside);
    if !is_stale {
        let _ = fs::hard_link(&aside, path);
    }
    fs::remove_file(&aside)?;
    if is_stale { Ok(()) } else { Err(io::ErrorKind::AddrInUse.into()) }
}

/// Makes up a path in the same directory that is no longer than this one, or than the system allows.
fn spare(path: &Path) -> PathBuf {
    let len = path.file_name().map_or(0, |name| name.len()).clamp(4, 12);
    let name: String = std::iter::repeat_with(fastrand::alphanumeric).take(len - 1).collect();
    path.with_file_name(format!(".{name}"))
}

fn listen(path: &Path, backlog: u32) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(socket)
}

/// Returns whether a file is a socket that nobody listens on.
fn is_stale(path: &Path) -> bool {
    let is_socket =
        fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    // A full backlog is a sign of life as well, so that this does not wait for an answer.
    let attempt = || {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.connect(&SockAddr::unix(path)?)
    };
    is_socket && attempt().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// Makes a directory that only this user can use.
fn fresh_directory() -> io::Result<PathBuf> {
    loop {
        let name = format!("tokio-zmtp-{:016x}", fastrand::u64(..));
        let path = std::env::temp_dir().join(name);
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => return created.map(|()| path),
        }
    }
}

/// What the system calls the endpoint: an abstract name begins with a zero.
fn system_path(endpoint: &IpcEndpoint) -> PathBuf {
    match (endpoint.path(), endpoint.abstract_name()) {
        (Some(path), _) => path.to_owned(),
        (None, name) => format!("\0{}", name.unwrap_or_default()).into(),
    }
}

/// What we call the endpoint that the system calls so.
fn name(address: &SockAddr) -> io::Result<IpcEndpoint> {
    let text = match (address.as_pathname(), address.as_abstract_namespace()) {
        (Some(path), _) => path.to_str().map(str::to_owned),
        (None, Some(name)) => str::from_utf8(name).ok().map(|name| format!("@{name}")),
        (None, None) => None,
    };
    let text = text.ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "no name, or one that is no text")
    })?;
    let endpoint = IpcEndpoint::from_path(Path::new(&text));
    endpoint.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

fn origin(stream: &UnixStream) -> Origin {
    let credentials = stream.peer_cred().ok().map(|credentials| ProcessCredentials {
        pid: credentials.pid().and_then(|pid| pid.try_into().ok()),
        uid: credentials.uid(),
        gid: credentials.gid(),
    });
    Origin { address: None, credentials }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn octets_pass_between_both_ends_of_a_path() {
        let listener = listen("ipc://*").unwrap();
        exchange(&listener).await;
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn octets_pass_between_both_ends_of_an_abstract_name() {
        let listener = listen(&format!("ipc://@{:x}", fastrand::u128(..))).unwrap();
        exchange(&listener).await;
    }

    #[tokio::test]
    async fn a_remote_is_known_by_its_process() {
        let listener = listen("ipc://*").unwrap();
        let (dialled, accepted) =
            tokio::try_join!(connect(listener.local()), listener.accept()).unwrap();
        for (_, origin) in [dialled, accepted] {
            let credentials = origin.credentials.unwrap();
            let ours = fs::metadata(listener.local().path().unwrap()).unwrap();
            assert_eq!((credentials.uid, credentials.gid), (ours.uid(), ours.gid()));
            assert!(credentials.pid.is_none_or(|pid| pid == std::process::id()));
        }
    }

    #[tokio::test]
    async fn a_fresh_path_is_for_this_user_only_and_removed_afterwards() {
        let listener = listen("ipc://*").unwrap();
        let path = listener.local().path().unwrap().to_owned();
        let directory = path.parent().unwrap();
        assert_eq!(fs::metadata(directory).unwrap().mode() & 0o777, 0o700);
        drop(listener);
        assert!(!directory.exists());
    }

    #[tokio::test]
    async fn the_place_of_a_listener_that_has_gone_is_taken() {
        let scratch = Scratch::new();
        drop(net::UnixListener::bind(scratch.path()).unwrap());
        assert!(scratch.path().exists());
        let listener = listen(&scratch.endpoint()).unwrap();
        exchange(&listener).await;
        drop(listener);
        assert!(!scratch.path().exists());
    }

    #[tokio::test]
    async fn the_place_of_a_listener_that_lives_is_not_taken() {
        let scratch = Scratch::new();
        let listener = listen(&scratch.endpoint()).unwrap();
        let error = listen(&scratch.endpoint()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        // The one that was turned away has knocked.
        listener.accept().await.unwrap();
        exchange(&listener).await;
        assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_left_alone() {
        let scratch = Scratch::new();
        fs::write(scratch.path(), "precious").unwrap();
        let error = listen(&scratch.endpoint()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert_eq!(fs::read(scratch.path()).unwrap(), b"precious");
    }

    #[tokio::test]
    async fn a_file_that_somebody_else_has_put_there_is_not_removed() {
        let scratch = Scratch::new();
        let listener = listen(&scratch.endpoint()).unwrap();
        fs::remove_file(scratch.path()).unwrap();
        let other = listen(&scratch.endpoint()).unwrap();
        drop(listener);
        exchange(&other).await;
    }

    #[tokio::test]
    async fn of_many_that_find_the_same_stale_file_one_gets_its_place() {
        let scratch = Scratch::new();
        drop(net::UnixListener::bind(scratch.path()).unwrap());
        let attempts: Vec<_> = (0..8)
            .map(|_| {
                let endpoint = scratch.endpoint();
                tokio::task::spawn_blocking(move || listen(&endpoint))
            })
            .collect();
        let mut bound = Vec::new();
        for attempt in attempts {
            bound.extend(attempt.await.unwrap());
        }
        assert_eq!(bound.len(), 1);
        connect(bound[0].local()).await.unwrap();
        assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn an_adopted_listener_keeps_its_file() {
        let scratch = Scratch::new();
        let listener = net::UnixListener::bind(scratch.path()).unwrap();
        let listener = Listener::adopt(listener).unwrap();
        assert_eq!(listener.local(), &parse(&scratch.endpoint()));
        exchange(&listener).await;
        drop(listener);
        assert!(scratch.path().exists());
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn an_adopted_listener_may_have_an_abstract_name() {
        let name = format!("@{:x}", fastrand::u128(..));
        let socket = super::listen(&system_path(&parse(&format!("ipc://{name}"))), 1).unwrap();
        let listener = Listener::adopt(socket.into()).unwrap();
        assert_eq!(listener.local().to_string(), format!("ipc://{name}"));
        exchange(&listener).await;
    }

    #[tokio::test]
    async fn a_path_where_nobody_listens_is_refused() {
        let scratch = Scratch::new();
        let error = connect(&parse(&scratch.endpoint())).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        drop(net::UnixListener::bind(scratch.path()).unwrap());
        let error = connect(&parse(&scratch.endpoint())).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    /// A directory of its own for one test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            Self(fresh_directory().unwrap())
        }

        fn path(&self) -> PathBuf {
            self.0.join("s")
        }

        fn endpoint(&self) -> String {
            format!("ipc://{}", self.path().display())
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    async fn exchange(listener: &Listener) {
        let ((mut dialled, _), (mut accepted, _)) =
            tokio::try_join!(connect(listener.local()), listener.accept()).unwrap();
        dialled.write_all(b"there").await.unwrap();
        accepted.write_all(b"back").await.unwrap();
        tokio::try_join!(dialled.shutdown(), accepted.shutdown()).unwrap();
        let (mut there, mut back) = (Vec::new(), Vec::new());
        tokio::try_join!(accepted.read_to_end(&mut there), dialled.read_to_end(&mut back)).unwrap();
        assert_eq!((&*there, &*back), (&b"there"[..], &b"back"[..]));
    }

    fn listen(endpoint: &str) -> Result<Listener, ListenError> {
        Listener::bind(&parse(endpoint), 10)
    }

    fn parse(endpoint: &str) -> IpcEndpoint {
        let Endpoint::Ipc(ipc) = endpoint.parse().unwrap() else { panic!("{endpoint} is IPC") };
        ipc
    }
}
