//! What goes to a provider for one attempt: the client's own bytes, or a translation of them.

use std::sync::Arc;

use bytes::Bytes;
use omniroute_core::context::{Call, Operation};
use omniroute_core::error::Error;
use omniroute_core::routing::Choice;
use omniroute_wire::aftercare::Aftercare;
use omniroute_wire::envelope::{self, Seal};
use omniroute_wire::translator::is_exact;
use omniroute_wire::{Change, ChatRequest, Codec, ModelFacts, Notes, Target, WireFormat};

use super::exchange::Exchange;
use super::outbound::{Outbound, Passage};

/// A request for one provider, and what its reply needs.
pub struct Prepared {
    /// The provider's format.
    pub codec: &'static dyn Codec,
    /// What is sent.
    pub outbound: Outbound,
    /// Whether the client's own bytes are sent.
    pub passage: Passage,
    /// What a translation could not carry.
    pub notes: Notes,
    /// What is done to the reply.
    pub care: Care,
}

/// What is done to a reply because of how its request was written.
#[derive(Clone, Default)]
pub struct Care {
    /// Whether the provider was asked for a stream.
    pub stream: bool,
    /// Whether usage was asked for that the client did not ask for.
    pub hide_usage: bool,
    /// What was put off from the request to the reply.
    pub aftercare: Aftercare,
    /// Makes envelopes round opaque data of the reply.
    pub seal: Seal,
}

/// The body for a provider, before its head is known.
struct Body {
    bytes: Bytes,
    headers: Vec<(&'static str, &'static str)>,
    care: Care,
}

impl Exchange {
    /// Makes the request for the account that was chosen.
    ///
    /// # Errors
    ///
    /// What the request lacks, or asks for that this provider cannot be asked for.
    pub(super) fn prepare(&mut self, choice: &Choice) -> Result<Prepared, Error> {
        let provider = &choice.target.provider;
        let model = &choice.target.model;
        let codec = provider.wire.codec();
        let facts = provider.facts(model);
        let mut notes = Notes::default();
        let is_exact = is_exact(codec, self.client);
        let passage = if is_exact { Passage::Exact } else { Passage::Translated };
        let mut body = match passage {
            Passage::Exact => {
                // Bytes that are passed on are not kept in a second form for as long as the answer takes.
                if let Some(call) = &mut self.cx.call {
                    call.take_read();
                }
                self.own_bytes(choice, &facts)
            }
            Passage::Translated => self.translated(choice, &facts, &mut notes)?,
        };
        let counts = self.operation() == Operation::CountTokens;
        let template = match &provider.count_path {
            Some(path) if counts => path,
            _ => &provider.chat_path,
        };
        if counts && !is_exact {
            body.bytes = codec.count_body(body.bytes.into()).into();
        }
        let path = codec.upstream_path(template, model, body.care.stream);
        let mut outbound = Outbound::new(choice, &self.cx.head, passage, &path, body.bytes)?;
        outbound.add_headers(&body.headers)?;
        Ok(Prepared { codec, outbound, passage, notes, care: body.care })
    }

    /// Returns what is asked for.
    pub(super) fn operation(&self) -> Operation {
        self.cx.call.as_ref().map_or(Operation::Chat, |call| call.operation)
    }

    /// The client's bytes with the model's name replaced. A provider that knows one delivery only is
    /// asked for that, and Chat is asked for the usage of a stream, which nobody bills right without.
    fn own_bytes(&self, choice: &Choice, facts: &ModelFacts) -> Body {
        let model = &choice.target.model;
        let wanted = self.peek.stream;
        if self.operation() == Operation::CountTokens {
            let bytes = self.client.splice(&self.body, &self.peek, &Change::model(model));
            return Body { bytes, headers: Vec::new(), care: Care::default() };
        }
        let stream = choice.target.provider.streaming.choose(wanted);
        let is_chat = self.client.format() == WireFormat::OpenAiChat;
        let asks = is_chat && stream && !self.peek.include_usage && !facts.no_stream_usage;
        let change =
            Change { model, stream: (stream != wanted).then_some(stream), ask_for_usage: asks };
        let bytes = self.client.splice(&self.body, &self.peek, &change);
        // Bytes that are passed on as they came need no envelopes.
        let care = if stream == wanted { Care::default() } else { self.care(choice) };
        let care = Care { stream, hide_usage: asks && wanted, ..care };
        Body { bytes, headers: Vec::new(), care }
    }

    fn translated(
        &mut self,
        choice: &Choice,
        facts: &ModelFacts,
        notes: &mut Notes,
    ) -> Result<Body, Error> {
        let mut request = self.canonical()?;
        let provider = &choice.target.provider;
        let wanted = request.delivery.stream;
        if provider.streaming.choose(wanted) != wanted {
            let mut other = ChatRequest::clone(&request);
            other.delivery.stream = !wanted;
            request = Arc::new(other);
        }
        let mut care = self.care(choice);
        request = self.recalled(request, &care.seal.origin);
        let account = care.seal.origin.account;
        let target = Target { model: &choice.target.model, facts, account };
        notes.clone_from(&request.notes);
        let written = provider.wire.codec().write_request(&request, &target, notes)?;
        self.allows_losses(notes)?;
        care.stream = written.stream;
        care.aftercare = written.aftercare;
        Ok(Body { bytes: written.body.into(), headers: written.headers, care })
    }

    /// Refuses a translation that drops something for a key that wants none of that
    /// (`strict_translation`).
    fn allows_losses(&self, notes: &Notes) -> Result<(), Error> {
        if self.cx.caller.as_ref().is_some_and(|key| key.strict_translation) {
            notes.refuse_losses()?;
        }
        Ok(())
    }

    fn care(&self, choice: &Choice) -> Care {
        let key = &self.shared.envelope_key;
        let seal = Seal::new(key, &choice.target.model, choice.account.id.as_str());
        Care { seal, ..Care::default() }
    }

    /// Reads the request into canonical form, once for all attempts.
    pub(super) fn canonical(&mut self) -> Result<Arc<ChatRequest>, Error> {
        if let Some(known) = &self.canonical {
            return Ok(Arc::clone(known));
        }
        // A budget may have read it already.
        let read = self.cx.call.as_mut().and_then(Call::take_read);
        let mut request = match read {
            Some(read) => *read,
            None => self.client.read_request(&self.body, &self.peek)?,
        };
        envelope::open_all(&mut request, &self.shared.envelope_key);
        let request = Arc::new(request);
        self.canonical = Some(Arc::clone(&request));
        Ok(request)
    }
}
