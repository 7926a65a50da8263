//! What a random program has in it.

use super::{Coefficient, Program, Pulse, Random, Spin, Spread, State, Step, Units};

/// Kinds of spins: what is declared, its number of states.
const KINDS: &[(&str, usize)] = &[("1H", 2), ("13C", 2), ("1H", 2), ("13C", 2), ("2H", 3), ("23Na", 4)];

/// The largest Hilbert space: every method has to manage it in a moment.
const LARGEST: usize = 16;

struct Generator {
    random: Random,
    units: Units,
    spins: Vec<Spin>,
    /// Whether a parameter `S` multiplies the rf of pulses, and `P` what it stands before.
    spread_rf: bool,
    spread: bool,
    turns: bool,
    turned: bool,
    powder: bool,
    relaxes: bool,
    noise: bool,
    /// Whether there is a `position`, so that gradients act.
    position: bool,
    cycled: bool,
    subsequences: Vec<Vec<Step>>,
}

/// A program of the given seed; its energies are multiplied by `scale` and its times divided by it.
pub fn generate(seed: u64, scale: f64) -> Program {
    let mut random = Random(seed.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ 0xE4D0);
    let natural = random.chance(3);
    let spins = spins(&mut random);
    // Superoperators of more states take seconds a statement.
    let small = spins.iter().map(|s| s.states).product::<usize>() <= 8;
    let mut g = Generator {
        units: Units { natural, scale },
        spins,
        spread_rf: random.chance(4),
        spread: random.chance(3),
        turned: !natural && random.chance(3),
        turns: !natural && random.chance(4),
        powder: random.chance(5),
        relaxes: random.chance(3) && small,
        noise: random.chance(3) && small,
        position: !natural && random.chance(8),
        cycled: random.chance(6),
        subsequences: vec![],
        random,
    };
    g.turned |= g.turns;
    g.powder &= g.turned;
    let entries = g.entries();
    let state = g.state();
    let declarations = g.declarations();
    if g.random.chance(3) {
        let body = g.steps(1 + seed as usize % 2, 0);
        g.subsequences.push(body);
    }
    let length = 2 + g.random.below(5);
    let mut steps = vec![Step::Mark("start".into())];
    for (k, step) in g.steps(length, 2).into_iter().enumerate() {
        steps.push(step);
        steps.push(Step::Mark(format!("m{k}")));
    }
    let (ensemble, powder) = g.ensemble();
    Program {
        seed,
        units: g.units,
        order: (0..g.spins.len()).collect(),
        spins: g.spins,
        entries,
        declarations,
        ensemble,
        powder,
        cycled: g.cycled,
        state,
        subsequences: g.subsequences,
        steps,
        turns: g.turns,
    }
}

fn spins(random: &mut Random) -> Vec<Spin> {
    let mut spins: Vec<Spin> = Vec::new();
    let mut size = 1;
    let count = 1 + random.below(4);
    for name in ["a", "b", "c", "d"].into_iter().take(count) {
        let (kind, states) = KINDS[random.below(KINDS.len())];
        if size * states <= LARGEST {
            size *= states;
            spins.push(Spin { name: name.into(), kind, states });
        }
    }
    spins
}

impl Generator {
    fn frequency(&mut self, low: f64, high: f64) -> String {
        let x = self.random.between(low, high);
        self.units.frequency(if self.random.chance(2) { -x } else { x })
    }

    fn time(&mut self, low: f64, high: f64) -> String {
        let x = self.random.between(low, high);
        self.units.time(x)
    }

    fn angle(&mut self) -> String {
        let x = self.random.between(-3.2, 3.2);
        self.units.angle(x)
    }

    fn spin(&mut self) -> Spin {
        let k = self.random.below(self.spins.len());
        self.spins[k].clone()
    }

    fn vector(&mut self) -> String {
        let mut x = || self.random.between(-1.0, 1.0);
        format!("({}, {}, {})", x(), x(), x())
    }

    fn euler(&mut self) -> String {
        let mut x = || self.random.between(0.0, 180.0);
        format!("({}, {}, {}) deg", x(), x(), x())
    }

