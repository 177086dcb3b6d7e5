//! How clients call the fields of which only this writer speaks, for notes and refusals.

use crate::field_names::Field;

pub(super) const SYSTEM_INSIDE: Field =
    Field::new("messages[].role", "messages[].role", "contents[].role")
        .with_responses("input[].role");
