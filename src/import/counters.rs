//! Counters, delays, phases and lists that go on from scan to scan or from turn to turn.

use super::flow::{Flow, Lost, MACROS, SILENT};
use super::value::Value;
use crate::pulse_program::words::split;

impl Flow<'_> {
    /// Counters, delays and phases that go on from scan to scan, and lists.
    pub fn count(&mut self, word: &str, rest: &str) -> Result<(), Lost> {
        let (head, digits) = split(word);
        if let Some(operation) = rest.strip_prefix('.') {
            let operation: String = operation.chars().take_while(|c| c.is_alphanumeric()).collect();
            match operation.as_str() {
                "inc" => self.names.move_list(word, |k| k + 1),
                "dec" => self.names.move_list(word, |k| k.saturating_sub(1)),
                "res" => self.names.move_list(word, |_| 0),
                _ => return Err(format!("`.{operation}` of a list is not supported")),
            }
            return Ok(());
        }
        let steps: f64 = rest.trim_start_matches('*').parse().unwrap_or(1.0);
        match head {
            "ip" | "dp" | "rp" => {
                let number: usize = digits.parse().map_err(|_| "the number of a list is missing")?;
                let unit = self.program.phases.iter().find(|p| p.number == number).map_or(90.0, |p| p.unit);
                let entry = self.now.phases.entry(number).or_insert((0, 0.0));
                entry.1 = match head {
                    "ip" => (entry.1 + steps * unit).rem_euclid(360.0),
                    "dp" => (entry.1 - steps * unit).rem_euclid(360.0),
                    _ => 0.0,
                };
                if *entry == (0, 0.0) {
                    self.now.phases.remove(&number);
                }
            }
            "ipp" | "dpp" | "rpp" => {
                let number: usize = digits.parse().map_err(|_| "the number of a list is missing")?;
                self.move_phase(number, |k, n| match head {
                    "ipp" => (k + 1) % n,
                    "dpp" => (k + n - 1) % n,
                    _ => 0,
                });
            }
            "ippall" | "dppall" | "rppall" => {
                for number in self.program.phases.iter().map(|p| p.number) {
                    self.move_phase(number, |k, n| match head {
                        "ippall" => (k + 1) % n,
                        "dppall" => (k + n - 1) % n,
                        _ => 0,
                    });
                }
            }
            "id" | "dd" => {
                let step = self.names.of(&format!("in{digits}"));
                let now = self.names.of(&format!("d{digits}"));
                self.names.assign(&format!("d{digits}"), if head == "id" { now.plus(&step) } else { now.minus(&step) });
            }
            "rd" => self.names.reset(&format!("d{digits}")),
            "iu" | "du" => {
                let now = self.names.of(&format!("l{digits}"));
                let step = Value::known(if head == "iu" { 1.0 } else { -1.0 }, 0);
                // A counter decides what is done: its number counts.
                self.names.set_number(&format!("l{digits}"), now.plus(&step).number);
            }
            "ru" => self.names.reset(&format!("l{digits}")),
            "zu" => self.names.set_number(&format!("l{digits}"), 0.0),
            "ivd" => self.names.move_list("vd", |k| k + 1),
            "ivp" => self.names.move_list("vp", |k| k + 1),
            "ivc" => self.names.move_list("vc", |k| k + 1),
            "iva" => self.names.move_list("va", |k| k + 1),
            "igrad" | "dgrad" | "rgrad" | "zgrad" => {
                let list = rest.trim().to_string();
                self.names.move_list(&list, |k| match head {
                    "igrad" => k + 1,
                    "dgrad" => k.saturating_sub(1),
                    _ => 0,
                });
            }
            _ if SILENT.contains(&word) || SILENT.contains(&head) || MACROS.contains(&word) => {}
            _ if word == "if" && rest.starts_with('#') => {}
            _ if self.program.macros.iter().any(|m| m == word) => {}
            _ => return Err(format!("`{word}` is not supported")),
        }
        Ok(())
    }
}