    fn entries(&mut self) -> Vec<String> {
        let mut entries = Vec::new();
        if !self.units.natural {
            entries.push("field 9.4 T".into());
            entries.push("temperature 300 K".into());
        }
        if self.turned {
            entries.push("orientation (A, B, G)".into());
        }
        if self.turns {
            entries.push(format!("spinning {}", self.units.frequency(2.5)));
        }
        let names: Vec<String> = self.spins.iter().map(|s| s.name.clone()).collect();
        for a in 0..names.len() {
            for b in a + 1..names.len() {
                if self.random.chance(2) {
                    entries.push(format!("j {} {} = {}", names[a], names[b], self.frequency(0.02, 0.6)));
                }
                if self.random.chance(2) {
                    let along = if self.turned { format!(" along {}", self.vector()) } else { String::new() };
                    let factor = if self.spread && self.random.chance(2) { "P*" } else { "" };
                    let d = self.frequency(0.02, 1.0);
                    entries.push(format!("dipolar {} {} = {factor}{d}{along}", names[a], names[b]));
                }
            }
        }
        for spin in self.spins.clone() {
            let name = &spin.name;
            // In a field of 9.4 T a shift of 1 ppm is 0.4 kHz for 1H; it is an energy, so it scales.
            if !self.units.natural && self.random.chance(2) {
                let ppm = self.random.between(-4.0, 4.0) * self.units.scale;
                entries.push(format!("shift {name} = {ppm} ppm"));
            }
            if self.turned && self.random.chance(2) {
                let ppm = self.random.between(-6.0, 6.0) * self.units.scale;
                let eta = self.random.between(0.0, 1.0);
                entries.push(format!("csa {name} = {ppm} ppm eta {eta} axes {}", self.euler()));
            }
            if !self.units.natural && spin.states > 2 && self.random.chance(2) {
                let axes = if self.turned { format!(" axes {}", self.euler()) } else { String::new() };
                let eta = self.random.between(0.0, 1.0);
                entries.push(format!("quadrupole {name} = {} eta {eta}{axes}", self.frequency(0.2, 3.0)));
            }
            if self.relaxes && spin.states == 2 {
                let t1 = self.random.between(1.0, 20.0);
                let t2 = t1 * self.random.between(0.2, 1.9);
                let polarisation = if self.units.natural {
                    format!(", polarisation = {}", self.random.between(-0.9, 0.9))
                } else {
                    String::new()
                };
                let (t1, t2) = (self.units.time(t1), self.units.time(t2));
                entries.push(format!("relax {name} {{ T1 = {t1}, T2 = {t2}{polarisation} }}"));
            }
        }
        entries
    }

    fn state(&mut self) -> State {
        if !self.units.natural && self.random.chance(3) {
            return State::Text("thermal".into());
        }
        let mut ket = || self.spins.iter().map(|s| self.random.below(s.states)).collect::<Vec<usize>>();
        let (a, b, c) = (ket(), ket(), ket());
        let amplitude = self.random.between(-1.0, 1.0);
        // Equal basis states would cancel.
        let second = if a == b { vec![(1.0, a)] } else { vec![(1.0, a), (amplitude, b)] };
        State::Kets(vec![(0.75, second), (0.25, vec![(1.0, c)])])
    }

    fn declarations(&mut self) -> Vec<String> {
        let mut list = vec!["param S = 1, P = 1".to_string()];
        // The crystallites of a powder are turned from where `orientation` puts the crystal: they are its values where that is nothing.
        list.push(if self.powder {
            "param A = 0 rad, B = 0 rad, G = 0 rad".into()
        } else if self.units.natural {
            "param A = 0, B = 0, G = 0".into()
        } else {
            "param A = 0.3 rad, B = 1.1 rad, G = -0.4 rad".into()
        });
        for nucleus in self.nuclei() {
            // `rf` is what pulses take that give none.
            list.push(format!("channel {nucleus} {{ rf = {} }}", self.units.frequency(5.0)));
        }
        let (a, b) = (self.spin().name, self.spin().name);
        let rate = self.random.between(0.02, 0.3);
        let mut noise = format!(
            "noise n {{\n    collapse sqrt({})*I{}({a})",
            self.units.rate(rate),
            self.random.pick(&["p", "m", "z"])
        );
        if a != b {
            let rate = self.random.between(0.02, 0.3);
            noise += &format!("\n    collapse sqrt({})*Iz({a})*Ip({b})", self.units.rate(rate));
        }
        list.push(noise + "\n}");
        let x = self.units.frequency(1.0);
        let mut energy = format!("{x}*Iz({})", self.spins[0].name);
        for pair in self.spins.windows(2) {
            energy += &format!(" + {}*Ix({})*Ix({})", self.units.frequency(0.5), pair[0].name, pair[1].name);
        }
        list.push(format!("battery {{ energy = {energy} }}"));
        let mut measure = String::from("measure {\n    energy\n    ergotropy\n    capacity\n    purity\n    entropy\n");
        for (k, spin) in self.spins.iter().enumerate() {
            for axis in ["Ix", "Iy", "Iz"] {
                measure += &format!("    of_{k}{axis} = expectation({axis}({}))\n", spin.name);
            }
        }
        for pair in self.spins.windows(2) {
            let (a, b) = (&pair[0].name, &pair[1].name);
            measure += &format!("    of_{a}{b} = expectation(Ix({a})*Iz({b}) - Iy({a})*Iy({b}))\n");
        }
        list.push(measure + "}");
        list
    }

