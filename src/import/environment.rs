//! What the names of a pulse program stand for while it is followed.

use super::defaults::{self, Assumed};
use super::parameters::Parameters;
use super::value::Value;
use super::write::safe_name;
use crate::pulse_program::expression::{Action, Amount, Expr};
use crate::pulse_program::tree::{ItemKind, PulseProgram, each};
use crate::pulse_program::words::split;
use std::collections::{BTreeMap, BTreeSet};

/// A parameter of the written file.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// What it is.
    pub text: String,
    /// What is said beside it.
    pub note: Option<&'static str>,
}

/// A list of a program.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct List {
    /// `delay`, `pulse`, `loopcounter`, `frequency`, `gradient`, `power`.
    pub kind: String,
    /// Its entries; none where they are not given.
    pub entries: Vec<f64>,
    /// Whether powers are watts, and not decibels below one watt.
    pub in_watts: bool,
}

impl List {
    /// A power, watts.
    pub fn watts(&self, entry: f64) -> f64 {
        if self.in_watts { entry } else { 10f64.powf(-entry / 10.0) }
    }
}

/// Lists that every program has: their names, kinds and files.
const OWN_LISTS: &[(&str, &str, &str)] =
    &[("vd", "delay", "vdlist"), ("vp", "pulse", "vplist"), ("vc", "loopcounter", "vclist"), ("va", "power", "valist")];

/// Names and what they stand for.
pub struct Environment<'a> {
    given: &'a Parameters,
    /// Those that the program has set.
    set: BTreeMap<String, Value>,
    /// Lists, and the entry that each is at.
    pub lists: BTreeMap<String, List>,
    at: BTreeMap<String, usize>,
    /// What relations have set first.
    first: BTreeMap<String, Value>,
    /// Names that are declared without a value, and their kind.
    pub declared: BTreeMap<String, String>,
    /// The parameters that the written file may need.
    pub definitions: BTreeMap<String, Definition>,
    /// Names with a number that nothing gives.
    pub assumed: BTreeSet<String>,
    /// Lists on whose entry it depends what is done.
    pub decisive: BTreeSet<String>,
    /// Pulses that are shaped or are gradients: they are longer than others.
    pub long: BTreeSet<String>,
    /// Parameters that stand for entries of lists of powers: the list, and their values in all rows, hertz.
    pub powers: BTreeMap<String, (String, Vec<f64>)>,
    /// The new names of parameters that are assigned again, by name and text, and how many there are of a name.
    renamed: BTreeMap<(String, String), String>,
    renames: BTreeMap<String, usize>,
}

/// What a loop must leave as it was, to be a loop: the values, and the entries of lists.
pub type Snapshot = (BTreeMap<String, Value>, BTreeMap<String, usize>);

