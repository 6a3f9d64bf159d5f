//! The permissions and the owner of an `ipc` path.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

#[cfg(target_os = "linux")]
use tokio_zmtp::InprocEndpoint;
use tokio_zmtp::{BindError, Builder, Client, Server};

use crate::ipc::{assert_exchange, path_of};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn the_file_has_the_mode_of_the_options_whatever_the_umask() {
    let _watchdog = Watchdog::start();
    for mode in [0o777, 0o666, 0o660, 0o600] {
        let server = Server::builder().ipc_mode(mode).bind("ipc://*").await.unwrap();
        assert_eq!(fs::metadata(path_of(&server)).unwrap().mode() & 0o7777, mode);
        let client = Client::new();
        client.connect(server.last_endpoint().unwrap()).await.unwrap();
        assert_exchange(&client, &server).await;
    }
}

#[tokio::test]
async fn no_client_connects_before_the_mode_is_set() {
    let _watchdog = Watchdog::start();
    let (_scratch, path) = scratch().await;
    let ended = Arc::new(AtomicBool::new(false));
    let binds = Arc::new(AtomicUsize::new(0));
    let eager = {
        let (ended, binds, path) = (Arc::clone(&ended), Arc::clone(&binds), path.clone());
        thread::spawn(move || {
            let mut seen = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                let begun = binds.load(Ordering::SeqCst);
                if UnixStream::connect(&path).is_err() {
                    continue;
                }
                // The file may have been removed.
                let mode = fs::metadata(&path).map(|metadata| metadata.mode() & 0o777);
                // The next file has another mode until it listens.
                if binds.load(Ordering::SeqCst) == begun {
                    seen.extend(mode);
                }
            }
            seen
        })
    };
    let server = Server::builder().ipc_mode(0o606).build();
    for _ in 0..200 {
        binds.fetch_add(1, Ordering::SeqCst);
        let bound = server.bind(endpoint(&path)).await.unwrap();
        server.unbind(bound).await.unwrap();
    }
    ended.store(true, Ordering::Relaxed);
    let seen = eager.join().unwrap();
    assert!(seen.iter().all(|mode| *mode == 0o606), "{seen:?}");
}

#[tokio::test]
async fn a_mode_without_access_for_this_process_is_accepted() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().ipc_mode(0).bind("ipc://*").await.unwrap();
    assert_eq!(fs::metadata(path_of(&server)).unwrap().mode() & 0o777, 0);
}

#[tokio::test]
async fn the_file_has_the_owner_of_the_options_or_the_error_names_the_option() {
    let _watchdog = Watchdog::start();
    let (_scratch, path) = scratch().await;
    fs::write(&path, "").unwrap();
    let (uid, gid) = fs::metadata(&path).map(|ours| (ours.uid(), ours.gid())).unwrap();
    fs::remove_file(&path).unwrap();
    let ours = Server::builder().ipc_owner(uid).ipc_group(gid);
    ours.bind(endpoint(&path)).await.unwrap().close().await;

    let others: [(_, Builder<Server>); 2] = [
        ("ipc_owner", Server::builder().ipc_owner(uid + 1)),
        ("ipc_group", Server::builder().ipc_group(gid + 12_345)),
    ];
    for (option, builder) in others {
        let server = builder.build();
        match server.bind(endpoint(&path)).await {
            Ok(bound) => {
                assert_eq!(uid, 0, "only root may set another owner");
                let there = fs::metadata(&path).unwrap();
                let owner = (there.uid(), there.gid());
                let expected = if option == "ipc_owner" { (1, gid) } else { (uid, gid + 12_345) };
                assert_eq!(owner, expected);
                server.unbind(bound).await.unwrap();
            }
            Err(error) => assert_refused(&error, option, io::ErrorKind::PermissionDenied),
        }
        assert!(!path.exists());
    }
}

#[tokio::test]
async fn an_option_that_cannot_be_set_is_named_and_leaves_no_file() {
    let _watchdog = Watchdog::start();
    let (_scratch, path) = scratch().await;
    let builders: [(_, Builder<Server>); 3] = [
        ("ipc_mode", Server::builder().ipc_mode(0o1000)),
        ("ipc_owner", Server::builder().ipc_owner(u32::MAX)),
        ("ipc_group", Server::builder().ipc_group(u32::MAX)),
    ];
    for (option, builder) in builders {
        let error = builder.bind(endpoint(&path)).await.unwrap_err();
        assert_refused(&error, option, io::ErrorKind::InvalidInput);
        assert!(!path.exists());
    }
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn the_permissions_of_an_abstract_name_cannot_be_set() {
    let _watchdog = Watchdog::start();
    let endpoint = format!("ipc://@{}", InprocEndpoint::unique().name());
    let error = Server::builder().ipc_mode(0o600).bind(endpoint).await.unwrap_err();
    assert_refused(&error, "ipc_mode", io::ErrorKind::InvalidInput);
}

fn assert_refused(error: &BindError, option: &str, kind: io::ErrorKind) {
    match error {
        BindError::FileOption { option: named, source, endpoint } => {
            assert_eq!((*named, source.kind()), (option, kind));
            assert_eq!(error.to_string(), format!("cannot set `{option}` of {endpoint}"));
        }
        other => panic!("{other:?}"),
    }
}

/// Returns a path in a directory that exists as long as the server.
async fn scratch() -> (Server, PathBuf) {
    let server = Server::new();
    server.bind("ipc://*").await.unwrap();
    let path = path_of(&server).with_file_name("other");
    (server, path)
}

fn endpoint(path: &Path) -> String {
    format!("ipc://{}", path.display())
}
