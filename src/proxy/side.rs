//! What a listener is for, where the administration has one of its own (`server.admin_listen`).

use http::Method;

use super::dispatch::{Dispatch, Refusal, Surface, canonical};

/// What a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Everything.
    Both,
    /// Calls of models: the administration is somewhere else.
    Calls,
    /// The administration, the dashboard and metrics.
    Administration,
}

impl Side {
    /// Hides what is not here. Whether the process lives can be asked everywhere.
    pub(super) fn narrow(self, dispatch: Dispatch, (method, path): (&Method, &str)) -> Dispatch {
        let is_here = match (self, &dispatch.surface) {
            (Self::Both, _) | (_, Ok(Surface::Live | Surface::Ready)) => true,
            // What it says is the same everywhere, and repeats nothing.
            (_, Err(Refusal::Ambiguous)) => true,
            (Self::Calls, _) => !is_administration(path),
            (Self::Administration, _) => is_administration(path),
        };
        if is_here {
            return dispatch;
        }
        tracing::debug!(%method, side = ?self, "asked at the wrong listener");
        Dispatch { surface: Err(Refusal::Unknown), ..dispatch }
    }
}

fn is_administration(path: &str) -> bool {
    let path = canonical(path);
    let below = |root: &str| {
        path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    path == "/" || path == "/metrics" || below("/api") || below("/dashboard")
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::super::dispatch::dispatch;
    use super::*;

    #[test]
    fn each_side_has_its_own_paths_and_both_have_health() {
        for (path, calls, administration) in [
            ("/v1/models", true, false),
            ("/models", true, false),
            ("/apis", true, true),
            ("/api/health", false, true),
            ("/codex/api/health", false, true),
            ("/metrics", false, true),
            ("/livez", true, true),
            ("/readyz", true, true),
        ] {
            let is_here = |side: Side| {
                let all = dispatch(&Method::GET, path, "", &HeaderMap::new());
                let narrow = side.narrow(all.clone(), (&Method::GET, path));
                assert_eq!(Side::Both.narrow(all.clone(), (&Method::GET, path)), all, "{path}");
                narrow == all
            };
            assert_eq!(is_here(Side::Calls), calls, "{path}");
            assert_eq!(is_here(Side::Administration), administration, "{path}");
        }
    }
}
