//! Splits a byte stream into server-sent events.
//!
//! Any cut of the bytes gives the same events: between CR and LF, inside a UTF-8 sequence, inside a
//! field name. Lines end with LF, CRLF or CR; `data:` may lack its space; several `data` lines are
//! joined with LF; comments and unknown fields are skipped; a BOM at the start is skipped.
//!
//! Providers are sloppier than the standard, and so is this splitter where that is safe: an event that
//! the end of the body cut off before its blank line is still delivered, and bytes that stand between
//! events without being a field (a bare JSON error, an HTML page) are delivered as [`Frame::Stray`]
//! instead of being skipped, because they usually say what went wrong.

use memchr::memchr2;

/// Largest event, in bytes. Pictures come in one event.
pub const MAX_EVENT_BYTES: usize = 16 * 1024 * 1024;

/// Most bytes that a buffer keeps room for between events. Pictures come in a few large ones, and a stream lasts.
const MAX_KEPT_BYTES: usize = 16 * 1024;

/// What the splitter found.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// An event with data. The name is empty if the stream gave none.
    Event {
        /// The `event:` field.
        name: &'a [u8],
        /// All `data:` lines, joined with LF.
        data: &'a [u8],
    },
    /// A line that is no field of an event stream, without its line end.
    Stray(&'a [u8]),
    /// A comment, a sign of life.
    Comment,
    /// An event grew over [`MAX_EVENT_BYTES`]; the stream cannot be read any further.
    TooLarge,
}

/// Incremental splitter for one stream.
#[derive(Debug, Default)]
pub struct Splitter {
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    after_cr: bool,
    begun: bool,
    too_large: bool,
}

