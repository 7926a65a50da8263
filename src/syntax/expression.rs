//! Parser of expressions: one function per rule, named as the rule in `grammar.md`.

use super::ast::Name;
use super::expr::{Expr, ExprKind, Factor, Fold, Over, Term};
use super::parser::{Nest, Parser, Rule};
use super::token::TokenKind;
use super::words;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::spin::ELECTRON;
use crate::units::Unit;

/// Functions and metrics of a nucleus: their first argument `e` is the electron, whatever else is called so.
pub const OF_SPECIES: [&str; 5] = ["gamma", "larmor", "length", "signal", "signal_im"];

/// `e` as the electron, where a nucleus is expected.
pub(super) fn species(expr: &mut Expr) {
    if matches!(&expr.kind, ExprKind::Name(name) if name == ELECTRON.symbol) {
        expr.kind = ExprKind::Isotope(ELECTRON.symbol.to_string());
    }
}

impl Parser<'_> {
    /// `sum = ["-" | "+"] product { ("+" | "-") product }`
    pub(super) fn expression(&mut self) -> Rule<Expr> {
        self.deeper(Nest::Expression, |p| {
            let start = p.here();
            let mut negative = p.sign("-");
            if !negative {
                p.sign("+");
            }
            let first = p.product()?;
            if !negative && !p.at_sign("-") && !p.at_sign("+") {
                return Ok(first);
            }
            let mut terms = vec![Term { negative, value: first }];
            loop {
                negative = if p.sign("-") {
                    true
                } else if p.sign("+") {
                    false
                } else {
                    break;
                };
                terms.push(Term { negative, value: p.product()? });
            }
            terms.shrink_to_fit();
            Ok(Expr::at(ExprKind::Sum(terms), start.to(p.previous())))
        })
    }

    /// `product = power { ("*" | "/") power }`
    fn product(&mut self) -> Rule<Expr> {
        let start = self.here();
        let first = self.power()?;
        if !self.at_sign("*") && !self.at_sign("/") {
            return Ok(first);
        }
        let mut factors = vec![Factor { divides: false, value: first }];
        loop {
            let divides = if self.sign("*") {
                false
            } else if self.sign("/") {
                true
            } else {
                break;
            };
            factors.push(Factor { divides, value: self.power()? });
        }
        factors.shrink_to_fit();
        Ok(Expr::at(ExprKind::Product(factors), start.to(self.previous())))
    }

    /// `power = ["-"] primary [ "^" power ]`: a minus sign here applies to one factor, as in `2 * -x` and `x^-1`.
    fn power(&mut self) -> Rule<Expr> {
        let start = self.here();
        if self.sign("-") {
            let value = self.deeper(Nest::Expression, Self::power)?;
            let terms = vec![Term { negative: true, value }];
            return Ok(Expr::at(ExprKind::Sum(terms), start.to(self.previous())));
        }
        let parenthesised = self.at_sign("(");
        let base = self.primary()?;
        if !self.at_sign("^") {
            return Ok(base);
        }
        if matches!(base.kind, ExprKind::Quantity(..)) && !parenthesised {
            let hint = format!("write `({base})^...` for the power of the whole quantity");
            return Err(self.unexpected("`^` after a unit is ambiguous").help(hint).into());
        }
        self.sign("^");
        let exponent = self.deeper(Nest::Expression, Self::power)?;
        Ok(Expr::at(ExprKind::Power(Box::new(base), Box::new(exponent)), start.to(self.previous())))
    }

    /// `primary = number [unit] | isotope | text | name ["[" sum "]" | "(" list ")"] ["at" name] | "(" list ")" [unit]`
    fn primary(&mut self) -> Rule<Expr> {
        let start = self.here();
        match self.kind() {
            TokenKind::Number(value) => {
                self.advance();
                if let Some(isotope) = self.isotope_behind(value, start) {
                    return Ok(isotope);
                }
                let number = Expr::at(ExprKind::Number(value), start);
                self.opt_unit(number, start)
            }
            TokenKind::Text(text) => {
                self.advance();
                Ok(Expr::at(ExprKind::Text(text.to_string()), start))
            }
            TokenKind::Sign("(") => {
                self.advance();
                let mut items = self.list(")")?;
                self.close(")", start)?;
                let inner = if items.len() == 1 {
                    items.remove(0)
                } else {
                    Expr::at(ExprKind::Tuple(items), start.to(self.previous()))
                };
                self.opt_unit(inner, start)
            }
            TokenKind::Name(name) => {
                self.advance();
                let metric = self.named(name, start)?;
                self.opt_mark(metric, start)
            }
            TokenKind::Sign(_) | TokenKind::End => {
                Err(self.unexpected("expected a number, a name or a parenthesis").into())
            }
        }
    }

    fn named(&mut self, name: &str, start: Span) -> Rule<Expr> {
        if self.at_sign("(") && !self.begins_line() {
            let open = self.here();
            self.advance();
            if let Some(fold) = Fold::ALL.into_iter().find(|fold| fold.word() == name) {
                return self.over(fold, start, open);
            }
            let mut items = if self.at_sign(")") { vec![] } else { self.list(")")? };
            self.close(")", open)?;
            if let Some(of) = items.first_mut()
                && OF_SPECIES.contains(&name)
            {
                species(of);
            }
            return Ok(Expr::at(ExprKind::Call(name.to_string(), items), start.to(self.previous())));
        }
        if self.at_sign("[") && !self.begins_line() {
            let open = self.here();
            self.advance();
            let index = self.expression()?;
            self.close("]", open)?;
            return Ok(Expr::at(ExprKind::Index(name.to_string(), Box::new(index)), start.to(self.previous())));
        }
        if self.at_sign(".") && matches!(self.peek(1), TokenKind::Name(_)) {
            self.advance();
            let member = self.deeper(Nest::Expression, |p| p.primary())?;
            if matches!(member.kind, ExprKind::Member(..)) {
                let message = format!("`{member}` belongs to `{name}` and to something else");
                let span = start.to(self.previous());
                return Err(Diagnostic::new(Code::WrongKind, span, message).label("ambiguous").into());
            }
            return Ok(Expr::at(ExprKind::Member(name.to_string(), Box::new(member)), start.to(self.previous())));
        }
        Ok(Expr::at(ExprKind::Name(name.to_string()), start))
    }

    /// An optional mark after a metric: `ergotropy at charged` is parsed as `charged.ergotropy`.
    fn opt_mark(&mut self, metric: Expr, start: Span) -> Rule<Expr> {
        if !self.at_marks || self.begins_line() || !self.opt_word("at") {
            return Ok(metric);
        }
        let mark = self.name("the name of a mark")?;
        if matches!(metric.kind, ExprKind::Member(..)) {
            let message = format!("`{metric}` belongs to `{mark}` and to something else");
            return Err(Diagnostic::new(Code::WrongKind, start.to(self.previous()), message).label("ambiguous").into());
        }
        Ok(Expr::at(ExprKind::Member(mark.text, Box::new(metric)), start.to(self.previous())))
    }

    /// `( "sum" | "product" ) "(" range { "," range } "," sum ")"`, `range = name "in" sum ".." sum`. Several ranges are nested, the first
    /// outermost: the bounds of the others may contain its index.
    fn over(&mut self, fold: Fold, start: Span, open: Span) -> Rule<Expr> {
        let mut over = self.ranges(fold, start, &mut Vec::new())?;
        self.close(")", open)?;
        over.place = start.to(self.previous()).into();
        Ok(over)
    }

    /// The ranges from here on, and the summand or factor.
    fn ranges(&mut self, fold: Fold, start: Span, before: &mut Vec<Name>) -> Rule<Expr> {
        let index = self.name(match fold {
            Fold::Sum => "the index of the sum",
            Fold::Product => "the index of the product",
        })?;
        if let Some(first) = before.iter().find(|name| name.text == index.text) {
            let message = format!("`{index}` is the index of two ranges");
            let diagnostic = Diagnostic::new(Code::DefinedTwice, index.span(), message).label("given again here");
            return Err(diagnostic.related(first.span(), "first given here").into());
        }
        self.word("in")?;
        let from = self.expression()?;
        self.expect_sign("..")?;
        let to = self.expression()?;
        self.expect_sign(",")?;
        before.push(index.clone());
        let another =
            matches!((self.peek(0), self.peek(1)), (TokenKind::Name(_), TokenKind::Name(word)) if word == "in");
        let body = if another {
            self.deeper(Nest::Expression, |p| p.ranges(fold, start, before))?
        } else {
            self.expression()?
        };
        let over = Over { fold, index: index.text, from, to, body };
        Ok(Expr::at(ExprKind::Over(Box::new(over)), start.to(self.previous())))
    }

    pub(super) fn list(&mut self, end: &'static str) -> Rule<Vec<Expr>> {
        let mut items = vec![self.expression()?];
        while self.sign(",") {
            if self.at_sign(end) {
                break;
            }
            items.push(self.expression()?);
        }
        Ok(items)
    }

    /// An integer directly followed by an element symbol: `13C`. Units have priority: `9T` is a field.
    fn isotope_behind(&mut self, value: f64, start: Span) -> Option<Expr> {
        let TokenKind::Name(symbol) = self.kind() else { return None };
        let touches = self.here().start == start.end;
        let mut letters = symbol.chars();
        let element = letters.next().is_some_and(|c| c.is_ascii_uppercase())
            && letters.all(|c| c.is_ascii_lowercase())
            && symbol.len() <= 2;
        if !touches || !element || value.fract() != 0.0 || value > 300.0 || Unit::named(symbol).is_some() {
            return None;
        }
        self.advance();
        Some(Expr::at(ExprKind::Isotope(format!("{value}{symbol}")), start.to(self.previous())))
    }

    /// A unit after a number or parenthesis, on the same line. A keyword or setting may also follow; any other name is an unknown unit.
    fn opt_unit(&mut self, value: Expr, start: Span) -> Rule<Expr> {
        if self.begins_line() {
            return Ok(value);
        }
        if let Some(symbol) = self.composite_unit() {
            return Ok(Expr::at(ExprKind::Quantity(Box::new(value), symbol), start.to(self.previous())));
        }
        let TokenKind::Name(symbol) = self.kind() else { return Ok(value) };
        if let Some(unit) = Unit::named(symbol) {
            self.advance();
            return Ok(Expr::at(ExprKind::Quantity(Box::new(value), unit), start.to(self.previous())));
        }
        let setting = matches!(self.peek(1), TokenKind::Sign("="));
        if words::is_word(symbol) || setting || symbol == "shape" {
            return Ok(value);
        }
        let here = self.here();
        let diagnostic = Diagnostic::new(Code::UnknownUnit, here, format!("`{symbol}` is not a unit"));
        if matches!(self.peek(1), TokenKind::Sign("(")) {
            return Err(diagnostic.help("write a product with `*`").into());
        }
        Err(diagnostic.label("unknown unit").help(Unit::hint(symbol)).into())
    }

    /// Composite units `rad/s` and `1/s`: three adjacent tokens.
    fn composite_unit(&mut self) -> Option<&'static Unit> {
        let first = match self.kind() {
            TokenKind::Name(name) => name,
            TokenKind::Number(1.0) => "1",
            _ => return None,
        };
        let (TokenKind::Sign("/"), TokenKind::Name(second)) = (self.peek(1), self.peek(2)) else { return None };
        if self.span_of(0).end != self.span_of(1).start || self.span_of(1).end != self.span_of(2).start {
            return None;
        }
        let unit = Unit::named(&format!("{first}/{second}"))?;
        for _ in 0..3 {
            self.advance();
        }
        Some(unit)
    }
}
