//! Tests that no secrets remain in memory after their sockets have ended.
//!
//! The keys and passwords here are created without leaving a copy. The tests search for them in all
//! writable memory of the process.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use tokio::runtime::{self, Runtime};
use tokio_zmtp::auth::{CurveKeypair, CurveSecretKey, Password, Users};
use tokio_zmtp::{Client, Mechanism, Server};

use crate::process_usage;
use crate::watchdog::Watchdog;

#[test]
fn a_secret_key_is_stored_once_while_it_is_used_and_then_erased() {
    for runtime in [one_thread, many_threads] {
        let _alone = process_usage::alone();
        let _watchdog = Watchdog::start();
        let server_keys = CurveKeypair::generate();
        let client_keys = CurveKeypair::generate();
        let secrets =
            [&server_keys, &client_keys].map(|keys| Traces::of(keys.secret_key().as_bytes()));
        let (of_client, of_server) = (
            Mechanism::curve_client((server_keys.public_key(), client_keys)),
            Mechanism::curve_server(server_keys),
        );
        let runtime = runtime();
        let sockets = runtime.block_on(talk(of_client, of_server, Users::default()));
        for secret in &secrets {
            assert_eq!(secret.places().len(), 1, "{:?}", secret.places());
        }
        runtime.block_on(end(sockets));
        drop(runtime);
        for secret in &secrets {
            assert!(secret.places().is_empty(), "{:?}", secret.places());
        }
    }
}

