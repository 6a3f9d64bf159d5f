//! Messages that are protected by a mechanism.

use tokio_zmtp::Socket;

use super::{Payload, Receiver, Sender, for_every_pair};
use crate::security::{AdmitAll, mechanisms};
use crate::transports::Transport;
use crate::watchdog::Watchdog;

for_every_pair!(messages_pass_under_every_mechanism_and_either_role);

async fn messages_pass_under_every_mechanism_and_either_role<S: Sender>() {
    let _watchdog = Watchdog::start();
    for transport in [
        Transport::Tcp,
        #[cfg(unix)]
        Transport::Ipc,
    ] {
        for (one, other) in mechanisms() {
            for (of_sender, of_receiver) in [(one.clone(), other.clone()), (other, one)] {
                let receiver =
                    S::Receiver::builder().mechanism(of_receiver).authenticator(AdmitAll);
                let receiver = receiver.bind(transport.any()).await.unwrap();
                let sender = S::builder().mechanism(of_sender).authenticator(AdmitAll);
                let sender = sender.connect(receiver.last_endpoint().unwrap()).await.unwrap();
                for message in S::Message::samples() {
                    sender.send(message.clone()).await.unwrap();
                    assert!(receiver.recv().await.unwrap() == message);
                }
            }
        }
    }
}
