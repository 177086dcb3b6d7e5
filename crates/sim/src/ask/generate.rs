//! Reads Gemini `generateContent` requests; members may be camelCase or snake_case, as at Google.

use serde_json::Value;

use super::{Ask, Choice, Refusal, Said, Tool, ToolKind, check_tool_name, count, stops};
use crate::route::Delivery;

/// The longest name of a function.
const LONGEST_NAME: usize = 64;
/// The members of a part that carry its content; a part has exactly one.
const PART_KINDS: [[&str; 2]; 9] = [
    ["text", "text"],
    ["inlineData", "inline_data"],
    ["fileData", "file_data"],
    ["functionCall", "function_call"],
    ["functionResponse", "function_response"],
    ["executableCode", "executable_code"],
    ["codeExecutionResult", "code_execution_result"],
    ["toolCall", "tool_call"],
    ["toolResponse", "tool_response"],
];

/// Reads a request, or says why Google would refuse it.
pub(crate) fn read(body: &Value, model: &str, delivery: Delivery) -> Result<Ask, Refusal> {
    let mut ask = Ask::new(model, delivery);
    let system = either(body, "systemInstruction", "system_instruction");
    for part in system["parts"].as_array().into_iter().flatten() {
        ask.said.add_system(part["text"].as_str().unwrap_or_default());
    }
    let contents = body["contents"].as_array().map_or(&[][..], Vec::as_slice);
    if contents.is_empty() {
        return Err(Refusal::new("* GenerateContentRequest.contents: contents is not specified\n"));
    }
    read_contents(contents, &mut ask.said)?;
    for tool in body["tools"].as_array().into_iter().flatten() {
        let declarations = either(tool, "functionDeclarations", "function_declarations");
        for declaration in declarations.as_array().into_iter().flatten() {
            read_tool(declaration, &mut ask)?;
        }
    }
    let tool_config = either(body, "toolConfig", "tool_config");
    let calling = either(tool_config, "functionCallingConfig", "function_calling_config");
    ask.choice = choice(calling, &ask.tools)?;
    let config = either(body, "generationConfig", "generation_config");
    ask.limit = count(config, "maxOutputTokens")?.or(count(config, "max_output_tokens")?);
    ask.stop_sequences = stops(either(config, "stopSequences", "stop_sequences"));
    Ok(ask)
}

fn either<'a>(value: &'a Value, camel: &str, snake: &str) -> &'a Value {
    match &value[camel] {
        Value::Null => &value[snake],
        found => found,
    }
}

fn read_contents(contents: &[Value], said: &mut Said) -> Result<(), Refusal> {
    let mut open_calls = 0;
    for (index, content) in contents.iter().enumerate() {
        let parts = content["parts"].as_array().map_or(&[][..], Vec::as_slice);
        if parts.is_empty() {
            let field = format!("* GenerateContentRequest.contents[{index}].parts");
            return Err(Refusal::new(format!("{field}: contents.parts must not be empty.\n")));
        }
        for (part_index, part) in parts.iter().enumerate() {
            check_part(part, index, part_index)?;
        }
        let responses = count_parts(parts, "functionResponse", "function_response");
        if responses != open_calls {
            return Err(Refusal::new(
                "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.",
            ));
        }
        match content["role"].as_str().unwrap_or("user") {
            "user" | "function" => read_user(parts, responses, said)?,
            "model" => read_model(parts, said)?,
            _ => return Err(Refusal::new("Please use a valid role: user, model.")),
        }
        open_calls = count_parts(parts, "functionCall", "function_call");
    }
    if contents.last().is_some_and(|content| content["role"] == "model") {
        let message = "Please ensure that the last content is not of the model role.";
        return Err(Refusal::new(message));
    }
    Ok(())
}

fn check_part(part: &Value, index: usize, part_index: usize) -> Result<(), Refusal> {
    let is_there = |names: &&[&str; 2]| !either(part, names[0], names[1]).is_null();
    if PART_KINDS.iter().filter(is_there).count() != 1 {
        let field = format!("* GenerateContentRequest.contents[{index}].parts[{part_index}].data");
        return Err(Refusal::new(format!(
            "{field}: required oneof field 'data' must have one initialized field\n"
        )));
    }
    if !matches!(part["text"], Value::Null | Value::String(_)) {
        return Err(Refusal::new("Invalid value at 'contents.parts.text' (TYPE_STRING)"));
    }
    Ok(())
}

