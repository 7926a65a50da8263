//! Expressions of Tcl: whole numbers stay whole, so that `1/2` is 0.

use super::words::Wrong;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number.
    Whole(i64),
    /// A number.
    Real(f64),
    /// Letters.
    Text(String),
}

impl Value {
    /// A value from its letters.
    pub fn of(text: &str) -> Value {
        let t = text.trim();
        if let Ok(n) = t.parse::<i64>() {
            return Value::Whole(n);
        }
        // Words as `nan` and `inf` are letters.
        match t.parse::<f64>() {
            Ok(x) if t.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) && x.is_finite() => {
                Value::Real(x)
            }
            _ => Value::Text(text.to_string()),
        }
    }

    /// Its letters.
    pub fn text(&self) -> String {
        match self {
            Value::Whole(n) => n.to_string(),
            Value::Real(x) => format!("{x:?}"),
            Value::Text(t) => t.clone(),
        }
    }

    fn real(&self) -> Option<f64> {
        match self {
            Value::Whole(n) => Some(*n as f64),
            Value::Real(x) => Some(*x),
            Value::Text(_) => None,
        }
    }

    /// Whether it is true.
    pub fn truth(&self) -> Option<bool> {
        match self {
            Value::Text(t) => match t.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" => Some(true),
                "false" | "no" | "off" => Some(false),
                _ => None,
            },
            other => other.real().map(|x| x != 0.0),
        }
    }
}

/// What an expression asks of its surroundings: `$name(index)` and `[command]`, from their texts.
pub trait Surroundings {
    /// The value of a text that begins with `$` or `[`, and how many bytes of it were taken.
    ///
    /// # Errors
    /// What is wrong with it.
    fn substituted(&mut self, text: &str, at: usize) -> Result<(Value, usize), Wrong>;

    /// The value of a word that is no function.
    fn named(&mut self, _name: &str) -> Option<Value> {
        None
    }
}

/// Binary signs with their ranks, longest first.
const SIGNS: &[(&str, u8)] = &[
    ("**", 11),
    ("||", 1),
    ("&&", 2),
    ("==", 6),
    ("!=", 6),
    ("<=", 7),
    (">=", 7),
    ("<<", 8),
    (">>", 8),
    ("eq", 6),
    ("ne", 6),
    ("|", 3),
    ("^", 4),
    ("&", 5),
    ("<", 7),
    (">", 7),
    ("+", 9),
    ("-", 9),
    ("*", 10),
    ("/", 10),
    ("%", 10),
];

/// The deepest nesting.
const DEEPEST: usize = 64;

/// The value of an expression that begins at a place of the file.
///
/// # Errors
/// What is wrong with it, and where.
pub fn evaluate(text: &str, at: usize, of: &mut dyn Surroundings) -> Result<Value, Wrong> {
    let mut e = Evaluation { text, at, place: 0, of, depth: 0 };
    let value = e.choice()?;
    e.blanks();
    match e.rest().is_empty() {
        true => Ok(value),
        false => Err(e.wrong("expected an operator in the expression")),
    }
}

struct Evaluation<'a, 'b> {
    text: &'a str,
    at: usize,
    place: usize,
    of: &'b mut dyn Surroundings,
    depth: usize,
}

