//! Servers that admit some clients.

use std::fs;
use std::iter;

use support::python;
use tokio_zmtp::auth::{CurveCertificate, CurveKeypair};

use crate::process::{End, Zmtp, directory, run};

/// The files of a server and of two clients.
struct Keyring {
    directory: String,
    server_key: String,
}

impl Keyring {
    fn create() -> Self {
        let directory = directory();
        fs::create_dir(format!("{directory}/clients")).unwrap();
        for name in ["server", "alice", "clients/carol", "mallory"] {
            // One in 85 keys begins like an option.
            let mut keypairs = iter::repeat_with(CurveKeypair::generate);
            let keypair = keypairs.find(|pair| pair.public_key().to_string().starts_with('-'));
            let certificate = CurveCertificate::from(keypair.unwrap());
            certificate.save(format!("{directory}/{name}.cert")).unwrap();
        }
        let server = CurveCertificate::load(format!("{directory}/server.cert")).unwrap();
        Self { directory, server_key: server.public_key().to_string() }
    }

    fn public_key(&self, name: &str) -> String {
        let certificate = CurveCertificate::load(self.path(name)).unwrap();
        certificate.public_key().to_string()
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}.cert", self.directory)
    }

    /// Starts a server that admits these clients.
    fn server(&self, allowed: &[String]) -> (Zmtp, String) {
        let secret = format!("--secret-key={}_secret", self.path("server"));
        let mut arguments = vec!["pull", "@tcp://127.0.0.1:*", "--curve-server", &secret];
        arguments.extend(allowed.iter().flat_map(|key| ["--allow-key", key]));
        let mut server = Zmtp::start_with(arguments, |_| {});
        let endpoint = server.notice("listening on ");
        (server, endpoint)
    }

    /// Sends a message as a client.
    fn send(&self, client: &str, endpoint: &str) -> End {
        let secret = format!("--secret-key={}_secret", self.path(client));
        let arguments = ["push", endpoint, client, "--curve-server-key", &self.server_key, &secret];
        Zmtp::start_with(arguments, |_| {}).end()
    }
}

#[test]
fn a_server_of_curve_admits_only_the_named_keys() {
    let keyring = Keyring::create();
    let clients = format!("{}/clients", keyring.directory);
    let allowed = [keyring.path("alice"), clients];
    let (mut server, endpoint) = keyring.server(&allowed);
    for client in ["alice", "clients/carol"] {
        assert_eq!(keyring.send(client, &endpoint).code, Some(0));
        assert_eq!(server.line(), client);
    }

    let refused = keyring.send("mallory", &endpoint);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(refused.stderr.contains("denied"), "{refused:?}");
    let notice = server.notice("handshake of ");
    let key = keyring.public_key("mallory");
    assert!(notice.starts_with("127.0.0.1:") && notice.contains(&key), "{notice}");
}

#[test]
fn a_key_is_admitted_by_itself() {
    let keyring = Keyring::create();
    let (mut server, endpoint) = keyring.server(&[keyring.public_key("mallory")]);
    assert_eq!(keyring.send("mallory", &endpoint).code, Some(0));
    assert_eq!(server.line(), "mallory");
    assert_eq!(keyring.send("alice", &endpoint).code, Some(4));
}

#[test]
fn without_keys_every_client_that_knows_the_key_of_the_server_is_admitted() {
    let keyring = Keyring::create();
    let (mut server, endpoint) = keyring.server(&[]);
    assert_eq!(keyring.send("mallory", &endpoint).code, Some(0));
    assert_eq!(server.line(), "mallory");
}

#[test]
fn a_server_of_plain_admits_the_users_of_a_file() {
    let directory = directory();
    let (users, password) = (format!("{directory}/users"), format!("{directory}/password"));
    fs::write(&users, "# users\nalice:sword:fish\n\nbob:hunter2\n").unwrap();
    let (mut server, endpoint) =
        Zmtp::bound(&format!("pull @tcp://127.0.0.1:* --plain-server {users}"));

    fs::write(&password, "sword:fish\n").unwrap();
    let push = format!("push {endpoint} hello --password-file {password} --username");
    assert_eq!(run(&format!("{push} alice")).code, Some(0));
    assert_eq!(server.line(), "hello");

    let refused = run(&format!("{push} bob"));
    assert_eq!(refused.code, Some(4), "{refused:?}");
    let notice = server.notice("handshake of ");
    assert!(notice.contains("user \"bob\"") && !notice.contains("fish"), "{notice}");
}

