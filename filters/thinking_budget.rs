//! A cap on the reasoning a request may ask for.
//!
//! What asks for more is lowered, never refused: budgets to the cap, efforts and levels to the highest
//! that stands for no more tokens (Google's own table), at least `low`. What says nothing of reasoning
//! stays so, because whether a model reasons at all is not known before it is chosen.

use std::sync::Arc;

use async_trait::async_trait;
use omniroute_core::context::{Cap, Operation, RequestContext};
use omniroute_core::error::Error;
use omniroute_core::filter::{BuildContext, Filter, FilterFault, Flow};
use serde::Deserialize;
use serde_json::Value;

use crate::settings;

/// `filter: thinking_budget`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// Most tokens a request may ask to think with; 0: no cap. Else at least 1,024, which is the least
    /// that every format can say.
    max_tokens: u64,
}

#[derive(Debug)]
struct ThinkingBudget {
    cap: Option<Cap>,
}

pub(crate) fn build(
    settings: Value,
    _: &BuildContext,
) -> Result<Arc<dyn Filter>, Vec<FilterFault>> {
    let Settings { max_tokens } = settings::read(settings)?;
    let cap = match max_tokens {
        0 => None,
        Cap::LEAST.. => Some(Cap::of_tokens(max_tokens)),
        _ => {
            let least = Cap::LEAST;
            let what = format!(
                "{max_tokens} is less than formats can say; write at least {least}, or 0 for no cap"
            );
            return Err(vec![FilterFault { path: "max_tokens".to_owned(), what }]);
        }
    };
    Ok(Arc::new(ThinkingBudget { cap }))
}

#[async_trait]
impl Filter for ThinkingBudget {
    async fn on_call(&self, cx: &mut RequestContext) -> Result<Flow, Error> {
        if let (Some(cap), Some(call)) = (self.cap, &mut cx.call) {
            call.cap_reasoning(cap)?;
        }
        Ok(Flow::Continue)
    }

    fn wants_call(&self) -> bool {
        self.cap.is_some()
    }

    fn concerns(&self, cx: &RequestContext) -> bool {
        cx.call.as_ref().is_some_and(|call| call.operation == Operation::Chat)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kit;

    #[tokio::test]
    async fn an_effort_above_the_cap_is_lowered_and_the_models_place_kept() {
        let filter = build(json!({ "max_tokens": 8192 }), &kit::world()).unwrap();
        let mut cx =
            kit::chat(&json!({ "reasoning_effort": "xhigh", "model": "m", "messages": [] }));

        assert!(matches!(filter.on_call(&mut cx).await, Ok(Flow::Continue)));

        let call = cx.call.unwrap();
        let expected = r#"{"reasoning_effort":"medium","model":"m","messages":[]}"#;
        assert_eq!(call.body, expected);
        assert_eq!(&call.body[call.peek.model_span.unwrap()], b"\"m\"");
    }

    #[test]
    fn no_cap_wants_no_calls_and_one_that_cannot_be_said_is_refused() {
        assert!(!build(Value::Null, &kit::world()).unwrap().wants_call());
        assert!(!build(json!({ "max_tokens": 0 }), &kit::world()).unwrap().wants_call());
        assert!(build(json!({ "max_tokens": 1024 }), &kit::world()).unwrap().wants_call());
        let faults = build(json!({ "max_tokens": 1023 }), &kit::world()).err().unwrap();
        assert_eq!(faults[0].path, "max_tokens");
        assert!(faults[0].what.contains("at least 1024"), "{}", faults[0].what);
    }
}
