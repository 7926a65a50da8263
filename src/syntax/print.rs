//! Pretty-printer: canonical text of a tree, which parses back to an equal tree. Comments and layout are not kept; `format` keeps them.

use super::ast::*;
use super::words::{self, Role};
use std::fmt::{self, Display, Formatter, Write};

/// Prints a block: a head, one entry per line, a closing brace.
fn block(f: &mut Formatter<'_>, head: &str, entries: impl IntoIterator<Item = String>) -> fmt::Result {
    writeln!(f, "{head} {{")?;
    for entry in entries {
        for line in entry.lines() {
            writeln!(f, "    {line}")?;
        }
    }
    f.write_char('}')
}

fn texts<T: Display>(items: &[T]) -> Vec<String> {
    items.iter().map(T::to_string).collect()
}

fn joined<T: Display>(items: &[T]) -> String {
    texts(items).join(", ")
}

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Display for Program {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for item in &self.items {
            writeln!(f, "{item}")?;
        }
        Ok(())
    }
}

impl Display for Item {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ItemKind::Version(version) => write!(f, "ergoseq {version}"),
            ItemKind::Title(title) => write!(f, "title \"{title}\""),
            ItemKind::Units(system) => write!(f, "units {system}"),
            ItemKind::Params(params) => write!(f, "param {}", joined(params)),
            ItemKind::System(entries) => block(f, "system", texts(entries)),
            ItemKind::Hamiltonian(name, value) => write!(f, "hamiltonian {name} = {value}"),
            ItemKind::Operator(name, value) => write!(f, "operator {name} = {value}"),
            ItemKind::State(name, state) => write!(f, "state {name} = {state}"),
            ItemKind::Noise(name, entries) => block(f, &format!("noise {name}"), texts(entries)),
            ItemKind::Channel(nucleus, settings) => block(f, &format!("channel {nucleus}"), texts(settings)),
            ItemKind::Spectrometer(name, settings) => block(f, &format!("spectrometer {name}"), texts(settings)),
            ItemKind::Battery(settings) => block(f, "battery", texts(settings)),
            ItemKind::Ensemble(distributions) => block(f, "ensemble", texts(distributions)),
            ItemKind::Cycle(name, phases) => write!(f, "cycle {name} = {}", joined(phases)),
            ItemKind::Define(name, arguments, body) => {
                block(f, &format!("define {name}({})", joined(arguments)), texts(body))
            }
            ItemKind::Shape(name, path) => write!(f, "shape {name} = \"{path}\""),
            ItemKind::Use(path) => write!(f, "use \"{path}\""),
            ItemKind::Sequence(statements) => block(f, "sequence", texts(statements)),
            ItemKind::Measure(at, entries) if at.is_empty() => block(f, "measure", texts(entries)),
            ItemKind::Measure(at, entries) => block(f, &format!("measure at {}", joined(at)), texts(entries)),
            ItemKind::Sweep(sweeps) => match sweeps.as_slice() {
                [sweep] => write!(f, "sweep {sweep}"),
                sweeps => block(f, "sweep zip", texts(sweeps)),
            },
            ItemKind::Expect(e) => {
                write!(f, "expect {}", e.value)?;
                if let Some(mark) = &e.at {
                    write!(f, " at {mark}")?;
                }
                write!(f, " = {} within {}", e.expected, e.within)?;
                for (k, (name, value)) in e.settings.iter().enumerate() {
                    write!(f, "{}{name} = {value}", if k == 0 { " where " } else { ", " })?;
                }
                Ok(())
            }
            ItemKind::Theory(t) => {
                write!(f, "theory {}.{} = {}", t.trace, t.metric, t.value)?;
                t.within.as_ref().map_or(Ok(()), |w| write!(f, " within {w}"))
            }
        }
    }
}

impl Display for Param {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.value {
            ParamValue::One(value) => write!(f, "{} = {value}", self.name)?,
            ParamValue::List(values) => write!(f, "{} = [{}]", self.name, joined(values))?,
            ParamValue::Random { size, shape, settings } => {
                write!(f, "{}[{size}] : {shape}({})", self.name, joined(settings))?;
            }
        }
        self.range.as_ref().map_or(Ok(()), |(from, to)| write!(f, " in {from} .. {to}"))
    }
}

impl Display for Setting {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.name, self.value)
    }
}

impl Display for SpinKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            SpinKind::Isotope(name) => f.write_str(name),
            SpinKind::Electron(1) => f.write_str("e"),
            SpinKind::Electron(twice) => write!(f, "e {}", SpinKind::Twice(*twice)),
            SpinKind::Twice(twice) if twice % 2 == 0 => write!(f, "{}", twice / 2),
            SpinKind::Twice(twice) => write!(f, "{twice}/2"),
        }
    }
}

