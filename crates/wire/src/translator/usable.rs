//! Ends of a reply that no client of another format can use, as errors.

use crate::WireFormat;
use crate::api_error::{ApiError, ErrorKind, UpstreamError};
use crate::event::{Event, Finish};

/// Makes an error of an end that is no answer: a call that nobody but a Gemini client has a word for, and
/// a reply that is not there yet, which only Responses can ask for again.
pub(super) fn make_usable(event: &mut Event, client: WireFormat) {
    let error = match event {
        Event::Finish { reason: Finish::InvalidCall, native, detail, .. }
            if client != WireFormat::Gemini =>
        {
            let message = detail.take().unwrap_or_else(|| {
                format!("the model made a tool call that cannot be used ({native})")
            });
            failed(native, message)
        }
        Event::Finish { reason: Finish::Queued, native, .. }
            if client != WireFormat::OpenAiResponses =>
        {
            let message = format!("the upstream has not answered yet ({native})");
            failed(native, message)
        }
        _ => return,
    };
    *event = error;
}

fn failed(native: &mut String, message: String) -> Event {
    let mut error = UpstreamError::server(502, message);
    error.native_type = std::mem::take(native);
    Event::Error(error)
}

/// Says a provider's error as one of ours, with the same message and class.
pub fn as_api_error(error: &UpstreamError) -> ApiError {
    ApiError {
        status: error.status,
        kind: error.kind,
        code: code(error.kind),
        message: error.message.clone(),
        param: error.param.clone(),
        retry_after: error.retry_after,
        request_id: None,
    }
}

const fn code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest => "invalid_request",
        ErrorKind::ContextTooLong => "context_length_exceeded",
        ErrorKind::Authentication => "upstream_authentication",
        ErrorKind::Permission => "upstream_permission",
        ErrorKind::NotFound => "model_not_found",
        ErrorKind::TooLarge => "request_too_large",
        ErrorKind::RateLimit => "rate_limit_exceeded",
        ErrorKind::Quota => "insufficient_quota",
        ErrorKind::Overloaded => "overloaded",
        ErrorKind::Timeout => "timeout",
        ErrorKind::Server => "upstream_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_that_a_client_cannot_use_is_an_error() {
        let check = |reason, client: WireFormat, expected: Option<&str>| {
            let native = "NATIVE".to_owned();
            let (stop_sequence, detail) = (None, None);
            let mut event = Event::Finish { choice: 0, reason, native, stop_sequence, detail };
            make_usable(&mut event, client);
            let message = match &event {
                Event::Error(error) => Some(error.message.as_str()),
                _ => None,
            };
            assert_eq!(message, expected, "{reason:?} for {client}");
        };
        let call = "the model made a tool call that cannot be used (NATIVE)";
        let later = "the upstream has not answered yet (NATIVE)";
        for client in WireFormat::ALL {
            let is = |format| client == format;
            check(Finish::InvalidCall, client, (!is(WireFormat::Gemini)).then_some(call));
            check(Finish::Queued, client, (!is(WireFormat::OpenAiResponses)).then_some(later));
            check(Finish::Stop, client, None);
        }
    }
}
