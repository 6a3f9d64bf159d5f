//! Senders that end an endpoint as soon as its remote arrives.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task;
use tokio_test::assert_pending;
use tokio_zmtp::{Gather, Scatter};

use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;

over_every_transport!(
    a_message_for_an_accepted_remote_is_written_although_its_sender_unbinds,
    flavor = "multi_thread",
    worker_threads = 2
);

async fn a_message_for_an_accepted_remote_is_written_although_its_sender_unbinds(
    transport: Transport,
) {
    let _watchdog = Watchdog::start();
    let scatter = Scatter::new();
    let endpoint = scatter.bind(transport.any()).await.unwrap();
    let (handle, bound) = (scatter.clone(), endpoint.clone());
    let ended = send_and_then(&scatter, async move { handle.unbind(bound).await.unwrap() });
    let gather = Gather::new();
    gather.connect(endpoint).await.unwrap();
    ended.await.unwrap();
    assert_eq!(scatter.close().await.undelivered, 0);
    assert_eq!(gather.recv().await.unwrap(), "message");
}

over_every_transport!(
    a_message_for_a_dialed_remote_is_written_although_its_sender_disconnects,
    flavor = "multi_thread",
    worker_threads = 2
);

async fn a_message_for_a_dialed_remote_is_written_although_its_sender_disconnects(
    transport: Transport,
) {
    let _watchdog = Watchdog::start();
    let gather = Gather::new();
    let endpoint = gather.bind(transport.any()).await.unwrap();
    let scatter = Scatter::builder().immediate(true).build();
    let (handle, connected) = (scatter.clone(), endpoint.clone());
    let ended = send_and_then(&scatter, async move { handle.disconnect(connected).await.unwrap() });
    scatter.connect(endpoint).await.unwrap();
    ended.await.unwrap();
    assert_eq!(scatter.close().await.undelivered, 0);
    assert_eq!(gather.recv().await.unwrap(), "message");
}

/// Begins to send a message. The task that wakes the sender first completes both the send and `end`,
/// and reports this.
fn send_and_then(
    scatter: &Scatter,
    end: impl Future<Output = ()> + Send + 'static,
) -> oneshot::Receiver<()> {
    let (handle, (tx, ended)) = (scatter.clone(), oneshot::channel());
    let mut steps: Steps = Box::pin(async move {
        handle.send("message").await.unwrap();
        end.await;
        tx.send(()).unwrap();
    });
    let sender = Arc::new(Sender(Mutex::default()));
    let waker = Waker::from(Arc::clone(&sender));
    assert_pending!(steps.as_mut().poll(&mut Context::from_waker(&waker)));
    *sender.0.lock().unwrap() = Some(steps);
    ended
}

struct Sender(Mutex<Option<Steps>>);

type Steps = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Wake for Sender {
    fn wake(self: Arc<Self>) {
        let Some(steps) = self.0.lock().unwrap().take() else { return };
        task::block_in_place(|| Handle::current().block_on(steps));
    }
}
