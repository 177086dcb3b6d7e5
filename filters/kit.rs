//! What the tests of filters begin with: a world without accounts, and a chat call in it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use omniroute_core::attached::Attached;
use omniroute_core::clock::Clock;
use omniroute_core::context::{Call, Operation, RequestContext, RequestHead};
use omniroute_core::filter::{BuildContext, FilterRegister};
use omniroute_core::ids::ClientKeyName;
use omniroute_core::reach::Reach;
use omniroute_core::resilience::Limits;
use omniroute_core::snapshot::{ClientKey, Inputs, Overrides, Snapshot, compile};
use omniroute_core::state::SharedState;
use omniroute_wire::WireFormat;
use serde_json::Value;

/// What a filter is built in; its clock stands still until it is put forward.
pub(crate) fn world() -> BuildContext {
    BuildContext {
        provider_ids: Vec::new(),
        clock: Clock::manual(0),
        lockouts: Arc::default(),
        flights: Arc::default(),
        answers: Arc::default(),
        notices: Arc::default(),
        reach: Reach::Anywhere,
    }
}

/// A call of the Chat API with this body.
pub(crate) fn chat(body: &Value) -> RequestContext {
    let body = Bytes::from(body.to_string());
    let codec = WireFormat::OpenAiChat.codec();
    let peek = codec.peek(&body, None).unwrap();
    let head = RequestHead {
        method: Method::POST,
        path: "/v1/chat/completions".into(),
        query: "".into(),
        headers: HeaderMap::new(),
        peer: None,
    };
    let clock = Clock::manual(0);
    RequestContext {
        request_id: Arc::from("test"),
        snapshot: Arc::new(snapshot(&clock)),
        head,
        format: WireFormat::OpenAiChat,
        caller: None,
        call: Some(Call::new(Operation::Chat, codec, peek, body)),
        provider: None,
        pass: None,
        hold: None,
        trace: None,
        started: clock.now(),
        body_took: Duration::ZERO,
        attached: Attached::default(),
    }
}

/// A client key of this name, with a system prompt of its own or without.
pub(crate) fn key(name: &str, system_prompt: Option<&str>) -> Arc<ClientKey> {
    Arc::new(ClientKey {
        name: ClientKeyName::new(name),
        prefix: None,
        models: Vec::new(),
        expires: None,
        inference: true,
        admin: false,
        strict_translation: false,
        system_prompt: system_prompt.map(Into::into),
        tunnel: None,
        limits: Limits::default(),
        state: Arc::default(),
        budgets: Arc::from([]),
        purse: Arc::default(),
    })
}

fn snapshot(clock: &Clock) -> Snapshot {
    let inputs = Inputs {
        file: None,
        objects: &[],
        overrides: Overrides { data_dir: Some("/nonexistent".into()), ..Overrides::default() },
        bound: &[],
        env: &|_| None,
        read_file: &|_| Err(std::io::ErrorKind::NotFound.into()),
        state: &SharedState::default(),
        register: &FilterRegister::default(),
        clock,
        pepper: [7; 32],
        revision: 1,
    };
    compile(&inputs).unwrap()
}
