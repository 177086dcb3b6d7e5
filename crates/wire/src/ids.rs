//! Ids made where a provider or client gave none, and ids made legal for another format.
//!
//! Pure functions: the same input gives the same id, so calls and their results agree without state,
//! and retries and tests repeat.

use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Returns `prefix` and 24 base32 characters of a hash over `seed` and `position`.
pub fn made(prefix: &str, seed: &str, position: usize) -> String {
    let mut hash = Sha256::new();
    hash.update(seed.as_bytes());
    hash.update([0]);
    hash.update((position as u64).to_be_bytes());
    spell(prefix, &hash.finalize())
}

/// Returns `id` if it matches `^[A-Za-z0-9_-]{1,64}$`, else `prefix` and 24 base32 characters of its
/// hash. Legal for OpenAI, Anthropic and Gemini alike.
pub fn legal(prefix: &str, id: &str) -> String {
    let fits = (1..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if fits {
        return id.to_owned();
    }
    spell(prefix, &Sha256::digest(id.as_bytes()))
}

/// Returns `id` if it is nine letters or digits, else nine base32 characters of its hash: Mistral takes no
/// others.
pub fn short(id: &str) -> String {
    if id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return id.to_owned();
    }
    let mut short = spell("", &Sha256::digest(id.as_bytes()));
    short.truncate(9);
    short
}

fn spell(prefix: &str, hash: &[u8]) -> String {
    let letters = hash.iter().take(24).map(|byte| char::from(ALPHABET[usize::from(byte & 31)]));
    prefix.chars().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_are_nine_letters_or_digits() {
        assert_eq!(short("D681PevKs"), "D681PevKs");
        for id in ["", "toolu_1", "D681PevK_", "call_0123456789"] {
            let made = short(id);
            assert!(made.len() == 9 && made.bytes().all(|b| b.is_ascii_alphanumeric()), "{id}");
            assert_eq!(short(&made), made, "once more changes nothing");
        }
        assert_ne!(short("toolu_1"), short("toolu_2"));
    }

    #[test]
    fn legal_ids_stay_and_others_become_legal_and_distinct() {
        assert_eq!(legal("call_", "toolu_01-A"), "toolu_01-A");
        let (dotted, plain) = (legal("call_", "a.b"), legal("call_", "ab"));
        assert_eq!(plain, "ab");
        assert_ne!(dotted, plain, "stripping characters would make them collide");
        assert_eq!(dotted, legal("call_", "a.b"), "pure");
        assert_eq!(dotted.len(), 5 + 24);
        assert!(legal("call_", "").starts_with("call_"));
    }

    #[test]
    fn made_ids_depend_on_seed_and_position() {
        assert_eq!(made("call_", "r1", 0), made("call_", "r1", 0));
        assert_ne!(made("call_", "r1", 0), made("call_", "r1", 1));
        assert_ne!(made("call_", "r1", 0), made("call_", "r2", 0));
    }
}