impl<'a> Environment<'a> {
    /// Begins with what is given.
    pub fn new(given: &'a Parameters) -> Environment<'a> {
        let lists = given.lists.iter().map(|(name, entries)| {
            let kind = if name.starts_with("vc") { "loopcounter" } else { "delay" };
            (name.clone(), List { kind: kind.into(), entries: entries.clone(), ..List::default() })
        });
        let own = OWN_LISTS.iter().filter_map(|(name, kind, file)| {
            let entries = given.files.get(*file).filter(|entries| !entries.is_empty())?.clone();
            Some((name.to_string(), List { kind: kind.to_string(), entries, in_watts: given.in_watts }))
        });
        Environment {
            given,
            set: BTreeMap::new(),
            lists: own.chain(lists).collect(),
            at: BTreeMap::new(),
            first: BTreeMap::new(),
            declared: BTreeMap::new(),
            definitions: BTreeMap::new(),
            assumed: BTreeSet::new(),
            decisive: BTreeSet::new(),
            long: BTreeSet::new(),
            powers: BTreeMap::new(),
            renamed: BTreeMap::new(),
            renames: BTreeMap::new(),
        }
    }

    /// The values as they are.
    pub fn snapshot(&self) -> Snapshot {
        (self.set.clone(), self.at.clone())
    }

    /// Moves a list to another entry.
    pub fn move_list(&mut self, name: &str, step: impl Fn(usize) -> usize) {
        let at = self.at.entry(name.to_string()).or_insert(0);
        *at = step(*at);
    }

    /// Whether the program or what is given has a value for a name.
    pub fn is_set(&self, name: &str) -> bool {
        self.set.contains_key(name) || self.given.numbers.contains_key(name)
    }

    /// Whether the program declares a name, sets it, or has a list of it.
    pub fn has(&self, name: &str) -> bool {
        self.is_set(name) || self.declared.contains_key(name) || self.lists.contains_key(name)
    }

    /// Gives a counter a number.
    pub fn set_number(&mut self, name: &str, number: f64) {
        self.set.insert(name.to_string(), Value::known(number, self.power_of_time(name)));
    }

    /// Takes a delay or counter back to where it began.
    pub fn reset(&mut self, name: &str) {
        match self.first.get(name) {
            Some(value) => drop(self.set.insert(name.to_string(), value.clone())),
            None => drop(self.set.remove(name)),
        }
    }

    fn power_of_time(&self, name: &str) -> i32 {
        match self.declared.get(name).map(String::as_str) {
            Some("delay" | "pulse") => 1,
            Some(_) => 0,
            None => defaults::power_of_time(name),
        }
    }

    /// Gives a name a value.
    pub fn assign(&mut self, name: &str, value: Value) {
        if let Some(list) = name.strip_suffix(".idx") {
            self.at.insert(list.to_string(), value.number.max(0.0) as usize);
            self.decisive.insert(list.to_string());
            return;
        }
        // Names of the program's own have the dimension of what they are set to.
        let own = defaults::is_own(name) && !self.declared.contains_key(name);
        let mut value = if own { value } else { value.measured(self.power_of_time(name)) };
        if split(name).0 == "l" && !own || self.declared.get(name).is_some_and(|kind| kind == "loopcounter") {
            value = if value.is_known() {
                Value::known(value.number.trunc(), 0)
            } else {
                Value::of_text(value.number.trunc(), format!("floor({})", value.text()), 0)
            };
        }
        if !value.is_known() {
            value = self.define(name, &value);
        }
        self.set.insert(name.to_string(), value);
    }

    /// Declares an expression as a parameter. A parameter that is assigned again gets a new name.
    fn define(&mut self, name: &str, value: &Value) -> Value {
        let text = value.text();
        let base = safe_name(name);
        let key = (base.clone(), text.clone());
        if let Some(own) = self.renamed.get(&key) {
            return Value::of_text(value.number, own.clone(), value.time);
        }
        let free = |own: &str| self.definitions.get(own).is_none_or(|d| d.text == text) && own != text;
        let mut own = base.clone();
        if !free(&own) {
            // Names up to this number are taken.
            let last = self.renames.entry(base.clone()).or_insert(1);
            while {
                *last += 1;
                own = format!("{base}_{last}");
                !free(&own)
            } {}
        }
        self.renamed.insert(key, own.clone());
        self.definitions.insert(own.clone(), Definition { text, note: None });
        Value::of_text(value.number, own, value.time)
    }

    /// What a name stands for; a number that nothing gives is assumed.
    pub fn of(&mut self, name: &str) -> Value {
        if let Some(value) = self.set.get(name) {
            return value.clone();
        }
        if let Some(list) = self.lists.get(name) {
            return self.entry(name, &list.clone());
        }
        if let Some((list, part)) = name.split_once('.') {
            return self.about_list(list, part);
        }
        let time = self.power_of_time(name);
        if let Some(x) = self.given.numbers.get(name) {
            return Value::known(*x, time);
        }
        let Assumed { number, text, note } = defaults::of(name, self.long.contains(name));
        if self.declared.contains_key(name) && split(name).1.is_empty() {
            // Declared and never set.
            return Value::known(0.0, time);
        }
        self.assumed.insert(name.to_string());
        let own = safe_name(name);
        self.definitions.entry(own.clone()).or_insert(Definition { text, note: Some(note) });
        Value::of_text(number, own, time)
    }

    /// `list.max`, `list.idx`, `list.len`.
    fn about_list(&mut self, name: &str, part: &str) -> Value {
        let Some(list) = self.lists.get(name).cloned() else { return Value::known(0.0, 0) };
        let time = i32::from(matches!(list.kind.as_str(), "delay" | "pulse"));
        match part {
            "idx" => Value::known(self.at.get(name).copied().unwrap_or(0) as f64, 0),
            "len" => Value::known(list.entries.len() as f64, 0),
            _ if list.entries.is_empty() => self.entry(name, &list),
            "min" => Value::known(list.entries.iter().copied().fold(f64::INFINITY, f64::min), time),
            _ => Value::known(list.entries.iter().copied().fold(f64::NEG_INFINITY, f64::max), time),
        }
    }

    /// The entry of a list where it is now: the name itself stands for it, so that rows can be swept.
    fn entry(&mut self, name: &str, list: &List) -> Value {
        let at = self.at.get(name).copied().unwrap_or(0);
        let time = i32::from(matches!(list.kind.as_str(), "delay" | "pulse"));
        let first = list.entries.get(at % list.entries.len().max(1)).copied();
        if let Some(x) = first.filter(|_| at > 0) {
            return Value::known(x, time);
        }
        let (number, note) = match (first, list.kind.as_str()) {
            (Some(x), _) => (x, None),
            (None, "delay") => (1e-3, Some(LIST)),
            (None, "pulse") => (10e-6, Some(LIST)),
            (None, "loopcounter" | "gradient" | "grad_scalar") => (1.0, Some(LIST)),
            (None, _) => (0.0, Some(LIST)),
        };
        if note.is_some() {
            self.assumed.insert(name.to_string());
        }
        let own = safe_name(name);
        let text = Value::known(number, time).text();
        self.definitions.entry(own.clone()).or_insert(Definition { text, note });
        Value::of_text(number, own, time)
    }

    /// The value of an expression.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn value(&mut self, expr: &Expr) -> Result<Value, String> {
        let value = match expr {
            Expr::Number(x) => Value::known(*x, 0),
            Expr::Time(x) => Value::known(*x, 1),
            Expr::Name(name) if name == "PI" => Value::known(std::f64::consts::PI, 0),
            Expr::Name(name) => self.of(name),
            Expr::Minus(x) => self.value(x)?.negated(),
            Expr::Binary(sign @ ('+' | '-' | '*' | '/'), a, b) => {
                let (a, b) = (self.value(a)?, self.value(b)?);
                a.joined(*sign, b)
            }
            Expr::Binary(..) => Value::known(self.number(expr)?, 0),
            Expr::Call(name, arguments) => self.call(name, arguments, expr)?,
        };
        if value.is_known() && !value.number.is_finite() {
            return Err("the result is not a finite number".into());
        }
        Ok(value)
    }

