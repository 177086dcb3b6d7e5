//! Keeps the number of marks for cached prefixes within what the provider takes.

use super::Writing;
use super::body::{Content, File, Item, OwnItem, Part};
use crate::breakpoint::Breakpoint;
use crate::field_names::Field;

/// Most marks of the instructions that are sent if there are too many.
const MOST_OF_INSTRUCTIONS: usize = 1;

/// Most marks of the conversation; with that of the instructions, the four that are taken.
const MOST_OF_TURNS: usize = 3;

/// Takes out the first marks where there are too many: later ones end longer prefixes.
pub(super) fn limit_marks(writing: &mut Writing<'_, '_>, items: &mut [Item<'_>]) {
    let (mut instructions, mut turns) = (Vec::new(), Vec::new());
    for item in items {
        let Item::Own(item) = item else { continue };
        let (marks, content) = match item {
            OwnItem::Message { role: "system" | "developer", content } => {
                (&mut instructions, content)
            }
            OwnItem::Message { content, .. }
            | OwnItem::FunctionCallOutput { output: content, .. }
            | OwnItem::CustomToolCallOutput { output: content, .. } => (&mut turns, content),
            _ => continue,
        };
        if let Content::Parts(parts) = content {
            marks.extend(parts.iter_mut().filter_map(mark));
        }
    }
    if instructions.len() + turns.len() <= MOST_OF_INSTRUCTIONS + MOST_OF_TURNS {
        return;
    }
    writing.approximate(Field::CACHE_MARKS, "only the last four are sent");
    for (marks, most) in [(instructions, MOST_OF_INSTRUCTIONS), (turns, MOST_OF_TURNS)] {
        let surplus = marks.len().saturating_sub(most);
        marks.into_iter().take(surplus).for_each(|mark| *mark = None);
    }
}

/// Returns the place of a part's mark if it has one.
const fn mark<'p>(part: &'p mut Part<'_>) -> Option<&'p mut Option<Breakpoint>> {
    match part {
        Part::InputText { prompt_cache_breakpoint: place @ Some(_), .. }
        | Part::InputFile(File { prompt_cache_breakpoint: place @ Some(_), .. }) => Some(place),
        _ => None,
    }
}
