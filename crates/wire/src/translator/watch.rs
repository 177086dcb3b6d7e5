//! What the events of a reply said so far.

use crate::WireFormat;
use crate::api_error::UpstreamError;
use crate::estimate;
use crate::event::{Event, Finish, Usage};

/// What the events said so far.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) has_content: bool,
    pub(super) usage: Usage,
    pub(super) finish: Option<(u16, Finish)>,
    pub(super) error: Option<UpstreamError>,
    pub(super) complete: bool,
    /// What the deltas of the reply came to.
    heard: estimate::Running,
}

impl Watch {
    /// Takes note of one event.
    pub(super) fn see(&mut self, event: &Event) {
        self.has_content |= event.is_content();
        match event {
            Event::Start { id, model, .. } => {
                self.id.clone_from(id);
                self.model.clone_from(model);
            }
            Event::Text { delta, .. }
            | Event::Reasoning { delta, .. }
            | Event::Arguments { delta, .. } => self.heard.add(delta),
            Event::Usage(usage) => self.usage.merge(&usage.plausible()),
            Event::Finish { choice, reason, .. }
                if self.finish.is_none_or(|(first, _)| *choice < first) =>
            {
                self.finish = Some((*choice, *reason));
            }
            Event::Error(error) => self.error = Some(error.clone()),
            Event::End => self.complete = true,
            _ => {}
        }
    }

    /// Returns the usage that an answer ends with if its provider counts no output and the client's format
    /// has no word for that: Messages has `output_tokens` in every answer, and 0 would say that nothing was
    /// generated. It is an estimate, and marked as one wherever there is a place for that.
    pub(super) fn uncounted(&self, client: WireFormat) -> Option<Usage> {
        let heard = self.heard.tokens();
        if client != WireFormat::Anthropic || self.usage.output.is_some() || heard == 0 {
            return None;
        }
        Some(Usage { output: Some(heard), estimated: true, ..Usage::default() })
    }

    /// Returns the token counts, with an estimate of the output if the provider has not counted it or
    /// counted only up to its first event. `cut`: the reply was ended before the provider was done.
    pub(super) fn usage_or_estimate(&self, cut: bool) -> Usage {
        let mut usage = self.usage;
        let is_over = self.complete || self.error.as_ref().is_some_and(|error| !error.truncated);
        let is_early = cut || !is_over;
        let heard = self.heard.tokens();
        let said = usage.output.unwrap_or(0);
        if heard > said && (usage.output.is_none() || is_early) {
            usage.output = Some(heard);
            usage.estimated = true;
        }
        usage
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
            let mut watch = Watch::default();
            before.iter().for_each(|event| watch.see(event));
            assert_eq!(watch.uncounted(WireFormat::Anthropic), expected, "{before:?}");
            assert_eq!(watch.uncounted(WireFormat::Gemini), None, "which may leave it out");
        };
        let estimate = Usage { output: Some(7), estimated: true, ..Usage::default() };
        check(vec![text()], Some(estimate));
        check(vec![text(), said(None)], Some(estimate));
        check(vec![text(), said(Some(0))], None);
        check(vec![said(Some(6)), text()], None);
        check(vec![], None);
    }
}
