//! The grammar of statements: one function a rule, named as the rule in `grammar.md`. Parsing never fails: a statement that
//! cannot be read becomes a diagnostic, and reading goes on at the next statement.

use super::ast::*;
use super::expr::{Expr, ExprKind};
use super::expression::MAX_DEPTH;
use super::token::{Token, TokenKind};
use super::words::{self, Role};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::units::Unit;

/// What a rule gives. The mistake is boxed: it is large and rare.
pub(super) type Rule<T> = Result<T, Box<Diagnostic>>;

/// The version of the language that this program reads.
pub const VERSION: u32 = 1;

/// Tokens, and where we are in them.
pub struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    /// How deep each kind of nesting is.
    depth: Depths,
    /// Whether a declaration was lost.
    gaps: bool,
    /// The mistakes so far.
    pub diagnostics: Vec<Diagnostic>,
}

/// How deep each kind of nesting is.
#[derive(Default)]
struct Depths {
    expression: u32,
    state: u32,
    block: u32,
}

impl Depths {
    fn of(&mut self, nest: Nest) -> &mut u32 {
        match nest {
            Nest::Expression => &mut self.expression,
            Nest::State => &mut self.state,
            Nest::Block => &mut self.block,
        }
    }
}

/// What nests, each within itself.
#[derive(Clone, Copy)]
pub(super) enum Nest {
    /// Parentheses, calls and powers.
    Expression,
    /// States in states.
    State,
    /// Blocks of statements.
    Block,
}