impl<'a> Evaluation<'a, '_> {
    fn rest(&self) -> &'a str {
        self.text.get(self.place..).unwrap_or_default()
    }

    fn wrong(&self, why: &str) -> Wrong {
        (why.to_string(), self.at + self.place)
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.place += rest.len() - rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\\').len();
    }

    fn takes(&mut self, sign: &str) -> bool {
        self.blanks();
        let found = self.rest().starts_with(sign);
        if found {
            self.place += sign.len();
        }
        found
    }

    fn needs(&mut self, sign: &str) -> Result<(), Wrong> {
        if self.takes(sign) { Ok(()) } else { Err(self.wrong(&format!("`{sign}` is missing"))) }
    }

    fn choice(&mut self) -> Result<Value, Wrong> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.wrong("the expression is nested too deeply"));
        }
        let mut value = self.binary(0)?;
        if self.takes("?") {
            let Some(truth) = value.truth() else { return Err(self.wrong("the condition is not a boolean")) };
            let first = self.choice()?;
            self.needs(":")?;
            let second = self.choice()?;
            value = if truth { first } else { second };
        }
        self.depth -= 1;
        Ok(value)
    }

    fn sign(&mut self) -> Option<(&'static str, u8)> {
        self.blanks();
        let rest = self.rest();
        SIGNS.iter().copied().find(|(sign, _)| rest.starts_with(sign))
    }

    fn binary(&mut self, least: u8) -> Result<Value, Wrong> {
        let mut left = self.unary()?;
        while let Some((sign, rank)) = self.sign().filter(|(_, rank)| *rank > least) {
            let place = self.place;
            self.place += sign.len();
            // A power is taken from the right.
            let right = self.binary(if sign == "**" { rank - 1 } else { rank })?;
            left = combined(sign, &left, &right).map_err(|why| (why, self.at + place))?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Value, Wrong> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.wrong("the expression is nested too deeply"));
        }
        let value = self.operand();
        self.depth -= 1;
        value
    }

    fn operand(&mut self) -> Result<Value, Wrong> {
        self.blanks();
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Err(self.wrong("the expression is incomplete")) };
        match first {
            '-' | '+' | '!' | '~' => {
                self.place += 1;
                let place = self.place;
                let value = self.unary()?;
                match (first, &value) {
                    ('+', Value::Whole(_) | Value::Real(_)) => Some(value),
                    ('-', Value::Whole(n)) => n.checked_neg().map(Value::Whole),
                    ('-', Value::Real(x)) => Some(Value::Real(-x)),
                    ('~', Value::Whole(n)) => Some(Value::Whole(!n)),
                    ('!', value) => value.truth().map(|t| Value::Whole(i64::from(!t))),
                    _ => None,
                }
                .ok_or_else(|| ("the operand of a sign is not a number".into(), self.at + place))
            }
            '(' => {
                self.place += 1;
                let value = self.choice()?;
                self.needs(")")?;
                Ok(value)
            }
            '$' | '[' => {
                let (value, taken) = self.of.substituted(rest, self.at + self.place)?;
                self.place += taken.max(1);
                Ok(value)
            }
            '"' | '{' => {
                let close = if first == '"' { '"' } else { '}' };
                let Some(end) = rest.get(1..).and_then(|r| r.find(close)) else {
                    return Err(self.wrong(&format!("`{first}` is not closed")));
                };
                let inside = rest.get(1..1 + end).unwrap_or_default();
                self.place += end + 2;
                Ok(Value::of(inside))
            }
            c if c.is_ascii_digit() || c == '.' => self.number(),
            c if c.is_ascii_alphabetic() => self.named(),
            _ => Err(self.wrong(&format!("`{first}` cannot start a value"))),
        }
    }

    fn number(&mut self) -> Result<Value, Wrong> {
        let rest = self.rest();
        let mut end = 0;
        let bytes = rest.as_bytes();
        while let Some(b) = bytes.get(end) {
            let sign = matches!(b, b'+' | b'-')
                && end.checked_sub(1).and_then(|k| bytes.get(k)).is_some_and(|b| matches!(b, b'e' | b'E'));
            if !(b.is_ascii_digit() || *b == b'.' || matches!(b, b'e' | b'E') || sign) {
                break;
            }
            end += 1;
        }
        // A word as `eq` may stand close to a number.
        let mut word = rest.get(..end).unwrap_or_default();
        word = word.trim_end_matches(['e', 'E']);
        match Value::of(word) {
            Value::Text(_) => Err(self.wrong(&format!("`{word}` is not a number"))),
            value => {
                self.place += word.len();
                Ok(value)
            }
        }
    }

    /// A function, or a word as `true`.
    fn named(&mut self) -> Result<Value, Wrong> {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        let place = self.place;
        self.place += end;
        if !self.takes("(") {
            return Ok(self.of.named(name).unwrap_or_else(|| Value::Text(name.to_string())));
        }
        let mut arguments = Vec::new();
        while !self.takes(")") {
            if !arguments.is_empty() {
                self.needs(",")?;
            }
            arguments.push(self.choice()?);
        }
        called(name, &arguments)
            .ok_or_else(|| (format!("unknown function `{name}`, or wrong number of arguments"), self.at + place))
    }
}

