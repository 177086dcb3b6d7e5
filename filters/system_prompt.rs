//! Instructions of the operator's that every chat request gets besides the client's own.
//!
//! They are put into the request as its format has them, and nothing else of it changes. A client key
//! may have others. What the client gets back is as without them; counts of tokens leave them out.

use std::sync::Arc;

use async_trait::async_trait;
use omniroute_core::context::{Operation, Position, RequestContext};
use omniroute_core::error::Error;
use omniroute_core::filter::{BuildContext, Filter, FilterFault, Flow};
use serde::Deserialize;
use serde_json::Value;

use crate::settings;

/// `filter: system_prompt`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// What the instructions say; `null` or empty: nothing is added.
    text: Option<String>,
    /// Whether they stand before or behind the client's own; before by default.
    position: Place,
}

/// A position as the YAML names it.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    #[default]
    Prepend,
    Append,
}

#[derive(Debug)]
struct SystemPrompt {
    text: String,
    position: Position,
}

pub(crate) fn build(
    settings: Value,
    _: &BuildContext,
) -> Result<Arc<dyn Filter>, Vec<FilterFault>> {
    let Settings { text, position } = settings::read(settings)?;
    let position = match position {
        Place::Prepend => Position::Prepend,
        Place::Append => Position::Append,
    };
    Ok(Arc::new(SystemPrompt { text: text.unwrap_or_default(), position }))
}

#[async_trait]
impl Filter for SystemPrompt {
    async fn on_call(&self, cx: &mut RequestContext) -> Result<Flow, Error> {
        let text = self.text(cx).to_owned();
        if let Some(call) = &mut cx.call {
            call.add_instructions(&text, self.position)?;
        }
        Ok(Flow::Continue)
    }

    fn wants_call(&self) -> bool {
        true
    }

    fn concerns(&self, cx: &RequestContext) -> bool {
        let is_chat = cx.call.as_ref().is_some_and(|call| call.operation == Operation::Chat);
        is_chat && !self.text(cx).is_empty()
    }
}

impl SystemPrompt {
    /// Returns what a request gets: the key's own if it has one, else everybody's.
    fn text<'t>(&'t self, cx: &'t RequestContext) -> &'t str {
        let own = cx.caller.as_ref().and_then(|key| key.system_prompt.as_deref());
        own.unwrap_or(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kit;

    async fn sent(settings: Value, key_prompt: Option<&str>, body: &Value) -> Value {
        let filter = build(settings, &kit::world()).unwrap();
        let mut cx = kit::chat(body);
        cx.caller = key_prompt.map(|prompt| kit::key("k", Some(prompt)));
        if filter.concerns(&cx) {
            assert!(matches!(filter.on_call(&mut cx).await, Ok(Flow::Continue)));
        }
        let call = cx.call.unwrap();
        let model = call.peek.model_span.clone().unwrap();
        assert_eq!(&call.body[model], b"\"m\"", "the model's place is still known");
        serde_json::from_slice(&call.body).unwrap()
    }

    #[tokio::test]
    async fn a_keys_own_prompt_goes_before_everybodys() {
        let body = json!({ "messages": [{ "role": "user", "content": "hi" }], "model": "m" });
        let general = json!({ "text": "be kind" });
        let first = |body: &Value| body["messages"][0].clone();

        let everybody = sent(general.clone(), None, &body).await;
        let own = sent(general.clone(), Some("be short"), &body).await;
        let none = sent(general, Some(""), &body).await;
        let only_own = sent(Value::Null, Some("be short"), &body).await;
        let nobody = sent(Value::Null, None, &body).await;

        assert_eq!(first(&everybody), json!({ "role": "system", "content": "be kind" }));
        assert_eq!(first(&own), json!({ "role": "system", "content": "be short" }));
        assert_eq!(none, body);
        assert_eq!(first(&only_own), json!({ "role": "system", "content": "be short" }));
        assert_eq!(nobody, body);
    }

    #[test]
    fn an_unknown_position_is_refused_where_it_stands() {
        let faults = build(json!({ "text": "x", "position": "middle" }), &kit::world());
        let faults = faults.err().unwrap();
        assert_eq!(faults[0].path, "position");
        assert!(faults[0].what.contains("prepend"), "{}", faults[0].what);
    }
}
