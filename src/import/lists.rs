//! What a program defines: names, and lists with their entries.

use super::environment::List;
use super::flow::Flow;
use super::parameters::is_watt;
use crate::pulse_program::expression;

impl Flow<'_> {
    /// `define list<delay> wait=<$VDLIST>`, `define delay tau`
    pub fn define(&mut self, kind: &str, name: &str, value: &str) {
        let base = kind.split('<').next().unwrap_or_default();
        if base != "list" {
            for name in std::iter::once(name).chain(value.split(',')).map(str::trim).filter(|n| !n.is_empty()) {
                self.names.declared.insert(name.to_string(), kind.to_string());
            }
            return;
        }
        let of = kind.split('<').nth(1).unwrap_or_default().trim_end_matches('>').to_string();
        let inside = value.trim();
        let mut in_watts = self.given.in_watts;
        let entries = match inside.strip_prefix('{').and_then(|v| v.split('}').next()) {
            Some(all) => {
                in_watts = all.split_whitespace().next().is_some_and(is_watt);
                let scale = if of == "pulse" { 1e-6 } else { 1.0 };
                let number = |word: &str| {
                    let word = word.trim_end_matches(',');
                    let (sign, digits) = word.strip_prefix('-').map_or((1.0, word), |rest| (-1.0, rest));
                    let (x, unit) = expression::number(digits).ok()?;
                    Some(sign * if unit { x } else { x * scale })
                };
                all.split_whitespace().filter_map(number).collect()
            }
            None => {
                let file = inside.trim_matches(['<', '>', '$', ' ']).to_ascii_lowercase();
                let own = self.given.lists.get(name).cloned();
                own.or_else(|| self.given.files.get(&file).cloned()).unwrap_or_default()
            }
        };
        self.names.lists.insert(name.to_string(), List { kind: of, entries, in_watts });
    }
}
