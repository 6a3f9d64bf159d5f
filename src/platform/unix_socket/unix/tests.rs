//! The tests of what bound sockets do are those of the transport.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net;

use super::lock::FileLock;
use super::*;

#[tokio::test]
async fn a_full_backlog_is_a_sign_of_life() {
    let scratch = Scratch::new();
    let _bound = bind(&scratch.path(), 0, FileAccess::default()).await.unwrap();
    let mut waiting = Vec::new();
    loop {
        let socket = open().unwrap();
        if socket.connect(&scratch.address()).is_err() {
            break;
        }
        waiting.push(socket);
    }
    let refusal = bind(&scratch.path(), 10, FileAccess::default()).await.unwrap_err();
    assert!(matches!(refusal, BindRefusal::Io(error) if error.kind() == io::ErrorKind::AddrInUse));
}

#[tokio::test]
async fn clients_that_connect_before_the_proof_are_accepted_in_order() {
    for backlog in [0, 10] {
        let scratch = Scratch::new();
        let (address, socket) = (scratch.address(), open().unwrap());
        socket.bind(&address).unwrap();
        listen(&socket, backlog).unwrap();
        let mut client = open().unwrap();
        client.connect(&address).unwrap();
        client.write_all(b"first").unwrap();
        let early = file::verify(&socket, &address).unwrap();
        assert_eq!(early.len(), 1);
        let mut read = [0; 5];
        (&early[0]).read_exact(&mut read).unwrap();
        assert_eq!(&read, b"first");
        // The proving connection is not accepted later.
        assert_eq!(socket.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}

#[tokio::test]
async fn a_path_that_leads_to_another_listener_is_an_error() {
    let scratch = Scratch::new();
    let (address, socket) = (scratch.address(), open().unwrap());
    socket.bind(&address).unwrap();
    listen(&socket, 1).unwrap();
    fs::remove_file(scratch.path()).unwrap();
    let error = file::verify(&socket, &address).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    let _other = net::UnixListener::bind(scratch.path()).unwrap();
    let error = file::verify(&socket, &address).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn a_forked_child_keeps_the_files_of_its_parent() {
    let scratch = Scratch::new();
    let bound = bind(&scratch.path(), 10, FileAccess::default()).await.unwrap();
    drop(bound.file.as_ref().unwrap().as_in_a_child());
    assert!(scratch.path().exists());
    let directory = Directory::fresh().unwrap();
    drop(directory.as_in_a_child());
    assert!(directory.path().exists());
}

#[tokio::test]
async fn a_path_is_bound_when_its_lock_is_released() {
    let scratch = Scratch::new();
    let path = scratch.path();
    let lock = FileLock::acquire(&path, OsStr::new("s")).await.unwrap();
    let mut binding = tokio_test::task::spawn(bind(&path, 10, FileAccess::default()));
    assert!(binding.poll().is_pending());
    assert!(!path.exists());
    drop(lock);
    let bound = binding.await.unwrap();
    UnixStream::connect(&path).await.unwrap();
    drop(bound);
    assert_eq!(fs::read_dir(scratch.0.path()).unwrap().count(), 0);
}

/// A separate directory for one test.
struct Scratch(Directory);

impl Scratch {
    fn new() -> Self {
        Self(Directory::fresh().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("s")
    }

    fn address(&self) -> SockAddr {
        SockAddr::unix(self.path()).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.0.path());
    }
}