    fn call(&mut self, name: &str, arguments: &[Expr], expr: &Expr) -> Result<Value, String> {
        if let Some(list) = self.lists.get(name).cloned() {
            let k = arguments.first().map_or(Ok(0.0), |x| self.number(x))?;
            let before = self.at.insert(name.to_string(), k.max(0.0) as usize);
            let value = self.entry(name, &list);
            match before {
                Some(at) => self.at.insert(name.to_string(), at),
                None => self.at.remove(name),
            };
            return Ok(value);
        }
        let values: Vec<Value> = arguments.iter().map(|x| self.value(x)).collect::<Result<_, _>>()?;
        let plain: Vec<Expr> = values.iter().map(|v| Expr::Number(v.number)).collect();
        let number = Expr::Call(name.to_string(), plain).value(&|_| None);
        let number = number.ok_or_else(|| format!("unknown function `{name}`"))?;
        Ok(match (name, values.as_slice()) {
            ("larger", _) => Value::called("max", number, &values),
            ("smaller", _) => Value::called("min", number, &values),
            ("trunc", _) => Value::called("floor", number, &values),
            ("fabs", _) => Value::called("abs", number, &values),
            // Angles are numbers on a console.
            ("asin" | "acos" | "atan", _) => {
                let angle = Value::called(name, number, &values);
                if angle.is_known() { angle } else { Value::of_text(number, format!("({}/(1 rad))", angle.text()), 0) }
            }
            ("max" | "min" | "abs" | "exp" | "log" | "sin" | "cos" | "tan", _) => Value::called(name, number, &values),
            ("sqrt", [x]) if x.time % 2 == 0 && !x.is_known() => {
                Value::of_text(number, format!("sqrt({})", x.text()), x.time / 2)
            }
            ("pow", [x, p]) if !x.is_known() && p.is_known() && p.number.fract() == 0.0 => {
                Value::of_text(number, format!("({})^{}", x.text(), p.text()), x.time * p.number as i32)
            }
            _ if values.iter().all(Value::is_known) => Value::known(number, 0),
            // Rounding and logarithms of base 10 keep the number that they have now.
            _ => Value::known(self.number(expr)?, 0),
        })
    }

