//! Content as OpenAI's formats have it: a text, or a list of parts. What the parts are is the format's own.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::chat::Part;
use crate::codec::WireError;
use crate::members::{AsWritten, Place, parse};
use crate::openai_media::Speaker;
use crate::plain::Content;

/// Reads the member `name` of an element of a request's list, which is a text or a list of parts, each with
/// `of_wire`; it gets the part as it was written where an unknown one may stay so. Empty texts are left out.
///
/// # Errors
///
/// [`WireError::Malformed`] with the path of the part.
pub(crate) fn read<'a, P: Deserialize<'a>>(
    content: Option<Content<'a, P>>,
    speaker: Speaker,
    (place, name): (Place, &str),
    body: &mut AsWritten<'a>,
    of_wire: impl Fn(P, Option<&RawValue>, &dyn Fn() -> String) -> Result<Option<Part>, WireError>,
) -> Result<Vec<Part>, WireError> {
    let mut read = Vec::new();
    let at = |position: usize| move || format!("{place}.{name}[{position}]");
    match content {
        None => {}
        Some(Content::Text(text)) if text.is_empty() => {}
        Some(Content::Text(text)) => read.push(Part::text(text)),
        Some(Content::Parts(parts)) => {
            for (position, part) in parts.into_iter().enumerate() {
                read.extend(of_wire(part, None, &at(position))?);
            }
        }
        Some(Content::Other) => {
            for (position, raw) in body.parts(place, name)?.into_iter().enumerate() {
                let at = at(position);
                if raw.get().starts_with('"') {
                    let text: String = parse(raw, at)?;
                    read.extend((!text.is_empty()).then(|| Part::text(text)));
                    continue;
                }
                let may_stay = speaker == Speaker::Assistant;
                read.extend(of_wire(parse(raw, at)?, may_stay.then_some(raw), &at)?);
            }
        }
    }
    Ok(read)
}
