//! What every parcel passes on its way to the client: those who listen hear it, a companion speaks
//! between its events, and the request log keeps it. A request to which no filter attached anything goes through untouched.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use memchr::memmem;
use omniroute_core::attached::{Attempt as Begun, Ending};
use pingora::http::ResponseHeader;

use super::attempt::Attempt;
use super::exchange::{Exchange, Parcel};
use super::incoming::Incoming;

/// Content type of the streams that a companion can speak in.
const EVENTS: &str = "text/event-stream";

/// The header in which companions announce themselves.
const PROGRESS: &str = "x-omniroute-progress";

impl Exchange {
    /// Shows a parcel to those who listen and adds what a companion says.
    pub fn sending(&mut self, mut parcel: Parcel) -> Parcel {
        if !self.cx.attached.is_silent() {
            self.tell(&parcel);
            self.accompany(&mut parcel);
            parcel.pieces.iter().for_each(|piece| self.cx.attached.log_answer(piece));
        }
        parcel
    }

    /// Tells whether the answer is to be finished although the client has left.
    pub fn goes_on_without_client(&mut self) -> bool {
        let goes_on = self.cx.attached.is_followed();
        self.client_left |= goes_on;
        goes_on
    }

    /// Tells a companion of an attempt that begins.
    pub(super) fn announce(&mut self, attempt: &Attempt) {
        let Some(companion) = &mut self.cx.attached.companion else { return };
        companion.attempt(&Begun {
            number: self.records.len() + 1,
            provider: attempt.choice.target.provider.id.as_str(),
            model: &attempt.choice.target.model,
            at: attempt.begun,
        });
    }

    fn tell(&mut self, parcel: &Parcel) {
        let ending = parcel.end.then(|| Ending {
            error: self.delivered.error,
            interrupted: self.delivered.interrupted,
            usage: self.delivered.usage,
            charge: self.delivered.charge,
            at: self.shared.clock.now(),
        });
        for listener in &mut self.cx.attached.listeners {
            if let Some(head) = &parcel.head {
                listener.head(head.status, &head.headers);
            }
            for piece in &parcel.pieces {
                listener.piece(piece);
            }
            if let Some(ending) = &ending {
                listener.ended(ending);
            }
        }
    }

    /// Lets a companion speak behind the first event that ends in a parcel, or at the end of the stream.
    fn accompany(&mut self, parcel: &mut Parcel) {
        if self.cx.attached.companion.is_none() {
            return;
        }
        if let Some(head) = &mut parcel.head
            && !makes_room(head)
        {
            self.cx.attached.companion = None;
            return;
        }
        if let Some(last) = parcel.pieces.iter().rfind(|piece| !piece.is_empty()) {
            self.is_between_events = last.ends_with(b"\n\n") || last.ends_with(b"\n\r\n");
        }
        let now = self.shared.clock.now();
        let companion = self.cx.attached.companion.as_ref();
        if !parcel.end && companion.is_none_or(|companion| !companion.is_due(now)) {
            return;
        }
        let gap = if parcel.end && self.is_between_events {
            Some((parcel.pieces.len(), 0))
        } else {
            gap(&parcel.pieces)
        };
        let (Some(gap), tokens) = (gap, self.output_tokens()) else { return };
        let Some(companion) = &mut self.cx.attached.companion else { return };
        let mut said = Vec::new();
        for json in companion.speak(now, tokens, parcel.end) {
            said.extend_from_slice(&self.client.aside(&json));
        }
        insert(&mut parcel.pieces, gap, said.into());
    }

    fn output_tokens(&self) -> u64 {
        let usage = match self.attempt.as_ref().map(|attempt| &attempt.incoming) {
            Some(Incoming::Stream(stream)) => stream.translator.usage_or_estimate(),
            _ => self.delivered.usage,
        };
        usage.output.unwrap_or(0)
    }
}

/// Prepares a head for a stream that grows on its way. `false`: the answer is none, and nobody speaks.
fn makes_room(head: &mut ResponseHeader) -> bool {
    let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_stream = kind.is_some_and(|kind| kind.starts_with(EVENTS));
    head.remove_header(if is_stream { CONTENT_LENGTH.as_str() } else { PROGRESS });
    is_stream
}

/// Finds the first end of an event: the number of its piece, and the place in that.
fn gap(pieces: &[Bytes]) -> Option<(usize, usize)> {
    pieces.iter().enumerate().find_map(|(number, piece)| {
        let ends = [("\n\n", 2), ("\n\r\n", 3)];
        let found = ends
            .iter()
            .filter_map(|(end, length)| memmem::find(piece, end.as_bytes()).map(|at| at + length));
        found.min().map(|at| (number, at))
    })
}

fn insert(pieces: &mut Vec<Bytes>, (number, at): (usize, usize), said: Bytes) {
    if let Some(piece) = pieces.get_mut(number) {
        let rest = piece.split_off(at);
        pieces.insert(number + 1, rest);
        pieces.insert(number + 1, said);
    } else {
        pieces.push(said);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_stands_behind_the_first_event_that_ends() {
        let check = |pieces: &[&str], expected: Option<&str>| {
            let mut pieces: Vec<Bytes> =
                pieces.iter().map(|piece| Bytes::copy_from_slice(piece.as_bytes())).collect();
            let gap = gap(&pieces);
            assert_eq!(gap.is_some(), expected.is_some(), "{pieces:?}");
            if let (Some(gap), Some(expected)) = (gap, expected) {
                insert(&mut pieces, gap, Bytes::from_static(b"(said)"));
                assert_eq!(pieces.concat(), expected.as_bytes());
            }
        };
        check(&["data: a\n\ndata: b\n\n"], Some("data: a\n\n(said)data: b\n\n"));
        check(&["data: a", "\ndata: b\n\nda"], Some("data: a\ndata: b\n\n(said)da"));
        check(&["data: a\r\n\r\ndata: b\n\n"], Some("data: a\r\n\r\n(said)data: b\n\n"));
        check(&["data: a\n", "\ndata: b"], None);
        check(&[], None);
    }
}
