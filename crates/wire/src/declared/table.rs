//! The declarations as the page `docs/reference/translation.md`.

use std::fmt::Write;

use super::of;
use crate::WireFormat;

const HEAD: &str = "\
# What translation keeps

What becomes of each field of a client's request when the provider speaks another format. Between equal
formats nothing is translated: the bytes pass, the model's name apart.

Made from the declarations in `crates/wire/src/declared`; a test sends every one of them through the
translators. `make docs` writes this page anew.

| sign | meaning |
|---|---|
| `=` | kept: the provider is told the same |
| `≈` | approximated: carried with a change of meaning or precision, noted in the log |
| `✗` | dropped: named in `x-omniroute-translation: translated;dropped=…`; a 400 for a client key with `strict_translation: true` |
| `400` | refused: without it the answer would be another one |
| `∅` | nothing to carry: the default, or of concern to the client's own vendor only |

The signs are those of a model that can do most of what its format has. Less able models approximate or
drop more (a Claude without structured output gets a schema as a forced tool, a model without sampling
loses `temperature`); the notes of the request say so. `omniroute translate` shows them on the shell.
";

const fn title(format: WireFormat) -> &'static str {
    match format {
        WireFormat::OpenAiChat => "OpenAI Chat",
        WireFormat::OpenAiResponses => "OpenAI Responses",
        WireFormat::Anthropic => "Anthropic Messages",
        WireFormat::Gemini => "Gemini",
    }
}

/// Returns the whole page.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    for client in WireFormat::ALL {
        let others = WireFormat::ALL.into_iter().filter(|format| *format != client);
        let names: Vec<&str> = others.map(title).collect();
        // Writing into a string cannot fail.
        let _ = write!(page, "\n## Requests of {} clients\n\n", title(client));
        let _ = writeln!(page, "| field | {} |\n|---|---|---|---|", names.join(" | "));
        for declared in of(client) {
            let signs = declared.fates.map(super::Fate::sign);
            let _ = writeln!(page, "| {} | {} |", declared.field, signs.join(" | "));
        }
    }
    page
}
