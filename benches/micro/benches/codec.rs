//! Times encoding and decoding of frames, one by one and in batches.

mod timing;

use criterion::Criterion;
use micro::benchmarks::{Decoding, Encoding, MESSAGES};

use self::timing::time;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for (size, messages) in [(64, 1), (1_024, 1), (65_536, 1), (64, MESSAGES), (1_024, MESSAGES)] {
        let of = format!("{messages}x{size}");
        let encoding = Encoding::new(size, messages);
        time(&mut criterion, &format!("encode/{of}"), messages, encoding);
        let decoding = Decoding::new(size, messages);
        time(&mut criterion, &format!("decode/{of}"), messages, decoding);
    }
    criterion.final_summary();
}