#[test]
fn a_key_that_was_parsed_and_formatted_is_erased() {
    let _alone = process_usage::alone();
    let keys = CurveKeypair::generate();
    let secret = Traces::of(keys.secret_key().as_bytes());
    let text = tokio_zmtp::auth::CurveCertificate::from(keys.clone());
    let path = std::env::temp_dir().join(format!("tokio-zmtp-residue-{}", std::process::id()));
    text.save(&path).unwrap();
    let mut secret_path = path.clone().into_os_string();
    secret_path.push("_secret");
    let read = tokio_zmtp::auth::CurveCertificate::load(&secret_path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::remove_file(&secret_path).unwrap();
    assert!(read.keypair() == Some(keys.clone()));
    let copied = CurveSecretKey::from_bytes(*keys.secret_key().as_bytes());
    assert!(copied == *keys.secret_key());
    drop((text, read, copied));
    assert_eq!(secret.places().len(), 1, "{:?}", secret.places());
    drop(keys);
    assert!(secret.places().is_empty(), "{:?}", secret.places());
}

#[test]
fn a_password_is_erased() {
    for runtime in [one_thread, many_threads] {
        let _alone = process_usage::alone();
        let _watchdog = Watchdog::start();
        let secret = Traces::random();
        let users = Users::from_iter([("alice", secret.password())]);
        let of_client = Mechanism::plain_client("alice", secret.password()).unwrap();
        let runtime = runtime();
        let sockets = runtime.block_on(talk(of_client, Mechanism::PlainServer, users));
        assert!(!secret.places().is_empty());
        runtime.block_on(end(sockets));
        drop(runtime);
        assert!(secret.places().is_empty(), "{:?}", secret.places());
    }
}

#[test]
fn a_refused_password_is_erased() {
    let _alone = process_usage::alone();
    let _watchdog = Watchdog::start();
    let secret = Traces::random();
    one_thread().block_on(async {
        let server = Server::builder().mechanism(Mechanism::PlainServer);
        let server =
            server.authenticator(Users::default()).bind("tcp://127.0.0.1:*").await.unwrap();
        let of_client = Mechanism::plain_client("alice", secret.password()).unwrap();
        let client = Client::builder().mechanism(of_client);
        let client = client.connect(server.last_endpoint().unwrap()).await.unwrap();
        client.remotes().connected().await.unwrap_err();
        client.close().await;
        server.close().await;
    });
    assert!(secret.places().is_empty(), "{:?}", secret.places());
}

/// Exchanges messages between a client and a server over more than one connection.
async fn talk(of_client: Mechanism, of_server: Mechanism, users: Users) -> (Client, Server) {
    let server = Server::builder().mechanism(of_server.clone());
    let server = match of_server {
        Mechanism::PlainServer => server.authenticator(users),
        _ => server,
    };
    let server = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let client = Client::builder().mechanism(of_client);
    let client = client.connect(server.last_endpoint().unwrap()).await.unwrap();
    for round in 0..3 {
        client.send("request").await.unwrap();
        let request = server.recv().await.unwrap();
        server.reply(&request, "reply").await.unwrap();
        client.recv().await.unwrap();
        if round == 0 {
            client.connect(server.bind("tcp://127.0.0.1:*").await.unwrap()).await.unwrap();
        }
    }
    (client, server)
}

async fn end((client, server): (Client, Server)) {
    client.close().await;
    server.close().await;
}

/// The masked bytes of a secret, in groups of eight. The secret itself is not stored.
struct Traces(Vec<u64>);

impl Traces {
    fn of(secret: &[u8]) -> Self {
        let masked: Vec<u8> = secret.iter().map(|byte| byte ^ MASK as u8).collect();
        Self(
            masked
                .chunks_exact(8)
                .map(|eight| u64::from_ne_bytes(eight.try_into().unwrap()))
                .collect(),
        )
    }

    /// Returns the traces of a random text, which is itself never in memory.
    fn random() -> Self {
        let byte = |_| fastrand::alphanumeric() as u8 ^ MASK as u8;
        Self((0..5).map(|_| u64::from_ne_bytes(std::array::from_fn(byte))).collect())
    }

    /// Returns the text as a password.
    fn password(&self) -> Password {
        let mut text = String::with_capacity(8 * self.0.len());
        for eight in &self.0 {
            text.extend(eight.to_ne_bytes().map(|byte| char::from(byte ^ MASK as u8)));
        }
        text.into()
    }

    /// Returns the addresses that contain at least eight bytes of the secret.
    fn places(&self) -> Vec<String> {
        let memory = File::open("/proc/self/mem").unwrap();
        let mut page = vec![0; PAGE + 7];
        let own = page.as_ptr() as usize;
        let mut places = Vec::<(usize, String)>::new();
        for mapping in fs::read_to_string("/proc/self/maps").unwrap().lines() {
            let mut fields = mapping.split_ascii_whitespace();
            let (range, access) = (fields.next().unwrap(), fields.next().unwrap());
            if !access.starts_with("rw") {
                continue;
            }
            let (start, end) = range.split_once('-').unwrap();
            let [start, end] = [start, end].map(|at| usize::from_str_radix(at, 16).unwrap());
            for at in (start..end).step_by(PAGE) {
                let Ok(read) = memory.read_at(&mut page, at as u64) else { continue };
                let found = self.find(&page[..read]).map(|offset| at + offset);
                let found = found.filter(|&at| at + 8 <= own || at >= own + PAGE + 7);
                for at in found {
                    // Adjacent matches belong to one copy.
                    if places.last().is_none_or(|&(last, _)| at >= last + 64) {
                        places.push((at, format!("{at:#x} in {mapping}")));
                    }
                }
                page.fill(0);
            }
        }
        places.into_iter().map(|(_, place)| place).collect()
    }

    fn find<'a>(&'a self, page: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        // Most pages have never been used. In the others, the first byte excludes most positions.
        let page = if page == &EMPTY[..page.len()] { &[] } else { page };
        let mut begins = [false; 256];
        for eight in &self.0 {
            begins[usize::from(eight.to_ne_bytes()[0] ^ MASK as u8)] = true;
        }
        let starts = page.iter().enumerate().filter(move |&(_, &byte)| begins[usize::from(byte)]);
        starts.map(|(at, _)| at).filter(|&at| {
            let eight = page.get(at..).and_then(|rest| rest.first_chunk());
            eight.is_some_and(|&eight| self.0.contains(&(u64::from_ne_bytes(eight) ^ MASK)))
        })
    }
}

fn one_thread() -> Runtime {
    runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn many_threads() -> Runtime {
    runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A mask of equal bytes.
const MASK: u64 = 0xA5A5_A5A5_A5A5_A5A5;

const PAGE: usize = 0x1000;
static EMPTY: [u8; PAGE + 7] = [0; PAGE + 7];
