//! Grammar rules of the statements of a sequence, and of prepared states.

use super::{Nest, Parser, Rule, hints};
use crate::source::Span;
use crate::syntax::ast::*;
use crate::syntax::token::TokenKind;
use crate::syntax::words::Role;

impl Parser<'_> {
    pub(super) fn statements(&mut self) -> Rule<Vec<Statement>> {
        self.deeper(Nest::Block, |p| p.block(Role::Event, |p, word| p.statement(word)))
    }

    pub(super) fn statement(&mut self, word: &str) -> Rule<Statement> {
        let start = self.previous();
        let kind = match word {
            own if self.defined.contains(own) => self.call(own, start)?,
            "prepare" => {
                let mut states = vec![self.state()?];
                while self.sign(",") {
                    states.push(self.state()?);
                }
                StatementKind::Prepare(states)
            }
            "reset" => self.reset()?,
            "project" => StatementKind::Project(Box::new(self.project()?)),
            "pulse" => StatementKind::Pulse(Box::new(self.pulse()?)),
            "delay" => {
                let duration = self.expression()?;
                let between_centres = self.opt_word("between");
                if between_centres && !self.opt_word("centers") {
                    self.word("centres")?;
                }
                StatementKind::Delay(Delay {
                    duration,
                    between_centres,
                    noise: self.opt_noise()?,
                    record: self.opt_record()?,
                })
            }
            "lock" => StatementKind::Lock(Box::new(self.lock()?)),
            "evolve" => StatementKind::Evolve(Box::new(self.evolve()?)),
            "compile" => StatementKind::Compile(Box::new(self.compile()?)),
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
                let strength = Box::new(self.expression()?);
                self.word("for")?;
                let duration = self.expression()?;
                StatementKind::Gradient(strength, duration, self.settings()?)
            }
            "dephase" => StatementKind::Dephase(self.expression()?),
            "read" => self.read()?,
            "mark" => StatementKind::Mark(self.name("the name of the mark")?),
            "acquire" => StatementKind::Acquire(Box::new(self.acquire()?)),
            "tomography" => StatementKind::Tomography(self.settings()?),
            "loop" => self.repetition()?,
            "parallel" => {
                let align = if self.opt_word("align") { Some(self.name("start, centre or end")?) } else { None };
                StatementKind::Parallel(align, self.statements()?)
            }
            "decouple" => StatementKind::Decouple(Box::new(self.decouple(start)?)),
            name => self.call(name, start)?,
        };
        Ok(Statement { kind, place: start.to(self.previous()).into() })
    }

    /// `[ "(" { expr [","] } ")" ]`: the call of a subsequence, behind its name at `start`.
    fn call(&mut self, name: &str, start: Span) -> Rule<StatementKind> {
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
        Ok(StatementKind::Call(Name::at(name, start), arguments))
    }

    /// `"loop" ( sum | name "in" range ) [ "record" "as" name ] block`
    fn repetition(&mut self) -> Rule<StatementKind> {
        if self.at_sign("{") {
            let help = "the number of passes is missing: `loop 8 { ... }`";
            return Err(self.unexpected("expected the number of passes").help(help).into());
        }
        let counted =
            matches!((self.peek(0), self.peek(1)), (TokenKind::Name(_), TokenKind::Name(word)) if word == "in");
        let repeat =
            if counted { Repeat::Counter(Box::new(self.for_each()?)) } else { Repeat::Times(self.expression()?) };
        let trace = if self.opt_word("record") {
            self.word("as")?;
            Some(Box::new(self.name("the name of the trace")?))
        } else {
            None
        };
        Ok(StatementKind::Loop(repeat, trace, self.statements()?))
    }

    /// `pulse = nucleus [sum] [ "phase" sum ] { setting } ["ideal"] [record]`
    pub(super) fn pulse(&mut self) -> Rule<Pulse> {
        let channel = self.nucleus()?;
        let begins = !self.begins_line() && !self.at_word("phase") && !self.at_word("ideal") && !self.at_setting();
        let angle = if begins { Some(self.expression()?) } else { None };
        let mut pulse =
            Pulse { channel, angle, phase: None, settings: vec![], ideal: false, noise: None, record: None };
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
            } else if self.at_word("with") && !self.at_setting() {
                pulse.noise = self.opt_noise()?;
            } else if self.at_word("record") {
                pulse.record = self.opt_record()?;
            } else if self.at_setting() {
                if pulse.settings.is_empty() {
                    pulse.settings.reserve_exact(1);
                }
                pulse.settings.push(self.setting()?);
            } else if self.kind() == TokenKind::End || self.at_sign("}") {
                return Ok(pulse);
            } else {
                let diagnostic =
                    self.unexpected("expected `phase`, `ideal`, `record` or a setting such as `rf = 25 kHz`");
                return Err(diagnostic.hint(self.hint_of_clause()).into());
            }
        }
    }

    /// `nucleus sequence { "phase" sum | setting } "{" { event } "}"`, behind the keyword at `start`
    fn decouple(&mut self, start: Span) -> Rule<Decouple> {
        let (channel, sequence) = (self.nucleus()?, self.expression()?);
        let (mut phase, mut settings) = (None, Vec::new());
        while !self.at_sign("{") {
            if self.at_word("phase") && !self.at_setting() {
                if phase.is_some() {
                    return Err(self.given_twice("phase").into());
                }
                self.advance();
                phase = Some(self.expression()?);
            } else if self.at_setting() {
                settings.push(self.setting()?);
            } else {
                return Err(self
                    .unexpected("expected `phase`, `rf = ...`, `offset = ...` or the block `{ ... }`")
                    .into());
            }
        }
        let head = start.to(self.previous()).into();
        Ok(Decouple { channel, sequence, phase, settings, body: self.statements()?, head })
    }

    /// `site { "," site } "=" state { "," state }`
    fn reset(&mut self) -> Rule<StatementKind> {
        let mut sites = vec![self.site()?];
        while self.sign(",") {
            sites.push(self.site()?);
        }
        self.expect_sign("=")?;
        let mut states = vec![self.state()?];
        while self.sign(",") {
            states.push(self.state()?);
        }
        Ok(StatementKind::Reset(sites, states))
    }

    /// `name "=" expr`
    fn read(&mut self) -> Rule<StatementKind> {
        let name = Box::new(self.name("the name of the value")?);
        self.expect_sign("=")?;
        Ok(StatementKind::Read(name, self.expression()?))
    }

    /// `site "along" ( "x" | "y" | "z" ) { setting } [ "{" { ( "up" | "down" ) "{" { event } "}" } "}" ]`
    fn project(&mut self) -> Rule<Project> {
        let site = self.site()?;
        self.word("along")?;
        let axes = ["x", "y", "z"];
        if !matches!(self.kind(), TokenKind::Name(word) if axes.contains(&word)) {
            return Err(self.unexpected("expected the axis: x, y or z").into());
        }
        let axis = self.name("x, y or z")?;
        let mut project = Project { site, axis, settings: self.settings()?, up: None, down: None };
        if !self.at_sign("{") {
            return Ok(project);
        }
        let open = self.here();
        self.advance();
        while !self.at_sign("}") {
            let branch = match self.kind() {
                TokenKind::Name("up") => &mut project.up,
                TokenKind::Name("down") => &mut project.down,
                _ => return Err(self.unexpected("expected `up { ... }` or `down { ... }`").into()),
            };
            if branch.is_some() {
                return Err(self.unexpected("each outcome has one branch").into());
            }
            self.advance();
            *branch = Some(self.statements()?);
        }
        self.close("}", open)?;
        Ok(project)
    }

    pub(super) fn lock(&mut self) -> Rule<Lock> {
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
        Ok(Lock { channel, phase, from, to, over, shape, steps, noise: self.opt_noise()?, record: self.opt_record()? })
    }

    pub(super) fn evolve(&mut self) -> Rule<Evolve> {
        let hamiltonian = self.expression()?;
        self.word("for")?;
        let duration = self.expression()?;
        Ok(Evolve { hamiltonian, duration, noise: self.opt_noise()?, record: self.opt_record()? })
    }

    /// `[ "with" name ]`
    fn opt_noise(&mut self) -> Rule<Option<Box<Name>>> {
        Ok(if self.opt_word("with") { Some(Box::new(self.name("the name of a noise")?)) } else { None })
    }

    /// `compile = sum "for" sum { "ideal" | setting }`
    fn compile(&mut self) -> Rule<Compile> {
        let hamiltonian = self.expression()?;
        self.word("for")?;
        let mut compile = Compile { hamiltonian, duration: self.expression()?, ideal: false, settings: vec![] };
        while !self.begins_line() {
            if self.opt_word("ideal") {
                compile.ideal = true;
            } else if self.at_setting() {
                compile.settings.push(self.setting()?);
            } else {
                break;
            }
        }
        Ok(compile)
    }

    pub(super) fn opt_record(&mut self) -> Rule<Option<Box<Record>>> {
        if !self.opt_word("record") {
            return Ok(None);
        }
        let points = self.expression()?;
        let name = if self.opt_word("as") { Some(self.name("the name of the trace")?) } else { None };
        Ok(Some(Box::new(Record { points, name })))
    }

    pub(super) fn acquire(&mut self) -> Rule<Acquire> {
        let channel = self.nucleus()?;
        self.word("points")?;
        let points = self.expression()?;
        let dwell = if self.opt_word("dwell") { Some(self.expression()?) } else { None };
        let phase = if self.opt_word("phase") { Some(self.expression()?) } else { None };
        let settings = self.settings()?;
        let sampling = match dwell {
            Some(dwell) => Sampling::Dwell(dwell),
            None if self.opt_word("every") => Sampling::Every(self.statements()?),
            None => {
                let message =
                    "expected the time between two points: `dwell 10 us`, or `every { ... }` for one point per cycle";
                return Err(self.unexpected(message).hint(hints::dwell(&settings)).into());
            }
        };
        Ok(Acquire { channel, points, sampling, phase, settings })
    }

    /// `state = name [text] [ "(" ( sum | sum [ "phase" sum ] ":" state ) { "," ... } ")" ]`
    pub(super) fn state(&mut self) -> Rule<State> {
        self.deeper(Nest::State, |p| {
            let name = p.name("a state: thermal, gibbs(H, T), ket \"01\", up(c) ...")?;
            let mut state = State { name, text: None, arguments: vec![], parts: vec![] };
            if let TokenKind::Text(text) = p.kind() {
                p.advance();
                state.text = Some(text.to_string());
                return Ok(state);
            }
            if state.name.text == "ket" && matches!(p.kind(), TokenKind::Number(_)) && !p.begins_line() {
                let help = "a state is written in quotes, one digit for each subsystem: `ket \"01\"`";
                return Err(p.unexpected("expected the state in quotes").help(help).into());
            }
            if !p.at_sign("(") || p.begins_line() {
                return Ok(state);
            }
            let open = p.here();
            p.advance();
            while !p.at_sign(")") {
                let value = p.expression()?;
                if p.opt_word("phase") {
                    let phase = Some(p.expression()?);
                    p.expect_sign(":")?;
                    state.parts.push(Part { weight: value, phase, state: p.state()? });
                } else if p.sign(":") {
                    state.parts.push(Part { weight: value, phase: None, state: p.state()? });
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
}
