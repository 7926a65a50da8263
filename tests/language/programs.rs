//! Programs that nobody wrote. Random trees are printed and read back; random and damaged texts never make the compiler panic,
//! and tidying them changes nothing that they say. `ERGOSEQ_CASES=1000000` runs more of them.

use ergoseq::source::Place;
use ergoseq::syntax::ast::*;
use ergoseq::syntax::words::{Sites, WORDS};
use ergoseq::syntax::{Expr, ExprKind, Factor, Fold, Over, Term, format, parse};
use ergoseq::units::UNITS;

struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    fn chance(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    fn word(&mut self) -> String {
        self.pick(&["a", "b", "tau", "theta", "Delta", "x1", "H_QB", "longer_name", "µ", "rho_0"]).to_string()
    }

    fn name(&mut self) -> Name {
        Name { text: self.word(), place: Place::default() }
    }

    fn nucleus(&mut self) -> Name {
        Name { text: self.pick(&["1H", "13C", "19F"]).to_string(), place: Place::default() }
    }

    fn list<T>(&mut self, most: usize, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..1 + self.below(most)).map(|_| one(self)).collect()
    }

    fn option<T>(&mut self, one: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.chance(2) { Some(one(self)) } else { None }
    }

    fn number(&mut self) -> f64 {
        match self.below(4) {
            0 => self.below(100) as f64,
            1 => self.below(1000) as f64 / 8.0,
            2 => f64::from_bits(self.bits() & 0x7FEF_FFFF_FFFF_FFFF),
            _ => 1e-9 * self.below(1 << 30) as f64,
        }
    }

    /// An expression in the form in which the parser gives it: sums have two terms or a sign, products two factors.
    fn expr(&mut self, depth: usize) -> Expr {
        if depth == 0 {
            return Expr::bare(match self.below(5) {
                0 | 1 => ExprKind::Number(self.number()),
                2 => ExprKind::Isotope(self.pick(&["1H", "13C", "207Pb"]).to_string()),
                _ => ExprKind::Name(self.word()),
            });
        }
        let inner = depth - 1;
        Expr::bare(match self.below(11) {
            0 => {
                let unit = &UNITS[self.below(UNITS.len())];
                let value = match self.below(3) {
                    0 => Expr::bare(ExprKind::Tuple(
                        self.list(3, |r| r.expr(inner)).into_iter().chain([Expr::number(1.0)]).collect(),
                    )),
                    1 => Expr::bare(ExprKind::Number(self.number())),
                    _ => Expr::bare(ExprKind::Sum(vec![
                        Term { negative: true, value: self.expr(0) },
                        Term { negative: false, value: self.expr(0) },
                    ])),
                };
                ExprKind::Quantity(Box::new(value), unit)
            }
            1 => ExprKind::Index(self.word(), Box::new(self.expr(inner))),
            2 => ExprKind::Call(
                self.pick(&["sin", "X", "Ip", "max", "unknown"]).to_string(),
                self.list(3, |r| r.expr(inner)),
            ),
            3 | 4 => {
                let mut terms = self.list(4, |r| Term { negative: r.chance(3), value: r.expr(inner) });
                if terms.len() == 1 {
                    terms[0].negative = true;
                }
                ExprKind::Sum(terms)
            }
            5 | 6 => {
                let mut factors = self.list(3, |r| Factor { divides: r.chance(3), value: r.expr(inner) });
                factors[0].divides = false;
                factors.push(Factor { divides: self.chance(2), value: self.expr(inner) });
                ExprKind::Product(factors)
            }
            7 => ExprKind::Power(Box::new(self.expr(inner)), Box::new(self.expr(inner))),
            8 => ExprKind::Tuple(vec![self.expr(inner), self.expr(inner)]),
            9 => ExprKind::Over(Box::new(Over {
                fold: Fold::ALL[self.below(2)],
                index: self.word(),
                from: self.expr(0),
                to: self.expr(inner),
                body: self.expr(inner),
            })),
            _ => ExprKind::Member(self.word(), Box::new(Expr::bare(ExprKind::Name(self.word())))),
        })
    }

    fn value(&mut self) -> Expr {
        let depth = self.below(4);
        self.expr(depth)
    }

    fn setting(&mut self) -> Setting {
        Setting { name: self.name(), value: self.value() }
    }

    fn record(&mut self) -> Option<Record> {
        self.option(|r| Record { points: r.value(), name: r.option(Random::name) })
    }

    fn interaction(&mut self) -> Interaction {
        let forms: Vec<_> = WORDS.iter().filter_map(|w| w.interaction).collect();
        let form = forms[self.below(forms.len())];
        let mut sites = vec![self.site()];
        if form.sites == Sites::Two {
            sites.push(self.site());
        }
        let size = self.value();
        let clauses = form.clauses.iter().filter_map(|c| Some((*c, self.option(Random::value)?))).collect();
        Interaction { form, sites, size, clauses }
    }

    fn site(&mut self) -> Expr {
        if self.chance(2) {
            Expr::bare(ExprKind::Name(self.word()))
        } else {
            Expr::bare(ExprKind::Index(self.word(), Box::new(self.value())))
        }
    }

    fn entry(&mut self) -> SystemEntry {
        let spin = |r: &mut Random| match r.below(3) {
            0 => SpinKind::Isotope("13C".into()),
            1 => SpinKind::Electron(1 + r.below(7) as u32),
            _ => SpinKind::Twice(1 + r.below(7) as u32),
        };
        let kind = match self.below(16) {
            0 => SystemKind::Spin(
                self.list(3, |r| Declared { name: r.name(), size: r.option(Random::value) }),
                spin(self),
            ),
            1 => SystemKind::Collective(self.name(), Expr::number(self.below(9) as f64), spin(self)),
            2 => SystemKind::Mode(self.name(), self.value()),
            3 => SystemKind::Field(self.value(), self.option(Random::nucleus)),
            4 => SystemKind::Temperature(self.value()),
            5..=9 => SystemKind::Interaction(Box::new(self.interaction())),
            10 => SystemKind::DipolarAll,
            11 => SystemKind::Position(self.site(), self.value()),
            12 => SystemKind::Orientation(self.value()),
            13 => SystemKind::Spinning(self.value(), self.option(Random::value)),
            14 => SystemKind::Frame(self.list(2, Random::nucleus)),
            _ => SystemKind::Relax(self.list(2, Random::site), self.list(2, Random::setting)),
        };
        let each = self.option(|r| ForEach { index: r.name(), from: r.expr(0), to: r.value() });
        SystemEntry { kind, each, place: Place::default() }
    }

    fn noise(&mut self) -> NoiseEntry {
        let kind = if self.chance(2) {
            let settings = if self.chance(2) { self.list(2, Random::setting) } else { vec![] };
            NoiseKind::Collapse(self.value(), settings)
        } else {
            NoiseKind::Bath(self.list(2, Random::site), self.list(3, Random::setting))
        };
        let each = self.option(|r| ForEach { index: r.name(), from: r.expr(0), to: r.value() });
        NoiseEntry { kind, each, place: Place::default() }
    }

    fn state(&mut self, depth: usize) -> State {
        let name = self.name();
        let mut state = State { name, text: None, arguments: vec![], parts: vec![] };
        match self.below(4) {
            0 => state.text = Some("01".into()),
            1 => state.arguments = self.list(2, Random::value),
            2 if depth > 0 => {
                state.parts = self.list(2, |r| Part {
                    weight: r.value(),
                    phase: r.option(Random::value),
                    state: r.state(depth - 1),
                });
            }
            _ => {}
        }
        state
    }

    fn statement(&mut self, depth: usize) -> Statement {
        let kind = match self.below(if depth > 0 { 13 } else { 11 }) {
            0 => StatementKind::Prepare(self.list(2, |r| r.state(2))),
            1 => StatementKind::Pulse(Box::new(Pulse {
                channel: self.nucleus(),
                angle: self.option(Random::value),
                phase: self.option(Random::value),
                settings: self.list(2, Random::setting),
                ideal: self.chance(2),
                noise: self.option(Random::name).map(Box::new),
                record: self.record().map(Box::new),
            })),
            2 => StatementKind::Delay(Delay {
                duration: self.value(),
                between_centres: self.chance(2),
                noise: self.option(Random::name).map(Box::new),
                record: self.record().map(Box::new),
            }),
            3 => StatementKind::Lock(Box::new(Lock {
                channel: self.nucleus(),
                phase: self.value(),
                from: self.value(),
                to: self.value(),
                over: self.value(),
                shape: self.option(Random::value),
                steps: self.option(Random::value),
                noise: self.option(Random::name).map(Box::new),
                record: self.record().map(Box::new),
            })),
            4 => StatementKind::Evolve(Box::new(Evolve {
                hamiltonian: self.value(),
                duration: self.value(),
                noise: self.option(Random::name).map(Box::new),
                record: self.record().map(Box::new),
            })),
            5 if self.chance(3) => StatementKind::Compile(Box::new(Compile {
                hamiltonian: self.value(),
                duration: self.value(),
                ideal: self.chance(2),
                settings: self.list(2, Random::setting),
            })),
            5 if self.chance(2) => {
                StatementKind::Gradient(Box::new(self.value()), self.value(), self.list(2, Random::setting))
            }
            5 => StatementKind::Crush(self.list(2, Random::value)),
            6 if self.chance(2) => StatementKind::Read(Box::new(self.name()), self.value()),
            6 => StatementKind::Dephase(self.value()),
            7 => StatementKind::Mark(self.name()),
            8 => StatementKind::Acquire(Box::new(Acquire {
                channel: self.nucleus(),
                points: self.value(),
                sampling: if depth > 0 && self.chance(3) {
                    Sampling::Every(self.list(3, |r| r.statement(depth - 1)))
                } else {
                    Sampling::Dwell(self.value())
                },
                phase: self.option(Random::value),
                settings: vec![],
            })),
            9 => StatementKind::Tomography(self.list(3, Random::setting)),
            10 => StatementKind::Call(self.name(), self.list(2, Random::value)),
            11 => {
                let repeat = if self.chance(2) {
                    Repeat::Times(self.value())
                } else {
                    Repeat::Counter(Box::new(ForEach { index: self.name(), from: self.value(), to: self.value() }))
                };
                let trace = if self.chance(3) { Some(Box::new(self.name())) } else { None };
                StatementKind::Loop(repeat, trace, self.list(3, |r| r.statement(depth - 1)))
            }
            _ => StatementKind::Parallel(self.option(Random::name), self.list(2, |r| r.statement(depth - 1))),
        };
        Statement { kind, place: Place::default() }
    }

    fn param_value(&mut self) -> ParamValue {
        match self.below(3) {
            0 => ParamValue::One(self.value()),
            1 => ParamValue::List((0..=self.below(3)).map(|_| self.value()).collect()),
            _ => ParamValue::Random { size: self.value(), shape: self.name(), settings: self.list(3, Random::setting) },
        }
    }

    fn sweep(&mut self) -> Sweep {
        let values = if self.chance(2) {
            SweepValues::Range { from: self.value(), to: self.value(), points: self.value(), log: self.chance(2) }
        } else {
            SweepValues::List(self.list(4, Random::value))
        };
        Sweep { name: self.name(), values }
    }

    fn item(&mut self) -> Item {
        let kind = match self.below(16) {
            0 => ItemKind::Title("any text, even # this".into()),
            1 => ItemKind::Units(self.name()),
            2 => ItemKind::Params(self.list(3, |r| {
                let value = r.param_value();
                let range = matches!(value, ParamValue::One(_)).then(|| r.option(|r| (r.value(), r.value()))).flatten();
                Param { name: r.name(), value, range }
            })),
            3 => ItemKind::System(self.list(4, Random::entry)),
            4 if self.chance(3) => ItemKind::State(self.name(), self.state(2)),
            4 if self.chance(2) => ItemKind::Operator(self.name(), self.value()),
            4 => ItemKind::Hamiltonian(self.name(), self.value()),
            5 => ItemKind::Noise(self.name(), self.list(2, Random::noise)),
            6 => ItemKind::Channel(self.nucleus(), self.list(3, Random::setting)),
            7 => ItemKind::Battery(self.list(2, Random::setting)),
            8 => ItemKind::Ensemble(self.list(2, |r| Distribution {
                quantity: r.name(),
                of: r.option(|_| Expr::bare(ExprKind::Isotope("1H".into()))),
                shape: r.name(),
                settings: r.list(2, Random::setting),
                points: r.option(Random::value),
            })),
            9 if self.chance(2) => ItemKind::Spectrometer(self.name(), self.list(3, Random::setting)),
            9 => ItemKind::Cycle(self.name(), self.list(4, Random::value)),
            10 => ItemKind::Define(self.name(), self.list(2, Random::name), self.list(3, |r| r.statement(1))),
            11 => ItemKind::Sequence(self.list(5, |r| r.statement(2))),
            12 => ItemKind::Measure(
                self.list(2, Random::name),
                self.list(3, |r| Measure { name: r.option(Random::name), value: r.value() }),
            ),
            13 => ItemKind::Sweep(if self.chance(2) {
                vec![self.sweep()]
            } else {
                self.list(2, Random::sweep).into_iter().chain([self.sweep()]).collect()
            }),
            14 => ItemKind::Expect(Expect {
                value: self.value(),
                at: self.option(Random::name),
                expected: self.value(),
                within: self.value(),
                settings: self.list(2, |r| (r.name(), r.value())),
            }),
            _ => ItemKind::Theory(Theory {
                trace: self.name(),
                metric: Expr::bare(ExprKind::Name(self.word())),
                value: self.value(),
                within: self.option(Random::value),
            }),
        };
        Item { kind, place: Place::default() }
    }

    fn program(&mut self) -> Program {
        let version = Item { kind: ItemKind::Version(1), place: Place::default() };
        Program { items: [version].into_iter().chain(self.list(4, Random::item)).collect(), gaps: false }
    }
}

