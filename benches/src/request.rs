//! The requests that are sent: a conversation in OpenAI's format, padded to an exact length.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::orders::Aim;

/// What the gateway's client key is; the reference proxies pass it on unread.
pub(crate) const CLIENT_KEY: &str = "sk-bench-client-7f3b2c9d51e84a06";

/// Digits of the serial number in every request, so that no request repeats an earlier one and nothing
/// between client and provider could answer from memory.
const SERIAL_DIGITS: usize = 12;

/// Stands in the text where the serial number goes.
const SERIAL_MARK: &str = "############";

/// Length of one turn of the conversation, in bytes.
const TURN_BYTES: usize = 900;

/// What the turns are filled with: prose with the characters JSON has to escape.
const PROSE: &str = "The build fails at the link step.\nIt says \"undefined symbol\" although the \
    library is there; moving it behind the object files changes nothing, and neither does a clean \
    checkout. What else decides the order? ";

/// How the answer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Delivery {
    /// One JSON object.
    Whole,
    /// Server-sent events.
    Stream,
}

/// A request ready to be sent, apart from its serial number.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    bytes: Vec<u8>,
    serial_at: usize,
    pub(crate) delivery: Delivery,
}

impl Request {
    /// Makes the chat request of an aim; its body has exactly the bytes that were asked for.
    ///
    /// # Errors
    ///
    /// If the length is too small for a conversation.
    pub(crate) fn of(aim: &Aim) -> Result<Self, Failure> {
        let (body_bytes, delivery) = (aim.body_bytes, aim.delivery);
        let body = body(&aim.model, body_bytes, delivery)?;
        let more: String =
            aim.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: bench.test\r\n\
             authorization: Bearer {CLIENT_KEY}\r\ncontent-type: application/json\r\n\
             accept: */*\r\nuser-agent: omniroute-bench\r\n{more}content-length: {}\r\n\r\n",
            body.len()
        );
        let bytes = [head.as_bytes(), body.as_bytes()].concat();
        let serial_at = memchr::memmem::find(&bytes, SERIAL_MARK.as_bytes())
            .ok_or_else(|| too_short(body_bytes))?;
        Ok(Self { bytes, serial_at, delivery })
    }

    /// Returns the bytes to send, numbered with `serial`.
    pub(crate) fn numbered(&mut self, mut serial: u64) -> &[u8] {
        for digit in self.bytes[self.serial_at..][..SERIAL_DIGITS].iter_mut().rev() {
            *digit = b"0123456789"[(serial % 10) as usize];
            serial /= 10;
        }
        &self.bytes
    }
}

fn body(model: &str, body_bytes: usize, delivery: Delivery) -> Result<String, Failure> {
    let mut messages = vec![
        json!({"role": "system", "content": "You are a careful assistant. Answer in short sentences."}),
        json!({"role": "user", "content": format!("Question {SERIAL_MARK}.")}),
    ];
    let mut length = write(model, &messages, delivery).len();
    while length + 2 * TURN_BYTES < body_bytes {
        let role = if messages.len() % 2 == 0 { "assistant" } else { "user" };
        let turn = json!({"role": role, "content": PROSE.repeat(TURN_BYTES / PROSE.len())});
        length += turn.to_string().len() + 1;
        messages.push(turn);
    }
    if messages.len() % 2 == 1 {
        messages.push(json!({"role": "user", "content": ""}));
    }
    let missing = body_bytes
        .checked_sub(write(model, &messages, delivery).len())
        .ok_or_else(|| too_short(body_bytes))?;
    if let Some(Value::String(text)) = messages.last_mut().map(|last| &mut last["content"]) {
        text.push_str(&"pad ".repeat(missing / 4 + 1)[..missing]);
    }
    Ok(write(model, &messages, delivery))
}

fn write(model: &str, messages: &[Value], delivery: Delivery) -> String {
    let mut body = json!({"model": model, "messages": messages, "temperature": 0.7});
    if delivery == Delivery::Stream {
        body["stream"] = json!(true);
    }
    body.to_string()
}

fn too_short(body_bytes: usize) -> Failure {
    Failure::Process(format!("{body_bytes} bytes are too few for a request"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Expected;

    fn body_of(request: &[u8]) -> Value {
        let end = memchr::memmem::find(request, b"\r\n\r\n").unwrap() + 4;
        serde_json::from_slice(&request[end..]).unwrap()
    }

    #[test]
    fn bodies_have_the_length_that_was_asked_for() {
        for body_bytes in [400, 2_048, 3_000, 102_400] {
            for delivery in [Delivery::Whole, Delivery::Stream] {
                let body = body("same/echo", body_bytes, delivery).unwrap();

                assert_eq!(body.len(), body_bytes);
                let body: Value = serde_json::from_str(&body).unwrap();
                assert_eq!(body["messages"].as_array().unwrap().last().unwrap()["role"], "user");
            }
        }
        assert!(body("same/echo", 100, Delivery::Whole).is_err());
    }

    #[test]
    fn every_request_carries_its_own_number() {
        let aim = Aim {
            address: ([127, 0, 0, 1], 1).into(),
            model: "same/echo".to_owned(),
            body_bytes: 2_048,
            delivery: Delivery::Whole,
            headers: vec![("x-more".to_owned(), "1".to_owned())],
            expected: Expected::Events(0),
        };
        let mut request = Request::of(&aim).unwrap();

        for (serial, text) in [(7, "000000000007"), (123_456_789_012, "123456789012")] {
            let sent = request.numbered(serial);
            assert!(memchr::memmem::find(sent, b"\r\nx-more: 1\r\n").is_some());
            let body = body_of(sent);

            assert_eq!(body["messages"][1]["content"].as_str().unwrap()[9..21], *text);
        }
    }
}