impl Display for Declared {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        self.size.as_ref().map_or(Ok(()), |size| write!(f, "[{size}]"))
    }
}

impl Display for SystemEntry {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            SystemKind::Spin(names, kind) => write!(f, "spin {} : {kind}", joined(names))?,
            SystemKind::Collective(name, count, kind) => match &count.kind {
                super::ExprKind::Number(_) | super::ExprKind::Name(_) => {
                    write!(f, "collective {name} : {count} * {kind}")?
                }
                _ => write!(f, "collective {name} : ({count}) * {kind}")?,
            },
            SystemKind::Mode(name, cutoff) => write!(f, "mode {name} : {cutoff}")?,
            SystemKind::Field(value, None) => write!(f, "field {value}")?,
            SystemKind::Field(value, Some(nucleus)) => write!(f, "field {value} of {nucleus}")?,
            SystemKind::Frame(species) => write!(f, "frame lab {}", joined(species))?,
            SystemKind::Temperature(value) => write!(f, "temperature {value}")?,
            SystemKind::Interaction(interaction) => write!(f, "{interaction}")?,
            SystemKind::Orientation(angles) => write!(f, "orientation {angles}")?,
            SystemKind::Spinning(rate, angle) => {
                write!(f, "spinning {rate}")?;
                if let Some(angle) = angle {
                    write!(f, " at {angle}")?;
                }
            }
            SystemKind::DipolarAll => f.write_str("dipolar all")?,
            SystemKind::Position(site, value) => write!(f, "position {site} = {value}")?,
            SystemKind::Relax(sites, settings) => block(f, &format!("relax {}", joined(sites)), texts(settings))?,
        }
        self.each.as_ref().map_or(Ok(()), |each| write!(f, " for {each}"))
    }
}

impl Display for NoiseEntry {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            NoiseKind::Collapse(operator, settings) => {
                write!(f, "collapse {operator}")?;
                settings.iter().try_for_each(|setting| write!(f, " {setting}"))?;
            }
            NoiseKind::Bath(sites, settings) => block(f, &format!("bath {}", joined(sites)), texts(settings))?,
        }
        self.each.as_ref().map_or(Ok(()), |each| write!(f, " for {each}"))
    }
}

impl Display for ForEach {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}..{}", self.index, self.from, self.to)
    }
}

impl Display for Repeat {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Repeat::Times(count) => write!(f, "{count}"),
            Repeat::Counter(each) => write!(f, "{each}"),
        }
    }
}

impl Display for Interaction {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.form.kind.word())?;
        for site in &self.sites {
            write!(f, " {site}")?;
        }
        write!(f, " = {}", self.size)?;
        for (clause, value) in &self.clauses {
            write!(f, " {} {value}", clause.word())?;
        }
        Ok(())
    }
}

impl Display for Distribution {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.quantity)?;
        if let Some(of) = &self.of {
            write!(f, " {of}")?;
        }
        write!(f, " : {}", self.shape)?;
        if !self.settings.is_empty() {
            write!(f, "({})", joined(&self.settings))?;
        }
        self.points.as_ref().map_or(Ok(()), |points| write!(f, " points {points}"))
    }
}

impl Display for Record {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, " record {}", self.points)?;
        self.name.as_ref().map_or(Ok(()), |name| write!(f, " as {name}"))
    }
}

/// The noise that acts during a statement, and its record.
fn acting(f: &mut Formatter<'_>, noise: &Option<Box<Name>>, record: &Option<Box<Record>>) -> fmt::Result {
    noise.as_ref().map_or(Ok(()), |noise| write!(f, " with {noise}"))?;
    record.as_ref().map_or(Ok(()), |r| write!(f, "{r}"))
}

