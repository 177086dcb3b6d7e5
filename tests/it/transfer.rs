//! `omniroute export` and `omniroute import` on data directories.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use omniroute::store::{MasterKey, Store};

use crate::program::{Program, folder_with, output};

const FILE: &str = "accounts: [{ id: main, provider: openai, key: sk-canary-1 }]\n";

/// Runs a command on the gateway of a folder.
fn run(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let args: Vec<&str> = args.iter().copied().chain(["--config", "o.yaml"]).collect();
    output(folder, &args)
}

/// A folder of a gateway that has run.
fn used() -> tempfile::TempDir {
    let folder = folder_with(FILE);
    let program = Program::start(folder.path(), false);
    program.signal("-TERM");
    assert_eq!(program.end().0, Some(0));
    folder
}

#[test]
fn a_database_goes_from_one_data_directory_to_another() {
    let (from, to) = (used(), used());
    let data = |folder: &tempfile::TempDir| folder.path().join(".omniroute");
    let sql = rusqlite::Connection::open(from.path().join("old.sqlite")).unwrap();
    sql.execute_batch(
        "CREATE TABLE provider_connections(id); CREATE TABLE provider_nodes(id); CREATE TABLE api_keys(id, name, key);
         CREATE TABLE combos(id, name, data);
         INSERT INTO combos VALUES ('1', 'from-old', '{\"models\":[\"openai/gpt-5\"]}');
         INSERT INTO api_keys VALUES ('1', 'laptop', 'sk-canary-of-old');",
    )
    .unwrap();
    drop(sql);

    let (code, dry, stderr) = run(from.path(), &["import", "old.sqlite", "--dry-run"]);
    assert!(
        code == 0 && dry.contains("2 taken") && dry.contains("nothing was changed"),
        "{dry}{stderr}"
    );
    let (code, done, stderr) = run(from.path(), &["import", "old.sqlite"]);
    assert!(code == 0 && done.contains("taken    combo from-old"), "{done}{stderr}");
    assert!(done.contains("db_backups/db_") && !done.contains("canary"), "{done}");

    let (code, _, stderr) = run(from.path(), &["export", "backup.redb"]);
    assert_eq!(code, 0, "{stderr}");
    let path = from.path().join("backup.redb");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let (again, _, stderr) = run(from.path(), &["export", "backup.redb"]);
    assert!(again == 2 && stderr.contains("exists"), "a file that is there stays: {stderr}");
    let path = path.to_str().unwrap().to_owned();
    let (code, _, stderr) = run(to.path(), &["import", &path]);
    assert!(code == 1 && stderr.contains("another master key"), "{stderr}");
    let key = data(&from).join("master.key").to_str().unwrap().to_owned();
    let (code, done, stderr) = run(to.path(), &["import", &path, "--master-key-file", &key]);
    assert!(code == 0 && done.contains("taken    client key laptop"), "{done}{stderr}");

    let store = Store::open(&data(&to), &MasterKey::find(&data(&to), &|_| None).unwrap()).unwrap();
    let kept = store.remembered().unwrap().objects;
    let names: Vec<_> = kept.iter().map(|object| &*object.name).collect();
    assert_eq!(names, ["from-old", "laptop"]);
    let (busy, _, stderr) = run(to.path(), &["export", "busy.redb"]);
    assert!(busy == 2 && stderr.contains("in use"), "{stderr}");
    let (busy, _, stderr) = run(to.path(), &["import", &path]);
    assert!(busy == 2 && stderr.contains("in use"), "{stderr}");
}

#[test]
fn a_gateway_that_serves_exports_and_imports_without_being_stopped() {
    let (from, to) = (folder_with(FILE), folder_with(FILE));
    let first = Program::start(from.path(), false);
    assert_eq!(run(from.path(), &["keys", "create", "laptop"]).0, 0);
    for (file, note) in [("a.redb", "master key only"), ("a.tar.gz", "is made")] {
        let (code, done, stderr) = run(from.path(), &["export", file]);
        assert!(code == 0 && done.contains(note), "{file}: {done}{stderr}");
    }
    first.signal("-TERM");
    assert_eq!(first.end().0, Some(0));

    let second = Program::start(to.path(), false);
    let path = |file: &str| from.path().join(file).to_str().unwrap().to_owned();
    let (file, key) = (path("a.redb"), path(".omniroute/master.key"));
    let import = ["import", &file, "--master-key-file", &key];
    let dry: Vec<&str> = import.into_iter().chain(["--dry-run"]).collect();
    let (code, done, stderr) = run(to.path(), &dry);
    assert!(code == 0 && done.contains("nothing was changed"), "{done}{stderr}");
    assert!(!run(to.path(), &["keys", "list"]).1.contains("laptop"), "nothing was changed");
    let (code, done, stderr) = run(to.path(), &import);
    assert!(code == 0 && done.contains("taken    client key laptop"), "{done}{stderr}");
    let (code, _, stderr) = run(to.path(), &["import", &file]);
    assert!(code == 1 && stderr.contains("another master key"), "{stderr}");
    assert!(run(to.path(), &["keys", "list"]).1.contains("laptop"), "it serves with the key");
    second.signal("-TERM");
    assert_eq!(second.end().0, Some(0));
}

#[test]
fn an_archive_is_made_with_or_without_credentials_and_bad_input_is_explained() {
    let folder = used();
    fs::write(folder.path().join("words"), "correct horse battery staple\n").unwrap();
    let (code, _, stderr) = run(folder.path(), &["export", "--out", "plain.tar.gz"]);
    assert_eq!(code, 0, "{stderr}");
    let sealed = ["export", "sealed.tar.gz", "--passphrase-file", "words"];
    assert_eq!(run(folder.path(), &sealed).0, 0);
    for (args, words) in [
        (vec!["export", "x.redb", "--passphrase-file", "words"], "seals archives"),
        (vec!["import", "o.yaml"], "no export of omniroute"),
        (vec!["import", "nowhere"], "cannot be read"),
        (vec!["export"], "required"),
    ] {
        let (code, _, stderr) = run(folder.path(), &args);
        assert!(code == 1 && stderr.contains(words), "{args:?}: {code} {stderr}");
    }
    let import = ["import", "sealed.tar.gz", "--passphrase-file", "words"];
    let (code, done, stderr) = run(folder.path(), &import);
    assert!(code == 0 && done.contains("the configuration file, which wins"), "{done}{stderr}");
}