    fn nuclei(&self) -> Vec<&'static str> {
        let mut list: Vec<&'static str> = Vec::new();
        for spin in &self.spins {
            if !list.contains(&spin.kind) {
                list.push(spin.kind);
            }
        }
        list
    }

    fn nucleus(&mut self) -> &'static str {
        let list = self.nuclei();
        list[self.random.below(list.len())]
    }

    /// A function of time over a statement of the given length, between about -1 and 1, or a few.
    fn function(&mut self, time: f64) -> Coefficient {
        let long = self.units.time(time);
        let at = {
            let x = self.random.between(0.1, 0.9);
            self.units.time(x * time)
        };
        let x = self.random.between(0.2, 3.0);
        match self.random.below(11) {
            0 => format!("sin({x}*2*pi*{{t}}/({long}))"),
            1 => format!("cos({x}*2*pi*{{t}}/({long}) + {x})"),
            2 | 3 => {
                // From a hundredth of the statement to all of it.
                let width = self.random.pick(&["0.01", "0.05", "0.3", "1"]);
                format!("exp(-(({{t}} - {at})/({width}*{long}))^2)")
            }
            4 => format!("step({{t}} - {at})"),
            5 => format!("(1 - step({{t}} - {at}))"),
            6 => format!("sign({{t}} - {at})"),
            7 => format!("floor({x}*{{t}}/({long}))"),
            8 => format!("abs({x}*{{t}}/({long}) - 0.7)"),
            9 => format!("min({{t}}/({at}), 1)"),
            _ => format!("max(0.3, 1 - {x}*{{t}}/({long}))"),
        }
    }

    fn operator(&mut self) -> String {
        let axis = |g: &mut Generator| g.random.pick(&["Ix", "Iy", "Iz"]);
        let (a, b) = (self.spin(), self.spin());
        let (i, j) = (axis(self), axis(self));
        if a.name != b.name && self.random.chance(2) {
            format!("{i}({})*{j}({})", a.name, b.name)
        } else if a.states > 2 && self.random.chance(3) {
            format!("{i}({})*{i}({})", a.name, a.name)
        } else {
            format!("{i}({})", a.name)
        }
    }

    fn evolve(&mut self) -> Step {
        let time = self.random.between(0.05, 1.2);
        let mut terms: Vec<(Coefficient, String)> = Vec::new();
        // The internal Hamiltonian of a sample that spins is no single operator.
        if !self.turns && self.random.chance(2) {
            terms.push(("1".into(), "internal".into()));
        }
        let moving = self.random.chance(2);
        for _ in 0..1 + self.random.below(3) {
            let mut coefficient = self.frequency(0.05, 1.5);
            if self.spread && self.random.chance(3) {
                coefficient = format!("P*{coefficient}");
            }
            if moving && !self.random.chance(4) {
                coefficient = format!("{coefficient}*{}", self.function(time));
            }
            terms.push((coefficient, self.operator()));
        }
        Step::Evolve { terms, time, noise: self.noise && self.random.chance(2), record: self.random.chance(4) }
    }

    fn pulse(&mut self) -> Step {
        let nucleus = self.nucleus();
        let factor = if self.spread_rf { "S*" } else { "" };
        let phase = if self.cycled && self.random.chance(2) { "phi".into() } else { self.angle() };
        if self.random.chance(3) {
            let x = self.random.between(0.1, 3.2);
            let angle = self.units.angle(x);
            return Step::Instant(format!("pulse {nucleus} {factor}{angle} phase {phase} ideal"));
        }
        let time = self.random.between(0.02, 0.8);
        let (rf, duration) = (self.random.between(0.2, 4.0), self.units.time(time));
        let rf = format!("{factor}{}", self.units.frequency(rf));
        if self.random.chance(3) {
            let sweep = self.units.frequency(3.0);
            let flank = self.units.time(0.01);
            let shapes = [
                "gauss(0.02)",
                "sinc(2)",
                "sine",
                "hermite",
                "sech(SWEEP)",
                "wurst(SWEEP)",
                "chirp(SWEEP)",
                "rectangular(FLANK)",
            ];
            let shape = self.random.pick(&shapes).replace("SWEEP", &sweep).replace("FLANK", &flank);
            return Step::Timed(format!(
                "pulse {nucleus} phase {phase} rf = {rf} duration = {duration} shape = {shape}"
            ));
        }
        let shape = self.random.chance(3).then(|| format!("abs({})", self.function(time)));
        let offset = self.random.chance(3).then(|| self.frequency(0.1, 3.0));
        let modulation = self.random.chance(4).then(|| {
            let size = self.units.angle(0.7);
            format!("{size}*{}", self.function(time))
        });
        // A shape is 1 at its peak: of what `function` gives, only these are by construction.
        let shape = shape.filter(|s| s.contains("sin(") || s.contains("exp(") || s.contains("step("));
        Step::Pulse(Pulse { nucleus, rf, phase, duration: time, shape, offset, modulation })
    }

    fn timed(&mut self) -> Step {
        let factor = if self.spread_rf { "S*" } else { "" };
        let nucleus = self.nucleus();
        let list = self.nuclei();
        if list.len() > 1 && self.random.chance(2) {
            let align = self.random.pick(&["start", "centre", "end"]);
            let mut body = String::new();
            for nucleus in &list[..2] {
                let (phase, duration) = (self.angle(), self.time(0.05, 0.4));
                let rf = self.random.between(0.3, 3.0);
                let rf = self.units.frequency(rf);
                body += &format!(" pulse {nucleus} phase {phase} rf = {factor}{rf} duration = {duration}\n   ");
            }
            return Step::Timed(format!("parallel align {align} {{\n    {body}}}"));
        }
        if self.position && self.random.chance(2) {
            let time = self.time(0.05, 0.5);
            return Step::Timed(format!("gradient {} T/m for {time}", 1e-3 * self.units.scale));
        }
        let (from, to) = (self.random.between(0.0, 3.0), self.random.between(0.0, 3.0));
        let (from, to) = (self.units.frequency(from), self.units.frequency(to));
        let local = self.units.frequency(1.0);
        let ramp = self.random.pick(&[
            "",
            " shape linear",
            " shape exponential(3)",
            " shape tan(LOCAL)",
            " shape constant_adiabaticity(LOCAL)",
        ]);
        let steps = if self.random.chance(2) { " steps 7" } else { "" };
        let (phase, over) = (self.angle(), self.time(0.1, 1.0));
        Step::Timed(format!(
            "lock {nucleus} phase {phase} from {factor}{from} to {factor}{to} over {over}{}{steps}",
            ramp.replace("LOCAL", &local)
        ))
    }

    fn steps(&mut self, count: usize, depth: usize) -> Vec<Step> {
        (0..count).map(|_| self.step(depth)).collect()
    }

    fn step(&mut self, depth: usize) -> Step {
        match self.random.below(20) {
            0..=3 => {
                let stretched = self.spread && self.random.chance(3);
                // A curve has one length for all members.
                let record = !stretched && depth == 2 && self.random.chance(4);
                Step::Delay { time: self.random.between(0.02, 1.5), stretched, record }
            }
            4..=8 => match self.evolve() {
                Step::Evolve { terms, time, noise, record } => {
                    Step::Evolve { terms, time, noise, record: record && depth == 2 }
                }
                other => other,
            },
            9..=13 => self.pulse(),
            14..=15 => self.timed(),
            16 if self.random.chance(2) => Step::Instant("crush".into()),
            16 => {
                let operator = self.operator();
                Step::Instant(format!("dephase {operator}"))
            }
            17..=18 if depth > 0 => {
                let (times, count) = (2 + self.random.below(3), 1 + self.random.below(2));
                Step::Loop(times, self.steps(count, depth - 1))
            }
            19 if depth == 2 && !self.subsequences.is_empty() => Step::Call(0),
            19 if depth == 2 => Step::Acquire(self.nucleus(), 8, 0.05),
            _ => Step::Delay { time: self.random.between(0.02, 0.5), stretched: false, record: false },
        }
    }

    fn ensemble(&mut self) -> (Vec<Spread>, Option<String>) {
        let mut list = Vec::new();
        let (width, root3) = (0.1, 3f64.sqrt());
        if self.spread_rf {
            // Gauss's quadrature of three points for the normal distribution.
            let nodes = vec![(1.0 - root3 * width, 1.0 / 6.0), (1.0, 2.0 / 3.0), (1.0 + root3 * width, 1.0 / 6.0)];
            list.push(Spread { text: "param S : gaussian(mean = 1, sd = 0.1) points 3".into(), nodes, parameter: "S" });
        }
        if self.spread {
            // Of two points for the even distribution.
            let nodes = vec![(1.0 - width / root3, 0.5), (1.0 + width / root3, 0.5)];
            list.push(Spread {
                text: "param P : uniform(from = 0.9, to = 1.1) points 2".into(),
                nodes,
                parameter: "P",
            });
        }
        if self.position {
            list.push(Spread {
                text: "position : uniform(from = -1 mm, to = 1 mm) points 3".into(),
                nodes: vec![],
                parameter: "",
            });
        }
        let rotor = if self.turns { "(rotor = 3)" } else { "" };
        let powder = self.powder.then(|| format!("orientation : lebedev{rotor} points 6"));
        (list, powder)
    }
}
