//! Batches of a CLIENT, other senders, and connections that take messages.

use super::*;
use crate::socket::sending_many::SendingMany;

#[test]
fn a_batch_is_sent_in_order_beside_other_senders() {
    all(2, || a_batch_and_senders(1, "", "abc", "", false));
    all(2, || a_batch_and_senders(1, "x", "ab", "k", false));
    some(|| a_batch_and_senders(2, "xy", "abcdef", "klm", false));
}

#[test]
fn a_dropped_batch_keeps_what_was_not_sent_and_passes_its_slot_on() {
    all(2, || a_batch_and_senders(1, "x", "ab", "k", true));
    some(|| a_batch_and_senders(1, "x", "abcd", "klm", true));
    some(|| a_batch_and_senders(2, "xy", "abcd", "klm", true));
}

#[test]
fn closing_returns_the_rest_of_a_batch() {
    all(3, || a_socket_is_closed(1, "ab"));
    some(|| a_socket_is_closed(2, "abcdef"));
}

/// Spawns a task that sends a batch. It returns the letters that were not sent, and reports them if
/// it is aborted.
fn send_batch(
    model: &Model<Client>,
    letters: &'static str,
) -> (JoinHandle<Option<Refusal>>, mpsc::UnboundedReceiver<String>) {
    let core = Arc::clone(&model.core);
    let (tx, rest) = mpsc::unbounded_channel();
    let sending = shuttle::future::spawn(async move {
        let mut batch = Batch { messages: messages(letters), rest: tx };
        let sent = SendingMany::new(&core, &mut batch.messages).await;
        sent.err().map(|error| match error {
            crate::error::SendError::Closed(()) => Refusal::Closed,
            error => unreachable!("{error}"),
        })
    });
    (sending, rest)
}

/// Reports its messages when it is dropped.
struct Batch {
    messages: VecDeque<Message>,
    rest: mpsc::UnboundedSender<String>,
}

impl Drop for Batch {
    fn drop(&mut self) {
        let _ = self.rest.send(self.messages.iter().map(letter).collect());
    }
}

async fn a_batch_and_senders(
    mark: usize,
    queued: &'static str,
    letters: &'static str,
    others: &'static str,
    is_dropped: bool,
) {
    let model = Model::client(mark, 0);
    let attachment = model.attach();
    model.fill((), queued);
    let (batch, mut rest) = send_batch(&model, letters);
    let senders: Vec<_> = others.chars().map(|letter| model.send((), letter)).collect();
    let (connection, mut written) = connection(attachment);
    if is_dropped {
        batch.abort();
    }
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    let outcome = batch.await;
    // A task that was aborted before it ran has sent nothing.
    let rest = rest.recv().await.unwrap_or_else(|| letters.to_owned());
    if !is_dropped {
        assert_eq!((outcome.unwrap(), rest.as_str()), (None, ""));
    }
    let sent = letters.strip_suffix(&rest).unwrap();
    let first = written.take(queued.len() + sent.len() + others.len()).await;
    assert_eq!(sorted(&first), sorted(&[queued, sent, others].concat()));
    let in_order: String = first.chars().filter(|letter| sent.contains(*letter)).collect();
    assert_eq!(in_order, sent);
    model.end(connection, written, 0).await;
}

async fn a_socket_is_closed(mark: usize, letters: &'static str) {
    let model = Model::client(mark, 0);
    let (connection, written) = connection(model.attach());
    let (batch, mut rest) = send_batch(&model, letters);
    model.routing().close();
    let refused = batch.await.unwrap();
    let rest = rest.recv().await.unwrap();
    assert_eq!(refused, (!rest.is_empty()).then_some(Refusal::Closed));
    assert_eq!(written.rest(connection).await + &rest, letters);
}

fn messages(letters: &str) -> VecDeque<Message> {
    letters.bytes().map(|letter| Message::from([letter])).collect()
}
