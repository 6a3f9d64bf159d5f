//! The spans of calls.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use tokio_zmtp::rpc::{Failure, Request, Requester, Responder, TraceContext, service_fn};
use tokio_zmtp::{Client, Server};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

#[tokio::test]
async fn a_call_has_a_span_on_each_side() {
    let spans = Spans::default();
    let _default = tracing::subscriber::set_default(spans.clone());
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let client = Client::new();
    client.connect(endpoint).await.unwrap();
    let service = service_fn(|request: Request| async move {
        match request.body().len() {
            0 => Err(Failure::application(3, "empty")),
            _ => Ok("reply"),
        }
    });
    tokio::spawn(Responder::new(server).serve(service));
    let requester = Requester::new(client);
    let context = PARENT.parse::<TraceContext>().unwrap();
    requester.call(Request::from("x").with_trace_context(context)).await.unwrap();
    requester.call("").await.unwrap_err();
    let spans = spans.finished();
    let [first_call, first_request, second_call, second_request] = &*spans else {
        panic!("other spans: {spans:#?}")
    };
    for (span, name, side) in [
        (first_call, "rpc_call", "requester"),
        (first_request, "rpc_request", "responder"),
        (second_call, "rpc_call", "requester"),
        (second_request, "rpc_request", "responder"),
    ] {
        assert_eq!((span["name"].as_str(), span["side"].as_str()), (name, side));
        assert!(span.contains_key("id"));
    }
    assert_eq!(first_call["request_bytes"], "1");
    assert_eq!(first_call["reply_bytes"], "5");
    assert_eq!(first_call["outcome"], "replied");
    assert_eq!(first_request["outcome"], "replied");
    assert_eq!(first_request["traceparent"], PARENT);
    assert_eq!(second_call["outcome"], "application error 3: empty");
    assert_eq!(second_request["outcome"], "application error 3: empty");
}

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

type Fields = BTreeMap<&'static str, String>;

/// Keeps the fields of this crate's spans of calls.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<Fields>>>);

impl Spans {
    fn finished(&self) -> Vec<Fields> {
        self.0.lock().unwrap().clone()
    }
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.name().starts_with("rpc_")
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut fields = Fields::from([("name", attributes.metadata().name().to_owned())]);
        attributes.record(&mut Recorder(&mut fields));
        let mut spans = self.0.lock().unwrap();
        spans.push(fields);
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let mut spans = self.0.lock().unwrap();
        let at = usize::try_from(id.into_u64()).unwrap() - 1;
        values.record(&mut Recorder(&mut spans[at]));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Recorder<'a>(&'a mut Fields);

impl Visit for Recorder<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}
