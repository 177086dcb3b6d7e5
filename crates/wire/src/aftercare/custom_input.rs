//! Takes the text out of `{"input": "…"}` while it streams: a custom tool that was sent as a function is
//! called with an object, but its client wants the text alone, piece by piece.

/// The arguments of one call on their way to plain text.
///
/// Arguments that are not such an object come out as they are, at the end, when that is certain.
#[derive(Debug, Default)]
pub(super) struct CustomInput {
    /// All arguments so far.
    raw: String,
    /// How many bytes of `raw` were looked at.
    done: usize,
    state: State,
    /// The first half of a surrogate pair that waits for the second.
    high: Option<u16>,
    /// Whether any text went out.
    has_begun: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the string's opening quote.
    #[default]
    Before,
    /// Inside the string.
    Inside,
    /// Behind it; what follows is of no interest.
    Behind,
    /// This is no such object.
    Other,
}

/// One step inside the string.
enum Step {
    /// This character, so many bytes long.
    Char(char, usize),
    /// Half of a surrogate pair, six bytes long.
    Half(u16),
    /// The closing quote.
    End,
    /// More bytes are needed.
    Wait,
    /// No JSON string.
    Broken,
}

impl CustomInput {
    /// Takes more characters of the arguments and returns the text they complete.
    pub(super) fn push(&mut self, delta: &str) -> String {
        self.raw.push_str(delta);
        if self.state == State::Before {
            self.find_start();
        }
        let text = self.unescape();
        self.has_begun |= !text.is_empty();
        text
    }

    /// Says that the arguments are complete, and returns the rest of the text.
    pub(super) fn finish(mut self) -> String {
        let pending = self.high.take().map(|_| char::REPLACEMENT_CHARACTER.to_string());
        match self.state {
            State::Inside | State::Behind => pending.unwrap_or_default(),
            // An object with other members before `input`, or nothing of the kind.
            State::Before | State::Other if !self.has_begun => whole(&self.raw),
            State::Before | State::Other => String::new(),
        }
    }

    /// Looks for `{ "input" : "`.
    fn find_start(&mut self) {
        let mut rest = self.raw.as_str();
        for expected in ["{", "\"input\"", ":", "\""] {
            rest = rest.trim_start();
            if rest.len() < expected.len() && expected.starts_with(rest) {
                return;
            }
            match rest.strip_prefix(expected) {
                Some(behind) => rest = behind,
                None => {
                    self.state = State::Other;
                    return;
                }
            }
        }
        self.done = self.raw.len() - rest.len();
        self.state = State::Inside;
    }

    fn unescape(&mut self) -> String {
        let mut text = String::new();
        while self.state == State::Inside {
            let step = step(&self.raw[self.done..]);
            let half = if let Step::Half(half) = step { Some(half) } else { None };
            if let (Some(_), true) = (self.high, half.is_none() && !matches!(step, Step::Wait)) {
                self.high = None;
                text.push(char::REPLACEMENT_CHARACTER);
            }
            match step {
                Step::Char(found, bytes) => {
                    text.push(found);
                    self.done += bytes;
                }
                Step::Half(half) => {
                    self.half(half, &mut text);
                    self.done += "\\uXXXX".len();
                }
                Step::End => self.state = State::Behind,
                Step::Wait => break,
                Step::Broken => self.state = State::Other,
            }
        }
        text
    }

    fn half(&mut self, half: u16, text: &mut String) {
        let pair = self.high.take();
        if let Some(high) = pair {
            let joined = char::decode_utf16([high, half]).next().and_then(Result::ok);
            if let Some(found) = joined {
                text.push(found);
                return;
            }
            text.push(char::REPLACEMENT_CHARACTER);
        }
        if (0xd800..0xdc00).contains(&half) {
            self.high = Some(half);
        } else {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

fn step(rest: &str) -> Step {
    let mut chars = rest.chars();
    match chars.next() {
        None => Step::Wait,
        Some('"') => Step::End,
        Some('\\') => match chars.next() {
            None => Step::Wait,
            Some('n') => Step::Char('\n', 2),
            Some('t') => Step::Char('\t', 2),
            Some('r') => Step::Char('\r', 2),
            Some('b') => Step::Char('\u{8}', 2),
            Some('f') => Step::Char('\u{c}', 2),
            Some(plain @ ('"' | '\\' | '/')) => Step::Char(plain, 2),
            Some('u') => unicode(&rest[2..]),
            Some(_) => Step::Broken,
        },
        // Models put raw line breaks into strings; what they mean is plain.
        Some(found) => Step::Char(found, found.len_utf8()),
    }
}

fn unicode(digits: &str) -> Step {
    let Some(digits) = digits.get(..4) else {
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        return if is_hex && digits.len() < 4 { Step::Wait } else { Step::Broken };
    };
    match u16::from_str_radix(digits, 16) {
        Ok(unit) => match char::from_u32(u32::from(unit)) {
            Some(found) => Step::Char(found, 6),
            None => Step::Half(unit),
        },
        Err(_) => Step::Broken,
    }
}

/// Returns the text of complete arguments that do not begin with `input`.
fn whole(raw: &str) -> String {
    let value: Option<serde_json::Value> = serde_json::from_str(raw).ok();
    let input = value.as_ref().and_then(|value| value.get("input")?.as_str());
    input.map_or_else(|| raw.to_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(pieces: &[&str]) -> String {
        let mut input = CustomInput::default();
        let mut text: String = pieces.iter().map(|piece| input.push(piece)).collect();
        text.push_str(&input.finish());
        text
    }

    #[test]
    fn the_text_comes_out_as_it_comes_in() {
        let mut input = CustomInput::default();

        let pieces =
            ["{\"in", "put\": \"*** Be", "gin\\", "n\\ud83d", "\\ude00 \\u00", "e9\"", "}"];
        let out: Vec<String> = pieces.iter().map(|piece| input.push(piece)).collect();

        assert_eq!(out, ["", "*** Be", "gin", "\n", "😀 ", "é", ""]);
        assert_eq!(input.finish(), "");
    }

    #[test]
    fn what_is_no_such_object_comes_out_at_the_end() {
        let check = |raw: &str, expected: &str| assert_eq!(text(&[raw]), expected, "{raw}");
        check("plain text", "plain text");
        check("", "");
        check("{\"other\":1}", "{\"other\":1}");
        check("{\"why\":\"x\",\"input\":\"y\"}", "y");
        check("{\"input\":7}", "{\"input\":7}");
        check(" { \"input\" : \"a\\\"b\\\\\" , \"more\": 1 } ", "a\"b\\");
        check("{\"input\":\"cut off", "cut off");
        check("{\"input\":\"\\ud83d!\"}", "\u{fffd}!");
        check("{\"input\":\"\\ud83d\"}", "\u{fffd}");
        check("{\"input\":\"a\nb\"}", "a\nb");
    }

    proptest! {
        #[test]
        fn any_text_comes_back_at_any_cut(
            original in any::<String>(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let raw = serde_json::json!({ "input": original }).to_string();
            let places: Vec<usize> = raw.char_indices().map(|(place, _)| place).collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| places[cut.index(places.len())]).collect();
            cuts.extend([0, raw.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&str> = cuts.windows(2).map(|pair| &raw[pair[0]..pair[1]]).collect();

            prop_assert_eq!(text(&pieces), original);
        }
    }
}