fn cases(usual: u64) -> u64 {
    std::env::var("ERGOSEQ_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

#[test]
fn what_is_printed_reads_back_the_same() {
    for seed in 0..cases(3000) {
        let program = Random(seed).program();
        let text = program.to_string();
        let (again, diagnostics) = parse(&text, 0);
        assert!(diagnostics.is_empty(), "seed {seed}: {}\n{text}", diagnostics[0].message);
        assert!(again == program, "seed {seed}: another tree\n{text}\n{again}");
        let tidy = format(&text);
        assert!(format(&tidy) == tidy, "seed {seed}: tidying twice\n{text}");
        let (tidied, diagnostics) = parse(&tidy, 0);
        assert!(diagnostics.is_empty() && tidied == program, "seed {seed}: tidying changes the tree\n{text}\n{tidy}");
    }
}

fn shipped() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/sequences");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file()).collect();
    paths.sort();
    paths.iter().map(|p| std::fs::read_to_string(p).unwrap()).collect()
}

/// Cuts, doubles, swaps and replaces pieces of shipped files; the result is compiled, and what compiles is checked at its values.
#[test]
fn damaged_files_do_not_panic() {
    let files = shipped();
    let pieces = [
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "..",
        "1e308",
        "-",
        "*",
        "^",
        "\"",
        "#",
        "\n",
        " 0 ",
        "hc",
        "us",
        "loop",
        "spin",
        "é",
        "999999999",
        "=",
    ];
    for seed in 0..cases(4000) {
        let mut random = Random(seed ^ 0xF00D);
        let mut text: Vec<char> = files[random.below(files.len())].chars().collect();
        for _ in 0..1 + random.below(6) {
            let at = random.below(text.len() + 1);
            match random.below(4) {
                0 => {
                    let end = (at + random.below(20)).min(text.len());
                    text.drain(at..end);
                }
                1 => {
                    let piece = random.pick(&pieces);
                    text.splice(at..at, piece.chars());
                }
                2 => {
                    let end = (at + random.below(40)).min(text.len());
                    let copy = text[at..end].to_vec();
                    text.splice(at..at, copy);
                }
                _ => {
                    if at < text.len() {
                        text[at] = char::from_u32(random.below(0x250) as u32).unwrap_or('?');
                    }
                }
            }
        }
        examine(&text.into_iter().collect::<String>());
    }
}

#[test]
fn any_bytes_do_not_panic() {
    for seed in 0..cases(4000) {
        let mut random = Random(seed ^ 0xBEEF);
        let bytes: Vec<u8> = (0..random.below(200)).map(|_| random.below(256) as u8).collect();
        let text = String::from_utf8_lossy(&bytes);
        examine(&text);
        examine(&format!("ergoseq 1\n{text}"));
    }
}

fn examine(text: &str) {
    let result = ergoseq::compile("any.seq", text, &mut ergoseq::no_files);
    match result {
        Ok(compiled) => {
            let _ = ergoseq::check_values(&compiled.experiment, &Default::default());
            let tidy = format(text);
            assert!(parse(&tidy, 0).0 == parse(text, 0).0, "tidying changes the tree of\n{text}");
        }
        Err(refused) => {
            assert!(refused.diagnostics.iter().any(|d| d.is_error()));
            // Rendering must stand any place.
            assert!(!refused.diagnostics[0].render(&refused.sources, false).is_empty());
        }
    }
}