fn count_parts(parts: &[Value], camel: &str, snake: &str) -> usize {
    parts.iter().filter(|part| !either(part, camel, snake).is_null()).count()
}

fn read_user(parts: &[Value], responses: usize, said: &mut Said) -> Result<(), Refusal> {
    let has_text = parts.iter().any(|part| part["text"].is_string());
    if responses > 0 && !has_text {
        said.start_results();
    } else {
        said.start_user();
    }
    for part in parts {
        let response = either(part, "functionResponse", "function_response");
        let media = either(part, "inlineData", "inline_data");
        let media = if media.is_null() { either(part, "fileData", "file_data") } else { media };
        if let Some(text) = part["text"].as_str() {
            said.add_user_text(text);
        } else if !response.is_null() {
            if !response["response"].is_object() {
                let message = "Invalid value at 'function_response.response' (type.googleapis.com/google.protobuf.Struct)";
                return Err(Refusal::new(message));
            }
            said.add_result(function_name(response)?, response_text(&response["response"]));
        } else if !media.is_null() {
            let media_type = either(media, "mimeType", "mime_type").as_str().unwrap_or_default();
            if media_type.starts_with("image/") {
                said.images += 1;
            } else {
                said.files += 1;
            }
        }
    }
    Ok(())
}

/// Returns what a tool said: the only member if that is text, else the whole object as JSON.
fn response_text(response: &Value) -> String {
    let members = response.as_object();
    let only =
        members.filter(|members| members.len() == 1).and_then(|members| members.values().next());
    only.and_then(Value::as_str).map_or_else(|| response.to_string(), str::to_owned)
}

fn read_model(parts: &[Value], said: &mut Said) -> Result<(), Refusal> {
    said.turns += 1;
    for part in parts {
        let call = either(part, "functionCall", "function_call");
        if let Some(text) = part["text"].as_str() {
            said.count(text);
        } else if !call.is_null() {
            if !matches!(call["args"], Value::Null | Value::Object(_)) {
                return Err(Refusal::new("Invalid value at 'function_call.args' (Struct)"));
            }
            let name = function_name(call)?;
            said.add_call(name, name, &call["args"].to_string());
        }
    }
    Ok(())
}

fn function_name(value: &Value) -> Result<&str, Refusal> {
    let name = value["name"].as_str().filter(|name| !name.is_empty());
    name.ok_or_else(|| Refusal::new("Name cannot be empty in a function call or response."))
}

fn read_tool(declaration: &Value, ask: &mut Ask) -> Result<(), Refusal> {
    let name = function_name(declaration)?;
    check_tool_name(name, LONGEST_NAME, ".:")?;
    if name.starts_with(|first: char| !first.is_ascii_alphabetic() && first != '_') {
        let message = "Invalid function name. Must start with a letter or an underscore.";
        return Err(Refusal::new(message));
    }
    let json_schema = either(declaration, "parametersJsonSchema", "parameters_json_schema");
    let schema = if json_schema.is_null() { &declaration["parameters"] } else { json_schema };
    ask.said.count(&schema.to_string());
    ask.tools.push(Tool {
        name: name.to_owned(),
        schema: schema.clone(),
        kind: ToolKind::Function,
    });
    Ok(())
}

fn choice(calling: &Value, tools: &[Tool]) -> Result<Choice, Refusal> {
    let allowed = either(calling, "allowedFunctionNames", "allowed_function_names");
    let allowed = allowed.as_array().and_then(|names| names.first()).and_then(Value::as_str);
    match calling["mode"].as_str().unwrap_or("AUTO") {
        "NONE" => Ok(Choice::None),
        "AUTO" | "ANY" | "VALIDATED" | "MODE_UNSPECIFIED" => match allowed {
            Some(name) if tools.iter().any(|tool| tool.name == name) => {
                Ok(Choice::Named(name.to_owned()))
            }
            Some(name) => Err(Refusal::new(format!("allowed_function_names: unknown {name:?}"))),
            None => Ok(Choice::Auto),
        },
        other => Err(Refusal::new(format!("Invalid value at 'mode': {other:?}"))),
    }
}
