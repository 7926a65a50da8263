//! Grammar rules of declarations: version, parameters, sweeps, expectations, measurements and ensembles.

use super::{Parser, Rule, VERSION};
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::Expr;
use crate::syntax::ast::*;
use crate::syntax::token::TokenKind;
use crate::syntax::words::{self, Role};

impl Parser<'_> {
    pub(super) fn item(&mut self) -> Rule<ItemKind> {
        let TokenKind::Name(word) = self.kind() else {
            return Err(self.no_statement("expected a statement").into());
        };
        if !words::is(word, Role::Statement) {
            return Err(self.unknown_statement(word, Role::Statement).into());
        }
        self.advance();
        match word {
            "ergoseq" => self.version(),
            "title" => Ok(ItemKind::Title(self.text("the title in quotes")?.text)),
            "units" => Ok(ItemKind::Units(self.name("`lab` or `natural`")?)),
            "param" => self.params(),
            "system" => {
                let before = self.diagnostics.len();
                let entries = self.block(Role::SystemEntry, |p, word| p.system_entry(word))?;
                self.gaps |= self.diagnostics.len() > before;
                Ok(ItemKind::System(entries))
            }
            "hamiltonian" => {
                let name = self.name("the name of the Hamiltonian")?;
                self.expect_sign("=")?;
                Ok(ItemKind::Hamiltonian(name, self.expression()?))
            }
            "operator" => {
                let name = self.name("the name of the operator")?;
                self.expect_sign("=")?;
                Ok(ItemKind::Operator(name, self.expression()?))
            }
            "state" => {
                let name = self.name("a name for the state")?;
                self.expect_sign("=")?;
                Ok(ItemKind::State(name, self.state()?))
            }
            "noise" => {
                let name = self.name("the name of the noise")?;
                let begins =
                    |p: &Self| matches!(p.kind(), TokenKind::Name(word) if word == "collapse" || word == "bath");
                Ok(ItemKind::Noise(name, self.braces(begins, |p| p.noise_entry())?))
            }
            "channel" => {
                let nucleus = self.nucleus()?;
                Ok(ItemKind::Channel(nucleus, self.settings_block()?))
            }
            "battery" => Ok(ItemKind::Battery(self.settings_block()?)),
            "ensemble" => Ok(ItemKind::Ensemble(self.entries(|p| p.distribution())?)),
            "cycle" => {
                let name = self.name("the name of the cycle")?;
                self.expect_sign("=")?;
                Ok(ItemKind::Cycle(name, self.phases()?))
            }
            "define" => self.define(),
            "spectrometer" => {
                let name = self.name("the name of the spectrometer")?;
                Ok(ItemKind::Spectrometer(name, self.settings_block()?))
            }
            "shape" => {
                let name = self.name("a name for the shape")?;
                self.expect_sign("=")?;
                Ok(ItemKind::Shape(name, self.text("the file's name in quotes")?))
            }
            "use" => Ok(ItemKind::Use(self.text("the file's name in quotes")?)),
            "sequence" => Ok(ItemKind::Sequence(self.statements()?)),
            "measure" => self.measures(),
            "sweep" => self.sweep(),
            "expect" => self.expect_item(),
            "theory" => self.theory(),
            _ => Err(self.unknown_statement(word, Role::Statement).into()),
        }
    }

    /// `"collapse" expr { setting } | "bath" site { "," site } settings`, with an index if `for` follows.
    fn noise_entry(&mut self) -> Rule<NoiseEntry> {
        let start = self.here();
        let kind = if self.opt_word("bath") {
            let mut sites = vec![self.site()?];
            while self.sign(",") {
                sites.push(self.site()?);
            }
            NoiseKind::Bath(sites, self.settings_block()?)
        } else {
            self.word("collapse")?;
            NoiseKind::Collapse(self.expression()?, self.settings()?)
        };
        let each = if self.opt_word("for") { Some(self.for_each()?) } else { None };
        Ok(NoiseEntry { kind, each, place: start.to(self.previous()).into() })
    }

    pub(super) fn version(&mut self) -> Rule<ItemKind> {
        let span = self.here();
        let TokenKind::Number(version) = self.kind() else {
            return Err(self.unexpected("expected the version of the language: `ergoseq 1`").into());
        };
        self.advance();
        if version != f64::from(VERSION) {
            return Err(Diagnostic::new(
                Code::UnsupportedVersion,
                span,
                format!("this ergoseq supports version {VERSION} of the language"),
            )
            .label(format!("the file is written in version {version}"))
            .help("a newer ergoseq may read it")
            .into());
        }
        Ok(ItemKind::Version(VERSION))
    }

    /// `params = param { "," param }`, `param = name "=" sum [ "in" sum ".." sum ] | name "=" "[" sum { "," sum } "]" |
    /// name "[" sum "]" ":" distribution`
    pub(super) fn params(&mut self) -> Rule<ItemKind> {
        let mut params = Vec::new();
        loop {
            let name = self.name("the name of a parameter")?;
            let value = self.param_value(&name)?;
            let range = if matches!(value, ParamValue::One(_)) && self.opt_word("in") {
                let from = self.expression()?;
                self.expect_sign("..")?;
                Some((from, self.expression()?))
            } else {
                None
            };
            if self.at_word("in") {
                return Err(self.unexpected("a list of parameters has no range").into());
            }
            params.push(Param { name, value, range });
            if !self.sign(",") {
                return Ok(ItemKind::Params(params));
            }
        }
    }

    fn param_value(&mut self, name: &Name) -> Rule<ParamValue> {
        if self.sign("[") {
            let open = self.previous();
            let size = self.expression()?;
            self.close("]", open)?;
            if self.at_sign("=") {
                let help = format!("a list is written `param {name} = [1, 2, 3]`, without its size");
                return Err(self.unexpected("expected `:` and a distribution").help(help).into());
            }
            self.expect_sign(":")?;
            let shape = self.name("the distribution: gaussian, uniform or lorentzian")?;
            return Ok(ParamValue::Random { size, shape, settings: self.settings_in_parentheses()? });
        }
        if self.at_sign(":") {
            let help = format!("for example `param {name}[4] : gaussian(mean = 0, sd = 1, seed = 1)`");
            return Err(self.unexpected("random parameters are an array, so their number is needed").help(help).into());
        }
        self.expect_sign("=")?;
        if self.sign("[") {
            let open = self.previous();
            if self.at_sign("]") {
                return Err(self.unexpected("a list has at least one value").into());
            }
            let values = self.list("]")?;
            self.close("]", open)?;
            return Ok(ParamValue::List(values));
        }
        Ok(ParamValue::One(self.expression()?))
    }

    /// `[ "(" { setting [ "," ] } ")" ]`: those of a distribution.
    fn settings_in_parentheses(&mut self) -> Rule<Vec<Setting>> {
        let mut settings = Vec::new();
        if self.sign("(") {
            let open = self.previous();
            while !self.at_sign(")") {
                settings.push(self.setting()?);
                if !self.sign(",") {
                    break;
                }
            }
            self.close(")", open)?;
        }
        Ok(settings)
    }

    pub(super) fn define(&mut self) -> Rule<ItemKind> {
        let name = self.name("the name of the subsequence")?;
        let mut arguments = Vec::new();
        if self.sign("(") {
            let open = self.previous();
            while !self.at_sign(")") {
                arguments.push(self.name("the name of an argument")?);
                if !self.sign(",") {
                    break;
                }
            }
            self.close(")", open)?;
        }
        Ok(ItemKind::Define(name, arguments, self.statements()?))
    }

    /// `sweep = "sweep" values | "sweep" "zip" "{" { values } "}"`
    pub(super) fn sweep(&mut self) -> Rule<ItemKind> {
        if self.opt_word("zip") {
            return Ok(ItemKind::Sweep(self.entries(|p| p.sweep_of_one())?));
        }
        Ok(ItemKind::Sweep(vec![self.sweep_of_one()?]))
    }

    pub(super) fn sweep_of_one(&mut self) -> Rule<Sweep> {
        let name = self.name("the parameter to sweep")?;
        self.expect_sign("=")?;
        Ok(Sweep { name, values: self.sweep_values()? })
    }

    /// `values = sum ".." sum "points" sum ["log"] | sum { "," sum }`
    pub(in crate::syntax) fn sweep_values(&mut self) -> Rule<SweepValues> {
        let first = self.expression()?;
        if self.sign("..") {
            let to = self.expression()?;
            if !self.at_word("points") {
                let help = "the number of points is missing: `1 us .. 10 us points 10`";
                return Err(self.unexpected("expected `points`").help(help).into());
            }
            self.word("points")?;
            let points = self.expression()?;
            let log = self.opt_word("log");
            return Ok(SweepValues::Range { from: first, to, points, log });
        }
        if self.at_word("to") || self.at_sign(":") {
            let help = "a range is written `1 us .. 10 us points 10`";
            return Err(self.unexpected("expected `..`").help(help).into());
        }
        let mut values = vec![first];
        while self.sign(",") {
            values.push(self.expression()?);
        }
        Ok(SweepValues::List(values))
    }

    pub(super) fn expect_item(&mut self) -> Rule<ItemKind> {
        let (value, at) = self.result("=")?;
        self.expect_sign("=")?;
        let expected = self.expression()?;
        self.word("within")?;
        let within = self.expression()?;
        let mut settings = Vec::new();
        if self.opt_word("where") {
            loop {
                let name = self.name("the name of a parameter")?;
                self.expect_sign("=")?;
                settings.push((name, self.expression()?));
                if !self.sign(",") {
                    break;
                }
            }
        }
        Ok(ItemKind::Expect(Expect { value, at, expected, within, settings }))
    }

    pub(super) fn theory(&mut self) -> Rule<ItemKind> {
        let trace = self.name("the name of a trace")?;
        self.expect_sign(".")?;
        let metric = self.expression()?;
        self.expect_sign("=")?;
        let value = self.expression()?;
        let within = if self.opt_word("within") { Some(self.expression()?) } else { None };
        Ok(ItemKind::Theory(Theory { trace, metric, value, within }))
    }

    /// `"measure" [ "at" name { "," name } ] "{" { measure } "}"`
    fn measures(&mut self) -> Rule<ItemKind> {
        let mut at = Vec::new();
        if self.opt_word("at") {
            at.push(self.name("the name of a mark")?);
            while self.sign(",") {
                at.push(self.name("the name of a mark")?);
            }
        }
        Ok(ItemKind::Measure(at, self.entries(|p| p.measure())?))
    }

    fn measure(&mut self) -> Rule<Measure> {
        let mut name = None;
        if let (TokenKind::Name(_), TokenKind::Sign("=")) = (self.peek(0), self.peek(1)) {
            name = Some(self.name("a name")?);
            self.expect_sign("=")?;
        }
        Ok(Measure { name, value: self.with_marks(|p| p.expression())? })
    }

    /// Parses an expression of metrics in which `at` names a mark.
    fn with_marks<T>(&mut self, rule: impl FnOnce(&mut Self) -> Rule<T>) -> Rule<T> {
        self.at_marks = true;
        let found = rule(self);
        self.at_marks = false;
        found
    }

    /// `sum [ "at" name ]`, up to the sign `end` or the end of the text. A single `at` at the end applies to the whole expression:
    /// `a + b at charged`. Several, or one followed by more text, apply to the metric before each.
    pub(in crate::syntax) fn result(&mut self, end: &str) -> Rule<(Expr, Option<Name>)> {
        let mut marks = Vec::new();
        let mut ahead = 0;
        loop {
            match self.peek(ahead) {
                TokenKind::End => break,
                TokenKind::Sign(sign) if sign == end => break,
                TokenKind::Name("at") => marks.push(ahead),
                _ => {}
            }
            ahead += 1;
        }
        match marks.as_slice() {
            [] => Ok((self.expression()?, None)),
            [at] if at + 2 == ahead => {
                let value = self.expression()?;
                self.word("at")?;
                Ok((value, Some(self.name("the name of a mark")?)))
            }
            _ => Ok((self.with_marks(|p| p.expression())?, None)),
        }
    }

    /// `distribution = name [ operand ] ":" name "(" settings ")" [ "points" sum ]`
    pub(super) fn distribution(&mut self) -> Rule<Distribution> {
        let quantity = self.name("a distributed quantity: offset, rf, param, orientation or position")?;
        let mut of = if self.at_sign(":") { None } else { Some(self.expression()?) };
        if let (Some(of), "offset" | "rf") = (&mut of, quantity.text.as_str()) {
            crate::syntax::expression::species(of);
        }
        self.expect_sign(":")?;
        let shape = self.name("the shape of the distribution")?;
        let settings = self.settings_in_parentheses()?;
        let points = if self.opt_word("points") { Some(self.expression()?) } else { None };
        Ok(Distribution { quantity, of, shape, settings, points })
    }
}
