//! A gateway with a file, a data directory and an administrator, for tests of what changes both.

use bytes::Bytes;
use http::Method;
use omniroute::live::Text;
use omniroute_testkit::{Answer, Client, Protocol, TestGateway, whole};
use serde_json::Value;
use tempfile::TempDir;

use crate::setup::ask;

/// The administrator's key: the file needs a client key `boss` with it and the scope `admin`.
pub const BOSS: (&str, &str) = ("authorization", "Bearer boss-key-0123456789");

/// The line of it in `client_keys`.
pub const BOSS_LINE: &str = "  - { name: boss, key: boss-key-0123456789, scopes: [admin] }\n";

pub struct Bench {
    pub folder: TempDir,
    pub gateway: TestGateway,
    pub client: Client,
}

impl Bench {
    /// Starts a gateway with this file.
    pub async fn start(file: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("omniroute.yaml"), file).unwrap();
        Self::at(folder).await
    }

    async fn at(folder: TempDir) -> Self {
        let text = Text::File(folder.path().join("omniroute.yaml"));
        let gateway = TestGateway::start_at(&folder.path().join("data"), &[], text).await.unwrap();
        let client = Client::connect(gateway.address(), Protocol::Http1).await;
        Self { folder, gateway, client }
    }

    /// Ends the gateway and starts it again in the same folder.
    pub async fn restarted(self) -> Self {
        let Self { folder, gateway, .. } = self;
        gateway.store().close();
        drop(gateway);
        Self::at(folder).await
    }

    pub async fn send(&mut self, method: Method, path: &str, body: Value) -> Answer {
        self.send_with(&[BOSS], method, path, body).await
    }

    pub async fn send_with(
        &mut self,
        headers: &[(&str, &str)],
        method: Method,
        path: &str,
        body: Value,
    ) -> Answer {
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        self.client.send(method, path, headers, whole(body)).await
    }

    /// Sends a request that has to succeed; returns its answer.
    pub async fn done(&mut self, method: Method, path: &str, body: Value) -> Value {
        let answer = self.send(method.clone(), path, body).await;
        assert!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.text());
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    /// Reads what has to be there.
    pub async fn read(&mut self, path: &str) -> Value {
        self.done(Method::GET, path, Value::Null).await
    }

    /// Asks a model with a client key; returns the answer as soon as it is whole.
    pub async fn chat(&mut self, key: &str, model: &str) -> Answer {
        let (path, body) = ask("chat", model, false, "hello");
        self.client.post(&path, &[("authorization", &format!("Bearer {key}"))], &body).await
    }

    /// Waits until no request runs any more.
    pub async fn settle(&self) {
        while self.gateway.shared().metrics.in_flight() > 0 {
            tokio::task::yield_now().await;
        }
    }
}
