//! Client keys: hashed at once, the keys themselves forgotten.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use wildmatch::WildMatch;

use super::secrets::Secrets;
use crate::config::client_keys::{ClientKeyText, Scope};
use crate::config::names::line_of;
use crate::config::report::{Place, Report};
use crate::config::section::Field;
use crate::ids::ClientKeyName;
use crate::snapshot::{ClientKey, ClientKeys};

/// Shortest key of a client in bytes; anything shorter can be tried out.
const MIN_KEY_BYTES: usize = 8;

/// Makes the table of client keys.
pub(super) fn compile(
    written: &[ClientKeyText],
    secrets: &Secrets<'_>,
    pepper: [u8; 32],
    report: &Report,
) -> ClientKeys {
    let mut keys = ClientKeys::new(pepper);
    let mut names: HashMap<&str, &Place> = HashMap::new();
    for text in written {
        let digest = digest(text, secrets, report);
        let Some(name) = &text.name else { continue };
        if let Some(first) = names.insert(&name.value, &name.place) {
            let line = line_of(first);
            let what = format!("key name `{}` is given twice; the first is{line}", name.value);
            report.add(&name.place, what);
        }
        let (Some((digest, place)), true) = (digest, text.is_sound) else { continue };
        let key = ClientKey {
            name: ClientKeyName::new(name.value.as_str()),
            models: text.models.iter().map(|pattern| WildMatch::new(pattern)).collect(),
            expires: text.expires,
            inference: text.scopes.contains(&Scope::Inference),
            admin: text.scopes.contains(&Scope::Admin),
            strict_translation: text.strict_translation,
            system_prompt: text.system_prompt.as_ref().map(|text| text.value.as_str().into()),
            tunnel: text.tunnel.clone(),
        };
        if let Err(other) = keys.add(digest, key) {
            report.add(place, format!("`{}` has the same key as `{}`", name.value, other.name));
        }
    }
    keys
}

/// Returns the SHA-256 of a key and the place it was given at.
fn digest<'t>(
    text: &'t ClientKeyText,
    secrets: &Secrets<'_>,
    report: &Report,
) -> Option<([u8; 32], &'t Place)> {
    match (&text.key, &text.sha256) {
        (Field::Absent, Field::Absent) => {
            let what = "`key` is missing";
            report.add_with(&text.place, what, "write `key: ${NAME}` or `key_sha256: …`");
            None
        }
        (Field::Absent, Field::Value(digest)) => Some((digest.value, &digest.place)),
        (Field::Value(key), Field::Absent) => {
            let secret = secrets.fetch(&key.value, &key.place, report)?;
            if secret.expose().len() < MIN_KEY_BYTES {
                let what = format!("the key is shorter than {MIN_KEY_BYTES} characters");
                report.add_with(&key.place, what, "`openssl rand -hex 24` makes a good one");
                return None;
            }
            Some((Sha256::digest(secret.expose()).into(), &key.place))
        }
        (Field::Value(_), Field::Value(digest)) => {
            report.add(&digest.place, "give `key` or `key_sha256`, not both");
            None
        }
        (Field::Faulty, _) | (_, Field::Faulty) => None,
    }
}
