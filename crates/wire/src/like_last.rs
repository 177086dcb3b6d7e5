//! Events that are like the one before but for their text: most of a stream.
//!
//! Reading JSON is most of what watching a stream costs. Where an event begins and ends with the same
//! bytes as the one before, and that one came to more text of a part and nothing else, then so does this
//! one: what lies between is read as the string that it must be, and the rest not at all. Every event
//! that is read in full is the pattern for the next, or ends it, so nothing can have changed in between.

use memchr::memmem;

use crate::event::Event;

/// After so many events in a row that were like none before, a stream is known to be of another kind:
/// its events carry numbers or padding of their own.
const MAX_MISSES: u8 = 16;

/// What the last event looked like round its text.
#[derive(Debug, Default)]
pub(crate) struct LikeLast {
    name: Vec<u8>,
    /// Up to the first character of the text.
    before: Vec<u8>,
    /// From the quote that ends the text; empty if there is no pattern.
    after: Vec<u8>,
    choice: u16,
    part: u32,
    misses: u8,
}

impl LikeLast {
    /// Takes the data of an event if it is like the one before. `false`: it has to be read in full.
    pub(crate) fn take(&mut self, name: &[u8], data: &[u8], out: &mut Vec<Event>) -> bool {
        if self.after.is_empty() || self.name != name {
            return false;
        }
        let inside =
            data.strip_prefix(&*self.before).and_then(|rest| rest.strip_suffix(&*self.after));
        let Some(delta) = inside.and_then(text).filter(|delta| !delta.is_empty()) else {
            return false;
        };
        self.misses = 0;
        out.push(Event::Text { choice: self.choice, part: self.part, delta });
        true
    }

    /// Takes note of an event that was read in full and of what it came to. `mark` is what stands before
    /// the text in events of this format, its quote included.
    pub(crate) fn note(&mut self, mark: &[u8], name: &[u8], data: &[u8], made: &[Event]) {
        self.after.clear();
        let [Event::Text { choice, part, delta }] = made else { return };
        if self.misses >= MAX_MISSES {
            return;
        }
        self.misses += 1;
        let Some(start) = memmem::find(data, mark).map(|at| at + mark.len()) else { return };
        let Some(end) = end_of_string(data, start) else { return };
        let is_only = memmem::find(&data[end..], mark).is_none();
        if !is_only || text(&data[start..end]).as_ref() != Some(delta) {
            return;
        }
        (self.choice, self.part) = (*choice, *part);
        for (kept, new) in [
            (&mut self.name, name),
            (&mut self.before, &data[..start]),
            (&mut self.after, &data[end..]),
        ] {
            kept.clear();
            kept.extend_from_slice(new);
        }
    }
}

/// Returns where a JSON string ends: the place of its quote.
fn end_of_string(json: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        at += memchr::memchr2(b'"', b'\\', json.get(at..)?)?;
        if json[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// Reads what stands between the quotes of a JSON string; `None` if that is none.
fn text(inside: &[u8]) -> Option<String> {
    let inside = std::str::from_utf8(inside).ok()?;
    if memchr::memchr2(b'"', b'\\', inside.as_bytes()).is_none() {
        return inside.bytes().all(|byte| byte >= b' ').then(|| inside.to_owned());
    }
    serde_json::from_str(&format!("\"{inside}\"")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &[u8] = b"\"content\":\"";

    fn chunk(text: &str) -> String {
        format!(
            r#"{{"id":"a","choices":[{{"delta":{{"content":{text}}},"index":0}}],"usage":null}}"#
        )
    }

    fn made(delta: &str) -> Event {
        Event::Text { choice: 0, part: 3, delta: delta.to_owned() }
    }

    /// Takes a second event after a first one with the text `one`.
    fn second(first: &str, second: &str) -> Option<Event> {
        let (mut like, mut out) = (LikeLast::default(), Vec::new());
        like.note(MARK, b"", first.as_bytes(), &[made("one")]);
        like.take(b"", second.as_bytes(), &mut out).then(|| out.remove(0))
    }

    #[test]
    fn what_differs_in_its_text_only_is_taken() {
        for (json, text) in [
            (r#""two""#, "two"),
            (r#""a \"quoted\" word\n""#, "a \"quoted\" word\n"),
            (r#""é \ud83d\ude00""#, "é 😀"),
            (r#""],\"usage\":null""#, "],\"usage\":null"),
        ] {
            assert_eq!(second(&chunk("\"one\""), &chunk(json)), Some(made(text)), "{json}");
        }
    }

    #[test]
    fn whatever_else_differs_has_it_read_in_full() {
        let first = chunk("\"one\"");
        for other in [
            chunk("\"\""),
            chunk("null"),
            chunk("\"half\\"),
            chunk("\"\\ud83d\""),
            chunk("\"raw\nline\""),
            chunk("\"a\",\"content\":\"b\""),
            chunk("\"a\",\"refusal\":\"b\""),
            chunk("\"two\"").replace("null", "{}"),
            chunk("\"two\"").replace("\"a\"", "\"b\""),
            first[..first.len() - 1].to_owned(),
        ] {
            assert_eq!(second(&first, &other), None, "{other}");
        }
        let twice = r#"{"delta":{"content":"one"},"message":{"content":"one"}}"#;
        assert_eq!(second(twice, twice), None, "which of them it was is not known");
        assert_eq!(second(&chunk("\"other\""), &first), None, "the text came from elsewhere");
    }

    #[test]
    fn another_event_ends_the_pattern_and_a_stream_of_another_kind_is_left_alone() {
        let data = chunk("\"one\"");
        let (mut like, mut out) = (LikeLast::default(), Vec::new());
        like.note(MARK, b"", data.as_bytes(), &[made("one")]);
        assert!(!like.take(b"error", data.as_bytes(), &mut out), "another name");
        like.note(MARK, b"", b"{}", &[]);
        assert!(!like.take(b"", data.as_bytes(), &mut out), "something came in between");

        for number in 0..=u32::from(MAX_MISSES) {
            let numbered = data.replace("null", &number.to_string());
            assert!(!like.take(b"", numbered.as_bytes(), &mut out));
            like.note(MARK, b"", numbered.as_bytes(), &[made("one")]);
        }
        assert!(like.after.is_empty(), "it is not tried for ever");
    }
}