/// Two values with a sign between them.
fn combined(sign: &str, a: &Value, b: &Value) -> Result<Value, String> {
    let truth = |x: bool| Ok(Value::Whole(i64::from(x)));
    match sign {
        "&&" | "||" => {
            let (Some(a), Some(b)) = (a.truth(), b.truth()) else {
                return Err(format!("an operand of `{sign}` is not a boolean"));
            };
            return truth(if sign == "&&" { a && b } else { a || b });
        }
        "eq" => return truth(a.text() == b.text()),
        "ne" => return truth(a.text() != b.text()),
        _ => {}
    }
    let order = match (a.real(), b.real()) {
        (Some(a), Some(b)) => a.partial_cmp(&b),
        _ => Some(a.text().cmp(&b.text())),
    };
    if let Some(found) = match (sign, order) {
        ("==", Some(o)) => Some(o.is_eq()),
        ("!=", Some(o)) => Some(o.is_ne()),
        ("<", Some(o)) => Some(o.is_lt()),
        (">", Some(o)) => Some(o.is_gt()),
        ("<=", Some(o)) => Some(o.is_le()),
        (">=", Some(o)) => Some(o.is_ge()),
        _ => None,
    } {
        return truth(found);
    }
    let range = || format!("the result of `{sign}` is too large");
    if let (Value::Whole(a), Value::Whole(b)) = (a, b) {
        let whole = match sign {
            "+" => a.checked_add(*b),
            "-" => a.checked_sub(*b),
            "*" => a.checked_mul(*b),
            "/" | "%" if *b == 0 => return Err("division by zero".into()),
            // Rounded down, as Tcl does.
            "/" => a.checked_div(*b).map(|q| if a % b != 0 && (*a < 0) != (*b < 0) { q - 1 } else { q }),
            "%" => a.checked_rem(*b).map(|r| if r != 0 && (r < 0) != (*b < 0) { r + b } else { r }),
            "**" if *b >= 0 => u32::try_from(*b).ok().and_then(|b| a.checked_pow(b)),
            "**" => return Ok(Value::Real((*a as f64).powf(*b as f64))),
            "<<" => u32::try_from(*b).ok().and_then(|b| a.checked_shl(b)),
            ">>" => u32::try_from(*b).ok().and_then(|b| a.checked_shr(b)),
            "&" => Some(a & b),
            "|" => Some(a | b),
            "^" => Some(a ^ b),
            _ => return Err(format!("unknown operator `{sign}`")),
        };
        return whole.map(Value::Whole).ok_or_else(range);
    }
    let (Some(a), Some(b)) = (a.real(), b.real()) else {
        return Err(format!("the operands of `{sign}`, `{}` and `{}`, are not numbers", a.text(), b.text()));
    };
    let real = match sign {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" if b == 0.0 => return Err("division by zero".into()),
        "/" => a / b,
        "**" => a.powf(b),
        _ => return Err(format!("`{sign}` needs integers")),
    };
    if real.is_finite() { Ok(Value::Real(real)) } else { Err(range()) }
}