#[test]
fn a_client_of_python_is_admitted_by_its_password() {
    let users = format!("{}/users", directory());
    fs::write(&users, "alice:swordfish").unwrap();
    let target = env!("CARGO_TARGET_TMPDIR");
    let arguments = ["PUSH", "alice", "swordfish"];
    let Some(mut remote) = python::start_with(target, "cli/tests/zmtp/remote.py", &arguments)
    else {
        return;
    };
    let endpoint = remote.line();
    let pull = run(&format!("pull {endpoint} -n 1 --json --plain-server {users}"));
    assert_eq!(pull.stdout, "{\"parts\":[\"task\",{\"base64\":\"AP8=\"}]}\n", "{pull:?}");
}

#[test]
fn secrets_are_read_from_files() {
    let keyring = Keyring::create();
    let secret = CurveCertificate::load(format!("{}_secret", keyring.path("server"))).unwrap();
    let secret = secret.keypair().unwrap().secret_key().to_text();
    let option = format!("{{ curve_server = {{ secret_key = '{}' }} }}\n", *secret);
    let file = format!("{}/mechanism", keyring.directory);
    fs::write(&file, &option).unwrap();
    let (mut server, endpoint) =
        Zmtp::bound(&format!("pull @tcp://127.0.0.1:* -o mechanism=@{file}"));
    assert_eq!(keyring.send("alice", &endpoint).code, Some(0));
    assert_eq!(server.line(), "alice");

    let literal = format!("mechanism={}", option.trim());
    let mut visible = Zmtp::start_with(["pull", "@tcp://127.0.0.1:*", "-o", &literal], |_| {});
    let notice = visible.notice("other users can see ");
    assert!(notice.contains("mechanism=@FILE") && !notice.contains(secret.as_str()), "{notice}");
}

#[test]
fn lists_of_clients_that_are_not_valid_are_explained() {
    let keyring = Keyring::create();
    let users = format!("{}/users", keyring.directory);
    let fails = |arguments: &[&str], text: &str| {
        let end = Zmtp::start_with(arguments.iter().copied(), |_| {}).end();
        assert_eq!(end.code, Some(2), "{end:?}");
        assert!(end.stderr.contains(text), "{end:?}");
        assert!(!end.stderr.contains("hunter2"), "{end:?}");
    };
    let endpoint = "@tcp://127.0.0.1:*";
    fails(&["pull", endpoint, "--allow-key", &keyring.server_key], "--curve-server");
    let secret = format!("--secret-key={}_secret", keyring.path("server"));
    let server = ["pull", endpoint, "--curve-server", &secret, "--allow-key"];
    fails(&[&server[..], &["unknown.cert"]].concat(), "no file of this name");
    fs::write(&users, "hunter2").unwrap();
    fails(&[&server[..], &[&users]].concat(), "40 characters");
    fails(&["pull", endpoint, "--plain-server", &users], "line 1 is not NAME:PASSWORD");
    fs::write(&users, "bob:hunter2\nbob:hunter2").unwrap();
    fails(&["pull", endpoint, "--plain-server", &users], "line 2 repeats a user");
    fs::write(&users, "# none").unwrap();
    fails(&["pull", endpoint, "--plain-server", &users], "no line");
    let empty = directory();
    fs::write(format!("{empty}/alice.cert_secret"), "").unwrap();
    fails(&[&server[..], &[&empty]].concat(), "there is no certificate");
    let context = ["context", "save", "server", "--curve-server", &secret, "--allow-key"];
    fails(&[&context[..], &[&keyring.server_key]].concat(), "a context cannot contain --allow-key");
}