impl Splitter {
    /// Takes the next bytes and calls `on_frame` for everything they complete.
    pub fn push(&mut self, mut bytes: &[u8], mut on_frame: impl FnMut(Frame<'_>)) {
        while !bytes.is_empty() && !self.too_large {
            if self.after_cr {
                self.after_cr = false;
                if bytes[0] == b'\n' {
                    bytes = &bytes[1..];
                    continue;
                }
            }
            let Some(end) = memchr2(b'\n', b'\r', bytes) else {
                self.keep(bytes, &mut on_frame);
                return;
            };
            self.after_cr = bytes[end] == b'\r';
            if self.line.is_empty() {
                self.take_line(&bytes[..end], &mut on_frame);
            } else {
                self.keep(&bytes[..end], &mut on_frame);
                let line = std::mem::take(&mut self.line);
                self.take_line(&line, &mut on_frame);
                self.line = line;
                empty(&mut self.line);
            }
            bytes = &bytes[end + 1..];
        }
    }

    /// Says that the stream ended; delivers an event whose blank line never came.
    ///
    /// An unfinished last line counts as a line: the caller decides by its content whether it is whole.
    pub fn finish(&mut self, mut on_frame: impl FnMut(Frame<'_>)) {
        if self.too_large {
            return;
        }
        if !self.line.is_empty() {
            let line = std::mem::take(&mut self.line);
            self.take_line(&line, &mut on_frame);
        }
        self.dispatch(&mut on_frame);
    }

    fn keep(&mut self, bytes: &[u8], on_frame: &mut impl FnMut(Frame<'_>)) {
        if self.line.len() + self.data.len() + bytes.len() > MAX_EVENT_BYTES {
            self.too_large = true;
            on_frame(Frame::TooLarge);
            return;
        }
        self.line.extend_from_slice(bytes);
    }

    fn take_line(&mut self, line: &[u8], on_frame: &mut impl FnMut(Frame<'_>)) {
        let line =
            if self.begun { line } else { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) };
        self.begun = true;
        if line.is_empty() {
            self.dispatch(on_frame);
            return;
        }
        if line[0] == b':' {
            on_frame(Frame::Comment);
            return;
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(colon) => {
                let value = &line[colon + 1..];
                (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &line[line.len()..]),
        };
        match field {
            b"data" => self.add_data(value, on_frame),
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            b"id" | b"retry" => {}
            _ => on_frame(Frame::Stray(line)),
        }
    }

    fn add_data(&mut self, value: &[u8], on_frame: &mut impl FnMut(Frame<'_>)) {
        if self.data.len() + value.len() > MAX_EVENT_BYTES {
            self.too_large = true;
            on_frame(Frame::TooLarge);
            return;
        }
        if self.has_data {
            self.data.push(b'\n');
        }
        self.has_data = true;
        self.data.extend_from_slice(value);
    }

    fn dispatch(&mut self, on_frame: &mut impl FnMut(Frame<'_>)) {
        if self.has_data {
            on_frame(Frame::Event { name: &self.name, data: &self.data });
        }
        self.name.clear();
        empty(&mut self.data);
        self.has_data = false;
    }
}

/// Empties a buffer, and keeps its room unless that is large.
fn empty(buffer: &mut Vec<u8>) {
    if buffer.capacity() > MAX_KEPT_BYTES {
        *buffer = Vec::new();
    } else {
        buffer.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(pieces: &[&[u8]]) -> Vec<String> {
        let mut seen = Vec::new();
        let mut splitter = Splitter::default();
        let mut note = |frame: Frame<'_>| {
            seen.push(match frame {
                Frame::Event { name, data } => format!(
                    "event {} {}",
                    String::from_utf8_lossy(name),
                    String::from_utf8_lossy(data)
                ),
                Frame::Stray(line) => format!("stray {}", String::from_utf8_lossy(line)),
                Frame::Comment => "comment".to_owned(),
                Frame::TooLarge => "too large".to_owned(),
            });
        };
        for piece in pieces {
            splitter.push(piece, &mut note);
        }
        splitter.finish(&mut note);
        seen
    }

    #[test]
    fn line_ends_comments_and_missing_spaces_are_understood() {
        let stream = "\u{feff}: hello\r\nevent: a\r\ndata: 1\r\ndata:2\r\n\r\nid: 7\ndata: 3\n\nretry: 1\rdata: 4\r\rdata: tail";
        assert_eq!(
            split(&[stream.as_bytes()]),
            ["comment", "event a 1\n2", "event  3", "event  4", "event  tail"]
        );
    }

    #[test]
    fn an_event_name_without_data_is_nothing() {
        assert_eq!(split(&[b"event: ping\n\ndata: x\n\n"]), ["event  x"]);
    }

    #[test]
    fn stray_lines_are_reported() {
        assert_eq!(
            split(&[b"{\"error\":\n{\"code\": 1}}\n"]),
            ["stray {\"error\":", "stray {\"code\": 1}}"]
        );
    }

    #[test]
    fn the_room_of_a_large_event_is_let_go() {
        let mut splitter = Splitter::default();
        let large = ["data: ", &"x".repeat(1024 * 1024), "\n\n"].concat();
        let (mut events, (first, second)) = (0, large.split_at(large.len() / 2));
        for piece in ["data: small\n\n", first, second, "data: sm", "all\n\n"] {
            splitter.push(piece.as_bytes(), |_| events += 1);
        }

        assert_eq!(events, 3);
        let kept = splitter.line.capacity() + splitter.data.capacity();
        assert!(kept < MAX_KEPT_BYTES, "{kept} bytes");
    }

    #[test]
    fn an_endless_line_ends_the_reading() {
        let mut splitter = Splitter::default();
        let chunk = vec![b'x'; 1024 * 1024];
        let mut too_large = 0;
        for _ in 0..40 {
            splitter.push(&chunk, |frame| too_large += usize::from(frame == Frame::TooLarge));
        }
        assert_eq!(too_large, 1);
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_events(
            lines in prop::collection::vec("(data: ?|event: ?|: ?|)[a-zé:{} ]{0,9}(\n|\r\n|\r|\n\n)", 0..20),
            cuts in prop::collection::vec(0usize..400, 0..12),
        ) {
            let stream = lines.concat().into_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();

            prop_assert_eq!(split(&pieces), split(&[&stream]));
        }
    }
}
