//! Random programs of physics: valid by construction, and the same for the same seed.
//!
//! A [`Program`] is a tree, so that a law can rewrite it, and a text, so that a failing one can be saved and run by hand.

mod content;

pub use content::generate;

use std::f64::consts::PI;
use std::fmt::Write;

/// A stream of random numbers (splitmix64), the same on every machine.
pub struct Random(pub u64);

impl Random {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    /// True once in n times.
    pub fn chance(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    /// Between two values, to three digits, so that a program is short to read.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        let x = low + (high - low) * (self.bits() >> 11) as f64 / (1u64 << 53) as f64;
        let digits = 10f64.powi(2 - x.abs().max(1e-9).log10().floor() as i32);
        (x * digits).round() / digits
    }

    /// A shuffled list of 0 .. n-1.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut list: Vec<usize> = (0..n).collect();
        for k in (1..n).rev() {
            list.swap(k, self.below(k + 1));
        }
        list
    }
}

/// How numbers are written. All energies are multiplied by `scale` and all times divided by it, which changes no state.
#[derive(Clone, Copy)]
pub struct Units {
    pub natural: bool,
    pub scale: f64,
}

impl Units {
    /// A time, given in milliseconds.
    pub fn time(&self, x: f64) -> String {
        let x = x / self.scale;
        if self.natural { format!("{x}") } else { format!("{x} ms") }
    }

    /// A frequency, given in kilohertz. In natural units it is an angular frequency, of about the same effect.
    pub fn frequency(&self, x: f64) -> String {
        let x = x * self.scale;
        if self.natural { format!("{}", 6.0 * x) } else { format!("{x} kHz") }
    }

    /// A rate, given per millisecond.
    pub fn rate(&self, x: f64) -> String {
        let x = x * self.scale;
        if self.natural { format!("{x}") } else { format!("{} 1/s", 1e3 * x) }
    }

    /// An angle, given in radian.
    pub fn angle(&self, x: f64) -> String {
        if self.natural { format!("{x}") } else { format!("{x} rad") }
    }
}

/// A spin of the system.
#[derive(Clone)]
pub struct Spin {
    pub name: String,
    /// What stands behind the colon of its declaration.
    pub kind: &'static str,
    pub states: usize,
}

/// Amplitudes of basis states, each by the digits of its spins.
pub type Superposition = Vec<(f64, Vec<usize>)>;

/// The prepared state.
#[derive(Clone)]
pub enum State {
    /// Any, by its text.
    Text(String),
    /// A mixture of superpositions of basis states: weights, and in each amplitudes with the digits of the spins.
    Kets(Vec<(f64, Superposition)>),
}

/// A factor that may depend on time: its text, in which `{t}` stands for the time.
pub type Coefficient = String;

/// A pulse of finite length whose envelope is known, so that it can be written as an `evolve`.
#[derive(Clone)]
pub struct Pulse {
    pub nucleus: &'static str,
    pub rf: String,
    pub phase: String,
    /// In milliseconds.
    pub duration: f64,
    /// An expression in `{t}`.
    pub shape: Option<String>,
    pub offset: Option<String>,
    /// An expression in `{t}`.
    pub modulation: Option<String>,
}

