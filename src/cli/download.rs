//! A file that comes from the administration: written as it comes, unless the administration refuses it.

use std::fs::File;
use std::io::{self, Write};

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::upstream::{FetchError, Sink};

/// Largest refusal that is read.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;

/// Takes an answer into a file.
pub(super) struct Download<'a> {
    file: &'a mut File,
    /// What was answered; `200` until the head has come.
    pub(super) status: StatusCode,
    /// Why it was refused, as the administration writes it.
    pub(super) refusal: Vec<u8>,
    /// Why the file could not be written.
    pub(super) fault: Option<io::Error>,
}

impl<'a> Download<'a> {
    /// Makes one that writes here.
    pub(super) fn to(file: &'a mut File) -> Self {
        Self { file, status: StatusCode::OK, refusal: Vec::new(), fault: None }
    }
}

impl Sink for Download<'_> {
    fn head(&mut self, head: &Response<()>) {
        self.status = head.status();
    }

    fn piece(&mut self, piece: Bytes) -> Result<(), FetchError> {
        if !self.status.is_success() {
            if self.refusal.len() + piece.len() > MAX_REFUSAL_BYTES {
                return Err(FetchError::TooLong);
            }
            self.refusal.extend_from_slice(&piece);
            return Ok(());
        }
        self.file.write_all(&piece).map_err(|error| {
            self.fault = Some(error);
            FetchError::NotTaken
        })
    }
}
