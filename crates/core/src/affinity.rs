//! Which account served a conversation last.
//!
//! Providers keep prompt caches per account: a conversation that wanders pays its whole prompt again.
//! What is remembered is bounded, and only a hash of the conversation's name is kept.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderMap;
use lru::LruCache;
use omniroute_wire::session;

use crate::context::RequestContext;
use crate::ids::AccountId;

/// Most conversations that are remembered; about 100 bytes each.
const MAX_CONVERSATIONS: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();

/// How long after its last request a conversation is remembered: the longest time vendors keep a cache.
const MAX_IDLE: Duration = Duration::from_secs(3600);

/// Headers in which clients name the conversation, the first that is there counts: Claude Code, Codex
/// and Roo, OpenCode and Kilo.
const HEADERS: [&str; 6] = [
    "x-claude-code-session-id",
    "x-claude-code-agent-id",
    "session-id",
    "session_id",
    "x-session-id",
    "thread-id",
];

/// The accounts of conversations.
#[derive(Debug)]
pub struct Affinity {
    hasher: RandomState,
    accounts: Mutex<LruCache<u64, Last>>,
}

#[derive(Debug)]
struct Last {
    account: AccountId,
    at: Instant,
}

/// A conversation of one client key, as a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConversationId(u64);

impl Default for Affinity {
    fn default() -> Self {
        let accounts = Mutex::new(LruCache::new(MAX_CONVERSATIONS));
        Self { hasher: RandomState::new(), accounts }
    }
}

impl Affinity {
    /// Tells which conversation a request belongs to, if it can be told.
    ///
    /// Conversations of different client keys are different, whatever they are called.
    pub fn conversation(&self, cx: &RequestContext) -> Option<ConversationId> {
        let caller = cx.caller.as_ref().map(|key| key.name.as_str());
        let hash = match named(&cx.head.headers) {
            Some(name) => self.hasher.hash_one((caller, name)),
            None => {
                let said = session::conversation(&cx.call.as_ref()?.body)?;
                self.hasher.hash_one((caller, said))
            }
        };
        Some(ConversationId(hash))
    }

    /// Returns the account that served a conversation last.
    pub fn last(&self, conversation: ConversationId, now: Instant) -> Option<AccountId> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let last = accounts.get(&conversation.0)?;
        if now.saturating_duration_since(last.at) >= MAX_IDLE {
            accounts.pop(&conversation.0);
            return None;
        }
        Some(last.account.clone())
    }

    /// Remembers that an account serves a conversation.
    pub fn serves(&self, conversation: ConversationId, account: &AccountId, now: Instant) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.put(conversation.0, Last { account: account.clone(), at: now });
    }
}

fn named(headers: &HeaderMap) -> Option<&[u8]> {
    let values = HEADERS.iter().filter_map(|name| headers.get(*name));
    values.map(http::HeaderValue::as_bytes).find(|name| !name.is_empty())
}
