//! Values of parameters: a number, and the text that stands for it in a `.seq` file.

use super::write::shown;

/// A value. Pulse programs mix numbers and seconds; a `.seq` file has dimensions.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// In seconds and hertz.
    pub number: f64,
    /// An expression of parameters; none where the number is given.
    text: Option<String>,
    /// The power of time that it has.
    pub time: i32,
    /// How its text binds, where it has one.
    binds: Binding,
}

/// How tightly the parts of a text hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Sum,
    Product,
    Whole,
}

impl Value {
    /// A given number.
    pub fn known(number: f64, time: i32) -> Value {
        Value { number, text: None, time, binds: Binding::Whole }
    }

    /// An expression of parameters that are not given.
    pub fn of_text(number: f64, text: impl Into<String>, time: i32) -> Value {
        Value { number, text: Some(text.into()), time, binds: Binding::Whole }
    }

    /// Whether its number is given.
    pub fn is_known(&self) -> bool {
        self.text.is_none()
    }

    /// As a `.seq` file has it.
    pub fn text(&self) -> String {
        match (&self.text, self.time) {
            (Some(text), _) => text.clone(),
            (None, 0) => shown(self.number),
            (None, 1) => format!("{} s", shown(self.number)),
            (None, -1) => format!("{} Hz", shown(self.number)),
            (None, power) => format!("{} * (1 s)^({power})", shown(self.number)),
        }
    }

    fn bound(number: f64, text: String, time: i32, binds: Binding) -> Value {
        Value { number, text: Some(text), time, binds }
    }

    /// How its text binds: a negative number, and one with a unit, are parts that need parentheses.
    fn binding(&self) -> Binding {
        match &self.text {
            Some(_) => self.binds,
            None if self.number < 0.0 => Binding::Sum,
            None if self.time == 0 => Binding::Whole,
            None => Binding::Product,
        }
    }

    /// Its text among others that bind so.
    fn within(&self, binds: Binding) -> String {
        if self.binding() < binds { format!("({})", self.text()) } else { self.text() }
    }

    /// The same number as a power of time.
    pub fn measured(self, time: i32) -> Value {
        if self.text.is_none() || time == self.time {
            return Value { time, ..self };
        }
        let inner = self.within(Binding::Product);
        let text = match time - self.time {
            1 => format!("{inner} * 1 s"),
            -1 => format!("{inner} * 1 Hz"),
            power => format!("{inner} * (1 s)^({power})"),
        };
        Value::bound(self.number, text, time, Binding::Product)
    }

    /// A negative.
    pub fn negated(&self) -> Value {
        match &self.text {
            None => Value::known(-self.number, self.time),
            Some(_) => Value::bound(-self.number, format!("-{}", self.within(Binding::Whole)), self.time, Binding::Sum),
        }
    }

    /// Two joined by a sign of arithmetic.
    pub fn joined(self, sign: char, other: Value) -> Value {
        let number = match sign {
            '+' => self.number + other.number,
            '-' => self.number - other.number,
            '*' => self.number * other.number,
            _ => self.number / other.number,
        };
        let (a, b) = if matches!(sign, '+' | '-') && self.time != other.time {
            // Plain numbers beside times are seconds.
            let time = if self.time == 0 { other.time } else { self.time };
            (self.measured(time), other.measured(time))
        } else {
            (self, other)
        };
        let time = match sign {
            '*' => a.time + b.time,
            '/' => a.time - b.time,
            _ => a.time,
        };
        let known = a.is_known() && b.is_known();
        match sign {
            _ if known => Value::known(number, time),
            '+' if a.is_known() && a.number == 0.0 => b,
            '+' | '-' if b.is_known() && b.number == 0.0 => a,
            '*' if a.is_known() && a.number == 1.0 && a.time == 0 => b,
            '*' | '/' if b.is_known() && b.number == 1.0 && b.time == 0 => a,
            _ => {
                let (left, right, binds) = match sign {
                    '+' => (Binding::Sum, Binding::Product, Binding::Sum),
                    '-' => (Binding::Sum, Binding::Product, Binding::Sum),
                    '*' => (Binding::Product, Binding::Product, Binding::Product),
                    _ => (Binding::Product, Binding::Whole, Binding::Product),
                };
                Value::bound(number, format!("{} {sign} {}", a.within(left), b.within(right)), time, binds)
            }
        }
    }

    /// A sum.
    pub fn plus(&self, other: &Value) -> Value {
        self.clone().joined('+', other.clone())
    }

    /// A difference.
    pub fn minus(&self, other: &Value) -> Value {
        self.clone().joined('-', other.clone())
    }

    /// A time that is no less than zero; with given numbers none may be.
    ///
    /// # Errors
    /// When its number is given and negative.
    pub fn waited(self) -> Result<Value, String> {
        match (self.is_known(), self.number) {
            // The rounding of a sum.
            (true, x) if (-1e-9..0.0).contains(&x) => Ok(Value::known(0.0, self.time)),
            (true, x) if x < 0.0 => Err(format!("this delay would last {} s", shown(x))),
            (false, x) if x < 0.0 => Ok(Value::of_text(0.0, format!("max(0 s, {})", self.text()), self.time)),
            _ => Ok(self),
        }
    }

    /// A function of values, whose text is that of the language.
    pub fn called(name: &str, number: f64, arguments: &[Value]) -> Value {
        // Those that compare keep the dimension, the others are numbers of numbers.
        let keeps = matches!(name, "max" | "min" | "abs");
        let time = if keeps { arguments.iter().map(|a| a.time).find(|t| *t != 0).unwrap_or(0) } else { 0 };
        if arguments.iter().all(Value::is_known) {
            return Value::known(number, time);
        }
        let all: Vec<String> = arguments.iter().map(|a| a.clone().measured(time).text()).collect();
        Value::of_text(number, format!("{name}({})", all.join(", ")), time)
    }
}
