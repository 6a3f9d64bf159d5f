#![cfg(unix)]

use std::fs::{self, FileType};
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net;
use std::process;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Handle;
use tokio::task;

use super::*;

#[tokio::test]
async fn bytes_pass_between_both_ends_of_a_path() {
    let listener = listen("ipc://*").await.unwrap();
    exchange(&listener).await;
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn bytes_pass_between_both_ends_of_an_abstract_name() {
    let listener = listen(&format!("ipc://@{:x}", fastrand::u128(..))).await.unwrap();
    exchange(&listener).await;
}

#[tokio::test]
async fn a_remote_is_known_by_its_process() {
    let listener = listen("ipc://*").await.unwrap();
    let (dialed, accepted) =
        tokio::try_join!(connect(listener.local()), listener.accept()).unwrap();
    for (_, origin) in [dialed, accepted] {
        let credentials = origin.credentials.unwrap();
        let ours = fs::metadata(listener.local().path().unwrap()).unwrap();
        assert_eq!((credentials.uid, credentials.gid), (ours.uid(), ours.gid()));
        assert!(credentials.pid.is_none_or(|pid| pid == process::id()));
    }
}

#[tokio::test]
async fn a_fresh_path_is_private_to_its_user_and_removed_afterwards() {
    let listener = listen("ipc://*").await.unwrap();
    let path = listener.local().path().unwrap().to_owned();
    let directory = path.parent().unwrap();
    assert_eq!(fs::metadata(directory).unwrap().mode() & 0o777, 0o700);
    drop(listener);
    assert!(!directory.exists());
}

#[tokio::test]
async fn the_file_of_an_ended_listener_is_replaced() {
    let scratch = Scratch::new();
    drop(net::UnixListener::bind(scratch.path()).unwrap());
    assert!(scratch.path().exists());
    let listener = listen(&scratch.endpoint()).await.unwrap();
    exchange(&listener).await;
    drop(listener);
    assert!(!scratch.path().exists());
}

#[tokio::test]
async fn the_file_of_a_live_listener_is_not_replaced() {
    let scratch = Scratch::new();
    let listener = listen(&scratch.endpoint()).await.unwrap();
    let error = listen(&scratch.endpoint()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    // The refused client has connected.
    listener.accept().await.unwrap();
    exchange(&listener).await;
    assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 1);
}

#[tokio::test]
async fn a_file_that_is_not_a_socket_is_reported_and_not_replaced() {
    let scratch = Scratch::new();
    fs::write(scratch.path(), "precious").unwrap();
    assert!(not_a_socket(&scratch).await.is_file());
    assert_eq!(fs::read(scratch.path()).unwrap(), b"precious");

    fs::remove_file(scratch.path()).unwrap();
    fs::create_dir(scratch.path()).unwrap();
    assert!(not_a_socket(&scratch).await.is_dir());

    fs::remove_dir(scratch.path()).unwrap();
    symlink(scratch.0.join("nowhere"), scratch.path()).unwrap();
    assert!(not_a_socket(&scratch).await.is_symlink());
    assert!(scratch.path().is_symlink());
    assert!(matches!(listen("ipc:///").await, Err(ListenError::NotASocket { .. })));
}

#[tokio::test]
async fn a_link_to_a_listener_is_in_use_and_one_to_an_abandoned_socket_is_left_alone() {
    let scratch = Scratch::new();
    let other = scratch.0.join("other");
    symlink(&other, scratch.path()).unwrap();
    let socket = net::UnixListener::bind(&other).unwrap();
    let error = listen(&scratch.endpoint()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    drop(socket);
    assert!(not_a_socket(&scratch).await.is_symlink());
    assert!(scratch.path().is_symlink() && other.exists());
}

#[tokio::test]
async fn a_socket_for_datagrams_is_in_use_until_it_is_closed() {
    let scratch = Scratch::new();
    let socket = net::UnixDatagram::bind(scratch.path()).unwrap();
    let error = listen(&scratch.endpoint()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    drop(socket);
    exchange(&listen(&scratch.endpoint()).await.unwrap()).await;
}

#[tokio::test]
async fn the_file_is_removed_before_the_socket_is_closed() {
    let scratch = Scratch::new();
    let mut listener = listen(&scratch.endpoint()).await.unwrap();
    let removed = listener._file.take();
    drop(removed);
    assert!(!scratch.path().exists());
    // The rest of the listener is dropped after the file, as the order of its fields requires.
    let successor = listen(&scratch.endpoint()).await.unwrap();
    drop(listener);
    exchange(&successor).await;
}

#[tokio::test]
async fn the_lock_of_a_process_that_died_is_taken_and_removed() {
    let scratch = Scratch::new();
    fs::write(scratch.lock(), "").unwrap();
    exchange(&listen(&scratch.endpoint()).await.unwrap()).await;
    assert!(!scratch.lock().exists());
}

#[tokio::test]
async fn a_file_that_blocks_the_lock_is_reported() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.lock()).unwrap();
    let error = listen(&scratch.endpoint()).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), format!("{} is not a regular file", scratch.lock().display()));
    // A link is not followed.
    fs::remove_dir(scratch.lock()).unwrap();
    symlink(scratch.0.join("elsewhere"), scratch.lock()).unwrap();
    listen(&scratch.endpoint()).await.unwrap_err();
    assert!(!scratch.0.join("elsewhere").exists());
}