impl Display for Statement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            StatementKind::Prepare(states) => write!(f, "prepare {}", joined(states)),
            StatementKind::Pulse(p) => {
                write!(f, "pulse {}", p.channel)?;
                if let Some(angle) = &p.angle {
                    write!(f, " {angle}")?;
                }
                if let Some(phase) = &p.phase {
                    write!(f, " phase {phase}")?;
                }
                for setting in &p.settings {
                    write!(f, " {setting}")?;
                }
                if p.ideal {
                    f.write_str(" ideal")?;
                }
                acting(f, &p.noise, &p.record)
            }
            StatementKind::Delay(d) => {
                write!(f, "delay {}{}", d.duration, if d.between_centres { " between centres" } else { "" })?;
                acting(f, &d.noise, &d.record)
            }
            StatementKind::Lock(l) => {
                write!(f, "lock {} phase {} from {} to {} over {}", l.channel, l.phase, l.from, l.to, l.over)?;
                if let Some(shape) = &l.shape {
                    write!(f, " shape {shape}")?;
                }
                if let Some(steps) = &l.steps {
                    write!(f, " steps {steps}")?;
                }
                acting(f, &l.noise, &l.record)
            }
            StatementKind::Evolve(e) => {
                write!(f, "evolve {} for {}", e.hamiltonian, e.duration)?;
                acting(f, &e.noise, &e.record)
            }
            StatementKind::Compile(c) => write!(f, "{c}"),
            StatementKind::Crush(keep) if keep.is_empty() => f.write_str("crush"),
            StatementKind::Crush(keep) => write!(f, "crush keep {}", joined(keep)),
            StatementKind::Gradient(strength, duration, settings) => {
                write!(f, "gradient {strength} for {duration}")?;
                settings.iter().try_for_each(|s| write!(f, " {s}"))
            }
            StatementKind::Dephase(operator) => write!(f, "dephase {operator}"),
            StatementKind::Reset(sites, states) => write!(f, "reset {} = {}", joined(sites), joined(states)),
            StatementKind::Project(p) => p.fmt(f),
            StatementKind::Read(name, observable) => write!(f, "read {name} = {observable}"),
            StatementKind::Mark(name) => write!(f, "mark {name}"),
            StatementKind::Acquire(a) => {
                let mut head = format!("acquire {} points {}", a.channel, a.points);
                if let Sampling::Dwell(dwell) = &a.sampling {
                    head += &format!(" dwell {dwell}");
                }
                head.extend(a.phase.iter().map(|phase| format!(" phase {phase}")));
                head.extend(a.settings.iter().map(|s| format!(" {s}")));
                match &a.sampling {
                    Sampling::Dwell(_) => f.write_str(&head),
                    Sampling::Every(cycle) => block(f, &format!("{head} every"), texts(cycle)),
                }
            }
            StatementKind::Tomography(settings) => {
                f.write_str("tomography")?;
                settings.iter().try_for_each(|s| write!(f, " {s}"))
            }
            StatementKind::Loop(repeat, None, body) => block(f, &format!("loop {repeat}"), texts(body)),
            StatementKind::Loop(repeat, Some(trace), body) => {
                block(f, &format!("loop {repeat} record as {trace}"), texts(body))
            }
            StatementKind::Parallel(None, body) => block(f, "parallel", texts(body)),
            StatementKind::Parallel(Some(align), body) => block(f, &format!("parallel align {align}"), texts(body)),
            StatementKind::Decouple(d) => d.fmt(f),
            StatementKind::Call(name, arguments) => write!(f, "{name}({})", joined(arguments)),
        }
    }
}

impl Display for Project {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut head = format!("project {} along {}", self.site, self.axis);
        head.extend(self.settings.iter().map(|s| format!(" {s}")));
        let branches: Vec<String> = self.branches().map(|(word, body)| Branch(word, body).to_string()).collect();
        if branches.is_empty() { f.write_str(&head) } else { block(f, &head, branches) }
    }
}

impl Display for Compile {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "compile {} for {}", self.hamiltonian, self.duration)?;
        self.settings.iter().try_for_each(|s| write!(f, " {s}"))?;
        f.write_str(if self.ideal { " ideal" } else { "" })
    }
}

impl Display for Decouple {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut head = format!("decouple {} {}", self.channel, self.sequence);
        head.extend(self.phase.iter().map(|phase| format!(" phase {phase}")));
        head.extend(self.settings.iter().map(|s| format!(" {s}")));
        block(f, &head, texts(&self.body))
    }
}

/// What follows an outcome of a measurement.
struct Branch<'a>(&'static str, &'a [Statement]);

impl Display for Branch<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        block(f, self.0, texts(self.1))
    }
}

impl Display for State {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        if let Some(text) = &self.text {
            return write!(f, " \"{text}\"");
        }
        let mut parts = texts(&self.arguments);
        parts.extend(texts(&self.parts));
        if parts.is_empty() { Ok(()) } else { write!(f, "({})", parts.join(", ")) }
    }
}

impl Display for Part {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.weight)?;
        if let Some(phase) = &self.phase {
            write!(f, " phase {phase}")?;
        }
        write!(f, ": {}", self.state)
    }
}

impl Display for Measure {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            return write!(f, "{name} = {}", self.value);
        }
        // At the start of a line, a minus sign would continue the previous entry, and a statement keyword would end the block.
        let text = self.value.to_string();
        let word: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let other = text.starts_with('-') || words::is(&word, Role::Statement);
        if other { write!(f, "({text})") } else { f.write_str(&text) }
    }
}

impl Display for Sweep {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.name, self.values)
    }
}

impl Display for SweepValues {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            SweepValues::Range { from, to, points, log } => {
                write!(f, "{from} .. {to} points {points}{}", if *log { " log" } else { "" })
            }
            SweepValues::List(values) => f.write_str(&joined(values)),
        }
    }
}
