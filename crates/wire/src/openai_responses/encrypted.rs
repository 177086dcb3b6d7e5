//! What a reasoning item carries for the next request: OpenAI's own data, or an envelope round that of
//! others.

use crate::chat::{Opaque, Vendor};
use crate::envelope::{Block, Seal};

/// Returns the `encrypted_content` of an item with this id.
///
/// OpenAI binds its data to the item's id. Data that came under another id than the client was told by
/// then goes into an envelope, which keeps the id too.
pub(super) fn content(data: Vec<Opaque>, item: &str, seal: &Seal) -> String {
    if let [own] = &data[..]
        && own.vendor == Vendor::OpenAi
        && own.origin.is_none()
        && own.item.as_deref().is_none_or(|id| id == item)
    {
        return own.data.clone();
    }
    let block = |opaque| Block { text: String::new(), opaque };
    // Without data it only says that the text is nobody's but this model's.
    let blocks: Vec<Block> = if data.is_empty() {
        vec![block(None)]
    } else {
        data.into_iter().map(|data| block(Some(data))).collect()
    };
    seal.seal(&blocks)
}
