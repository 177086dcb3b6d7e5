//! The response object that opens and ends every stream and is a whole reply.

use crate::codec::ReplyContext;
use crate::event::Usage;
use crate::openai_responses::usage;
use crate::{ids, json};

/// What stays the same in all response objects of one reply.
#[derive(Debug)]
pub(super) struct Response {
    id: String,
    created: u64,
    model: String,
    /// The request's settings, each with a comma before it.
    echo: Vec<u8>,
}

/// What changes.
#[derive(Debug)]
pub(super) struct State<'a> {
    /// How far it is.
    pub(super) status: &'a str,
    /// Why it is `incomplete`.
    pub(super) reason: Option<&'a str>,
    /// Code and message if it is `failed`.
    pub(super) error: Option<(&'a str, &'a str)>,
    /// The items that are done, with commas between.
    pub(super) output: &'a [u8],
    /// Token counts.
    pub(super) usage: &'a Usage,
}

impl Response {
    /// Makes the object of a reply whose provider has not said anything yet.
    pub(super) fn new(context: &ReplyContext, echo: Vec<u8>) -> Self {
        Self {
            id: own_id(&context.id),
            created: context.created,
            model: context.model.clone(),
            echo,
        }
    }

    /// Takes over what the provider said.
    pub(super) fn start(&mut self, id: &str, model: &str, created: Option<u64>) {
        if !id.is_empty() {
            self.id = own_id(id);
        }
        if !model.is_empty() {
            model.clone_into(&mut self.model);
        }
        self.created = created.unwrap_or(self.created);
    }

    /// Takes over the id that the client knows already, whatever it looks like.
    pub(super) fn resume(&mut self, id: &str, model: &str) {
        self.start("", model, None);
        id.clone_into(&mut self.id);
    }

    /// Returns the reply's id, from which those of its items are made.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Appends the object.
    pub(super) fn write(&self, state: &State<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"id\":");
        json::string(&self.id, out);
        out.extend_from_slice(b",\"object\":\"response\",\"created_at\":");
        json::number(self.created, out);
        out.extend_from_slice(b",\"status\":");
        json::string(state.status, out);
        out.extend_from_slice(b",\"background\":false,\"completed_at\":null,\"error\":");
        match state.error {
            Some((code, message)) => {
                out.extend_from_slice(b"{\"code\":");
                json::string(code, out);
                out.extend_from_slice(b",\"message\":");
                json::string(message, out);
                out.push(b'}');
            }
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"incomplete_details\":");
        match state.reason {
            Some(reason) => {
                out.extend_from_slice(b"{\"reason\":");
                json::string(reason, out);
                out.push(b'}');
            }
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"model\":");
        json::string(&self.model, out);
        out.extend_from_slice(b",\"output\":[");
        out.extend_from_slice(state.output);
        out.extend_from_slice(b"],\"previous_response_id\":null,\"store\":false");
        out.extend_from_slice(&self.echo);
        out.extend_from_slice(b",\"usage\":");
        if state.usage.is_empty() {
            out.extend_from_slice(b"null");
        } else {
            usage::write(state.usage, out);
        }
        out.push(b'}');
    }
}

fn own_id(id: &str) -> String {
    if id.starts_with("resp_") { id.to_owned() } else { ids::made("resp_", id, 0) }
}
