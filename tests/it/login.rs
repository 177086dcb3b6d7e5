//! Logging in over the wire: the first password, sessions, other web pages, guessing.

use std::time::Duration;

use http::Method;
use omniroute::live::Text;
use omniroute_testkit::{Answer, Client, Protocol, TestGateway, whole};
use serde_json::{Value, json};
use tempfile::TempDir;

const PASSWORD: &str = "correct horse battery";
const BOSS: (&str, &str) = ("authorization", "Bearer boss-key-0123456789");

struct Desk {
    folder: TempDir,
    gateway: TestGateway,
    client: Client,
}

impl Desk {
    async fn start(environment: &[(&str, &str)], yaml: &str) -> Self {
        Self::at(tempfile::tempdir().unwrap(), environment, yaml).await
    }

    async fn at(folder: TempDir, environment: &[(&str, &str)], yaml: &str) -> Self {
        let keys = "client_keys:\n  - { name: boss, key: boss-key-0123456789, scopes: [admin] }\n  - { name: app, key: app-key-00123456789 }\n";
        let text = Text::BuiltIn("o.yaml", format!("{keys}{yaml}"));
        let gateway = TestGateway::start_at(folder.path(), environment, text).await.unwrap();
        let client = Client::connect(gateway.address(), Protocol::Http1).await;
        Self { folder, gateway, client }
    }

    async fn with_password() -> Self {
        Self::start(&[("INITIAL_PASSWORD", PASSWORD)], "").await
    }

    async fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.client.get(path, headers).await
    }

    async fn post(&mut self, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        self.client.post(path, headers, &body).await
    }

    async fn delete(&mut self, path: &str, cookie: &str) -> u16 {
        let body = whole(bytes::Bytes::new());
        self.client.send(Method::DELETE, path, &[("cookie", cookie)], body).await.status
    }

    async fn login(&mut self, password: &str) -> Answer {
        self.post("/api/auth/login", &[], json!({ "password": password })).await
    }

    /// Logs in and returns the cookie as a browser would send it.
    async fn cookie(&mut self, password: &str) -> String {
        cookie(&self.login(password).await)
    }

    async fn status_with(&mut self, cookie: &str) -> u16 {
        self.get("/api/config", &[("cookie", cookie)]).await.status
    }
}