    /// The number of an expression, on which it depends what is done.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn number(&mut self, expr: &Expr) -> Result<f64, String> {
        let mut names = Vec::new();
        expr.names(&mut |name| names.push(name.to_string()));
        let mut numbers = BTreeMap::new();
        for name in names {
            if self.lists.contains_key(&name) {
                self.decisive.insert(name.clone());
            }
            numbers.insert(name.clone(), self.of(&name).number);
        }
        let lists = &self.lists;
        let entry = |name: &str| {
            let (list, k) = name.strip_suffix(']')?.split_once('[')?;
            let entries = &lists.get(list)?.entries;
            Some(entries.get(k.parse::<f64>().ok()? as usize).copied().unwrap_or(1.0))
        };
        expr.value(&|name| numbers.get(name).copied().or_else(|| entry(name)))
            .ok_or_else(|| "unknown condition or function".to_string())
    }

    /// Does what a relation says.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn relate(&mut self, actions: &[Action]) -> Result<(), String> {
        for action in actions {
            match action {
                // The number of rows is told by what is stored.
                Action::Set(name, _) if matches!(split(name).0, "td" | "nbl") => {}
                Action::Set(name, expr) => {
                    let value = self.value(expr)?;
                    self.assign(name, value);
                    if let Some(value) = self.set.get(name) {
                        self.first.insert(name.clone(), value.clone());
                    }
                }
                Action::If(test, then, otherwise) => {
                    let holds = self.number(test)? != 0.0;
                    self.relate(if holds { then } else { otherwise })?;
                }
            }
        }
        Ok(())
    }

    /// A length of time.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn length(&mut self, length: &Amount) -> Result<Value, String> {
        Ok(self.value(&length.expr)?.measured(1))
    }

    /// The nutation frequency of a power level, hertz, on a channel.
    pub fn strength(&mut self, level: &str, channel: usize) -> Value {
        if let Some(x) = self.given.strengths.get(level) {
            return Value::known(*x, -1);
        }
        if let Some(list) = self.lists.get(level).filter(|l| l.kind == "power" && !l.entries.is_empty()).cloned() {
            return self.listed_strength(level, &list, channel);
        }
        let watts = watts_of(level);
        // A relation: levels are the squares of strengths.
        if let Some(value) = watts.as_ref().and_then(|w| self.set.get(w)).cloned() {
            return if value.is_known() && self.given.calibration(channel).is_some() {
                Value::known(self.given.strength(value.number, channel).unwrap_or(0.0), -1)
            } else {
                Value::of_text(value.number.max(0.0).sqrt(), format!("(sqrt({}) * 1 Hz)", value.text()), -1)
            };
        }
        let given = watts.as_ref().and_then(|w| self.given.numbers.get(w)).copied();
        if let Some(x) = given.and_then(|w| self.given.strength(w, channel)) {
            return Value::known(x, -1);
        }
        self.assumed.insert(level.to_string());
        let own = format!("rf_{level}");
        let number = defaults::strength(level);
        let text = Value::known(number, -1).text();
        self.definitions.entry(own.clone()).or_insert(Definition { text, note: Some(defaults::NOT_GIVEN) });
        Value::of_text(number, own, -1)
    }

    /// The nutation frequency of the entry that a list of powers is at. Where nothing calibrates the channel, that of the first entry is
    /// assumed, and the others follow from the quotients of the powers.
    fn listed_strength(&mut self, name: &str, list: &List, channel: usize) -> Value {
        let at = self.at.get(name).copied().unwrap_or(0) % list.entries.len().max(1);
        let watts: Vec<f64> = list.entries.iter().map(|x| list.watts(*x)).collect();
        let first = watts.first().copied().unwrap_or(0.0);
        let known: Option<Vec<f64>> = watts.iter().map(|w| self.given.strength(*w, channel)).collect();
        let note = known.is_none().then_some(defaults::NOT_GIVEN);
        let all = known.unwrap_or_else(|| {
            self.assumed.insert(name.to_string());
            watts.iter().map(|w| defaults::strength(name) * (w / first).sqrt()).collect()
        });
        let number = all.get(at).copied().unwrap_or(0.0);
        if at > 0 && note.is_none() {
            return Value::known(number, -1);
        }
        let mut own = format!("rf_{name}");
        if self.powers.get(&own).is_some_and(|(_, known)| *known != all) {
            own += &format!("_f{channel}");
        }
        let begin = all.first().copied().unwrap_or(0.0);
        let text = Value::known(begin, -1).text();
        self.definitions.entry(own.clone()).or_insert(Definition { text, note });
        self.powers.insert(own.clone(), (name.to_string(), all));
        let text = if at > 0 { format!("({own} * {})", super::write::shown(number / begin)) } else { own };
        Value::of_text(number, text, -1)
    }

    /// Before a relation takes a power level, it stands for the square of its strength, where it has no number.
    pub fn prepare_power(&mut self, actions: &[Action]) {
        let mut names = BTreeSet::new();
        collect(actions, &mut names);
        for name in names {
            let Some(level) = level_of(&name) else { continue };
            let known = self.given.numbers.contains_key(&name) && self.given.calibration(1).is_some();
            if known || self.set.contains_key(&name) {
                continue;
            }
            let rf = self.strength(&level, 1);
            let text = format!("({}/(1 Hz))^2", rf.text());
            self.set.insert(name, Value::of_text(rf.number * rf.number, text, 0));
        }
    }
}

