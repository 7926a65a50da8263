//! Lengths and relations as expressions that have a value.

use super::lexer::{Token, TokenKind, lex};
use crate::source::Span;

/// An expression: a length of time, a count, a factor.
#[derive(Debug, Clone, PartialEq)]
pub struct Amount {
    /// The expression.
    pub expr: Expr,
    /// Where it stands.
    pub span: Span,
}

impl Amount {
    /// Its value where all names have one.
    pub fn value(&self, of: &dyn Fn(&str) -> Option<f64>) -> Option<f64> {
        self.expr.value(of)
    }

    /// The name that it is, where it is one alone.
    pub fn name(&self) -> Option<&str> {
        if let Expr::Name(name) = &self.expr { Some(name) } else { None }
    }
}

/// The form of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A number without a unit.
    Number(f64),
    /// A number with a unit, in seconds.
    Time(f64),
    /// A parameter, list or constant.
    Name(String),
    /// A function or an element of a list with its arguments.
    Call(String, Vec<Expr>),
    /// A negative.
    Minus(Box<Expr>),
    /// Two joined by `+`, `-`, `*`, `/` or `%`, or compared: `=` (equal), `!` (not equal), `<`, `>`, `l` (at most), `g` (at least), `&`, `|`.
    Binary(char, Box<Expr>, Box<Expr>),
}

/// The units of times, in seconds.
const UNITS: &[(&str, f64)] = &[
    ("s", 1.0),
    ("sec", 1.0),
    ("m", 1e-3),
    ("ms", 1e-3),
    ("msec", 1e-3),
    ("u", 1e-6),
    ("us", 1e-6),
    ("usec", 1e-6),
    ("n", 1e-9),
    ("ns", 1e-9),
    // Lengths of pulses.
    ("sp", 1.0),
    ("mp", 1e-3),
    ("up", 1e-6),
    ("ud", 1e-6),
];

/// A number with its unit: the value in seconds, and whether there was a unit.
///
/// # Errors
/// The unit that is none.
pub fn number(text: &str) -> Result<(f64, bool), String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    let (mut number, mut unit) = text.split_at(digits);
    // An exponent.
    if let Some(rest) = unit.strip_prefix(['e', 'E']) {
        let signed = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        let more = signed.len() - signed.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if more > 0 {
            (number, unit) = text.split_at(digits + 1 + (rest.len() - signed.len()) + more);
        }
    }
    let value: f64 = number.parse().map_err(|_| number.to_string())?;
    if unit.is_empty() {
        return Ok((value, false));
    }
    let found = UNITS.iter().find(|(u, _)| *u == unit).ok_or_else(|| unit.to_string())?;
    Ok((value * found.1, true))
}

impl Expr {
    /// Its value where all names have one.
    pub fn value(&self, of: &dyn Fn(&str) -> Option<f64>) -> Option<f64> {
        match self {
            Expr::Number(x) | Expr::Time(x) => Some(*x),
            Expr::Name(name) if name == "PI" => Some(std::f64::consts::PI),
            Expr::Name(name) => of(name),
            Expr::Minus(x) => Some(-x.value(of)?),
            Expr::Binary(sign, a, b) => {
                let (a, b) = (a.value(of)?, b.value(of)?);
                Some(match sign {
                    '+' => a + b,
                    '-' => a - b,
                    '*' => a * b,
                    '/' => a / b,
                    '%' => a % b,
                    _ => f64::from(u8::from(compared(*sign, a, b)?)),
                })
            }
            Expr::Call(name, arguments) => {
                let values: Vec<f64> = arguments.iter().map(|x| x.value(of)).collect::<Option<_>>()?;
                match (name.as_str(), values.as_slice()) {
                    ("larger" | "max", [a, b]) => Some(a.max(*b)),
                    ("smaller" | "min", [a, b]) => Some(a.min(*b)),
                    ("trunc", [a]) => Some(a.trunc()),
                    ("round", [a]) => Some(a.round()),
                    ("sqrt", [a]) => Some(a.sqrt()),
                    ("pow", [a, b]) => Some(a.powf(*b)),
                    ("abs" | "fabs", [a]) => Some(a.abs()),
                    ("exp", [a]) => Some(a.exp()),
                    ("log", [a]) => Some(a.ln()),
                    ("log10", [a]) => Some(a.log10()),
                    ("sin", [a]) => Some(a.sin()),
                    ("cos", [a]) => Some(a.cos()),
                    ("tan", [a]) => Some(a.tan()),
                    ("asin", [a]) => Some(a.asin()),
                    ("acos", [a]) => Some(a.acos()),
                    ("atan", [a]) => Some(a.atan()),
                    // An entry of a list.
                    (list, [k]) => of(&format!("{list}[{k}]")),
                    _ => None,
                }
            }
        }
    }

