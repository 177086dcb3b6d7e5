//! JSON that is passed over, for who needs a few members of a document and none of its content.
//!
//! This is strict where `serde_json` is and takes less: what is rare in a reply (a name that stands twice, half
//! a character, an exponent) makes it give up, and so does a value of another kind than asked for. `None` says
//! so; it says nothing of the document, which is then read in full.

use memchr::{memchr, memchr_iter};

use crate::skim::string;

/// Deepest nesting that is followed; `serde_json` follows 128 levels.
const MAX_DEPTH: u8 = 64;

/// Most digits of a number that is counted; any number of these fits.
const MAX_COUNT_DIGITS: usize = 18;

/// Most digits of a number that is passed over; any number of these is finite.
const MAX_DIGITS: usize = 200;

/// A place in a document.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    depth: u8,
}

/// What stands between the quotes of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quoted<'a> {
    inside: &'a str,
    has_escapes: bool,
}

impl<'a> Quoted<'a> {
    /// Tells whether it has no characters.
    pub(crate) const fn is_empty(&self) -> bool {
        self.inside.is_empty()
    }

    /// Returns the characters.
    pub(crate) fn plain(self) -> Option<&'a str> {
        (!self.has_escapes).then_some(self.inside)
    }
}

impl<'a> Cursor<'a> {
    /// Skims a document of one object.
    pub(crate) fn object_of<const N: usize>(
        body: &'a [u8],
        member: impl FnMut(&mut Self, &'a str) -> Option<()>,
    ) -> Option<()> {
        let mut cursor = Self { text: std::str::from_utf8(body).ok()?, at: 0, depth: 0 };
        cursor.object::<N>(member)?;
        cursor.peek().is_none().then_some(())
    }

    /// Takes an object of at most `N` members; `member` takes the value of each.
    pub(crate) fn object<const N: usize>(
        &mut self,
        mut member: impl FnMut(&mut Self, &'a str) -> Option<()>,
    ) -> Option<()> {
        if self.begin(b'{', b'}')? {
            return Some(());
        }
        let mut names = [""; N];
        for count in 0..N {
            let name = self.string()?.plain()?;
            if names[..count].contains(&name) {
                return None;
            }
            names[count] = name;
            self.take(b':')?;
            member(self, name)?;
            if self.ends(b'}')? {
                return Some(());
            }
        }
        None
    }

    /// Takes a list; `element` takes each of its elements.
    pub(crate) fn list(&mut self, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        if self.begin(b'[', b']')? {
            return Some(());
        }
        loop {
            element(self)?;
            if self.ends(b']')? {
                return Some(());
            }
        }
    }

    /// Takes a value, or `null`, of which nothing is made.
    pub(crate) fn unless_null<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        if self.peek()? == b'n' {
            return self.null().map(|()| None);
        }
        read(self).map(Some)
    }

    /// Takes `null`.
    pub(crate) fn null(&mut self) -> Option<()> {
        self.peek()?;
        self.word("null")
    }

    /// Takes a string.
    pub(crate) fn string(&mut self) -> Option<Quoted<'a>> {
        self.take(b'"')?;
        let (bytes, start) = (self.text.as_bytes(), self.at);
        // Most are names of members.
        let short = string::short_end(bytes, start);
        let end = short.or_else(|| string::end(bytes, start))?;
        let inside = self.text.get(start..end)?;
        self.at = end + 1;
        let has_escapes = short.is_none() && memchr(b'\\', inside.as_bytes()).is_some();
        (!has_escapes || !may_have_halves(inside)).then_some(Quoted { inside, has_escapes })
    }