/// The pulses that are shaped, or are gradients.
pub fn long_pulses(program: &PulseProgram, long: &mut BTreeSet<String>) {
    for statement in &program.statements {
        each(&statement.items, &mut |item| {
            if let ItemKind::Timed { length, modifiers } = &item.kind
                && modifiers.iter().any(|m| m.word.starts_with("sp") || m.word.starts_with("gp"))
            {
                length.expr.names(&mut |name| {
                    long.insert(name.to_string());
                });
            }
        });
    }
}

/// What is said of lists that are not given.
const LIST: &str = "its list is not given";

/// The names that relations take.
fn collect(actions: &[Action], names: &mut BTreeSet<String>) {
    for action in actions {
        match action {
            Action::Set(_, expr) => expr.names(&mut |name| {
                names.insert(name.to_string());
            }),
            Action::If(test, then, otherwise) => {
                test.names(&mut |name| {
                    names.insert(name.to_string());
                });
                collect(then, names);
                collect(otherwise, names);
            }
        }
    }
}

/// `plw1` of `pl1`, `spw2` of `sp2`.
fn watts_of(level: &str) -> Option<String> {
    let (head, digits) = split(level);
    matches!(head, "pl" | "sp").then(|| format!("{head}w{digits}"))
}

/// `pl1` of `plw1`.
fn level_of(watts: &str) -> Option<String> {
    let (head, digits) = split(watts);
    match head {
        "plw" => Some(format!("pl{digits}")),
        "spw" => Some(format!("sp{digits}")),
        _ => None,
    }
}