    /// Calls `visit` for every name.
    pub fn names<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        match self {
            Expr::Number(_) | Expr::Time(_) => {}
            Expr::Name(name) => visit(name),
            Expr::Minus(x) => x.names(visit),
            Expr::Binary(_, a, b) => {
                a.names(visit);
                b.names(visit);
            }
            Expr::Call(_, arguments) => arguments.iter().for_each(|x| x.names(visit)),
        }
    }
}

/// `==`, `<` and their kin.
fn compared(sign: char, a: f64, b: f64) -> Option<bool> {
    Some(match sign {
        '=' => a == b,
        '!' => a != b,
        '<' => a < b,
        '>' => a > b,
        'l' => a <= b,
        'g' => a >= b,
        '&' => a != 0.0 && b != 0.0,
        '|' => a != 0.0 || b != 0.0,
        _ => return None,
    })
}

/// What a relation does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// `p3=p1*0.5`
    Set(String, Expr),
    /// `if (l0 == 1) { d2=1m; } else { d2=2m; }`
    If(Expr, Vec<Action>, Vec<Action>),
}

/// Reads a relation; `None` where it has another form.
pub fn actions(relation: &str) -> Option<Vec<Action>> {
    // Semicolons separate assignments here; in a line they begin a comment.
    let tokens: Vec<Token> =
        lex(&relation.replace(';', " $ "), 0).tokens.into_iter().filter(|t| t.kind != TokenKind::End).collect();
    let mut reader = Reader { tokens: &tokens, at: 0, spaced: true, depth: 0 };
    let found = reader.actions()?;
    (reader.at == tokens.len()).then_some(found)
}

/// Reads a condition: `l0 % 2 == 1`; `None` where it has another form.
pub fn condition(text: &str) -> Option<Expr> {
    let tokens: Vec<Token> = lex(text, 0).tokens.into_iter().filter(|t| t.kind != TokenKind::End).collect();
    let mut reader = Reader { tokens: &tokens, at: 0, spaced: true, depth: 0 };
    let found = reader.disjunction().ok()?;
    (reader.at == tokens.len()).then_some(found)
}

/// The assignments of a relation, those of both branches of a condition; none where it has a form that is not known.
pub fn assignments(relation: &str) -> Vec<(String, Expr)> {
    fn flat(actions: Vec<Action>, out: &mut Vec<(String, Expr)>) {
        for action in actions {
            match action {
                Action::Set(name, value) => out.push((name, value)),
                Action::If(_, then, otherwise) => {
                    flat(then, out);
                    flat(otherwise, out);
                }
            }
        }
    }
    let mut out = Vec::new();
    flat(actions(relation).unwrap_or_default(), &mut out);
    out
}

/// Reads an expression from words.
pub struct Reader<'a> {
    /// The words.
    pub tokens: &'a [Token],
    /// The next of them.
    pub at: usize,
    /// Whether blanks may stand before `+` and `-`: in relations, but not between the items of a line.
    pub spaced: bool,
    /// How many parentheses, signs and conditions stand around.
    pub depth: usize,
}

/// Deeper than this nothing is meant.
pub const DEEPEST: usize = 200;

/// The most terms or factors that are joined.
const MOST_TERMS: usize = 1000;