    /// Takes a string or `null`.
    pub(crate) fn text(&mut self) -> Option<Option<Quoted<'a>>> {
        self.unless_null(Self::string)
    }

    /// Takes a whole number that is not negative, or `null`.
    pub(crate) fn count(&mut self) -> Option<Option<u64>> {
        self.unless_null(|cursor| {
            let digits = cursor.digits(MAX_COUNT_DIGITS)?;
            let is_whole =
                !matches!(cursor.text.as_bytes().get(cursor.at), Some(b'.' | b'e' | b'E'));
            let is_written_so = digits.len() == 1 || digits[0] != b'0';
            let value = |sum, digit: &u8| sum * 10 + u64::from(digit - b'0');
            (is_whole && is_written_so).then(|| digits.iter().fold(0, value))
        })
    }

    /// Takes an object of numbers, of at most 12 members; `place` says where the number of a name goes, if anywhere.
    pub(crate) fn counts<T: Default>(
        &mut self,
        place: impl for<'t> Fn(&'t mut T, &str) -> Option<&'t mut Option<u64>>,
    ) -> Option<T> {
        let mut counts = T::default();
        self.object::<12>(|json, name| {
            match place(&mut counts, name) {
                Some(count) => *count = json.count()?,
                None => json.pass()?,
            }
            Some(())
        })?;
        Some(counts)
    }

    /// Passes over `true` or `false`.
    pub(crate) fn pass_bool(&mut self) -> Option<()> {
        matches!(self.peek()?, b't' | b'f').then_some(())?;
        self.pass()
    }

    /// Passes over any value.
    pub(crate) fn pass(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'{' => {
                if self.begin(b'{', b'}')? {
                    return Some(());
                }
                loop {
                    self.string()?;
                    self.take(b':')?;
                    self.pass()?;
                    if self.ends(b'}')? {
                        return Some(());
                    }
                }
            }
            b'[' => self.list(Self::pass),
            b'n' => self.word("null"),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            _ => self.number(),
        }
    }

    fn number(&mut self) -> Option<()> {
        if self.text.as_bytes().get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        let whole = self.digits(MAX_DIGITS)?;
        if whole.len() > 1 && whole[0] == b'0' {
            return None;
        }
        if self.text.as_bytes().get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits(MAX_DIGITS)?;
        }
        let is_power = matches!(self.text.as_bytes().get(self.at), Some(b'e' | b'E'));
        (!is_power).then_some(())
    }

    /// Takes at least one digit, and no more than so many.
    fn digits(&mut self, most: usize) -> Option<&'a [u8]> {
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += length;
        (1..=most).contains(&length).then(|| &rest[..length])
    }

    /// Begins an object or list. `true`: it was empty and has ended.
    fn begin(&mut self, open: u8, close: u8) -> Option<bool> {
        self.take(open)?;
        let is_empty = self.peek()? == close;
        if is_empty {
            self.at += 1;
        } else {
            self.depth += 1;
        }
        (self.depth <= MAX_DEPTH).then_some(is_empty)
    }

    /// Takes what stands behind a member or element. `true`: it was the last.
    fn ends(&mut self, close: u8) -> Option<bool> {
        let byte = self.peek()?;
        self.at += 1;
        if byte == close {
            self.depth -= 1;
        }
        (byte == b',' || byte == close).then_some(byte == close)
    }

    fn take(&mut self, expected: u8) -> Option<()> {
        let is_it = self.peek()? == expected;
        self.at += 1;
        is_it.then_some(())
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let is_it = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += word.len();
        is_it.then_some(())
    }

    /// Returns the next byte that is no blank.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match *self.text.as_bytes().get(self.at)? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }
}

/// Tells whether a string may have an escape that stands for half a character: `\ud800` and above.
fn may_have_halves(inside: &str) -> bool {
    let bytes = inside.as_bytes();
    let is_high = |escape: &[u8]| matches!(escape, [b'u', b'd' | b'D', ..]);
    memchr_iter(b'\\', bytes).any(|at| bytes.get(at + 1..).is_some_and(is_high))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// Passes over the value of the only member.
    fn passes(value: &str) -> bool {
        let document = format!(" {{\"a\" : {value}\n}} ");
        Cursor::object_of::<4>(document.as_bytes(), |json, _| json.pass()).is_some()
    }

    #[test]
    fn what_is_passed_over_is_json_and_whole() {
        let long = format!("\"{}\"", "abcdefg\\né".repeat(9));
        for value in [
            "null",
            "true",
            "false",
            "0",
            "-0",
            "12",
            "-1.50",
            "\"\"",
            "\"a\\u00e9\\n\\\"\"",
            "[]",
            "{}",
            "[1,[2],{\"a\":[{}],\"a\":2}]",
            &long,
        ] {
            assert!(serde_json::from_str::<Value>(value).is_ok() && passes(value), "{value}");
        }
        let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
        for other in [
            "",
            "nul",
            "nulll",
            "tru",
            "01",
            "-",
            "1.",
            ".5",
            "1e5",
            "+1",
            "1 2",
            "\"a",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\ud83d\\ude00\"",
            "\"a\tb\"",
            "\"12345678\u{1}\"",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "1,",
            "1}",
            &deep,
        ] {
            assert!(!passes(other), "{other}");
        }
    }

    #[test]
    fn values_are_taken_as_they_are_asked_for() {
        let count = |value: &str| {
            let document = format!("{{\"a\":{value}}}");
            let mut said = None;
            Cursor::object_of::<1>(document.as_bytes(), |json, _| {
                said = json.count()?;
                Some(())
            })?;
            Some(said)
        };
        assert_eq!(count("0"), Some(Some(0)));
        assert_eq!(count("123456789012345678"), Some(Some(123_456_789_012_345_678)));
        assert_eq!(count("null"), Some(None));
        for other in ["1234567890123456789", "-1", "1.0", "1e2", "007", "\"7\"", "[]", "true"] {
            assert_eq!(count(other), None, "{other}");
        }
        let names = |document: &str| {
            Cursor::object_of::<2>(document.as_bytes(), |json, _| json.pass()).is_some()
        };
        assert!(names("{}") && names(r#"{"a":1,"b":2}"#));
        for other in [
            r#"{"a":1,"a":2}"#,
            r#"{"\n":1}"#,
            r#"{"a":1,"b":2,"c":3}"#,
            "{} {}",
            "[]",
            r#"{"a":1"#,
        ] {
            assert!(!names(other), "{other}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_passed_over_that_is_no_json(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"b\\n\"", "\\", "\\u0041", "\\ud83d", "1",
                    "-", "0", ".5", "e9", "null", "true", " ", "\n", "\u{1}", "é", "12345678",
                ]),
                0..12,
            ),
        ) {
            let value = pieces.concat();
            if passes(&value) {
                let document = format!("{{\"a\":{value}}}");
                prop_assert!(serde_json::from_str::<Value>(&document).is_ok(), "{document}");
            }
        }
    }
}
