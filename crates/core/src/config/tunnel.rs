//! `tunnel`: the network proxy that calls go through, or `direct`.

use std::sync::Arc;

use super::node::{Content, Node};
use super::report::Report;
use crate::snapshot::{Tunnel, Way};

/// The word for no tunnel, against what the levels below say.
const DIRECT: &str = "direct";

/// Reads a `tunnel`. The value may hold a password, so no message repeats it.
pub(crate) fn tunnel(node: &Node, report: &Report) -> Option<Way> {
    let Content::Scalar(scalar) = &node.content else {
        report.add(&node.place, "a URL or `direct` is expected here");
        return None;
    };
    if scalar.text.trim() == DIRECT {
        return Some(Way::Direct);
    }
    match Tunnel::parse(&scalar.text) {
        Ok(tunnel) => Some(Way::Through(Arc::new(tunnel))),
        Err(fault) => {
            report.add_with(&node.place, fault.what, Tunnel::FORM);
            None
        }
    }
}
