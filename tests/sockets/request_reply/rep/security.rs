//! Requests under every mechanism.

use tokio_zmtp::{Dealer, Rep};

use crate::security::{AdmitAll, mechanisms};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn requests_are_replied_to_under_every_mechanism_and_either_role() {
    let _watchdog = Watchdog::start();
    for (one, other) in mechanisms() {
        for (of_rep, of_dealer) in [(one.clone(), other.clone()), (other, one)] {
            let rep = Rep::builder().mechanism(of_rep).authenticator(AdmitAll);
            let rep = rep.bind("tcp://127.0.0.1:*").await.unwrap();
            let dealer = Dealer::builder().mechanism(of_dealer).authenticator(AdmitAll);
            let dealer = dealer.connect(rep.last_endpoint().unwrap()).await.unwrap();
            for len in [0, 1, 100, 40_000] {
                let sent = [&b"id"[..], b"", &vec![7; len], b"", &vec![8; len]];
                dealer.send(sent).await.unwrap();
                let (request, mut replier) = rep.recv().await.unwrap();
                assert!(request == sent[2..]);
                replier.reply(request).await.unwrap();
                assert!(dealer.recv().await.unwrap() == sent);
            }
        }
    }
}
