//! The sums of counters.

use super::*;

#[test]
fn the_counters_of_a_connection_are_added_to_those_of_others() {
    let volume = Volume { messages: 1, bytes: 2 };
    let counters = Counters::default();
    counters.count_sent(volume);
    counters.count_received(volume);
    counters.count_multipart(3);
    counters.count_missed(1);
    counters.count_replaced(4);
    for (cause, datagrams) in
        [(DatagramDrop::Lost, 5), (DatagramDrop::Malformed, 6), (DatagramDrop::Overflowed, 7)]
    {
        counters.datagrams.add(cause, datagrams);
    }
    let one = counters.read();
    let mut sum = RemoteStats::default();
    sum.add(&one);
    assert_eq!(sum, one);
    sum.add(&one);
    let expected = DroppedDatagrams { lost: 10, malformed: 12, overflowed: 14 };
    assert_eq!((sum.missed, sum.replaced, sum.datagrams), (2, 8, expected));
}