/// A statement of the sequence.
#[derive(Clone)]
pub enum Step {
    /// Free evolution for so many milliseconds, times a parameter where `stretched`.
    Delay {
        time: f64,
        stretched: bool,
        record: bool,
    },
    /// Evolution under terms: a coefficient times an operator.
    Evolve {
        terms: Vec<(Coefficient, String)>,
        time: f64,
        noise: bool,
        record: bool,
    },
    /// A pulse with a known envelope.
    Pulse(Pulse),
    /// Any other statement that takes time, but does not read the state.
    Timed(String),
    /// A statement that takes no time.
    Instant(String),
    Loop(usize, Vec<Step>),
    /// The call of a subsequence.
    Call(usize),
    /// A free induction decay: nucleus, points, dwell.
    Acquire(&'static str, usize, f64),
    Mark(String),
}

/// A distribution of the ensemble, and the same by hand.
#[derive(Clone)]
pub struct Spread {
    /// As the language has it.
    pub text: String,
    /// Values with weights, of `parameter`.
    pub nodes: Vec<(f64, f64)>,
    /// The parameter that takes these values.
    pub parameter: &'static str,
}

#[derive(Clone)]
pub struct Program {
    pub seed: u64,
    pub units: Units,
    pub spins: Vec<Spin>,
    /// The order in which the spins are declared.
    pub order: Vec<usize>,
    /// Entries of `system` other than spins.
    pub entries: Vec<String>,
    /// Declarations other than `units`, `system` and `sequence`.
    pub declarations: Vec<String>,
    pub ensemble: Vec<Spread>,
    /// Directions of the crystal: the entry of the ensemble, or none.
    pub powder: Option<String>,
    /// Whether there is a phase cycle `phi` of four scans.
    pub cycled: bool,
    pub state: State,
    pub subsequences: Vec<Vec<Step>>,
    pub steps: Vec<Step>,
    /// Whether the sample turns, so that the internal Hamiltonian depends on time.
    pub turns: bool,
}

/// A weight, and the parameters of a member.
pub type Member = (f64, Vec<(&'static str, f64)>);

impl Program {
    fn state(&self) -> String {
        let kets = match &self.state {
            State::Text(text) => return text.clone(),
            State::Kets(kets) => kets,
        };
        let ket = |digits: &[usize]| -> String {
            format!("ket \"{}\"", self.order.iter().map(|&k| digits[k].to_string()).collect::<String>())
        };
        let parts: Vec<String> = kets
            .iter()
            .map(|(weight, terms)| {
                let terms: Vec<String> = terms.iter().map(|(a, digits)| format!("{a}: {}", ket(digits))).collect();
                format!("{weight}: superposition({})", terms.join(", "))
            })
            .collect();
        format!("mix({})", parts.join(", "))
    }

    fn write_steps(&self, out: &mut String, steps: &[Step], indent: usize, traces: &mut usize) {
        let pad = "    ".repeat(indent);
        for step in steps {
            let mut recorded = |record: bool| {
                if !record {
                    return String::new();
                }
                *traces += 1;
                format!(" record 5 as r{traces}")
            };
            let line = match step {
                Step::Delay { time, stretched, record } => {
                    let stretch = if *stretched { "P*" } else { "" };
                    format!("delay {stretch}{}{}", self.units.time(*time), recorded(*record))
                }
                Step::Evolve { terms, time, noise, record } => {
                    let sum: Vec<String> =
                        terms.iter().map(|(c, o)| format!("{}*{o}", c.replace("{t}", "t"))).collect();
                    let noise = if *noise { " with n" } else { "" };
                    let sum = sum.join(" + ").replace("1*internal", "internal");
                    format!("evolve {sum} for {}{noise}{}", self.units.time(*time), recorded(*record))
                }
                Step::Pulse(p) => {
                    let mut line = format!(
                        "pulse {} phase {} rf = {} duration = {}",
                        p.nucleus,
                        p.phase,
                        p.rf,
                        self.units.time(p.duration)
                    );
                    for (word, value) in [("shape", &p.shape), ("offset", &p.offset), ("modulation", &p.modulation)] {
                        if let Some(value) = value {
                            let _ = write!(line, " {word} = {}", value.replace("{t}", "t"));
                        }
                    }
                    line
                }
                Step::Timed(text) | Step::Instant(text) => text.clone(),
                Step::Loop(count, body) => {
                    let _ = writeln!(out, "{pad}loop {count} {{");
                    self.write_steps(out, body, indent + 1, traces);
                    "}".into()
                }
                Step::Call(k) => format!("piece{k}()"),
                Step::Acquire(nucleus, points, dwell) => {
                    format!("acquire {nucleus} points {points} dwell {}", self.units.time(*dwell))
                }
                Step::Mark(name) => format!("mark {name}"),
            };
            let _ = writeln!(out, "{pad}{line}");
        }
    }

    /// The declarations behind the version and the units, each by itself; their order does not matter.
    pub fn sections(&self) -> Vec<String> {
        let mut system = String::from("system {\n");
        for &k in &self.order {
            let _ = writeln!(system, "    spin {} : {}", self.spins[k].name, self.spins[k].kind);
        }
        self.entries.iter().for_each(|e| system += &format!("    {e}\n"));
        system += "}";
        let mut sections = vec![system];
        sections.extend(self.declarations.iter().cloned());
        if self.cycled {
            sections.push("cycle phi = 0 1 2 3".into());
        }
        let mut spreads: Vec<String> = self.ensemble.iter().map(|s| s.text.clone()).collect();
        spreads.extend(self.powder.clone());
        if !spreads.is_empty() {
            sections.push(format!("ensemble {{\n    {}\n}}", spreads.join("\n    ")));
        }
        let mut traces = 0;
        let mut sequence = format!("sequence {{\n    prepare {}\n", self.state());
        self.write_steps(&mut sequence, &self.steps, 1, &mut traces);
        sequence += "}";
        for (k, body) in self.subsequences.iter().enumerate() {
            let mut text = format!("define piece{k}() {{\n");
            self.write_steps(&mut text, body, 1, &mut traces);
            sections.push(text + "}");
        }
        sections.push(sequence);
        sections
    }

    /// The program with its sections in the given order.
    pub fn text_of(&self, sections: &[String]) -> String {
        let units = if self.units.natural { "units natural\n" } else { "" };
        format!("ergoseq 1\n# seed {}\n{units}{}\n", self.seed, sections.join("\n"))
    }

    pub fn text(&self) -> String {
        self.text_of(&self.sections())
    }

    /// Whether spins relax wherever time passes.
    pub fn relaxes(&self) -> bool {
        self.entries.iter().any(|e| e.starts_with("relax"))
    }

    /// The members of the ensemble, as values of parameters of [`Program::single`]; none where a member is no such value.
    pub fn members(&self) -> Option<Vec<Member>> {
        let mut members: Vec<Member> = vec![(1.0, vec![])];
        let mut product = |nodes: Vec<Member>| {
            members = members
                .iter()
                .flat_map(|(w, values)| {
                    nodes.iter().map(move |(v, more)| (w * v, [values.clone(), more.clone()].concat()))
                })
                .collect();
        };
        for spread in &self.ensemble {
            if spread.nodes.is_empty() {
                return None;
            }
            product(spread.nodes.iter().map(|&(x, w)| (w, vec![(spread.parameter, x)])).collect());
        }
        if self.powder.is_some() {
            // Lebedev's grid of six points: the axes of the crystal, both ways. In a rotor each of three phases.
            let sphere =
                [(0.0, 0.0), (PI, 0.0), (PI / 2.0, 0.0), (PI / 2.0, PI / 2.0), (PI / 2.0, PI), (PI / 2.0, 1.5 * PI)];
            let phases = if self.turns { 3 } else { 1 };
            let node = |(polar, azimuth), k| {
                let phase = 2.0 * PI * k as f64 / phases as f64;
                (1.0 / (6 * phases) as f64, vec![("A", phase), ("B", polar), ("G", azimuth)])
            };
            product(
                sphere.into_iter().flat_map(|s| (0..phases).map(move |k| (s, k))).map(|(s, k)| node(s, k)).collect(),
            );
        }
        if self.cycled {
            product((0..4).map(|k| (0.25, vec![("phi", k as f64 * PI / 2.0)])).collect());
        }
        Some(members)
    }

    /// The program without its ensemble; the phase of a cycle is a parameter.
    pub fn single(&self) -> Program {
        let mut single = Program { ensemble: vec![], powder: None, cycled: false, ..self.clone() };
        if self.cycled {
            single.declarations.push(format!("param phi = {}", self.units.angle(0.0)));
        }
        single
    }

    /// The program with its steps rewritten, inside of loops and subsequences too. A rule gives what stands in the place of a step.
    pub fn rewritten(&self, rule: &mut dyn FnMut(&Step) -> Option<Vec<Step>>) -> Program {
        fn walk(steps: &[Step], rule: &mut dyn FnMut(&Step) -> Option<Vec<Step>>) -> Vec<Step> {
            let mut out = Vec::new();
            for step in steps {
                match (rule(step), step) {
                    (Some(new), _) => out.extend(new),
                    (None, Step::Loop(n, body)) => out.push(Step::Loop(*n, walk(body, rule))),
                    (None, step) => out.push(step.clone()),
                }
            }
            out
        }
        let mut new = self.clone();
        new.steps = walk(&self.steps, rule);
        new.subsequences = self.subsequences.iter().map(|s| walk(s, rule)).collect();
        new
    }
}
