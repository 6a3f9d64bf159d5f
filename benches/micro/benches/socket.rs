//! Times the operations of the instruction budget, and the whole path of messages of other lengths.

mod timing;

use criterion::Criterion;
use micro::benchmarks::{Connected, InprocBatch, MESSAGES, TryRecv, TrySend};

use self::timing::time;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    time(&mut criterion, "socket/try_send", MESSAGES, TrySend::new());
    time(&mut criterion, "socket/try_recv", MESSAGES, TryRecv::new());
    time(&mut criterion, "socket/inproc", MESSAGES, InprocBatch::new());
    for (size, messages) in [(64, MESSAGES), (1_024, MESSAGES), (65_536, 16)] {
        let round = Connected::new(size, messages);
        time(&mut criterion, &format!("connected/{messages}x{size}"), messages, round);
    }
    criterion.final_summary();
}
