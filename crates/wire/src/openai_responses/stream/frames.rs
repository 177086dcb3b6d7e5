//! Events on the wire: name, type and number of each.

use crate::json;

/// Writes events and counts them.
#[derive(Debug, Default)]
pub(super) struct Frames {
    next: u64,
}

/// Where an item, or a part of it, stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// The item's id.
    pub(super) item: &'a str,
    /// The item's number in the output.
    pub(super) output: usize,
    /// The part's number and the member that has it, if the event is about a part.
    pub(super) part: Option<(&'static str, usize)>,
}

impl Frames {
    /// Goes on counting where another writer stopped.
    pub(super) const fn resume(&mut self, next: u64) {
        self.next = next;
    }

    /// Appends the head of an event. Its members follow, each with a comma before it, then
    /// [`Self::close`].
    pub(super) fn open(&mut self, kind: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(b"\ndata: {\"type\":\"");
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(b"\",\"sequence_number\":");
        json::number(self.next, out);
        self.next += 1;
    }

    /// Appends the end of an event.
    pub(super) fn close(out: &mut Vec<u8>) {
        out.extend_from_slice(b"}\n\n");
    }

    /// Appends an event about an item or a part of one; `members` appends what it has besides.
    pub(super) fn at(
        &mut self,
        kind: &str,
        place: Place<'_>,
        out: &mut Vec<u8>,
        members: impl FnOnce(&mut Vec<u8>),
    ) {
        self.open(kind, out);
        out.extend_from_slice(b",\"item_id\":");
        json::string(place.item, out);
        out.extend_from_slice(b",\"output_index\":");
        json::value(&place.output, out);
        if let Some((member, number)) = place.part {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(member.as_bytes());
            out.extend_from_slice(b"\":");
            json::value(&number, out);
        }
        members(out);
        Self::close(out);
    }

    /// Appends an event about an item or part with one string, the usual form of deltas.
    pub(super) fn string(
        &mut self,
        kind: &str,
        place: Place<'_>,
        (member, text): (&str, &str),
        out: &mut Vec<u8>,
    ) {
        self.at(kind, place, out, |out| {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(member.as_bytes());
            out.extend_from_slice(b"\":");
            json::string(text, out);
        });
    }

    /// Appends an event about an item or part with one value that is JSON already.
    pub(super) fn raw(
        &mut self,
        kind: &str,
        place: Place<'_>,
        (member, value): (&str, &[u8]),
        out: &mut Vec<u8>,
    ) {
        self.at(kind, place, out, |out| {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(member.as_bytes());
            out.extend_from_slice(b"\":");
            out.extend_from_slice(value);
        });
    }

    /// Appends an event with a whole item: that it began or that it is done.
    pub(super) fn item(&mut self, kind: &str, output: usize, item: &[u8], out: &mut Vec<u8>) {
        self.open(kind, out);
        out.extend_from_slice(b",\"output_index\":");
        json::value(&output, out);
        out.extend_from_slice(b",\"item\":");
        out.extend_from_slice(item);
        Self::close(out);
    }
}
