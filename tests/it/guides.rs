//! The guides do what they say: every piece of configuration compiles, and every command for the shell is
//! pasted, in its order, at a gateway with the guide's first configuration. Providers are the simulator.
//!
//! A block without a language is what the command before it prints: each of its lines, where `…` stands for
//! anything.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use omniroute_testkit::simulator;

use crate::program::{Program, output};

/// The address of all guides.
const ADDRESS: &str = "127.0.0.1:20128";

/// What keys of clients are long enough for, and the simulator takes.
const KEY: &str = "sk-sim-ok";

/// Guides whose commands need more than a shell. `scripts/test-systemd.sh` runs the first, in a booted
/// system; `scripts/docker-steps.sh` does what an engine would.
const NOT_PASTED: [&str; 3] = ["systemd", "docker", "release"];

struct Block {
    language: String,
    text: String,
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// All pages that may hold configuration.
fn pages() -> Vec<PathBuf> {
    let folders = [docs().join("guides"), docs().join("reference"), docs()];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let pages = files.map(|file| file.unwrap().path());
    let readme = docs().parent().unwrap().join("README.md");
    pages
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .chain([readme])
        .collect()
}

fn blocks(page: &Path) -> Vec<Block> {
    let text = std::fs::read_to_string(page).unwrap();
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_inside = false;
    for line in text.lines() {
        match (line.strip_prefix("```"), is_inside) {
            (Some(language), false) => {
                blocks.push(Block { language: language.to_owned(), text: String::new() });
                is_inside = true;
            }
            (Some(_), true) => is_inside = false,
            (None, true) => writeln!(blocks.last_mut().unwrap().text, "{line}").unwrap(),
            (None, false) => {}
        }
    }
    assert!(!is_inside, "{} ends inside a block", page.display());
    blocks
}

/// The variables that a piece of configuration reads, each with a key as its value.
fn variables(yaml: &str) -> Vec<(&str, String)> {
    let names = yaml.split("${").skip(1).filter_map(|rest| rest.split(['}', ':']).next());
    names.map(|name| (name, format!("{KEY}-{}", name.to_lowercase()))).collect()
}

/// A home with this configuration in it, twice: where commands look for it, and where the test's program does.
fn home(yaml: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".omniroute");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("omniroute.yaml"), yaml).unwrap();
    std::fs::write(home.path().join("o.yaml"), yaml).unwrap();
    let variables = variables(yaml);
    let lines: Vec<String> =
        variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    std::fs::write(folder.join(".env"), lines.concat()).unwrap();
    home
}

#[test]
fn every_piece_of_configuration_compiles() {
    let mut count = 0;
    for page in pages() {
        for block in blocks(&page).iter().filter(|block| block.language == "yaml") {
            let home = home(&block.text);
            let (code, _, stderr) = output(home.path(), &["check"]);
            assert_eq!(code, 0, "{}:\n{}\n{stderr}", page.display(), block.text);
            count += 1;
        }
    }
    assert!(count > 10, "{count} pieces were found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_works_as_pasted() {
    let sim = simulator().await;
    for page in pages().iter().filter(|page| page.parent().unwrap().ends_with("guides")) {
        let name = page.file_stem().unwrap().to_str().unwrap();
        if NOT_PASTED.contains(&name) {
            continue;
        }
        paste(page, &sim.url());
    }
}

fn paste(page: &Path, provider: &str) {
    let blocks = blocks(page);
    let Some(yaml) = blocks.iter().find(|block| block.language == "yaml") else { return };
    // Whoever is asked is the simulator, and not through a network proxy.
    let own = format!("    base_url: {provider}\n    tunnel: direct\n");
    let yaml: String = yaml
        .text
        .split_inclusive('\n')
        .map(|line| match line.strip_prefix("    provider: ") {
            Some(_) => format!("{line}{own}"),
            None => line.to_owned(),
        })
        .collect();
    let home = home(&yaml);
    let program = Program::start(home.path(), false);
    let folder = Path::new(env!("CARGO_BIN_EXE_omniroute")).parent().unwrap();
    let mut script = format!("PATH={}:$PATH\n", folder.display());
    for (index, block) in blocks.iter().enumerate().filter(|(_, block)| block.language == "sh") {
        let text = block.text.replace(ADDRESS, &program.address.to_string());
        writeln!(script, "{{\n{text}}} >{index}.out 2>&1").unwrap();
    }
    let mut shell = Command::new("sh");
    shell.args(["-euc", &script]).current_dir(home.path());
    let status = shell.env("HOME", home.path()).envs(variables(&yaml)).status().unwrap();

    let mut printed = String::new();
    for (index, block) in blocks.iter().enumerate() {
        let page = page.display();
        match block.language.as_str() {
            "sh" => {
                let output = home.path().join(format!("{index}.out"));
                printed = std::fs::read_to_string(output).unwrap_or_default();
            }
            "" => {
                for line in block.text.lines() {
                    assert!(matches(line, &printed), "{page}: `{line}` is not in\n{printed}");
                }
            }
            _ => {}
        }
    }
    assert!(status.success(), "{}: the last command printed\n{printed}", page.display());
}

/// Tells whether a line of what was printed is as this one says.
fn matches(expected: &str, printed: &str) -> bool {
    let mut pieces = expected.split('…');
    let first = pieces.next().unwrap_or_default();
    printed.lines().any(|line| {
        let Some(mut rest) = line.trim().strip_prefix(first) else { return false };
        for piece in pieces.clone() {
            match rest.find(piece) {
                Some(at) => rest = &rest[at + piece.len()..],
                None => return false,
            }
        }
        expected.ends_with('…') || rest.is_empty()
    })
}
