//! REQ and REP under PLAIN and CURVE.

use std::time::Duration;

use tokio_zmtp::auth::{Authenticator, CurveKeypair, Keys, Users};
use tokio_zmtp::monitor::{DialFailure, HandshakeFailure};
use tokio_zmtp::{Mechanism, Multipart, NoRemoteError, Rep, Req, RequestError, TryRecvError};

use crate::security::{AdmitAll, mechanisms};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn requests_are_replied_to_under_every_mechanism_in_either_role() {
    let _watchdog = Watchdog::start();
    for (one, other) in mechanisms() {
        for (of_req, of_rep) in [(one.clone(), other.clone()), (other, one)] {
            for req_binds in [true, false] {
                let req = Req::builder().mechanism(of_req.clone()).authenticator(AdmitAll).build();
                let rep = Rep::builder().mechanism(of_rep.clone()).authenticator(AdmitAll).build();
                if req_binds {
                    rep.connect(req.bind(ANY_PORT).await.unwrap()).await.unwrap();
                } else {
                    req.connect(rep.bind(ANY_PORT).await.unwrap()).await.unwrap();
                }
                for len in [0, 1, 100, 70_000] {
                    let request = Multipart::from([vec![7; len], vec![], vec![8; len]]);
                    let reply = async {
                        let (received, mut replier) = rep.recv().await.unwrap();
                        replier.reply(received).await.unwrap();
                    };
                    let (replied, ()) = tokio::join!(req.request(&request), reply);
                    assert!(replied.unwrap() == request);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_replier_names_the_user_of_its_request() {
    let _watchdog = Watchdog::start();
    let (of_req, of_rep) = (CurveKeypair::generate(), CurveKeypair::generate());
    let keys = Keys::from_iter([(of_req.public_key(), "alice")]);
    let curve = Mechanism::curve_client((of_rep.public_key(), of_req));
    let plain = Mechanism::plain_client("alice", "right").unwrap();
    let users = Users::from_iter([("alice", "right")]);
    for (of_req, of_rep) in
        [(plain, Mechanism::PlainServer), (curve, Mechanism::curve_server(of_rep))]
    {
        let authenticator = users.clone().or(keys.clone());
        let rep = Rep::builder().mechanism(of_rep).authenticator(authenticator);
        let rep = rep.bind(ANY_PORT).await.unwrap();
        let req = Req::builder().mechanism(of_req);
        let req = req.connect(rep.last_endpoint().unwrap()).await.unwrap();
        let reply = async {
            let (request, mut replier) = rep.recv().await.unwrap();
            assert_eq!(replier.remote().user_id(), Some("alice"));
            replier.reply(request).await.unwrap();
        };
        let (replied, ()) = tokio::join!(req.request("who am I?"), reply);
        assert_eq!(replied.unwrap(), ["who am I?"]);
    }
}

#[tokio::test]
async fn a_request_of_a_req_that_is_not_admitted_is_returned() {
    let _watchdog = Watchdog::start();
    let users = Users::from_iter([("alice", "right")]);
    let rep = Rep::builder().mechanism(Mechanism::PlainServer).authenticator(users);
    let rep = rep.bind(ANY_PORT).await.unwrap();
    let mechanism = Mechanism::plain_client("alice", "wrong").unwrap();
    let req = Req::builder().mechanism(mechanism);
    let req = req.connect(rep.last_endpoint().unwrap()).await.unwrap();
    let refused = req.remotes().connected().await;
    assert!(
        matches!(
            &refused,
            Err(NoRemoteError::Failed(DialFailure::Handshake(HandshakeFailure::Refused { .. })))
        ),
        "{refused:?}"
    );
    let returned = RequestError::Timeout(Some(Multipart::from("secret")));
    assert_eq!(req.request_timeout("secret", Duration::ZERO).await, Err(returned));
    assert!(matches!(rep.try_recv(), Err(TryRecvError::Empty)));
}

const ANY_PORT: &str = "tcp://127.0.0.1:*";