fn cookie(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let line = answer.header("set-cookie").unwrap();
    line.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_first_password_is_set_with_the_token_of_the_data_directory_only() {
    let mut desk = Desk::start(&[], "").await;
    let status = desk.get("/api/auth/status", &[]).await.json();
    assert_eq!(status, json!({ "authenticated": false, "requireLogin": true, "needsSetup": true }));
    assert_eq!(desk.login("").await.status, 403);
    let path = desk.folder.path().join("setup.token");
    let token = std::fs::read_to_string(&path).unwrap();

    let setup = |token: &str, password: &str| json!({ "token": token, "password": password });
    let guessed = desk.post("/api/auth/setup", &[], setup("guess", PASSWORD)).await;
    assert_eq!((guessed.status, &guessed.json()["error"]["code"]), (403, &json!("wrong_token")));
    let weak = desk.post("/api/auth/setup", &[], setup(&token, "12345678")).await;
    assert_eq!(
        (weak.status, &weak.json()["error"]["details"][0]["field"]),
        (400, &json!("password"))
    );
    let set = desk.post("/api/auth/setup", &[], setup(&token, PASSWORD)).await;

    assert_eq!(desk.status_with(&cookie(&set)).await, 200, "who sets it is logged in");
    assert!(!path.exists());
    let again = desk.post("/api/auth/setup", &[], setup(&token, "another password")).await;
    assert_eq!(again.status, 403, "a token is of use once");
    assert_eq!(desk.login(PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_session_lives_in_a_cookie_that_pages_cannot_read() {
    let mut desk = Desk::with_password().await;
    let answer = desk.login(PASSWORD).await;

    let line = answer.header("set-cookie").unwrap().to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=604800"] {
        assert!(line.contains(part), "{part} is missing in {line}");
    }
    assert!(!line.contains("Secure"), "the listener speaks plain HTTP: {line}");
    let cookie = cookie(&answer);
    assert_eq!(desk.status_with(&cookie).await, 200);
    assert_eq!(desk.status_with("omniroute_session=guess").await, 401);
    assert_eq!(desk.post("/api/auth/logout", &[("cookie", &cookie)], json!({})).await.status, 200);
    assert_eq!(desk.status_with(&cookie).await, 401, "the cookie is of no use any more");

    let secure = [("INITIAL_PASSWORD", PASSWORD), ("AUTH_COOKIE_SECURE", "true")];
    let mut desk = Desk::start(&secure, "").await;
    let answer = desk.login(PASSWORD).await;
    assert!(answer.header("set-cookie").unwrap().contains("Secure"));
}

#[tokio::test]
async fn sessions_outlive_restarts_and_end_by_time_by_hand_and_with_the_password() {
    let mut desk = Desk::with_password().await;
    let (mine, other) = (desk.cookie(PASSWORD).await, desk.cookie(PASSWORD).await);
    let Desk { folder, gateway, .. } = desk;
    gateway.store().close();
    drop(gateway);
    let mut desk = Desk::at(folder, &[], "").await;
    assert_eq!((desk.status_with(&mine).await, desk.status_with(&other).await), (200, 200));

    let list = desk.get("/api/auth/sessions", &[("cookie", &mine)]).await.json();
    let sessions = list["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2, "{list}");
    let theirs = sessions.iter().find(|session| session["current"] == false).unwrap();
    let theirs = format!("/api/auth/sessions/{}", theirs["id"].as_str().unwrap());
    assert_eq!(desk.delete(&theirs, &mine).await, 204);
    assert_eq!((desk.status_with(&mine).await, desk.status_with(&other).await), (200, 401));

    let change =
        |current: &str| json!({ "currentPassword": current, "newPassword": "brand new words" });
    let path = "/api/auth/password";
    assert_eq!(desk.post(path, &[("cookie", &mine)], change("wrong")).await.status, 401);
    let changed = desk.post(path, &[("cookie", &mine)], change(PASSWORD)).await;
    assert_eq!(desk.status_with(&mine).await, 401, "the old password's sessions have ended");
    let newest = cookie(&changed);
    assert_eq!(desk.status_with(&newest).await, 200);

    desk.gateway.clock().advance(Duration::from_secs(13 * 3600));
    assert_eq!(desk.status_with(&newest).await, 401, "nobody has used it for half a day");
}

#[tokio::test]
async fn other_web_pages_change_nothing_through_a_browser_that_is_logged_in() {
    let mut desk = Desk::with_password().await;
    let cookie = desk.cookie(PASSWORD).await;
    let alias = json!({ "name": "one", "target": "openai/gpt-4o" });
    for (header, value, status) in [
        ("origin", "https://evil.example", 403),
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("origin", "null", 403),
        ("sec-fetch-site", "same-origin", 201),
    ] {
        let headers = [("cookie", cookie.as_str()), (header, value)];
        let answer = desk.post("/api/aliases", &headers, alias.clone()).await;
        assert_eq!(answer.status, status, "{header}: {value}: {}", answer.text());
    }
    let login = json!({ "password": PASSWORD });
    let foreign = [("origin", "https://evil.example")];
    assert_eq!(desk.post("/api/auth/login", &foreign, login).await.status, 403);
}

#[tokio::test]
async fn guessing_locks_the_address_until_time_has_passed_or_somebody_unlocks_it() {
    let mut desk = Desk::with_password().await;
    assert_eq!(desk.get("/api/lockouts", &[BOSS]).await.status, 200);
    for _ in 0..5 {
        assert_eq!(desk.login("guess").await.status, 401);
    }
    let locked = desk.login(PASSWORD).await;
    assert_eq!(locked.status, 429, "the right one too: {}", locked.text());
    let seconds: u64 = locked.header("retry-after").unwrap().parse().unwrap();
    assert!(seconds > 0);
    let list = desk.get("/api/lockouts", &[BOSS]).await;
    assert_eq!(list.status, 200, "keys that served from here go on: {}", list.text());
    assert!(list.text().contains("127.0.0.1"), "{}", list.text());

    desk.gateway.clock().advance(Duration::from_secs(seconds));
    assert_eq!(desk.login(PASSWORD).await.status, 200);
    assert_eq!(desk.login("guess").await.status, 401, "counting begins again");
}

#[tokio::test]
async fn keys_for_models_open_nothing_and_every_route_asks_who_is_there() {
    let mut desk = Desk::with_password().await;
    let app = [("authorization", "Bearer app-key-00123456789")];
    for path in [
        "/api/accounts",
        "/api/audit",
        "/api/auth/sessions",
        "/api/combos",
        "/api/config",
        "/api/keys",
        "/api/lockouts",
        "/api/models/catalog",
        "/api/nothing-of-the-kind",
        "/api/resilience",
        "/api/settings/proxy",
    ] {
        assert_eq!(desk.get(path, &app).await.status, 403, "{path}");
        assert_eq!(desk.get(path, &[]).await.status, 401, "{path}");
        let in_the_url = format!("{path}?key=boss-key-0123456789");
        assert_eq!(desk.get(&in_the_url, &[]).await.status, 401, "{path}: no keys in URLs");
    }
    assert_eq!(desk.get("/api/config", &[BOSS]).await.status, 200);
}

#[tokio::test]
async fn without_a_login_only_this_machine_by_its_own_name_administrates() {
    let mut desk = Desk::start(&[], "admin: { require_login: false }\n").await;
    let port = desk.gateway.address().port();
    let here = format!("localhost:{port}");
    assert_eq!(desk.get("/api/config", &[("host", &here)]).await.status, 200);
    let rebound = desk.get("/api/config", &[("host", "evil.example")]).await;
    assert_eq!((rebound.status, &rebound.json()["error"]["code"]), (403, &json!("unknown_host")));
    let key = json!({ "name": "mine", "scopes": ["admin"] });
    let made = desk.post("/api/keys", &[("host", &here)], key).await;
    assert_eq!(made.status, 401, "what outlives the visit needs a name: {}", made.text());
    for (path, body) in [
        ("/api/accounts", json!({ "id": "one", "provider": "openai", "key": "sk-1234567890" })),
        (
            "/api/provider-nodes",
            json!({ "id": "openai", "base_url": "https://collect.example.com" }),
        ),
        (
            "/api/combos",
            json!({ "name": "c", "targets": ["openai/gpt-5"], "tunnel": "http://203.0.113.9:1" }),
        ),
    ] {
        let led = desk.post(path, &[("host", &here)], body).await;
        assert_eq!(led.status, 401, "where credentials go needs a name too: {path} {}", led.text());
    }
    let combo = json!({ "name": "c", "targets": ["openai/gpt-5"] });
    let made = desk.post("/api/combos", &[("host", &here)], combo).await;
    assert_eq!(made.status, 201, "the rest does not: {}", made.text());
}

#[tokio::test]
async fn what_administrators_do_is_written_down_with_who_did_it_and_no_secret() {
    let mut desk = Desk::with_password().await;
    let cookie = desk.cookie(PASSWORD).await;
    let account = json!({ "id": "one", "provider": "openai", "key": "sk-canary-account" });
    let made = desk.post("/api/accounts", &[("cookie", &cookie)], account).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let key = desk.post("/api/keys", &[BOSS], json!({ "name": "made" })).await.json();

    let log = desk.get("/api/audit", &[BOSS]).await;

    let entries = log.json();
    let entries = entries["entries"].as_array().unwrap();
    assert_eq!(entries[0]["by"], "key boss", "{}", log.text());
    assert!(entries[1]["by"].as_str().unwrap().starts_with("session "), "{}", log.text());
    assert_eq!(entries[1]["after"]["provider"], "openai");
    for secret in ["sk-canary-account", key["key"].as_str().unwrap(), PASSWORD, &cookie[18..]] {
        assert!(!log.text().contains(secret), "{secret}");
    }
    assert_eq!(desk.get("/api/audit/verify", &[BOSS]).await.json()["ok"], true);
}
