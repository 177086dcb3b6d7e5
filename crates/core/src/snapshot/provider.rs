//! Providers, their models and their accounts, ready to be used.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use omniroute_wire::{ModelFacts, UpstreamError, WireFormat};
use url::Url;

use super::Way;
use crate::ids::{AccountId, ProviderId};
use crate::reach::Reach;
use crate::resilience::{Limits, Profile};
use crate::secret::Secret;
use crate::state::{AccountState, ProviderState};
use crate::verdict::Rule;

/// A provider: where it is, what it speaks, how it wants to be asked.
#[derive(Debug)]
pub struct Provider {
    /// Its id, e.g. `deepseek`.
    pub id: ProviderId,
    /// What clients write before the slash, e.g. `ds`.
    pub prefix: Arc<str>,
    /// The format it speaks.
    pub wire: WireFormat,
    /// Where it is.
    pub base_url: BaseUrl,
    /// Whether addresses that come through the API may be on one's own network.
    pub allows_private: bool,
    /// Path template of the chat endpoint; the format's own unless the YAML names one.
    pub chat_path: Box<str>,
    /// Path template of the endpoint that counts tokens; `None` if there is none.
    pub count_path: Option<Box<str>>,
    /// Which deliveries it knows.
    pub streaming: Streaming,
    /// How a credential is presented.
    pub auth: Auth,
    /// Headers sent with every call.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Client headers passed on besides the common allow list.
    pub forward_headers: Vec<HeaderName>,
    /// How its failures are answered.
    pub profile: Profile,
    /// How calls to it leave; `None`: it says nothing.
    pub tunnel: Option<Way>,
    /// Known models by id.
    pub models: HashMap<Box<str>, Model>,
    /// The provider's own rules for its errors, by status; the first that speaks of an error counts.
    pub on_status: HashMap<u16, Vec<Rule>>,
    /// How it is: its breaker, and whose turn it is among its accounts.
    pub state: Arc<ProviderState>,
}

impl Provider {
    /// Returns what is known of a model by the provider's own name; cautious defaults for one the
    /// catalogue does not list.
    pub fn facts(&self, model: &str) -> Cow<'_, ModelFacts> {
        self.find(model).map(|known| Cow::Borrowed(&known.facts)).unwrap_or_default()
    }

    /// Returns its own rule for an error, if it has one that speaks of it.
    pub fn rule(&self, status: u16, error: &UpstreamError) -> Option<&Rule> {
        self.on_status.get(&status)?.iter().find(|rule| rule.speaks_of(error))
    }

    /// Tells whether the catalogue lists a model, by the provider's own name.
    pub fn knows(&self, model: &str) -> bool {
        self.find(model).is_some()
    }

    fn find(&self, model: &str) -> Option<&Model> {
        let renamed =
            || self.models.values().find(|known| known.upstream.as_deref() == Some(model));
        self.models.get(model).or_else(renamed)
    }
}

/// Which deliveries a provider knows (`streaming`). A client may want the other one all the same: whole
/// replies are played as streams, streams are collected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Streaming {
    /// Whole replies and streams.
    #[default]
    Both,
    /// Whole replies only.
    Never,
    /// Streams only.
    Always,
}

impl Streaming {
    /// Returns whether to ask for a stream when `wanted` says what suits best.
    pub const fn choose(self, wanted: bool) -> bool {
        match self {
            Self::Both => wanted,
            Self::Never => false,
            Self::Always => true,
        }
    }
}

/// Scheme, host, port and path prefix of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// Host name, or IP address without brackets.
    pub host: Arc<str>,
    /// Port.
    pub port: u16,
    /// Path prefix, empty or starting with `/` and not ending in one.
    pub path: Arc<str>,
    /// Which addresses the host may lead to.
    pub reach: Reach,
}

impl BaseUrl {
    /// Takes scheme, host and port of a URL, and no path.
    ///
    /// # Errors
    ///
    /// What is wrong with it; without repeating it, since it may hold a password.
    pub(crate) fn of_host(url: &Url) -> Result<Self, &'static str> {
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err("the scheme must be `http` or `https`"),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("the URL names no host")?;
        let host = host.trim_start_matches('[').trim_end_matches(']').into();
        let port = url.port_or_known_default().ok_or("the URL names no port")?;
        Ok(Self { tls, host, port, path: "".into(), reach: Reach::Anywhere })
    }

    /// Returns the value of the `Host` header: the port only if it is not the scheme's own.
    pub fn authority(&self) -> String {
        // Asked for at every attempt, so without the machinery of `format!`.
        let mut text = String::with_capacity(self.host.len() + "[]:65535".len());
        let is_address = self.host.contains(':');
        if is_address {
            text.push('[');
        }
        text.push_str(&self.host);
        if is_address {
            text.push(']');
        }
        let usual = if self.tls { 443 } else { 80 };
        if self.port != usual {
            text.push(':');
            text.push_str(itoa::Buffer::new().format(self.port));
        }
        text
    }
}

/// How a credential is presented to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    None,
    /// A fixed key in a header, after a scheme word such as `Bearer` if there is one.
    StaticKey {
        /// The header.
        header: HeaderName,
        /// The word before the key.
        scheme: Option<Box<str>>,
    },
    /// A login flow the gateway does not have yet, by its name. Accounts of it are refused.
    Unavailable(Box<str>),
}

/// One model of a provider.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// What people call it, if that is not its id.
    pub name: Option<Box<str>>,
    /// What it can do, by kind: `chat`, `embeddings`, …
    pub kind: ModelKind,
    /// Limits and abilities.
    pub facts: ModelFacts,
    /// The provider's own name for it, where clients know it by another.
    pub upstream: Option<Box<str>>,
}

/// What a model is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// Chat.
    #[default]
    Chat,
    /// Embeddings.
    Embeddings,
    /// Pictures.
    Images,
    /// Speech to text.
    Transcription,
    /// Text to speech.
    Speech,
    /// Moderation.
    Moderation,
    /// Ranking.
    Rerank,
}

/// One identity at a provider.
#[derive(Debug)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its provider.
    pub provider: Arc<Provider>,
    /// Its credential; `None` for providers that want none.
    pub key: Option<Secret>,
    /// The file that the credential stands in, if it stands in one of its own.
    pub key_file: Option<Arc<Path>>,
    /// Lower goes first.
    pub priority: u32,
    /// Its own endpoint, if it has one.
    pub base_url: Option<BaseUrl>,
    /// What it may be asked for at most.
    pub limits: Limits,
    /// How its calls leave; `None`: it says nothing.
    pub tunnel: Option<Way>,
    /// How it is.
    pub state: Arc<AccountState>,
}

impl Account {
    /// Returns where this account's calls go.
    pub fn endpoint(&self) -> &BaseUrl {
        self.base_url.as_ref().unwrap_or(&self.provider.base_url)
    }
}
