//! The walk over a request along its shape.

use std::ops::Range;

use super::shape::{Amount, Head, Rule, Shape};
use super::{Outline, Skimmed, scanner, string};

/// Most objects of known shapes within each other; those of a tool's result in a message are four.
const MAX_DEPTH: u8 = 24;

/// Most digits of a number that is kept, so that every reader agrees on it.
const MAX_DIGITS: usize = 15;

/// A walk over one body. Its steps take a place and return the place behind what they passed over, or `None`
/// where the body must be read with care.
pub(super) struct Walk<'a> {
    body: &'a [u8],
    /// By [`Head`].
    heads: [Option<Range<usize>>; 3],
    /// By [`Amount`].
    amounts: [Option<u64>; 3],
    /// Whether all that was seen until now is plain.
    is_plain: bool,
    /// Whether it says that there is a budget to think with.
    thinks: Option<bool>,
    depth: u8,
}

impl<'a> Walk<'a> {
    /// Begins a walk. `None`: the body is not UTF-8.
    pub(super) fn of(body: &'a [u8]) -> Option<Self> {
        // The cheaper look first: few bodies need the other.
        let is_text = body.is_ascii() || std::str::from_utf8(body).is_ok();
        is_text.then_some(Self {
            body,
            heads: [const { None }; 3],
            amounts: [None; 3],
            is_plain: true,
            thinks: None,
            depth: 0,
        })
    }

    /// Begins a walk that makes no outline.
    pub(super) fn of_head(body: &'a [u8]) -> Option<Self> {
        Some(Self { is_plain: false, ..Self::of(body)? })
    }

    /// Walks over the whole body.
    pub(super) fn skim(mut self, shape: &'static Shape) -> Option<Skimmed> {
        let (b'{', start) = scanner::next(self.body, 0)? else { return None };
        let end = self.object(start, shape)?;
        if scanner::next(self.body, end).is_some() {
            return None;
        }
        let outline = self.outline();
        let [model, stream, stream_options] = self.heads;
        Some(Skimmed { model, stream, stream_options, outline })
    }

    fn outline(&self) -> Option<Outline> {
        let [max_output_tokens, answers, thinking] = self.amounts;
        // A budget beside a word that says that there is none.
        let is_torn = thinking.is_some() && self.thinks == Some(false);
        (self.is_plain && !is_torn).then(|| Outline {
            max_output_tokens,
            thinking_tokens: thinking.unwrap_or(0),
            answers: answers.unwrap_or(1).max(1),
        })
    }

    /// Passes over an object whose brace is at `brace`.
    fn object(&mut self, brace: usize, shape: &'static Shape) -> Option<usize> {
        let is_top = self.depth == 0;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let mut says_word = false;
        let (mut byte, mut at) = scanner::next(self.body, brace + 1)?;
        while byte != b'}' {
            if byte != b'"' {
                return None;
            }
            let (name, quote) = self.name(at + 1)?;
            // Serde reads the names at the top, and knows more of escapes than is known here.
            if name.is_none() && is_top {
                return None;
            }
            let rule = name.map_or(&Rule::Odd, |name| shape.rule(name));
            says_word |= matches!(rule, Rule::Word(_) | Rule::Thinks { .. });
            let end = self.value(scanner::colon(self.body, quote)?, rule)?;
            (byte, at) = scanner::next(self.body, end)?;
            if byte == b',' {
                (byte, at) = scanner::next(self.body, at + 1)?;
                if byte == b'}' {
                    return None;
                }
            } else if byte != b'}' {
                return None;
            }
        }
        self.is_plain &= says_word || !shape.needs_word;
        self.depth -= 1;
        Some(at + 1)
    }

    /// Returns a name whose first byte is at `start`, if it has no escapes, and where its closing quote
    /// stands.
    fn name(&self, start: usize) -> Option<(Option<&'a [u8]>, usize)> {
        if let Some(quote) = string::short_end(self.body, start) {
            return Some((self.body.get(start..quote), quote));
        }
        let quote = string::end(self.body, start)?;
        let name = self.body.get(start..quote).filter(|name| !name.contains(&b'\\'));
        Some((name, quote))
    }

