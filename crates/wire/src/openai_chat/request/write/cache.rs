//! Writes marks that end a cached prefix, for models that know them.

use serde_json::Value;

use super::Writing;
use crate::breakpoint::Breakpoint;
use crate::chat::{ChatRequest, PartKind, Role};
use crate::field_names::Field;

/// Most marks of the instructions that are sent.
const MOST_OF_SYSTEM: usize = 1;

/// Most marks of the conversation that are sent: with that of the instructions, the four that the API
/// takes.
const MOST_OF_TURNS: usize = 3;

/// Which marks are still to be left out, because later ones count for more.
#[derive(Debug, Default)]
pub(super) struct Marks {
    are_known: bool,
    surplus_of_system: usize,
    surplus_of_turns: usize,
}

impl Marks {
    /// Counts the marks of a request.
    pub(super) fn of(writing: &mut Writing<'_, '_>) -> Self {
        if !writing.facts.cache_breakpoints {
            return Self::default();
        }
        let of_system = count(writing.request, Role::is_instructions);
        let of_turns = count(writing.request, |role| !role.is_instructions());
        let mut marks = Self { are_known: true, ..Self::default() };
        if of_system + of_turns > MOST_OF_SYSTEM + MOST_OF_TURNS {
            writing.approximate(Field::CACHE_MARKS, "only the last four are sent");
            marks.surplus_of_system = of_system.saturating_sub(MOST_OF_SYSTEM);
            marks.surplus_of_turns = of_turns.saturating_sub(MOST_OF_TURNS);
        }
        marks
    }

    /// Returns the mark to send for one that a part of such a turn has.
    pub(super) fn next(&mut self, mark: Option<&Value>, role: Role) -> Option<Breakpoint> {
        let mark = mark.filter(|_| self.are_known)?;
        let surplus = if role.is_instructions() {
            &mut self.surplus_of_system
        } else {
            &mut self.surplus_of_turns
        };
        if *surplus > 0 {
            *surplus -= 1;
            return None;
        }
        Some(Breakpoint::of_mark(mark))
    }
}

/// Counts the marks on parts that may have one: text, files and results.
fn count(request: &ChatRequest, of: impl Fn(Role) -> bool) -> usize {
    let turns = request.turns.iter().filter(|turn| turn.role != Role::Assistant && of(turn.role));
    let parts = turns.flat_map(|turn| &turn.parts);
    let may_have = |kind: &PartKind| match kind {
        PartKind::Text(text) => !text.is_empty(),
        PartKind::Document(_) | PartKind::ToolResult { .. } => true,
        _ => false,
    };
    parts.filter(|part| part.cache.is_some() && may_have(&part.kind)).count()
}
