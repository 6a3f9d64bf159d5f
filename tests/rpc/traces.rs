//! Trace contexts.

use tokio_zmtp::rpc::{Failure, Request, TraceContext};

use crate::wire::{Bare, REPLY, REQUEST, pair, unique};

#[tokio::test]
async fn a_trace_context_is_sent_with_the_request() {
    let (requester, _, _) = pair(|request: Request| async move {
        let context = request.trace_context().cloned().unwrap();
        Ok::<_, Failure>(format!("{context} {}", context.state()))
    })
    .await;
    let context: TraceContext = PARENT.parse().unwrap();
    let context = context.with_state("vendor=1").unwrap();
    let reply = requester.call(Request::from("x").with_trace_context(context)).await.unwrap();
    assert_eq!(reply, format!("{PARENT} vendor=1"));
}

#[tokio::test]
async fn a_trace_context_is_encoded_as_its_texts() {
    let bare = Bare::bind(&unique()).await;
    let client = tokio_zmtp::Client::builder().connect(bare.endpoint().as_str()).await.unwrap();
    let requester = tokio_zmtp::rpc::Requester::new(client);
    let context = PARENT.parse::<TraceContext>().unwrap();
    let call = tokio::spawn(requester.call(Request::from("x").with_trace_context(context)));
    let (from, id, rest) = bare.expect(REQUEST).await;
    assert_eq!(rest, [b"\x04\0\x37", PARENT.as_bytes(), b"\0\0x"].concat());
    bare.send(from, REPLY, id, "").await;
    call.await.unwrap().unwrap();
}

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
