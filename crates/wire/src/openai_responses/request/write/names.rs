//! How clients call the fields of which only this writer speaks, for notes and refusals.

use crate::field_names::Field;

pub(super) const SYSTEM: Field =
    Field::new("messages[].role", "system", "systemInstruction").with_responses("input[].role");
pub(super) const MODALITIES: Field =
    Field::new("modalities", "modalities", "generationConfig.responseModalities");
pub(super) const SEARCH_USES: Field =
    Field::new("web_search_options", "tools[].max_uses", "tools[].googleSearch");
pub(super) const WEB_SEARCH: Field =
    Field::new("web_search_options", "tools[].web_search", "tools[].googleSearch")
        .with_responses("tools[].web_search");
