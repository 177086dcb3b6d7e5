//! The end user's name for OpenAI's formats.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::WireFormat;
use crate::chat::ChatRequest;

/// Longest name of an end user that OpenAI takes, in bytes.
const MAX_BYTES: usize = 128;

/// Returns the end user's name to send to OpenAI.
///
/// What a client gave another vendor may hold account and session ids, so only its SHA-256 goes out: 64
/// characters that stand for the user and tell nothing. So does that of a name too long to be taken.
pub(crate) fn for_openai(request: &ChatRequest) -> Option<Cow<'_, str>> {
    let user = request.end_user.as_deref()?;
    let is_ours =
        matches!(request.origin, Some(WireFormat::OpenAiChat | WireFormat::OpenAiResponses));
    if is_ours && user.len() <= MAX_BYTES {
        return Some(Cow::Borrowed(user));
    }
    let hash = Sha256::digest(user.as_bytes());
    Some(Cow::Owned(hash.iter().map(|byte| format!("{byte:02x}")).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(user: &str, origin: WireFormat) -> String {
        let end_user = Some(user.to_owned());
        let request = ChatRequest { end_user, origin: Some(origin), ..ChatRequest::default() };
        for_openai(&request).unwrap().into_owned()
    }

    #[test]
    fn the_same_user_is_the_same_hash() {
        let hash = sent("user_1_account_2", WireFormat::Anthropic);

        assert_eq!(hash, sent("user_1_account_2", WireFormat::Gemini));
        assert_ne!(hash, sent("user_1_account_3", WireFormat::Anthropic));
        assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hash}");
    }

    #[test]
    fn openais_own_clients_are_known_by_their_name() {
        assert_eq!(sent("u-1", WireFormat::OpenAiChat), "u-1");
        assert_eq!(sent(&"u".repeat(129), WireFormat::OpenAiChat).len(), 64);
    }
}