/// The value of a function; `None` where it is not known or its value is no number.
fn called(name: &str, arguments: &[Value]) -> Option<Value> {
    let numbers: Vec<f64> = arguments.iter().map(Value::real).collect::<Option<_>>()?;
    let real = |x: f64| Some(Value::Real(x)).filter(|_| x.is_finite());
    let whole = |x: f64| Some(Value::Whole(x as i64)).filter(|_| x.abs() < 9e18);
    match (name, numbers.as_slice()) {
        ("sin", [x]) => real(x.sin()),
        ("cos", [x]) => real(x.cos()),
        ("tan", [x]) => real(x.tan()),
        ("asin", [x]) => real(x.asin()),
        ("acos", [x]) => real(x.acos()),
        ("atan", [x]) => real(x.atan()),
        ("atan2", [y, x]) => real(y.atan2(*x)),
        ("sinh", [x]) => real(x.sinh()),
        ("cosh", [x]) => real(x.cosh()),
        ("tanh", [x]) => real(x.tanh()),
        ("sqrt", [x]) => real(x.sqrt()),
        ("exp", [x]) => real(x.exp()),
        ("log", [x]) => real(x.ln()),
        ("log10", [x]) => real(x.log10()),
        ("pow", [x, y]) => real(x.powf(*y)),
        ("hypot", [x, y]) => real(x.hypot(*y)),
        ("fmod", [x, y]) => real(x % y),
        ("floor", [x]) => real(x.floor()),
        ("ceil", [x]) => real(x.ceil()),
        ("double", [x]) => real(*x),
        ("int" | "wide", [x]) => whole(x.trunc()),
        ("round", [x]) => whole(x.round()),
        ("abs", [x]) => match arguments.first() {
            Some(Value::Whole(n)) => n.checked_abs().map(Value::Whole),
            _ => real(x.abs()),
        },
        ("min", [_, ..]) => arguments.iter().min_by(|a, b| ordered(a, b)).cloned(),
        ("max", [_, ..]) => arguments.iter().max_by(|a, b| ordered(a, b)).cloned(),
        _ => None,
    }
}

fn ordered(a: &Value, b: &Value) -> std::cmp::Ordering {
    a.real().unwrap_or(0.0).total_cmp(&b.real().unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Seven;

    impl Surroundings for Seven {
        fn substituted(&mut self, _: &str, _: usize) -> Result<(Value, usize), Wrong> {
            Ok((Value::Whole(7), 2))
        }
    }

    fn value(text: &str) -> String {
        evaluate(text, 0, &mut Seven).map_or_else(|(why, at)| format!("{at}: {why}"), |v| v.text())
    }

    /// Each beside what `tclsh` 8.6 prints.
    #[test]
    fn numbers_are_those_of_tcl() {
        for (text, right) in [
            ("1/2", "0"),
            ("-7/2", "-4"),
            ("-7 % 3", "2"),
            ("1.0/4", "0.25"),
            ("2+3*4", "14"),
            ("2**3**2", "512"),
            ("(1+2)*$x", "21"),
            ("$x==7 && 3<2 || 1", "1"),
            ("5 > 3 ? 1.5e2 : 4", "150.0"),
            ("round(2.5)+int(-2.7)", "1"),
            ("-2**2", "4"),
            ("\"x\" eq \"x\"", "1"),
            ("1e-3*2", "0.002"),
            ("max(1, 2.5, 2)", "2.5"),
            ("!0", "1"),
            ("7 & 3 | 8", "11"),
        ] {
            assert_eq!(value(text), right, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, part) in [
            ("1/0", "division by zero"),
            ("2 +", "is incomplete"),
            ("f(2)", "unknown function"),
            ("(2", "`)` is missing"),
            ("2 3", "expected an operator"),
            ("9223372036854775807 + 1", "too large"),
            ("a * 2", "are not numbers"),
        ] {
            assert!(value(text).contains(part), "{text}: {}", value(text));
        }
        assert!(value(&"(".repeat(10_000)).contains("too deeply"));
        assert!(value(&"-".repeat(10_000)).contains("too deeply"));
    }
}
