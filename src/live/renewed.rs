//! Credentials that were replaced: at the dashboard, or in a file of their own that whoever rotates keys
//! writes without a word to the gateway.

use std::sync::Arc;
use std::time::Duration;

use omniroute_core::snapshot::Account;

use super::LiveConfig;

/// Longest wait for a file that may lie on a slow disk, and for a reload.
const LIMIT: Duration = Duration::from_secs(2);

impl LiveConfig {
    /// Returns the account as it is now, if its credential is another by now. A credential in a file of its
    /// own is looked at, and the configuration reloaded if it has changed.
    pub async fn renewed(self: &Arc<Self>, account: &Arc<Account>) -> Option<Arc<Account>> {
        let now = self.with_other_key(account);
        if now.is_some() || account.key_file.is_none() {
            return now;
        }
        let (live, old) = (Arc::clone(self), Arc::clone(account));
        let looked = tokio::task::spawn_blocking(move || live.look_at_file(&old));
        tokio::time::timeout(LIMIT, looked).await.ok()?.ok()?;
        self.with_other_key(account)
    }

    fn with_other_key(&self, account: &Account) -> Option<Arc<Account>> {
        let snapshot = self.load();
        let mut accounts = snapshot.accounts_of(&account.provider.id).iter();
        let key = |account: &Account| account.key.as_ref().map(|key| key.expose().to_owned());
        let old = key(account);
        accounts.find(|now| now.id == account.id && key(now) != old).cloned()
    }

    /// Reloads if the file holds another credential than the account has. Blocks.
    fn look_at_file(&self, account: &Account) {
        let Some(path) = &account.key_file else { return };
        let Ok(text) = std::fs::read_to_string(path) else { return };
        let is_same = account.key.as_ref().is_some_and(|key| key.expose() == text.trim_end());
        if is_same || self.with_other_key(account).is_some() {
            return;
        }
        tracing::info!(account = %account.id, "the credential's file has changed; the configuration is reloaded");
        let _refused_and_logged = self.reload();
    }
}
