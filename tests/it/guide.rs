//! The user guide's lines for the shell, word for word, against the built program.
//!
//! Only the address is another, and `curl` sends an admin key by its own configuration file, since the
//! guide's lines name none.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::program::{Program, folder_with, output};

/// The guide's address.
const GUIDES: &str = "http://localhost:20128";

struct Shell<'a> {
    folder: &'a Path,
    program: &'a Program,
}

impl Shell<'_> {
    /// Pastes a line of the guide and returns what it printed.
    fn paste(&self, line: &str) -> String {
        let here = line.replace(GUIDES, &format!("http://{}", self.program.address));
        let mut shell = Command::new("sh");
        shell.args(["-c", &here]).current_dir(self.folder).env("CURL_HOME", self.folder);
        let Output { status, stdout, .. } = shell.output().unwrap();
        assert!(status.success(), "{line}");
        String::from_utf8(stdout).unwrap()
    }

    fn paste_for_json(&self, line: &str) -> Value {
        let printed = self.paste(line);
        serde_json::from_str(&printed).unwrap_or_else(|_| panic!("{line}: {printed}"))
    }
}

/// Starts the program with keys that the guide's lines speak of; `None` where there is no `curl`.
#[expect(clippy::print_stderr, reason = "a test that did nothing has to say so")]
fn started(folder: &Path) -> Option<Program> {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("curl is not installed: the guide's lines were not pasted");
        return None;
    }
    for create in [&["boss", "--scopes", "admin"][..], &["key-123"]] {
        let arguments = [&["keys", "create", "--config", "o.yaml"], create].concat();
        let (code, key, stderr) = output(folder, &arguments);
        assert_eq!(code, 0, "{stderr}");
        if create[0] == "boss" {
            let settings = format!("silent\nheader = \"Authorization: Bearer {}\"\n", key.trim());
            std::fs::write(folder.join(".curlrc"), settings).unwrap();
        }
    }
    Some(Program::start(folder, false))
}

#[test]
fn custom_models_are_added_listed_and_removed() {
    let folder = folder_with("{}");
    let Some(program) = started(folder.path()) else { return };
    let shell = Shell { folder: folder.path(), program: &program };

    let added = shell.paste_for_json(
        r#"curl -X POST http://localhost:20128/api/provider-models \
  -H "Content-Type: application/json" \
  -d '{"provider": "openai", "modelId": "gpt-4.5-preview", "modelName": "GPT-4.5 Preview"}'"#,
    );
    assert_eq!(added["model"]["name"], "GPT-4.5 Preview", "{added}");
    let list = "curl http://localhost:20128/api/provider-models?provider=openai";
    assert_eq!(shell.paste_for_json(list)["models"][0]["id"], "gpt-4.5-preview");
    let catalog = shell.paste_for_json("curl http://localhost:20128/api/models/catalog");
    let models = catalog["catalog"]["openai"]["models"].as_array().unwrap();
    assert!(models.iter().any(|m| m["id"] == "openai/gpt-4.5-preview"), "{models:?}");
    assert!(models.iter().any(|m| m["type"] == "chat"), "{models:?}");

    let removed = shell.paste_for_json(
        r#"curl -X DELETE "http://localhost:20128/api/provider-models?provider=openai&model=gpt-4.5-preview""#,
    );
    assert_eq!(removed, json!({ "removed": true }));
    assert_eq!(shell.paste_for_json(list), json!({ "models": [] }));
}

#[test]
fn tunnels_are_set_and_tried() {
    let folder = folder_with("{}");
    let Some(program) = started(folder.path()) else { return };
    let shell = Shell { folder: folder.path(), program: &program };

    let set = shell.paste_for_json(
        r#"curl -X PUT http://localhost:20128/api/settings/proxy \
  -d '{"global": {"type":"http","host":"proxy.example.com","port":"8080"}}'"#,
    );
    let global = json!({ "type": "http", "host": "proxy.example.com", "port": 8080 });
    assert_eq!(set["global"], global, "{set}");
    let set = shell.paste_for_json(
        r#"curl -X PUT http://localhost:20128/api/settings/proxy \
  -d '{"providers": {"openai": {"type":"socks5","host":"proxy.example.com","port":"1080"}}}'"#,
    );
    let of_openai = json!({ "type": "socks5", "host": "proxy.example.com", "port": 1080 });
    assert_eq!(set["providers"]["openai"], of_openai, "{set}");
    assert_eq!(set["global"], global, "the other one stays: {set}");
    // Without a network the name has no address, and that is said.
    let tried = shell.paste_for_json(
        r#"curl -X POST http://localhost:20128/api/settings/proxy/test \
  -d '{"proxy":{"type":"socks5","host":"proxy.example.com","port":"1080"}}'"#,
    );
    assert_eq!(tried["success"], false, "{tried}");
    assert_eq!(tried["steps"][0]["part"], "resolve", "{tried}");
}

#[test]
fn budgets_are_set_and_shown() {
    let folder = folder_with("{}");
    let Some(program) = started(folder.path()) else { return };
    let shell = Shell { folder: folder.path(), program: &program };

    let set = shell.paste(
        r#"curl -X POST http://localhost:20128/api/usage/budget \
  -H "Content-Type: application/json" \
  -d '{"keyId": "key-123", "limit": 50.00, "period": "monthly"}'"#,
    );
    let shown = shell.paste("curl http://localhost:20128/api/usage/budget");

    assert!(set.contains("key-123") && !set.contains("\"error\""), "{set}");
    assert!(shown.contains("key-123") && shown.contains("monthly"), "{shown}");
    assert!(shown.contains("50"), "{shown}");
}

#[test]
fn the_database_is_exported_and_imported() {
    let folder = folder_with("{}");
    let Some(program) = started(folder.path()) else { return };
    let shell = Shell { folder: folder.path(), program: &program };

    shell.paste("curl -o backup.sqlite http://localhost:20128/api/db-backups/export");
    shell.paste("curl -o backup.tar.gz http://localhost:20128/api/db-backups/exportAll");
    let keys = shell.paste_for_json("curl http://localhost:20128/api/keys");
    assert_eq!(keys["total"], 2, "{keys}");
    let gone = shell.paste("curl -X DELETE http://localhost:20128/api/keys/key-123");
    assert_eq!(gone, "");
    let imported = shell.paste_for_json(
        r#"curl -X POST http://localhost:20128/api/db-backups/import \
  -F "file=@backup.sqlite""#,
    );

    assert_eq!(imported["imported"], true, "{imported}");
    let keys = shell.paste_for_json("curl http://localhost:20128/api/keys");
    assert_eq!(keys["total"], 2, "the key is back: {keys}");
    let archive = std::fs::read(folder.path().join("backup.tar.gz")).unwrap();
    assert_eq!(archive[..2], [0x1f, 0x8b], "it is a gzip");
}
