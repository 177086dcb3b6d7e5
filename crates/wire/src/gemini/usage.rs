//! Token counts: `usageMetadata` and the canonical [`Usage`].
//!
//! This format counts thoughts apart from candidates, cached tokens inside the prompt, and the input of
//! its own tools beside it. Counts in a stream are cumulative; later ones replace earlier ones.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cursor::Cursor;
use crate::event::Usage;

/// The members of `usageMetadata` that matter here.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Counts {
    #[serde(alias = "prompt_token_count", skip_serializing_if = "Option::is_none")]
    pub(super) prompt_token_count: Option<u64>,
    #[serde(alias = "cached_content_token_count", skip_serializing_if = "Option::is_none")]
    pub(super) cached_content_token_count: Option<u64>,
    #[serde(alias = "candidates_token_count", skip_serializing_if = "Option::is_none")]
    pub(super) candidates_token_count: Option<u64>,
    #[serde(alias = "thoughts_token_count", skip_serializing_if = "Option::is_none")]
    pub(super) thoughts_token_count: Option<u64>,
    #[serde(alias = "tool_use_prompt_token_count", skip_serializing_if = "Option::is_none")]
    pub(super) tool_use_prompt_token_count: Option<u64>,
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    total_token_count: Option<u64>,
    #[serde(alias = "prompt_tokens_details", skip_serializing_if = "Option::is_none")]
    prompt_tokens_details: Option<Kinds>,
    #[serde(alias = "candidates_tokens_details", skip_serializing_if = "Option::is_none")]
    candidates_tokens_details: Option<Kinds>,
}

/// The parts of a count that are no text.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(from = "Vec<Detail>", into = "Vec<Detail>")]
struct Kinds {
    audio: Option<u64>,
    image: Option<u64>,
}

/// One entry of such a list.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    #[serde(default)]
    modality: Value,
    #[serde(default, alias = "token_count")]
    token_count: Option<u64>,
}

impl From<Vec<Detail>> for Kinds {
    fn from(list: Vec<Detail>) -> Self {
        let mut kinds = Self::default();
        for Detail { modality, token_count } in list {
            // By name or by number (proto `Modality`).
            if modality == "IMAGE" || modality == 2 {
                kinds.image = token_count;
            } else if modality == "AUDIO" || modality == 4 {
                kinds.audio = token_count;
            }
        }
        kinds
    }
}

/// Takes `usageMetadata` out of a document that is skimmed.
pub(super) fn skim(json: &mut Cursor<'_>) -> Option<Counts> {
    let mut counts = Counts::default();
    json.object::<24>(|json, name| {
        match name {
            "promptTokenCount" => counts.prompt_token_count = json.count()?,
            "cachedContentTokenCount" => counts.cached_content_token_count = json.count()?,
            "candidatesTokenCount" => counts.candidates_token_count = json.count()?,
            "thoughtsTokenCount" => counts.thoughts_token_count = json.count()?,
            "toolUsePromptTokenCount" => counts.tool_use_prompt_token_count = json.count()?,
            "promptTokensDetails" => {
                counts.prompt_tokens_details = json.unless_null(skim_kinds)?;
            }
            "candidatesTokensDetails" => {
                counts.candidates_tokens_details = json.unless_null(skim_kinds)?;
            }
            _ => pass_camel(json, name)?,
        }
        Some(())
    })?;
    Some(counts)
}

fn skim_kinds(json: &mut Cursor<'_>) -> Option<Kinds> {
    let mut kinds = Kinds::default();
    json.list(|json| {
        let (mut modality, mut count) = (None, None);
        json.object::<12>(|json, name| {
            match name {
                "modality" => modality = Some(json.string()?.plain()?),
                "tokenCount" => count = json.count()?,
                _ => pass_camel(json, name)?,
            }
            Some(())
        })?;
        match modality {
            Some("IMAGE") => kinds.image = count,
            Some("AUDIO") => kinds.audio = count,
            _ => {}
        }
        Some(())
    })?;
    Some(kinds)
}

/// Passes over a member that is not known under this name, unless it may be known in snake_case.
pub(super) fn pass_camel(json: &mut Cursor<'_>, name: &str) -> Option<()> {
    if name.contains('_') { None } else { json.pass() }
}

impl From<Kinds> for Vec<Detail> {
    fn from(kinds: Kinds) -> Self {
        let both = [("IMAGE", kinds.image), ("AUDIO", kinds.audio)].into_iter();
        both.filter(|(_, count)| count.is_some())
            .map(|(name, token_count)| Detail { modality: Value::from(name), token_count })
            .collect()
    }
}

impl Kinds {
    fn of(audio: Option<u64>, image: Option<u64>) -> Option<Self> {
        (audio.is_some() || image.is_some()).then_some(Self { audio, image })
    }
}

