//! Spectrometers in YAML: `NAME: { clock: 50 ns, max_pulse: 50 ms }` is translated to a `spectrometer` statement, which is then
//! checked as usual.

use std::collections::BTreeMap;

/// Translates a YAML file of spectrometers to statements.
///
/// # Errors
/// An error message, when the text is not such a file.
pub fn statements(text: &str) -> Result<String, String> {
    let all: BTreeMap<String, BTreeMap<String, Value>> = serde_yaml::from_str(text)
        .map_err(|e| format!("it is not a YAML file of spectrometers: {}", first_line(&e.to_string())))?;
    let mut out = String::from("ergoseq 1\n");
    for (name, settings) in all {
        out += &format!("spectrometer {name} {{\n");
        for (key, value) in settings {
            let value = match value {
                Value::Number(x) => crate::syntax::number_text(x),
                Value::Text(text) => text,
            };
            // A line break would start another statement.
            if [&key, &value].iter().any(|t| t.contains(['\n', '{', '}'])) {
                return Err(format!("the setting `{key}` is not on one line"));
            }
            out += &format!("    {key} = {value}\n");
        }
        out += "}\n";
    }
    Ok(out)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Value {
    Number(f64),
    Text(String),
}
