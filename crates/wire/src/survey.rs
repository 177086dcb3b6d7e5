//! What a whole reply says of itself, for one that is passed on as it came: its content is passed over.
//!
//! A survey never guesses. Whatever it does not know for certain to mean what the reader of the format
//! finds in it (an error, several answers, a dialect) is left to that reader. `translator/surveys.rs`
//! compares the two.

use crate::event::{Finish, Usage};

/// What a whole reply says besides its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Token counts.
    pub usage: Usage,
    /// Why its answer ended.
    pub finish: Finish,
}
