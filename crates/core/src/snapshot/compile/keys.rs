//! Client keys: hashed at once, the keys themselves forgotten.

use std::collections::HashMap;

use wildmatch::WildMatch;

use super::secrets::Secrets;
use crate::config::client_keys::{ClientKeyText, Scope};
use crate::config::names::line_of;
use crate::config::report::{Place, Report, Spot};
use crate::config::section::Field;
use crate::ids::ClientKeyName;
use crate::snapshot::{ClientKey, ClientKeys};
use crate::state::SharedState;

/// Shortest key of a client in bytes; anything shorter can be tried out.
const MIN_KEY_BYTES: usize = 8;

/// Makes the table of client keys.
pub(super) fn compile(
    written: &[ClientKeyText],
    secrets: &Secrets<'_>,
    (pepper, state): ([u8; 32], &SharedState),
    report: &Report,
) -> ClientKeys {
    let mut keys = ClientKeys::new(pepper);
    let mut names: HashMap<&str, &Place> = HashMap::new();
    for text in written {
        let hash = hash(text, secrets, &keys, report);
        let Some(name) = &text.name else { continue };
        if let Some(first) = names.insert(&name.value, &name.place) {
            let line = line_of(first);
            let what = format!("key name `{}` is given twice; the first is{line}", name.value);
            report.add(&name.place, what);
        }
        let (Some((hash, place)), true) = (hash, text.is_sound) else { continue };
        let key_name = ClientKeyName::new(name.value.as_str());
        let key = ClientKey {
            name: key_name.clone(),
            prefix: text.prefix.as_deref().map(Into::into),
            models: text.models.iter().map(|pattern| WildMatch::new(pattern)).collect(),
            expires: text.expires,
            inference: text.scopes.contains(&Scope::Inference),
            admin: text.scopes.contains(&Scope::Admin),
            strict_translation: text.strict_translation,
            system_prompt: text.system_prompt.as_ref().map(|text| text.value.as_str().into()),
            tunnel: text.tunnel.clone(),
            limits: text.limits.as_ref().map(|limits| limits.value).unwrap_or_default(),
            budgets: text
                .budgets
                .as_ref()
                .map(|spot| spot.value.as_slice())
                .unwrap_or_default()
                .into(),
            state: state.client(&key_name),
            purse: state.ledger.purse(&key_name),
        };
        if let Field::Value(pepper) = &text.pepper {
            keys.know(pepper.value);
        }
        if let Err(other) = keys.add(hash, key) {
            report.add(place, format!("`{}` has the same key as `{}`", name.value, other.name));
        }
    }
    keys
}

/// Returns the hash of a key and the place it was given at.
fn hash<'t>(
    text: &'t ClientKeyText,
    secrets: &Secrets<'_>,
    keys: &ClientKeys,
    report: &Report,
) -> Option<([u8; 32], &'t Place)> {
    if let Field::Value(hash) = &text.hash {
        return kept_hash(text, hash, report);
    }
    match (&text.key, &text.sha256) {
        (Field::Absent, Field::Absent) => {
            let what = "`key` is missing";
            report.add_with(&text.place, what, "write `key: ${NAME}` or `key_sha256: …`");
            None
        }
        (Field::Absent, Field::Value(digest)) => {
            Some((keys.hash_of_digest(&digest.value), &digest.place))
        }
        (Field::Value(key), Field::Absent) => {
            let secret = secrets.fetch(&key.value, &key.place, report)?;
            if secret.expose().len() < MIN_KEY_BYTES {
                let what = format!("the key is shorter than {MIN_KEY_BYTES} characters");
                report.add_with(&key.place, what, "`openssl rand -hex 24` makes a good one");
                return None;
            }
            Some((keys.hash_of(secret.expose().as_bytes()), &key.place))
        }
        (Field::Value(_), Field::Value(digest)) => {
            report.add(&digest.place, "give `key` or `key_sha256`, not both");
            None
        }
        (Field::Faulty, _) | (_, Field::Faulty) => None,
    }
}

/// Returns the hash of a key that was made here. The file has no use for one: it depends on a secret
/// of this gateway.
fn kept_hash<'t>(
    text: &ClientKeyText,
    hash: &'t Spot<[u8; 32]>,
    report: &Report,
) -> Option<([u8; 32], &'t Place)> {
    let has_other = !matches!((&text.key, &text.sha256), (Field::Absent, Field::Absent));
    if hash.place.mark.is_some() || has_other {
        report.add_with(
            &hash.place,
            "`key_hash` is what the gateway keeps of keys it has made",
            "write `key: ${NAME}` or `key_sha256: …`",
        );
        return None;
    }
    Some((hash.value, &hash.place))
}