/// What is wrong with an expression, and where.
pub type Wrong = (String, Option<Span>);

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn is_sign(&self, sign: &str) -> bool {
        self.peek().is_some_and(|t| t.kind == TokenKind::Sign && t.text == sign)
    }

    /// Whether the next word follows without a blank.
    fn adjacent(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|k| self.tokens.get(k));
        matches!((before, self.peek()), (Some(a), Some(b)) if a.span.end == b.span.start)
    }

    /// A sum.
    pub fn sum(&mut self) -> Result<Expr, Wrong> {
        let mut left = self.product()?;
        let mut terms = 1;
        while (self.is_sign("+") || self.is_sign("-")) && (self.spaced || self.adjacent()) {
            let sign = if self.is_sign("+") { '+' } else { '-' };
            terms = self.counted(terms)?;
            self.at += 1;
            left = Expr::Binary(sign, Box::new(left), Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expr, Wrong> {
        let mut left = self.primary()?;
        let mut factors = 1;
        while self.is_sign("*") || self.is_sign("/") || self.spaced && self.is_sign("%") {
            let sign = self.peek().and_then(|t| t.text.chars().next()).unwrap_or('*');
            factors = self.counted(factors)?;
            self.at += 1;
            left = Expr::Binary(sign, Box::new(left), Box::new(self.primary()?));
        }
        Ok(left)
    }

    /// Conditions joined by `||`.
    fn disjunction(&mut self) -> Result<Expr, Wrong> {
        self.joined("|", &Self::conjunction)
    }

    fn conjunction(&mut self) -> Result<Expr, Wrong> {
        self.joined("&", &Self::comparison)
    }

    /// Parts with a doubled sign between them.
    fn joined(&mut self, sign: &str, part: &dyn Fn(&mut Self) -> Result<Expr, Wrong>) -> Result<Expr, Wrong> {
        let mut left = part(self)?;
        let mut parts = 1;
        while self.is_sign(sign) {
            parts = self.counted(parts)?;
            self.at += 1;
            self.at += usize::from(self.is_sign(sign));
            let name = sign.chars().next().unwrap_or('|');
            left = Expr::Binary(name, Box::new(left), Box::new(part(self)?));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Expr, Wrong> {
        self.deeper(Self::compared_sums)
    }

    fn compared_sums(&mut self) -> Result<Expr, Wrong> {
        if self.is_sign("!") {
            self.at += 1;
            let zero = Box::new(Expr::Number(0.0));
            return Ok(Expr::Binary('=', Box::new(self.comparison()?), zero));
        }
        // Parentheses may hold a condition or a number.
        let begin = self.at;
        if self.is_sign("(") {
            self.at += 1;
            if let Ok(inner) = self.disjunction()
                && matches!(inner, Expr::Binary('=' | '!' | '<' | '>' | 'l' | 'g' | '&' | '|', ..))
                && self.is_sign(")")
            {
                self.at += 1;
                return Ok(inner);
            }
            self.at = begin;
        }
        let left = self.sum()?;
        let first = self.peek().filter(|t| t.kind == TokenKind::Sign).map(|t| t.text.clone()).unwrap_or_default();
        let equal = self.tokens.get(self.at + 1).is_some_and(|t| t.kind == TokenKind::Sign && t.text == "=");
        let sign = match (first.as_str(), equal) {
            ("=", true) => '=',
            ("!", true) => '!',
            ("<", true) => 'l',
            (">", true) => 'g',
            ("<", false) => '<',
            (">", false) => '>',
            _ => return Ok(left),
        };
        self.at += if equal { 2 } else { 1 };
        Ok(Expr::Binary(sign, Box::new(left), Box::new(self.sum()?)))
    }

    fn actions(&mut self) -> Option<Vec<Action>> {
        let mut out = Vec::new();
        loop {
            while self.is_sign("$") {
                self.at += 1;
            }
            if self.peek().is_none() || self.is_sign("}") {
                return Some(out);
            }
            out.push(self.action()?);
        }
    }

    fn action(&mut self) -> Option<Action> {
        let name = self.peek().filter(|t| t.kind == TokenKind::Word)?.text.clone();
        self.at += 1;
        let part = self.part();
        if name != "if" {
            // `d5 = d3 = 1m` is no form of the language.
            if !self.is_sign("=") {
                return None;
            }
            self.at += 1;
            return Some(Action::Set(name + &part, self.disjunction().ok()?));
        }
        if !self.is_sign("(") {
            return None;
        }
        self.at += 1;
        let test = self.disjunction().ok()?;
        self.at += usize::from(self.is_sign(")"));
        let then = self.deeper(|r| Ok(r.block())).ok()??;
        while self.is_sign("$") && self.tokens.get(self.at + 1).is_some_and(|t| t.text == "else") {
            self.at += 1;
        }
        let otherwise = if self.peek().is_some_and(|t| t.text == "else") {
            self.at += 1;
            self.deeper(|r| Ok(r.block())).ok()??
        } else {
            vec![]
        };
        Some(Action::If(test, then, otherwise))
    }

    /// `.max` behind the name of a list.
    fn part(&mut self) -> String {
        let word = self.tokens.get(self.at + 1).filter(|t| t.kind == TokenKind::Word && self.is_sign("."));
        let Some(word) = word.filter(|_| self.adjacent()) else { return String::new() };
        let text = format!(".{}", word.text);
        self.at += 2;
        text
    }

    /// Actions in braces, or one alone.
    fn block(&mut self) -> Option<Vec<Action>> {
        if !self.is_sign("{") {
            return Some(vec![self.action()?]);
        }
        self.at += 1;
        let inside = self.actions()?;
        if !self.is_sign("}") {
            return None;
        }
        self.at += 1;
        Some(inside)
    }

    /// One more term, while there is room.
    fn counted(&self, terms: usize) -> Result<usize, Wrong> {
        if terms < MOST_TERMS {
            return Ok(terms + 1);
        }
        Err((format!("more than {MOST_TERMS} terms in an expression"), self.peek().map(|t| t.span)))
    }

    /// One level deeper, while there is room.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Wrong>) -> Result<T, Wrong> {
        if self.depth >= DEEPEST {
            let place = self.peek().map(|t| t.span);
            return Err((format!("more than {DEEPEST} nested parentheses or signs"), place));
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }

    fn primary(&mut self) -> Result<Expr, Wrong> {
        self.deeper(Self::part_of_product)
    }

    fn part_of_product(&mut self) -> Result<Expr, Wrong> {
        let Some(token) = self.peek().cloned() else { return Err(("incomplete expression".into(), None)) };
        self.at += 1;
        match (token.kind, token.text.as_str()) {
            (TokenKind::Number, text) => match number(text) {
                Ok((x, true)) => Ok(Expr::Time(x)),
                Ok((x, false)) => Ok(Expr::Number(x)),
                Err(unit) => Err((format!("unknown unit `{unit}`"), Some(token.span))),
            },
            (TokenKind::Sign, "-") => Ok(Expr::Minus(Box::new(self.primary()?))),
            (TokenKind::Sign, "+") => self.primary(),
            (TokenKind::Sign, "(") => {
                let spaced = std::mem::replace(&mut self.spaced, true);
                let inside = self.sum()?;
                self.spaced = spaced;
                if !self.is_sign(")") {
                    return Err(("unclosed parenthesis".into(), Some(token.span)));
                }
                self.at += 1;
                Ok(inside)
            }
            (TokenKind::Word, name) => {
                let part = if self.spaced { self.part() } else { String::new() };
                if part.is_empty() { self.named(name) } else { Ok(Expr::Name(name.to_string() + &part)) }
            }
            (_, text) => Err((format!("`{text}` has no value"), Some(token.span))),
        }
    }

    fn named(&mut self, name: &str) -> Result<Expr, Wrong> {
        let close = match self.peek().map(|t| t.text.as_str()) {
            Some("(") if self.adjacent() => ")",
            Some("[") if self.adjacent() => "]",
            _ => return Ok(Expr::Name(name.to_string())),
        };
        self.at += 1;
        let spaced = std::mem::replace(&mut self.spaced, true);
        let mut arguments = Vec::new();
        while !self.is_sign(close) {
            arguments.push(self.sum()?);
            if self.is_sign(",") {
                self.at += 1;
            } else if !self.is_sign(close) {
                return Err((format!("`{close}` is missing"), self.peek().map(|t| t.span)));
            }
        }
        self.at += 1;
        self.spaced = spaced;
        Ok(Expr::Call(name.to_string(), arguments))
    }
}

#[cfg(test)]
mod tests {
    use super::{Expr, assignments, number};

    #[test]
    fn relations_have_values() {
        let of = |name: &str| (name == "p1").then_some(2.5e-6);
        let value = |text: &str| assignments(text).first().and_then(|(_, e)| e.value(&of));
        assert_eq!(value("p3=p1*0.5"), Some(1.25e-6));
        assert_eq!(value("DELTA = 1s/(2*4) - p1 * 2"), Some(0.125 - 5e-6));
        assert_eq!(value("d2=larger(p1, 3u)"), Some(3e-6));
        assert_eq!(assignments("if (l1 == 2) { d3 = 1; }").len(), 1);
        let test =
            |text: &str, l1: f64| super::condition(text).and_then(|e| e.value(&|name| (name == "l1").then_some(l1)));
        for (text, values) in [
            ("l1 == 2", [0.0, 1.0]),
            ("l1 % 2 == 1", [1.0, 0.0]),
            ("(l1 >= 2) && (l1 != 3)", [0.0, 1.0]),
            ("l1 < 1 || l1 > 1.5", [0.0, 1.0]),
            ("abs((l1%8)-4) > 2", [1.0, 0.0]),
            ("pow(l1, 2)*0.5 <= 1", [1.0, 0.0]),
        ] {
            assert_eq!([test(text, 1.0), test(text, 2.0)], values.map(Some), "{text}");
        }
        assert_eq!(super::condition("l1 =="), None);
        // However deep or long, an expression is read or refused.
        for (open, close) in [("(", ")"), ("!", ""), ("-", ""), ("1+", ""), ("2*", ""), ("1||", "")] {
            let text = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
            assert_eq!((super::condition(&text), super::actions(&format!("l1={text}"))), (None, None), "{open}");
        }
        let nested = format!("{}l2=1{}", "if (l1==1) { ".repeat(100_000), "}".repeat(100_000));
        assert_eq!(super::actions(&nested), None);
        assert_eq!(super::actions("while (l1) { l1 = 0 }"), None);
        assert!(matches!(assignments("d2=-3u").first(), Some((_, Expr::Minus(_)))));
        assert_eq!(
            (number("30m"), number("1e-3s"), number("2z")),
            (Ok((0.03, true)), Ok((1e-3, true)), Err("z".into()))
        );
    }
}
