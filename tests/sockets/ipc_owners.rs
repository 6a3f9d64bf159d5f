//! Processes that compete for an `ipc` path: a bound socket is its only owner, and reachable.

use std::env;
use std::fs::{self, File};
use std::io;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};

use tokio::net::UnixStream;
use tokio_zmtp::{BindError, Server};

use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_path_has_one_owner_that_is_reachable_however_often_processes_restart() {
    let _watchdog = Watchdog::start();
    let other = Server::new();
    other.bind("ipc://*").await.unwrap();
    let directory = crate::ipc::path_of(&other).parent().unwrap().join("contest");
    fs::create_dir(&directory).unwrap();
    let competitors: Vec<_> = (0..4)
        .map(|_| {
            Command::new(env::current_exe().unwrap())
                .args(["--exact", "ipc_owners::competitor", "--nocapture"])
                .env(CONTEST, &directory)
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut competitor in competitors {
        assert!(competitor.wait().unwrap().success());
    }
    // No sockets or locks remain, except perhaps those that the last competitor has abandoned.
    let left: Vec<_> =
        fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "socket"), "{left:?}");
    fs::remove_dir_all(directory).unwrap();
}

/// Runs as one of the competing processes. Does nothing when it runs as a test.
#[tokio::test]
async fn competitor() {
    let Some(directory) = env::var_os(CONTEST).map(PathBuf::from) else { return };
    let (path, mark) = (directory.join("socket"), directory.join("owner"));
    let endpoint = format!("ipc://{}", path.display());
    let server = Server::builder().build();
    let mut owned = 0;
    while owned < RESTARTS {
        match server.bind(&*endpoint).await {
            Ok(_) => {}
            Err(BindError::AddrInUse { .. }) => continue,
            Err(error) => panic!("{error:?}"),
        }
        owned += 1;
        // Fails if there is another owner.
        File::create_new(&mark).unwrap();
        assert_is_reached(&path).await;
        fs::remove_file(&mark).unwrap();
        server.unbind(&*endpoint).await.unwrap();
        if owned % 3 == 0 {
            // Leaves the state of a killed process, unless another process has bound the path.
            drop(UnixListener::bind(&path));
        }
    }
}

async fn assert_is_reached(path: &Path) {
    let stream = match UnixStream::connect(path).await {
        // The other processes have filled the backlog.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
        stream => stream.unwrap(),
    };
    let pid = stream.peer_cred().unwrap().pid();
    assert!(pid.is_none_or(|pid| pid.unsigned_abs() == process::id()));
}

/// The environment variable with the directory of the paths.
const CONTEST: &str = "TOKIO_ZMTP_CONTEST";

/// The number of times that each process binds the path.
const RESTARTS: u32 = 100;