    /// Passes over a list of objects whose bracket is at `bracket`.
    fn list(&mut self, bracket: usize, shape: &'static Shape) -> Option<usize> {
        let (mut byte, mut at) = scanner::next(self.body, bracket + 1)?;
        if byte == b']' {
            return Some(at + 1);
        }
        loop {
            let end = match byte {
                b'{' => self.object(at, shape)?,
                first => self.odd(first, at)?,
            };
            match scanner::next(self.body, end)? {
                (b',', comma) => (byte, at) = scanner::next(self.body, comma + 1)?,
                (b']', close) => return Some(close + 1),
                _ => return None,
            }
        }
    }

    fn value(&mut self, at: usize, rule: &'static Rule) -> Option<usize> {
        let (first, start) = scanner::next(self.body, at)?;
        if let Rule::Head(head) = rule {
            return self.head((first, start), *head);
        }
        // Nothing that follows makes it plain again.
        if !self.is_plain {
            return scanner::value(self.body, first, start);
        }
        match (rule, first) {
            (Rule::Any, _) => scanner::value(self.body, first, start),
            (Rule::Absent, _) => {
                let (end, written) = self.written((first, start))?;
                self.is_plain = written == b"null";
                Some(end)
            }
            (Rule::Word(words), b'"') => {
                let (end, said) = self.word(start)?;
                self.is_plain = words.iter().any(|word| word.as_bytes() == said);
                Some(end)
            }
            (Rule::Thinks { on, off }, b'"') => {
                let (end, said) = self.word(start)?;
                let thinks = said == on.as_bytes();
                self.thinks = Some(thinks);
                self.is_plain = thinks || off.iter().any(|off| off.as_bytes() == said);
                Some(end)
            }
            (Rule::Amount(amount), _) => self.amount((first, start), *amount),
            (Rule::Content(_) | Rule::TextOrObject(_), b'"') => Some(self.word(start)?.0),
            (Rule::Content(shape) | Rule::List(shape), b'[') => self.list(start, shape),
            (Rule::Object(shape) | Rule::TextOrObject(shape), b'{') => self.object(start, shape),
            (Rule::Content(_) | Rule::List(_) | Rule::Object(_) | Rule::TextOrObject(_), b'n') => {
                scanner::value(self.body, first, start)
            }
            _ => self.odd(first, start),
        }
    }

    /// Passes over a string, and returns it as it is written, without its quotes.
    fn word(&self, quote: usize) -> Option<(usize, &'a [u8])> {
        let end = string::end(self.body, quote + 1)?;
        Some((end + 1, self.body.get(quote + 1..end)?))
    }

    /// Passes over any value, and returns it as it is written.
    fn written(&self, (first, start): (u8, usize)) -> Option<(usize, &'a [u8])> {
        let end = scanner::value(self.body, first, start)?;
        Some((end, self.body.get(start..end)?))
    }

    /// Passes over a value that is not plain.
    fn odd(&mut self, first: u8, start: usize) -> Option<usize> {
        self.is_plain = false;
        scanner::value(self.body, first, start)
    }

    fn head(&mut self, (first, start): (u8, usize), head: Head) -> Option<usize> {
        let end = scanner::value(self.body, first, start)?;
        self.heads[head as usize].replace(start..end).is_none().then_some(end)
    }

    fn amount(&mut self, value: (u8, usize), amount: Amount) -> Option<usize> {
        let (end, written) = self.written(value)?;
        if written == b"null" || (written == b"-1" && matches!(amount, Amount::Thinking)) {
            return Some(end);
        }
        let is_whole = written.len() <= MAX_DIGITS && written.iter().all(u8::is_ascii_digit);
        let digit = |number: u64, digit: &u8| number * 10 + u64::from(digit.wrapping_sub(b'0'));
        let number = if is_whole { written.iter().fold(0, digit) } else { 0 };
        let fits = !matches!(amount, Amount::Answers) || number <= u64::from(u32::MAX);
        let is_first = self.amounts[amount as usize].replace(number).is_none();
        self.is_plain &= is_whole && fits && is_first;
        Some(end)
    }
}
