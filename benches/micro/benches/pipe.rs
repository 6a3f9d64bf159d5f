//! Times the two halves of a pipe, as handles and connections use them.

mod timing;

use criterion::Criterion;
use micro::benchmarks::{InboundPop, InboundPush, MESSAGES, OutboundPush, OutboundTake};

use self::timing::time;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    time(&mut criterion, "outbound/push", MESSAGES, OutboundPush::new());
    time(&mut criterion, "outbound/take", MESSAGES, OutboundTake::new());
    time(&mut criterion, "inbound/push", MESSAGES, InboundPush::new());
    time(&mut criterion, "inbound/pop", MESSAGES, InboundPop::new());
    criterion.final_summary();
}
