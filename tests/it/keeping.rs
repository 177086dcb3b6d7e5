//! The data directory as an operator meets it: what is made there, and what the program says when it cannot.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use omniroute::store::{MasterKey, Store};

use crate::program::{Program, folder_with, omniroute, output};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_database_that_cannot_be_opened_ends_the_start_with_what_to_do() {
    let folder = folder_with("{}");
    let data = folder.path().join(".omniroute");
    let first = Program::start(folder.path(), false);
    let run = ["run", "--config", "o.yaml", "--port", "0"];

    let (code, _, stderr) = output(folder.path(), &run);
    assert_eq!(code, 2, "{stderr}");
    assert!(
        stderr.contains("in use by another omniroute") && stderr.contains("--data-dir"),
        "{stderr}"
    );
    first.signal("-TERM");
    assert_eq!(first.end().0, Some(0));
    assert_eq!((mode(&data), mode(&data.join("omniroute.redb"))), (0o700, 0o600));
    assert_eq!(mode(&data.join("master.key")), 0o600);

    let mut other = omniroute(folder.path(), &run);
    let other = other.env("OMNIROUTE_MASTER_KEY", "ab".repeat(32)).output().unwrap();
    let stderr = String::from_utf8(other.stderr).unwrap();
    assert_eq!(other.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("OMNIROUTE_MASTER_KEY") && !stderr.contains("abab"), "{stderr}");

    fs::rename(data.join("master.key"), data.join("away")).unwrap();
    let (code, _, stderr) = output(folder.path(), &run);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("is missing"), "{stderr}");
    assert!(!data.join("master.key").exists(), "no new key is made over old data");
    fs::rename(data.join("away"), data.join("master.key")).unwrap();

    fs::write(data.join("omniroute.redb"), "not a database").unwrap();
    let (code, _, stderr) = output(folder.path(), &run);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("cannot be opened") && stderr.contains("backup"), "{stderr}");
}

#[test]
fn a_data_directory_that_cannot_be_used_ends_the_start() {
    let folder = folder_with("{}");
    fs::write(folder.path().join("file"), "").unwrap();
    for place in ["/dev/null/omniroute", "file", "file/below"] {
        let run = ["run", "--config", "o.yaml", "--port", "0", "--data-dir", place];
        let (code, _, stderr) = output(folder.path(), &run);
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains(place) && stderr.contains("--data-dir"), "{stderr}");
    }
}

#[test]
fn an_envelope_key_of_an_earlier_version_stays_and_new_folders_have_none() {
    let folder = folder_with("{}");
    let data = folder.path().join(".omniroute");
    let start = || {
        let program = Program::start(folder.path(), false);
        program.signal("-TERM");
        assert_eq!(program.end().0, Some(0));
    };
    start();
    assert!(!data.join("envelope.key").exists(), "the store keeps it");

    fs::write(data.join("envelope.key"), [7; 32]).unwrap();
    start();
    assert_eq!(fs::read(data.join("envelope.key")).unwrap(), [7; 32]);
}

#[test]
fn the_master_key_is_rotated_on_the_command_line() {
    let folder = folder_with("{}");
    let data = folder.path().join(".omniroute");
    let open = || Store::open(&data, &MasterKey::find(&data, &|_| None).unwrap()).unwrap();
    let rotate = ["keys", "rotate-master", "--config", "o.yaml"];
    let (early, _, stderr) = output(folder.path(), &rotate);
    assert!(early == 1 && stderr.contains("nothing is sealed yet"), "{stderr}");

    let store = open();
    let secret = store.secret("test").unwrap();
    let (busy, _, stderr) = output(folder.path(), &rotate);
    assert!(busy == 2 && stderr.contains("in use"), "{stderr}");
    drop(store);
    let before = fs::read(data.join("master.key")).unwrap();
    let (code, stdout, stderr) = output(folder.path(), &rotate);

    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("1 rows are sealed"), "{stdout}");
    assert_ne!(fs::read(data.join("master.key")).unwrap(), before);
    assert_eq!(open().secret("test").unwrap(), secret);
}