impl<'a> Parser<'a> {
    /// A parser at the beginning of the tokens, which end with [`TokenKind::End`].
    pub fn new(tokens: &'a [Token]) -> Parser<'a> {
        Parser { tokens, at: 0, depth: Depths::default(), gaps: false, diagnostics: Vec::new() }
    }

    /// `file = { item }`
    pub fn file(&mut self) -> Program {
        let mut items = Vec::new();
        while *self.kind() != TokenKind::End {
            let (start, at) = (self.here(), self.at);
            match self.item() {
                Ok(kind) => items.push(Item { kind, place: start.to(self.previous()).into() }),
                Err(diagnostic) => {
                    self.diagnostics.push(*diagnostic);
                    self.gaps = true;
                    self.recover(at, |word| words::is(word, Role::Statement), true);
                }
            }
        }
        Program { items, gaps: self.gaps }
    }

    fn item(&mut self) -> Rule<ItemKind> {
        let TokenKind::Name(word) = self.kind().clone() else {
            return Err(self.unexpected("expected a statement").into());
        };
        if !words::is(&word, Role::Statement) {
            return Err(self.unknown_statement(&word, Role::Statement).into());
        }
        self.advance();
        match word.as_str() {
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
            "noise" => {
                let name = self.name("the name of the noise")?;
                let collapse = self.braces(
                    |p| matches!(p.kind(), TokenKind::Name(word) if word == "collapse"),
                    |p| {
                        p.word("collapse")?;
                        p.expression()
                    },
                )?;
                Ok(ItemKind::Noise(name, collapse))
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
            "measure" => Ok(ItemKind::Measure(self.entries(|p| p.measure())?)),
            "sweep" => self.sweep(),
            "expect" => self.expect_item(),
            "theory" => self.theory(),
            _ => Err(self.unknown_statement(&word, Role::Statement).into()),
        }
    }

    fn version(&mut self) -> Rule<ItemKind> {
        let span = self.here();
        let TokenKind::Number(version) = *self.kind() else {
            return Err(self.unexpected("expected the version of the language: `ergoseq 1`").into());
        };
        self.advance();
        if version != f64::from(VERSION) {
            return Err(Diagnostic::new(
                Code::UnsupportedVersion,
                span,
                format!("this program reads version {VERSION} of the language"),
            )
            .label(format!("the file is written in version {version}"))
            .help("a newer ergoseq may read it")
            .into());
        }
        Ok(ItemKind::Version(VERSION))
    }

    /// `params = name "=" sum [ "in" sum ".." sum ] { "," ... }`
    fn params(&mut self) -> Rule<ItemKind> {
        let mut params = Vec::new();
        loop {
            let name = self.name("the name of a parameter")?;
            self.expect_sign("=")?;
            let default = self.expression()?;
            let range = if self.opt_word("in") {
                let from = self.expression()?;
                self.expect_sign("..")?;
                Some((from, self.expression()?))
            } else {
                None
            };
            params.push(Param { name, default, range });
            if !self.sign(",") {
                return Ok(ItemKind::Params(params));
            }
        }
    }

    fn define(&mut self) -> Rule<ItemKind> {
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
    fn sweep(&mut self) -> Rule<ItemKind> {
        if self.opt_word("zip") {
            return Ok(ItemKind::Sweep(self.entries(|p| p.sweep_of_one())?));
        }
        Ok(ItemKind::Sweep(vec![self.sweep_of_one()?]))
    }

    fn sweep_of_one(&mut self) -> Rule<Sweep> {
        let name = self.name("the parameter to sweep")?;
        self.expect_sign("=")?;
        Ok(Sweep { name, values: self.sweep_values()? })
    }

    /// `values = sum ".." sum "points" sum ["log"] | sum { "," sum }`
    pub(super) fn sweep_values(&mut self) -> Rule<SweepValues> {
        let first = self.expression()?;
        if self.sign("..") {
            let to = self.expression()?;
            self.word("points")?;
            let points = self.expression()?;
            let log = self.opt_word("log");
            return Ok(SweepValues::Range { from: first, to, points, log });
        }
        let mut values = vec![first];
        while self.sign(",") {
            values.push(self.expression()?);
        }
        Ok(SweepValues::List(values))
    }

    fn expect_item(&mut self) -> Rule<ItemKind> {
        let value = self.expression()?;
        let at = if self.opt_word("at") { Some(self.name("the name of a mark")?) } else { None };
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

    fn theory(&mut self) -> Rule<ItemKind> {
        let trace = self.name("the name of a trace")?;
        self.expect_sign(".")?;
        let metric = self.expression()?;
        self.expect_sign("=")?;
        let value = self.expression()?;
        let within = if self.opt_word("within") { Some(self.expression()?) } else { None };
        Ok(ItemKind::Theory(Theory { trace, metric, value, within }))
    }

    fn measure(&mut self) -> Rule<Measure> {
        if let (TokenKind::Name(_), TokenKind::Sign("=")) = (self.peek(0), self.peek(1)) {
            let name = self.name("a name")?;
            self.expect_sign("=")?;
            return Ok(Measure { name: Some(name), value: self.expression()? });
        }
        Ok(Measure { name: None, value: self.expression()? })
    }

    /// `distribution = name [ operand ] ":" name "(" settings ")" [ "points" sum ]`
    fn distribution(&mut self) -> Rule<Distribution> {
        let quantity = self.name("what varies: offset, rf, param or orientation")?;
        let of = if self.at_sign(":") { None } else { Some(self.expression()?) };
        self.expect_sign(":")?;
        let shape = self.name("the shape of the distribution")?;
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
        let points = if self.opt_word("points") { Some(self.expression()?) } else { None };
        Ok(Distribution { quantity, of, shape, settings, points })
    }

    // ---- system ----

    fn system_entry(&mut self, word: &str) -> Rule<SystemEntry> {
        let start = self.previous();
        let kind = match word {
            "spin" => {
                let mut names = vec![self.declared()?];
                while self.sign(",") {
                    names.push(self.declared()?);
                }
                self.expect_sign(":")?;
                SystemKind::Spin(names, self.spin_kind()?)
            }
            "collective" => {
                let name = self.name("the name of the collective")?;
                self.expect_sign(":")?;
                let count = self.count()?;
                self.expect_sign("*")?;
                SystemKind::Collective(name, count, self.spin_kind()?)
            }
            "mode" => {
                let name = self.name("the name of the mode")?;
                self.expect_sign(":")?;
                SystemKind::Mode(name, self.expression()?)
            }
            "field" => SystemKind::Field(self.expression()?),
            "temperature" => SystemKind::Temperature(self.expression()?),
            "shift" => {
                let site = self.site()?;
                self.expect_sign("=")?;
                SystemKind::Shift(site, self.expression()?)
            }
            "j" => {
                let (a, b) = (self.site()?, self.site()?);
                self.expect_sign("=")?;
                SystemKind::Scalar(a, b, self.expression()?)
            }
            "dipolar" => {
                if self.opt_word("all") {
                    SystemKind::DipolarAll
                } else {
                    let (a, b) = (self.site()?, self.site()?);
                    self.expect_sign("=")?;
                    let value = self.expression()?;
                    let along = if self.opt_word("along") { Some(self.expression()?) } else { None };
                    SystemKind::Dipolar(a, b, value, along)
                }
            }
            "orientation" => SystemKind::Orientation(self.expression()?),
            "spinning" => {
                let rate = self.expression()?;
                SystemKind::Spinning(rate, if self.opt_word("at") { Some(self.expression()?) } else { None })
            }
            "csa" => {
                let site = self.site()?;
                SystemKind::Csa(site, self.tensor()?)
            }
            "quadrupole" => {
                let site = self.site()?;
                SystemKind::Quadrupole(site, self.tensor()?)
            }
            "position" => {
                let site = self.site()?;
                self.expect_sign("=")?;
                SystemKind::Position(site, self.expression()?)
            }
            _ => {
                let mut sites = vec![self.site()?];
                while self.sign(",") {
                    sites.push(self.site()?);
                }
                SystemKind::Relax(sites, self.settings_block()?)
            }
        };
        let each = if self.opt_word("for") {
            let index = self.name("an index")?;
            self.word("in")?;
            let from = self.expression()?;
            self.expect_sign("..")?;
            Some(ForEach { index, from, to: self.expression()? })
        } else {
            None
        };
        Ok(SystemEntry { kind, each, place: start.to(self.previous()).into() })
    }

    /// `tensor = "=" sum [ "eta" sum ] [ "axes" sum ]`
    fn tensor(&mut self) -> Rule<Tensor> {
        self.expect_sign("=")?;
        let size = self.expression()?;
        let eta = if self.opt_word("eta") { Some(self.expression()?) } else { None };
        let axes = if self.opt_word("axes") { Some(self.expression()?) } else { None };
        Ok(Tensor { size, eta, axes })
    }

    fn declared(&mut self) -> Rule<Declared> {
        let name = self.name("the name of a spin")?;
        if self.words_of_language_are_no_names(&name) {
            return Err(Diagnostic::new(
                Code::ReservedName,
                name.span(),
                format!("`{}` is a word of the language", name.text),
            )
            .help("choose another name")
            .into());
        }
        let size = if self.sign("[") {
            let open = self.previous();
            let size = self.expression()?;
            self.close("]", open)?;
            Some(size)
        } else {
            None
        };
        Ok(Declared { name, size })
    }

    /// A spin called `all` could not be told from the word.
    fn words_of_language_are_no_names(&self, name: &Name) -> bool {
        name.text == "all"
    }

    /// `count = number | name | "(" sum ")"`: what stands before `* 1/2`.
    fn count(&mut self) -> Rule<Expr> {
        let start = self.here();
        match self.kind().clone() {
            TokenKind::Number(value) => {
                self.advance();
                Ok(Expr::at(ExprKind::Number(value), start))
            }
            TokenKind::Name(name) => {
                self.advance();
                Ok(Expr::at(ExprKind::Name(name), start))
            }
            TokenKind::Sign("(") => {
                self.advance();
                let inner = self.expression()?;
                self.close(")", start)?;
                Ok(inner)
            }
            _ => Err(self.unexpected("expected the number of spins, as in `10 * 1/2`").into()),
        }
    }

    /// `spin_kind = number [ "/" "2" ] | isotope`
    fn spin_kind(&mut self) -> Rule<SpinKind> {
        let start = self.here();
        let expected = "expected `1/2`, another spin quantum number, or a nucleus such as `13C`";
        let TokenKind::Number(value) = *self.kind() else { return Err(self.unexpected(expected).into()) };
        if matches!(self.peek(1), TokenKind::Name(_)) && self.span_of(1).start == start.end {
            return Ok(SpinKind::Isotope(self.nucleus()?.text));
        }
        self.advance();
        let twice = if self.sign("/") {
            let TokenKind::Number(2.0) = *self.kind() else { return Err(self.unexpected(expected).into()) };
            self.advance();
            value
        } else {
            2.0 * value
        };
        if value.fract() != 0.0 || !(1.0..=99.0).contains(&twice) {
            return Err(Diagnostic::new(
                Code::OutOfRange,
                start,
                "a spin quantum number is 1/2, 1, 3/2, ... up to 99/2",
            )
            .into());
        }
        Ok(SpinKind::Twice(twice as u32))
    }

    /// `nucleus = whole_number symbol`, without a space between; an argument of a `define` may stand for it.
    fn nucleus(&mut self) -> Rule<Name> {
        let start = self.here();
        match self.kind().clone() {
            TokenKind::Number(value) if value.fract() == 0.0 && value < 1000.0 => {
                self.advance();
                let touches = self.here().start == start.end;
                let TokenKind::Name(symbol) = self.kind().clone() else {
                    return Err(self.unexpected("expected a nucleus such as `1H` or `13C`").into());
                };
                if !touches {
                    return Err(self.unexpected("expected a nucleus such as `1H`, without a space").into());
                }
                self.advance();
                Ok(Name::at(format!("{value}{symbol}"), start.to(self.previous())))
            }
            TokenKind::Name(_) => self.name("a nucleus such as `1H`"),
            _ => Err(self.unexpected("expected a nucleus such as `1H` or `13C`").into()),
        }
    }

    /// `site = name [ "[" sum "]" ]`
    fn site(&mut self) -> Rule<Expr> {
        let name = self.name("the name of a spin")?;
        let start = name.span();
        if !self.at_sign("[") {
            return Ok(Expr::at(ExprKind::Name(name.text), start));
        }
        let open = self.here();
        self.advance();
        let index = self.expression()?;
        self.close("]", open)?;
        Ok(Expr::at(ExprKind::Index(name.text, Box::new(index)), start.to(self.previous())))
    }

    // ---- sequence ----

    fn statements(&mut self) -> Rule<Vec<Statement>> {
        self.deeper(Nest::Block, |p| p.block(Role::Event, |p, word| p.statement(word)))
    }

    fn statement(&mut self, word: &str) -> Rule<Statement> {
        let start = self.previous();
        let kind = match word {
            "prepare" => {
                let mut states = vec![self.state()?];
                while self.sign(",") {
                    states.push(self.state()?);
                }
                StatementKind::Prepare(states)
            }
            "pulse" => StatementKind::Pulse(self.pulse()?),
            "delay" => {
                let duration = self.expression()?;
                let between_centres = self.opt_word("between");
                if between_centres && !self.opt_word("centers") {
                    self.word("centres")?;
                }
                StatementKind::Delay(Delay { duration, between_centres, record: self.opt_record()? })
            }
            "lock" => StatementKind::Lock(Box::new(self.lock()?)),
            "evolve" => StatementKind::Evolve(Box::new(self.evolve()?)),
            "crush" => {
                let mut keep = Vec::new();
                if self.opt_word("keep") {
                    keep.push(self.expression()?);
                    while self.sign(",") {
                        keep.push(self.expression()?);
                    }
                }
                StatementKind::Crush(keep)
            }
            "gradient" => {
                let strength = self.expression()?;
                self.word("for")?;
                let duration = self.expression()?;
                StatementKind::Gradient(strength, duration, self.settings()?)
            }
            "dephase" => StatementKind::Dephase(self.expression()?),
            "mark" => StatementKind::Mark(self.name("the name of the mark")?),
            "acquire" => StatementKind::Acquire(Box::new(self.acquire()?)),
            "tomography" => StatementKind::Tomography(self.settings()?),
            "loop" => {
                let count = self.expression()?;
                StatementKind::Loop(count, self.statements()?)
            }
            "parallel" => {
                let align = if self.opt_word("align") { Some(self.name("start, centre or end")?) } else { None };
                StatementKind::Parallel(align, self.statements()?)
            }
            name => {
                let mut arguments = Vec::new();
                if self.at_sign("(") {
                    let open = self.here();
                    self.advance();
                    while !self.at_sign(")") {
                        arguments.push(self.expression()?);
                        if !self.sign(",") {
                            break;
                        }
                    }
                    self.close(")", open)?;
                }
                StatementKind::Call(Name::at(name, start), arguments)
            }
        };
        Ok(Statement { kind, place: start.to(self.previous()).into() })
    }

    /// `pulse = nucleus [sum] [ "phase" sum ] { setting } ["ideal"] [record]`
    fn pulse(&mut self) -> Rule<Pulse> {
        let channel = self.nucleus()?;
        let begins = !self.begins_line() && !self.at_word("phase") && !self.at_word("ideal") && !self.at_setting();
        let angle = if begins { Some(self.expression()?) } else { None };
        let mut pulse = Pulse { channel, angle, phase: None, settings: vec![], ideal: false, record: None };
        loop {
            if self.begins_line() {
                return Ok(pulse);
            } else if self.at_word("phase") && !self.at_setting() {
                if pulse.phase.is_some() {
                    return Err(self.given_twice("phase").into());
                }
                self.advance();
                pulse.phase = Some(self.expression()?);
            } else if self.opt_word("ideal") {
                pulse.ideal = true;
            } else if self.at_word("record") {
                pulse.record = self.opt_record()?;
            } else if self.at_setting() {
                pulse.settings.push(self.setting()?);
            } else if *self.kind() == TokenKind::End || self.at_sign("}") {
                return Ok(pulse);
            } else {
                return Err(self
                    .unexpected("expected `phase`, `ideal`, `record` or a setting such as `rf = 25 kHz`")
                    .into());
            }
        }
    }

    fn lock(&mut self) -> Rule<Lock> {
        let channel = self.nucleus()?;
        self.word("phase")?;
        let phase = self.expression()?;
        self.word("from")?;
        let from = self.expression()?;
        self.word("to")?;
        let to = self.expression()?;
        self.word("over")?;
        let over = self.expression()?;
        let shape = if self.opt_word("shape") { Some(self.expression()?) } else { None };
        let steps = if self.opt_word("steps") { Some(self.expression()?) } else { None };
        Ok(Lock { channel, phase, from, to, over, shape, steps, record: self.opt_record()? })
    }

    fn evolve(&mut self) -> Rule<Evolve> {
        let hamiltonian = self.expression()?;
        self.word("for")?;
        let duration = self.expression()?;
        let noise = if self.opt_word("with") { Some(self.name("the name of a noise")?) } else { None };
        Ok(Evolve { hamiltonian, duration, noise, record: self.opt_record()? })
    }

    fn opt_record(&mut self) -> Rule<Option<Record>> {
        if !self.opt_word("record") {
            return Ok(None);
        }
        let points = self.expression()?;
        let name = if self.opt_word("as") { Some(self.name("the name of the trace")?) } else { None };
        Ok(Some(Record { points, name }))
    }

    fn acquire(&mut self) -> Rule<Acquire> {
        let channel = self.nucleus()?;
        self.word("points")?;
        let points = self.expression()?;
        self.word("dwell")?;
        let dwell = self.expression()?;
        let phase = if self.opt_word("phase") { Some(self.expression()?) } else { None };
        Ok(Acquire { channel, points, dwell, phase, settings: self.settings()? })
    }

    /// `state = name [text] [ "(" ( sum | sum ":" state ) { "," ... } ")" ]`
    fn state(&mut self) -> Rule<State> {
        self.deeper(Nest::State, |p| {
            let name = p.name("a state: thermal, gibbs(H, T), ket \"01\", up(c) ...")?;
            let mut state = State { name, text: None, arguments: vec![], parts: vec![] };
            if let TokenKind::Text(text) = p.kind().clone() {
                p.advance();
                state.text = Some(text);
                return Ok(state);
            }
            if !p.at_sign("(") || p.begins_line() {
                return Ok(state);
            }
            let open = p.here();
            p.advance();
            while !p.at_sign(")") {
                let value = p.expression()?;
                if p.sign(":") {
                    let part = p.state()?;
                    state.parts.push((value, part));
                } else {
                    state.arguments.push(value);
                }
                if !p.sign(",") {
                    break;
                }
            }
            p.close(")", open)?;
            Ok(state)
        })
    }

    // ---- settings ----

    fn at_setting(&self) -> bool {
        matches!((self.peek(0), self.peek(1)), (TokenKind::Name(_), TokenKind::Sign("=")))
    }

    /// Settings on the rest of the statement: `snr = 100 scans = 16`.
    fn settings(&mut self) -> Rule<Vec<Setting>> {
        let mut settings = Vec::new();
        while self.at_setting() {
            settings.push(self.setting()?);
            self.sign(",");
        }
        Ok(settings)
    }

    /// `setting = name "=" sum`; a list of names may stand without commas, as in `cells = a b`.
    fn setting(&mut self) -> Rule<Setting> {
        let name = self.name("the name of a setting")?;
        self.expect_sign("=")?;
        let start = self.here();
        let value = self.expression()?;
        if name.text != "cells" || !matches!(value.kind, ExprKind::Name(_) | ExprKind::Index(..)) {
            return Ok(Setting { name, value });
        }
        let mut cells = vec![value];
        while matches!(self.kind(), TokenKind::Name(_)) && !self.begins_line() {
            cells.push(self.site()?);
        }
        let value = if cells.len() == 1 {
            cells.remove(0)
        } else {
            Expr::at(ExprKind::Tuple(cells), start.to(self.previous()))
        };
        Ok(Setting { name, value })
    }

    fn settings_block(&mut self) -> Rule<Vec<Setting>> {
        self.entries(|p| p.setting())
    }

    // ---- blocks ----

    /// `"{" { entry } "}"` where an entry begins with a word of a role (an event may also be a call).
    fn block<T>(&mut self, role: Role, mut entry: impl FnMut(&mut Self, &str) -> Rule<T>) -> Rule<Vec<T>> {
        let begins = move |p: &Self| matches!(p.kind(), TokenKind::Name(word) if words::is(word, role));
        self.braces(begins, move |p| {
            let TokenKind::Name(word) = p.kind().clone() else {
                return Err(p.unexpected("expected a statement or `}`").into());
            };
            let call = role == Role::Event && !words::is_word(&word) && p.call_ahead();
            if !words::is(&word, role) && !call {
                return Err(p.unknown_statement(&word, role).into());
            }
            p.advance();
            entry(p, &word)
        })
    }

    /// A name that stands alone on its line or is followed by a parenthesis is the call of a subsequence.
    fn call_ahead(&self) -> bool {
        let next = self.tokens.get(self.at + 1);
        next.is_some_and(|t| t.first_of_line || matches!(t.kind, TokenKind::Sign("(" | "}") | TokenKind::End))
    }

    /// `"{" { entry [","] } "}"`
    fn entries<T>(&mut self, entry: impl FnMut(&mut Self) -> Rule<T>) -> Rule<Vec<T>> {
        self.braces(|_| false, entry)
    }

    /// Whether `param NAME :` stands here: a spread parameter inside of `ensemble`, not a declaration.
    fn at_distribution(&self) -> bool {
        self.tokens.get(self.at + 2).is_some_and(|t| t.kind == TokenKind::Sign(":"))
    }

    /// Entries end with their lines, with a comma, or where the next `begins`.
    fn braces<T>(
        &mut self,
        begins: impl Fn(&Self) -> bool,
        mut entry: impl FnMut(&mut Self) -> Rule<T>,
    ) -> Rule<Vec<T>> {
        self.expect_sign("{")?;
        let open = self.previous();
        let mut entries = Vec::new();
        loop {
            if self.sign("}") {
                return Ok(entries);
            }
            let top_level = self.begins_line()
                && matches!(self.kind(), TokenKind::Name(w) if words::is(w, Role::Statement))
                && !self.at_setting()
                && !self.at_distribution();
            if *self.kind() == TokenKind::End || top_level {
                let diagnostic = Diagnostic::new(Code::Unclosed, open, "this block is not closed")
                    .label("opened here")
                    .related(self.here(), "a `}` is missing before this");
                self.diagnostics.push(diagnostic);
                return Ok(entries);
            }
            let at = self.at;
            match entry(self) {
                Ok(value) => {
                    entries.push(value);
                    let next_line = self.begins_line();
                    let ended = self.sign(",") || next_line || self.at_sign("}") || begins(self);
                    if !ended && *self.kind() != TokenKind::End {
                        let d = self.unexpected("expected the end of the line here");
                        self.diagnostics.push(d);
                        self.recover(at, |_| false, false);
                    }
                }
                Err(diagnostic) => {
                    self.diagnostics.push(*diagnostic);
                    self.recover(at, |_| false, false);
                }
            }
        }
    }

    /// Goes on behind a mistake: at the next line that can begin a statement, or at the brace that closes this block. At
    /// least one token is passed over since `from`, so reading always ends.
    fn recover(&mut self, from: usize, begins: impl Fn(&str) -> bool, top: bool) {
        if self.at == from {
            self.advance();
        }
        // Braces opened since the statement began are still open when the mistake was inside them.
        let mut open: i64 = 0;
        for token in self.tokens.iter().take(self.at).skip(from) {
            match token.kind {
                TokenKind::Sign("{") => open += 1,
                TokenKind::Sign("}") => open -= 1,
                _ => {}
            }
        }
        loop {
            let first = self.begins_line();
            match self.kind() {
                TokenKind::End => return,
                TokenKind::Sign("{") => open += 1,
                TokenKind::Sign("}") if open <= 0 && !top => return,
                TokenKind::Sign("}") => open -= 1,
                TokenKind::Name(word) if first && words::is(word, Role::Statement) => return,
                TokenKind::Name(word) if first && open <= 0 && (!top || begins(word)) => return,
                _ => {}
            }
            self.advance();
        }
    }

    // ---- tokens ----

    pub(super) fn kind(&self) -> &TokenKind {
        self.peek(0)
    }

    pub(super) fn peek(&self, ahead: usize) -> &TokenKind {
        self.tokens.get(self.at + ahead).map_or(&TokenKind::End, |t| &t.kind)
    }

    pub(super) fn span_of(&self, ahead: usize) -> Span {
        self.tokens.get(self.at + ahead).map(|t| t.span).unwrap_or_default()
    }

    pub(super) fn here(&self) -> Span {
        self.span_of(0)
    }

    pub(super) fn previous(&self) -> Span {
        self.tokens.get(self.at.saturating_sub(1)).map(|t| t.span).unwrap_or_default()
    }

    pub(super) fn begins_line(&self) -> bool {
        self.tokens.get(self.at).is_some_and(|t| t.first_of_line)
    }

    pub(super) fn advance(&mut self) {
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
    }

    pub(super) fn at_sign(&self, sign: &str) -> bool {
        matches!(self.kind(), TokenKind::Sign(s) if *s == sign)
    }

    pub(super) fn sign(&mut self, sign: &str) -> bool {
        let found = self.at_sign(sign);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect_sign(&mut self, sign: &'static str) -> Rule<()> {
        if self.sign(sign) { Ok(()) } else { Err(self.unexpected(format!("expected `{sign}`")).into()) }
    }

    /// The closing partner of a bracket opened at `open`.
    pub(super) fn close(&mut self, sign: &'static str, open: Span) -> Rule<()> {
        if self.sign(sign) {
            return Ok(());
        }
        let found = self.found();
        Err(Diagnostic::new(Code::Unclosed, open, format!("expected `{sign}` to close this, found {found}"))
            .label("opened here")
            .related(self.here(), format!("expected `{sign}` here"))
            .into())
    }

    pub(super) fn at_word(&self, word: &str) -> bool {
        matches!(self.kind(), TokenKind::Name(w) if w == word)
    }

    pub(super) fn opt_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn word(&mut self, word: &'static str) -> Rule<()> {
        if self.opt_word(word) { Ok(()) } else { Err(self.unexpected(format!("expected `{word}`")).into()) }
    }

    pub(super) fn name(&mut self, what: &str) -> Rule<Name> {
        match self.kind().clone() {
            TokenKind::Name(text) => {
                let span = self.here();
                self.advance();
                Ok(Name::at(text, span))
            }
            _ => Err(self.unexpected(format!("expected {what}")).into()),
        }
    }

    fn text(&mut self, what: &str) -> Rule<Name> {
        match self.kind().clone() {
            TokenKind::Text(text) => {
                let span = self.here();
                self.advance();
                Ok(Name::at(text, span))
            }
            _ => Err(self.unexpected(format!("expected {what}")).into()),
        }
    }

    /// The phases of a cycle: expressions between commas, or a list of numbers as spectrometers have it, `0 1 2 3` in quarters of a
    /// turn and `(8) 0 3 6` in eighths.
    fn phases(&mut self) -> Rule<Vec<Expr>> {
        let number = |kind: &TokenKind| if let TokenKind::Number(x) = kind { Some(*x) } else { None };
        let division = match (self.kind(), number(self.peek(1)), self.peek(2), number(self.peek(3))) {
            (TokenKind::Sign("("), Some(n), TokenKind::Sign(")"), Some(_)) => Some(n),
            (kind, Some(_), ..) if number(kind).is_some() => None,
            _ => return self.comma_list(),
        };
        let parts = division.unwrap_or(4.0);
        if parts < 1.0 || parts.fract() != 0.0 {
            return Err(Diagnostic::new(
                Code::OutOfRange,
                self.span_of(1),
                "a turn is divided into a whole number of parts",
            )
            .help("for example `(8) 0 1 2 3`, in steps of 45 deg")
            .into());
        }
        if division.is_some() {
            (0..3).for_each(|_| self.advance());
        }
        let degree = Unit::named("deg").ok_or_else(|| self.unexpected("expected a phase".to_string()))?;
        let mut phases = Vec::new();
        while let Some(x) = number(self.kind()) {
            let value = Expr::at(ExprKind::Number(x * 360.0 / parts), self.here());
            phases.push(Expr::at(ExprKind::Quantity(Box::new(value), degree), self.here()));
            self.advance();
        }
        Ok(phases)
    }

    fn comma_list(&mut self) -> Rule<Vec<Expr>> {
        let mut items = vec![self.expression()?];
        while self.sign(",") {
            items.push(self.expression()?);
        }
        Ok(items)
    }

    pub(super) fn deeper<T>(&mut self, nest: Nest, rule: impl FnOnce(&mut Self) -> Rule<T>) -> Rule<T> {
        let depth = self.depth.of(nest);
        *depth += 1;
        // The outermost expression, state or block is in none.
        let result = if *depth > MAX_DEPTH + 1 {
            Err(Diagnostic::new(Code::TooDeep, self.here(), format!("this nests more than {MAX_DEPTH} levels deep"))
                .help("give a part of it a name of its own")
                .into())
        } else {
            rule(self)
        };
        *self.depth.of(nest) -= 1;
        result
    }

    // ---- messages ----

    fn found(&self) -> String {
        match self.kind() {
            TokenKind::Number(value) => format!("the number `{value}`"),
            TokenKind::Name(name) if words::is_word(name) => format!("the word `{name}`"),
            TokenKind::Name(name) => format!("`{name}`"),
            TokenKind::Text(text) => format!("the text \"{text}\""),
            TokenKind::Sign(sign) => format!("`{sign}`"),
            TokenKind::End => "the end of the file".to_string(),
        }
    }

    pub(super) fn unexpected(&self, expected: impl Into<String>) -> Diagnostic {
        let expected = expected.into();
        // Where something is missing at the end of a line, the place is behind the last word, not in the next line.
        let span = if self.begins_line() && self.at > 0 { self.previous().after() } else { self.here() };
        Diagnostic::new(Code::UnexpectedToken, span, format!("{expected}, found {}", self.found())).label(expected)
    }

    fn given_twice(&self, what: &str) -> Diagnostic {
        Diagnostic::new(Code::DefinedTwice, self.here(), format!("`{what}` is given twice"))
            .label("given before in this statement")
    }

    fn unknown_statement(&self, word: &str, role: Role) -> Diagnostic {
        let what = match role {
            Role::Statement => "a statement of the file",
            Role::SystemEntry => "an entry of `system`",
            Role::Event => "a statement of a sequence",
            Role::Clause => "a clause",
        };
        let diagnostic =
            Diagnostic::new(Code::UnknownStatement, self.here(), format!("`{word}` does not begin {what}"))
                .label("not known here");
        let diagnostic = match words::WORDS.iter().find(|w| w.word == word) {
            Some(w) if w.role == Role::Event => diagnostic.help(format!("`{word}` belongs into a `sequence` block")),
            Some(w) if w.role == Role::SystemEntry => {
                diagnostic.help(format!("`{word}` belongs into the `system` block"))
            }
            Some(w) if w.role == Role::Statement => diagnostic.help(format!("`{word}` stands outside of blocks")),
            Some(_) | None => diagnostic.did_you_mean(word, words::words_of(role)),
        };
        if diagnostic.help.is_empty() {
            let list: Vec<&str> = words::words_of(role).collect();
            return diagnostic.help(format!("here may stand: {}", list.join(", ")));
        }
        diagnostic
    }
}