#[tokio::test]
async fn a_file_of_another_owner_is_not_removed() {
    let scratch = Scratch::new();
    let listener = listen(&scratch.endpoint()).await.unwrap();
    fs::remove_file(scratch.path()).unwrap();
    let other = listen(&scratch.endpoint()).await.unwrap();
    drop(listener);
    exchange(&other).await;
}

#[tokio::test]
async fn only_one_of_many_replaces_a_stale_file() {
    let scratch = Scratch::new();
    drop(net::UnixListener::bind(scratch.path()).unwrap());
    let attempts: Vec<_> = (0..8)
        .map(|_| {
            let endpoint = scratch.endpoint();
            let runtime = Handle::current();
            task::spawn_blocking(move || runtime.block_on(listen(&endpoint)))
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
    let listener = IpcListener::adopt(listener).unwrap();
    assert_eq!(listener.local(), &parse(&scratch.endpoint()));
    exchange(&listener).await;
    drop(listener);
    assert!(scratch.path().exists());
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn an_adopted_listener_may_have_an_abstract_name() {
    let name = format!("{:x}", fastrand::u128(..));
    let address = net::SocketAddr::from_abstract_name(&name).unwrap();
    let listener = net::UnixListener::bind_addr(&address).unwrap();
    let listener = IpcListener::adopt(listener).unwrap();
    assert_eq!(listener.local().to_string(), format!("ipc://@{name}"));
    exchange(&listener).await;
}

#[tokio::test]
async fn a_path_without_a_listener_is_refused() {
    let scratch = Scratch::new();
    let error = connect(&parse(&scratch.endpoint())).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    drop(net::UnixListener::bind(scratch.path()).unwrap());
    let error = connect(&parse(&scratch.endpoint())).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

/// A separate directory for one test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let name = format!("tokio-zmtp-test-{:x}", fastrand::u128(..));
        let directory = std::env::temp_dir().join(name);
        fs::create_dir(&directory).unwrap();
        Self(directory)
    }

    fn path(&self) -> PathBuf {
        self.0.join("s")
    }

    fn lock(&self) -> PathBuf {
        self.0.join(".s.zmtp-lock")
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

async fn exchange(listener: &IpcListener) {
    let ((mut dialed, _), (mut accepted, _)) =
        tokio::try_join!(connect(listener.local()), listener.accept()).unwrap();
    dialed.write_all(b"there").await.unwrap();
    accepted.write_all(b"back").await.unwrap();
    tokio::try_join!(dialed.shutdown(), accepted.shutdown()).unwrap();
    let (mut there, mut back) = (Vec::new(), Vec::new());
    tokio::try_join!(accepted.read_to_end(&mut there), dialed.read_to_end(&mut back)).unwrap();
    assert_eq!((&*there, &*back), (&b"there"[..], &b"back"[..]));
}

async fn not_a_socket(scratch: &Scratch) -> FileType {
    match listen(&scratch.endpoint()).await {
        Err(ListenError::NotASocket { file_type, .. }) => file_type,
        other => panic!("{other:?}"),
    }
}

async fn listen(endpoint: &str) -> Result<IpcListener, ListenError> {
    IpcListener::bind(&parse(endpoint), 10, IpcOptions::default()).await
}

fn parse(endpoint: &str) -> IpcEndpoint {
    let Endpoint::Ipc(ipc) = endpoint.parse().unwrap() else { panic!("{endpoint} is not IPC") };
    ipc
}
