use std::fs;
use std::path::{Path, PathBuf};

use crate::codec::{Codec, Target, WireError};
use crate::model_facts::ModelFacts;
use crate::notes::Notes;
use crate::openai_responses::OpenAiResponses;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");

fn folders(parent: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
}

#[test]
fn recorded_requests_are_read_and_written_again() {
    let cases: Vec<PathBuf> = folders(Path::new(FIXTURES))
        .iter()
        .flat_map(|provider| folders(&provider.join("responses")))
        .map(|case| case.join("request.json"))
        .filter(|file| file.is_file())
        .collect();
    if cases.is_empty() {
        eprintln!("skipped: no recorded traffic at {FIXTURES}");
        return;
    }
    let mut read = 0;

    for file in cases {
        let name = file.display();
        let body = fs::read(&file).unwrap();
        let peek = OpenAiResponses.peek(&body, None).unwrap();
        match OpenAiResponses.read_request(&body, &peek) {
            Ok(request) => {
                let facts = ModelFacts::default();
                let target = Target::new("m", &facts);
                let mut notes = Notes::default();
                let written = OpenAiResponses.write_request(&request, &target, &mut notes);
                assert!(written.is_ok(), "{name}: {written:?}");
                assert_eq!(notes.dropped().count(), 0, "{name}: {notes:?}");
                read += 1;
            }
            Err(WireError::Unsupported { fields }) => {
                assert_eq!(fields[0].0, "background", "{name}");
            }
            Err(fault) => panic!("{name}: {fault}"),
        }
    }

    assert!(read > 15, "only {read} were read");
}
