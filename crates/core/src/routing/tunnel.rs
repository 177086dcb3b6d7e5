//! Through which tunnel a choice is called.

use std::sync::Arc;

use super::choice::Choice;
use crate::snapshot::{ClientKey, Snapshot, Tunnel, Way};

/// Who names a tunnel; those that come first go before those that come later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TunnelLevel {
    /// The client key.
    ClientKey,
    /// The innermost combo through which the choice was reached and that names one.
    Combo,
    /// The account.
    Account,
    /// The provider.
    Provider,
    /// The file as a whole.
    Global,
    /// The environment.
    Environment,
}

impl TunnelLevel {
    /// Returns the word for logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientKey => "client_key",
            Self::Combo => "combo",
            Self::Account => "account",
            Self::Provider => "provider",
            Self::Global => "global",
            Self::Environment => "environment",
        }
    }

    /// Tells whether requests bring the tunnel with them: others reach the same account another way.
    pub const fn is_requests_own(self) -> bool {
        matches!(self, Self::ClientKey | Self::Combo)
    }
}

impl Choice {
    /// Returns the tunnel of the choice for a caller, and who names it; `None` for a direct call.
    ///
    /// The first level that says something decides, also if it says `direct`. The environment's
    /// exceptions are for its own tunnel alone.
    pub fn tunnel<'a>(
        &'a self,
        caller: Option<&'a ClientKey>,
        snapshot: &'a Snapshot,
    ) -> Option<(&'a Arc<Tunnel>, TunnelLevel)> {
        let provider = &self.account.provider;
        let levels = [
            (TunnelLevel::ClientKey, caller.and_then(|key| key.tunnel.as_ref())),
            (TunnelLevel::Combo, self.way_of_combos()),
            (TunnelLevel::Account, self.account.tunnel.as_ref()),
            (TunnelLevel::Provider, provider.tunnel.as_ref()),
            (TunnelLevel::Global, snapshot.tunnels.global.as_ref()),
        ];
        for (level, way) in levels {
            match way {
                Some(Way::Through(tunnel)) => return Some((tunnel, level)),
                Some(Way::Direct) => return None,
                None => {}
            }
        }
        let environment = &snapshot.tunnels.environment;
        let tunnel = environment.tunnel(self.account.endpoint())?;
        Some((tunnel, TunnelLevel::Environment))
    }

    fn way_of_combos(&self) -> Option<&Way> {
        let mut via = self.via.as_ref();
        while let Some(step) = via {
            if let Some(way) = &step.group.tunnel {
                return Some(way);
            }
            via = step.up.as_ref();
        }
        None
    }
}