impl Counts {
    /// Takes over every number that `newer` says.
    pub(super) fn merge(&mut self, newer: &Self) {
        self.prompt_token_count = newer.prompt_token_count.or(self.prompt_token_count);
        self.cached_content_token_count =
            newer.cached_content_token_count.or(self.cached_content_token_count);
        self.candidates_token_count = newer.candidates_token_count.or(self.candidates_token_count);
        self.thoughts_token_count = newer.thoughts_token_count.or(self.thoughts_token_count);
        self.tool_use_prompt_token_count =
            newer.tool_use_prompt_token_count.or(self.tool_use_prompt_token_count);
        self.prompt_tokens_details = newer.prompt_tokens_details.or(self.prompt_tokens_details);
        self.candidates_tokens_details =
            newer.candidates_tokens_details.or(self.candidates_tokens_details);
    }

    /// Returns the canonical counts.
    pub(super) fn read(&self) -> Usage {
        let prompt = sum(self.prompt_token_count, self.tool_use_prompt_token_count);
        let cached = self.cached_content_token_count;
        Usage {
            input: prompt.map(|prompt| prompt.saturating_sub(cached.unwrap_or(0))),
            cache_read: cached,
            cache_write: None,
            output: sum(self.candidates_token_count, self.thoughts_token_count),
            reasoning: self.thoughts_token_count,
            audio_input: self.prompt_tokens_details.and_then(|kinds| kinds.audio),
            image_input: self.prompt_tokens_details.and_then(|kinds| kinds.image),
            audio_output: self.candidates_tokens_details.and_then(|kinds| kinds.audio),
            image_output: self.candidates_tokens_details.and_then(|kinds| kinds.image),
            ..Usage::default()
        }
    }

    /// Makes the counts for a client, or `None` if no number is known.
    pub(super) fn write(usage: &Usage) -> Option<Self> {
        if usage.is_empty() {
            return None;
        }
        let prompt = usage.input_total();
        Some(Self {
            prompt_token_count: prompt,
            cached_content_token_count: usage.cache_read,
            candidates_token_count: usage
                .output
                .map(|output| output.saturating_sub(usage.reasoning.unwrap_or(0))),
            thoughts_token_count: usage.reasoning,
            tool_use_prompt_token_count: None,
            total_token_count: sum(prompt, usage.output),
            prompt_tokens_details: Kinds::of(usage.audio_input, usage.image_input),
            candidates_tokens_details: Kinds::of(usage.audio_output, usage.image_output),
        })
    }
}

fn sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (None, None) => None,
        (one, other) => Some(one.unwrap_or(0).saturating_add(other.unwrap_or(0))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WireFormat;
    use crate::translator::surveys::every_field;

    fn read(json: &str) -> Usage {
        serde_json::from_str::<Counts>(json).unwrap().read()
    }

    #[test]
    fn cache_is_inside_the_prompt_and_thoughts_are_outside_the_candidates() {
        let usage = read(
            r#"{"promptTokenCount":100,"cachedContentTokenCount":40,"candidatesTokenCount":7,
                "thoughtsTokenCount":5,"toolUsePromptTokenCount":3,"totalTokenCount":115}"#,
        );

        let expected = Usage {
            input: Some(63),
            cache_read: Some(40),
            cache_write: None,
            output: Some(12),
            reasoning: Some(5),
            ..Usage::default()
        };
        assert_eq!(usage, expected);
    }

    #[test]
    fn no_member_of_the_kinds_is_forgotten_by_a_survey() {
        let reply = r#"{"candidates":[{}],"usageMetadata":{"candidatesTokenCount":4,
            "promptTokensDetails":[{"modality":"IMAGE","tokenCount":7}]}}"#;
        every_field::<Detail>(WireFormat::Gemini, reply, "/usageMetadata/promptTokensDetails/0");
    }

    #[test]
    fn absent_numbers_stay_unknown() {
        assert_eq!(read(r#"{"trafficType":"ON_DEMAND"}"#), Usage::default());
        assert_eq!(read(r#"{"thoughtsTokenCount":9}"#).output, Some(9));
        assert_eq!(read(r#"{"promptTokenCount":5,"cachedContentTokenCount":9}"#).input, Some(0));
    }

    #[test]
    fn totals_for_clients_are_computed() {
        let usage = Usage {
            input: Some(10),
            cache_read: Some(4),
            cache_write: Some(1),
            output: Some(9),
            reasoning: Some(2),
            ..Usage::default()
        };
        let json = serde_json::to_string(&Counts::write(&usage).unwrap()).unwrap();
        assert_eq!(
            json,
            r#"{"promptTokenCount":15,"cachedContentTokenCount":4,"candidatesTokenCount":7,"thoughtsTokenCount":2,"totalTokenCount":24}"#
        );
        assert_eq!(Counts::write(&Usage::default()), None);
    }
}
