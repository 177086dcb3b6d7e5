//! Reads an event stream of this format.

use super::assembly::Assembly;
use crate::feed::Feed;

/// Reader of one stream.
pub(in crate::openai_responses) type Reader = Feed<Assembly>;
