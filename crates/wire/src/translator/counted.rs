//! Tokens of an answer whose provider counts none, for clients whose format has no word for that.
//!
//! Messages has `output_tokens` in every answer, and 0 would say that nothing was generated. The number is
//! an estimate, and marked as one wherever there is a place for that.

use crate::WireFormat;
use crate::estimate::Running;
use crate::event::{Event, Usage};

/// Counts one answer.
#[derive(Debug, Default)]
pub(super) struct Counted {
    heard: Running,
    /// Whether the provider said how many there are.
    is_said: bool,
}

impl Counted {
    /// Begins to count for a client that must be told, else returns `None`.
    pub(super) fn new(client: WireFormat) -> Option<Self> {
        (client == WireFormat::Anthropic).then(Self::default)
    }

    /// Takes the next events, and puts what was counted before the end if nobody else has.
    pub(super) fn take(&mut self, events: &mut Vec<Event>) {
        for event in events.iter() {
            match event {
                Event::Text { delta, .. }
                | Event::Reasoning { delta, .. }
                | Event::Arguments { delta, .. } => self.heard.add(delta),
                Event::Usage(usage) => self.is_said |= usage.output.is_some(),
                _ => {}
            }
        }
        let heard = self.heard.tokens();
        if self.is_said || heard == 0 || events.last() != Some(&Event::End) {
            return;
        }
        let usage = Usage { output: Some(heard), estimated: true, ..Usage::default() };
        events.insert(events.len() - 1, Event::Usage(usage));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_nobody_counted_is_estimated_at_its_end() {
        let text =
            || Event::Text { choice: 0, part: 0, delta: "eight letters, two tokens".to_owned() };
        let said = |output| Event::Usage(Usage { output, ..Usage::default() });
        let check = |before: Vec<Event>, expected: Option<Usage>| {
            let mut counted = Counted::new(WireFormat::Anthropic).unwrap();
            let mut first = before;
            counted.take(&mut first);
            let mut last = vec![Event::End];
            counted.take(&mut last);
            let added = match last.as_slice() {
                [Event::Usage(usage), Event::End] => Some(*usage),
                _ => None,
            };
            assert_eq!(added, expected, "{first:?}");
        };
        let estimate = Usage { output: Some(7), estimated: true, ..Usage::default() };
        check(vec![text()], Some(estimate));
        check(vec![text(), said(None)], Some(estimate));
        check(vec![text(), said(Some(0))], None);
        check(vec![said(Some(6)), text()], None);
        check(vec![], None);
        assert!(Counted::new(WireFormat::Gemini).is_none(), "which may leave it out");
    }
}
