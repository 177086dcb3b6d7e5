//! The parts of ours that every open stream has are no larger than the allocator's sizes that they were made to fit
//! into. A field too many costs each stream a fifth of the part (docs/performance.md, "Memory with streams open").

use std::sync::Mutex;

use super::exchange::Exchange;
use super::incoming::Stream;

/// The two counts in front of what an `Arc` holds.
const COUNTS: usize = 2 * size_of::<usize>();

#[test]
fn what_every_open_stream_has_fits_into_its_place() {
    let check = |what: &str, bytes: usize, place: usize| {
        assert!(bytes <= place, "{what} takes {bytes} bytes, and there are {place}");
    };
    check("an exchange", COUNTS + size_of::<Mutex<Exchange>>(), 2560);
    check("a stream with its translator", size_of::<Stream>(), 1024);
}
