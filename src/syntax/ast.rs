//! Syntax tree of a file: the statements as written, before semantic analysis.

use super::expr::Expr;
use super::words;
use crate::source::{Place, Span};

/// An identifier chosen by the user, with its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The identifier.
    pub text: String,
    /// Its position.
    pub place: Place,
}

impl Name {
    /// An identifier at a position.
    pub fn at(text: impl Into<String>, span: Span) -> Name {
        Name { text: text.into(), place: span.into() }
    }

    /// Its span, or an empty one.
    pub fn span(&self) -> Span {
        self.place.span()
    }
}

/// A whole file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Program {
    /// Statements, in order.
    pub items: Vec<Item>,
    /// True if a statement that declares names failed to parse and is missing.
    pub gaps: bool,
}

/// A statement at file level.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The statement.
    pub kind: ItemKind,
    /// Its position.
    pub place: Place,
}

/// Statements at file level.
#[derive(Debug, Clone, PartialEq)]
pub enum ItemKind {
    /// `ergoseq 1`
    Version(u32),
    /// `title "..."`
    Title(String),
    /// `units lab`
    Units(Name),
    /// `param a = 1, b = 2 in 0 .. 3`
    Params(Vec<Param>),
    /// `system { ... }`
    System(Vec<SystemEntry>),
    /// `hamiltonian H = ...`
    Hamiltonian(Name, Expr),
    /// `operator M = ...`
    Operator(Name, Expr),
    /// `state bell = superposition(1: ket "00", 1: ket "11")`, `state measured = density "state.json"`
    State(Name, State),
    /// `noise n { collapse ... }`
    Noise(Name, Vec<NoiseEntry>),
    /// `channel 1H { ... }`
    Channel(Name, Vec<Setting>),
    /// `spectrometer wideline { clock = 25 ns }`
    Spectrometer(Name, Vec<Setting>),
    /// `battery { ... }`
    Battery(Vec<Setting>),
    /// `ensemble { ... }`
    Ensemble(Vec<Distribution>),
    /// `cycle phi = x, -x`
    Cycle(Name, Vec<Expr>),
    /// `define echo(tau) { ... }`
    Define(Name, Vec<Name>, Vec<Statement>),
    /// `shape bump = "bump.shape"`
    Shape(Name, Name),
    /// `use "file.seq"`
    Use(Name),
    /// `sequence { ... }`
    Sequence(Vec<Statement>),
    /// `measure { ... }`, `measure at charged { ... }`
    Measure(Vec<Name>, Vec<Measure>),
    /// `sweep a = ...`, or several parameters swept together (`zip`)
    Sweep(Vec<Sweep>),
    /// `expect x at m = v within tol`
    Expect(Expect),
    /// `theory trace.metric = f(t)`
    Theory(Theory),
}

/// An entry of a noise.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseEntry {
    /// The entry.
    pub kind: NoiseKind,
    /// Range of its index variable.
    pub each: Option<ForEach>,
    /// Its position.
    pub place: Place,
}

/// What acts on the state.
#[derive(Debug, Clone, PartialEq)]
pub enum NoiseKind {
    /// `collapse sqrt(gamma) * Im(a)`, `collapse Im(a) rate = gamma`
    Collapse(Expr, Vec<Setting>),
    /// `bath a, b { rate = 0.1, temperature = 0.5, energy = H }`
    Bath(Vec<Expr>, Vec<Setting>),
}

/// A parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Name.
    pub name: Name,
    /// Default value or values.
    pub value: ParamValue,
    /// Allowed range of a number.
    pub range: Option<(Expr, Expr)>,
}

/// What a parameter is.
#[derive(Debug, Clone, PartialEq)]
pub enum ParamValue {
    /// A number: `tau = 8 us`
    One(Expr),
    /// A list: `taus = [1 ms, 2 ms, 5 ms]`
    List(Vec<Expr>),
    /// A list of random numbers: `J[N] : gaussian(mean = 10 Hz, sd = 1 Hz, seed = 1)`
    Random {
        /// Number of values.
        size: Expr,
        /// The distribution.
        shape: Name,
        /// Its settings.
        settings: Vec<Setting>,
    },
}

/// `name = value`
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Name of the setting.
    pub name: Name,
    /// Its value.
    pub value: Expr,
}

/// `k in 1..N`: after the `for` of an entry, or after `loop`.
#[derive(Debug, Clone, PartialEq)]
pub struct ForEach {
    /// Index variable.
    pub index: Name,
    /// First value.
    pub from: Expr,
    /// Last value.
    pub to: Expr,
}

/// Kind of a spin.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpinKind {
    /// A spin without a declared isotope, by twice its spin quantum number.
    Twice(u32),
    /// An isotope.
    Isotope(String),
    /// An electron, by twice its spin quantum number.
    Electron(u32),
}

/// A declared spin or array of spins.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    /// Name.
    pub name: Name,
    /// Size of the array.
    pub size: Option<Expr>,
}

/// An entry of `system`.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemEntry {
    /// The entry.
    pub kind: SystemKind,
    /// `for k in 1..N`
    pub each: Option<ForEach>,
    /// Its position.
    pub place: Place,
}

/// Entries of `system`. Sites are names or array elements.
#[derive(Debug, Clone, PartialEq)]
pub enum SystemKind {
    /// `spin a, s[N] : 1H`
    Spin(Vec<Declared>, SpinKind),
    /// `collective c : N * 1/2`
    Collective(Name, Expr, SpinKind),
    /// `mode m : cutoff`
    Mode(Name, Expr),
    /// `field 9.4 T`, `field 400 MHz of 1H`
    Field(Expr, Option<Name>),
    /// `orientation (0, 30, 0) deg`
    Orientation(Expr),
    /// `spinning 10 kHz at 54.7 deg`
    Spinning(Expr, Option<Expr>),
    /// `frame lab e, 13C`
    Frame(Vec<Name>),
    /// `temperature 300 K`
    Temperature(Expr),
    /// `shift a = 3.2 ppm`, `csa a = 40 ppm eta 0.3`, `dipolar a b = 1 kHz along (0, 0, 1)`
    Interaction(Box<Interaction>),
    /// `dipolar all`
    DipolarAll,
    /// `position a = (0, 0, 0) angstrom`
    Position(Expr, Expr),
    /// `relax a, b { T1 = 1 s }`
    Relax(Vec<Expr>, Vec<Setting>),
}

/// A declared interaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Interaction {
    /// Kind and syntax of the interaction.
    pub form: words::Interaction,
    /// One or two subsystems.
    pub sites: Vec<Expr>,
    /// Coupling strength.
    pub size: Expr,
    /// Clauses that follow, in the order of the form.
    pub clauses: Vec<(words::Clause, Expr)>,
}

/// An entry of `ensemble`.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// `offset`, `rf`, `param`, `orientation`.
    pub quantity: Name,
    /// The channel or parameter; `None` for orientations, which apply to the whole sample.
    pub of: Option<Expr>,
    /// The distribution: `lorentzian`.
    pub shape: Name,
    /// Its settings.
    pub settings: Vec<Setting>,
    /// Number of points.
    pub points: Option<Expr>,
}

/// A statement of `sequence`.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The statement.
    pub kind: StatementKind,
    /// Its position.
    pub place: Place,
}

/// `record 201 as charging`
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Number of samples.
    pub points: Expr,
    /// Name of the trace.
    pub name: Option<Name>,
}

/// Statements of `sequence`.
#[derive(Debug, Clone, PartialEq)]
pub enum StatementKind {
    /// `prepare down(cells), up(charger)`
    Prepare(Vec<State>),
    /// `pulse 1H 90 deg phase x rf = 25 kHz`
    Pulse(Box<Pulse>),
    /// `delay 5 ms`
    Delay(Delay),
    /// `lock 1H phase y from 50 kHz to 0 kHz over 1 ms shape linear`
    Lock(Box<Lock>),
    /// `evolve H for 1 with n record 101 as trace`
    Evolve(Box<Evolve>),
    /// `compile H for 2 ms ideal`
    Compile(Box<Compile>),
    /// `crush`
    Crush(Vec<Expr>),
    /// `gradient 0.3 T/m for 1 ms shape = sine`
    Gradient(Box<Expr>, Expr, Vec<Setting>),
    /// `dephase H`
    Dephase(Expr),
    /// `reset a = down(a)`
    Reset(Vec<Expr>, Vec<State>),
    /// `project a along z error = 5 % { up { ... } down { ... } }`
    Project(Box<Project>),
    /// `read m = Y(a)`
    Read(Box<Name>, Expr),
    /// `mark charged`
    Mark(Name),
    /// `acquire 1H points 1024 dwell 5 us phase x`, `acquire 1H points 64 every { ... }`
    Acquire(Box<Acquire>),
    /// `tomography snr = 100`
    Tomography(Vec<Setting>),
    /// `loop 8 { ... }`, `loop k in 1..8 { ... }`, `loop 8 record as passes { ... }`
    Loop(Repeat, Option<Box<Name>>, Vec<Statement>),
    /// `parallel align centre { ... }`
    Parallel(Option<Name>, Vec<Statement>),
    /// `decouple 13C waltz16 rf = 5 kHz { ... }`
    Decouple(Box<Decouple>),
    /// `echo(5 ms)`
    Call(Name, Vec<Expr>),
}

/// How often a loop runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Repeat {
    /// `loop 8`: equal repetitions.
    Times(Expr),
    /// `loop k in 1..8`: a counter takes the whole numbers from the first to the last bound.
    Counter(Box<ForEach>),
}

/// A measurement of a spin 1/2, and what follows each outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// The spin.
    pub site: Expr,
    /// The axis: x, y or z.
    pub axis: Name,
    /// `error = 5 %`
    pub settings: Vec<Setting>,
    /// Statements of the outcome up, if written.
    pub up: Option<Vec<Statement>>,
    /// Statements of the outcome down, if written.
    pub down: Option<Vec<Statement>>,
}

/// A pulse.
#[derive(Debug, Clone, PartialEq)]
pub struct Pulse {
    /// Channel; may be an argument of a `define`.
    pub channel: Name,
    /// Flip angle.
    pub angle: Option<Expr>,
    /// Phase.
    pub phase: Option<Expr>,
    /// `rf`, `duration`, `shape`, `offset`, `modulation`.
    pub settings: Vec<Setting>,
    /// True for an ideal (instantaneous) pulse.
    pub ideal: bool,
    /// The noise that acts meanwhile.
    pub noise: Option<Box<Name>>,
    /// Samples to record.
    pub record: Option<Box<Record>>,
}

/// A decoupling sequence on one channel during some statements.
#[derive(Debug, Clone, PartialEq)]
pub struct Decouple {
    /// Channel; may be an argument of a `define`.
    pub channel: Name,
    /// The sequence with its arguments.
    pub sequence: Expr,
    /// Phase; x by default.
    pub phase: Option<Expr>,
    /// `rf`, `offset`.
    pub settings: Vec<Setting>,
    /// The statements.
    pub body: Vec<Statement>,
    /// Everything before the body.
    pub head: Place,
}

/// Free evolution.
#[derive(Debug, Clone, PartialEq)]
pub struct Delay {
    /// Duration.
    pub duration: Expr,
    /// True if measured from the centre of the previous pulse to the centre of the next.
    pub between_centres: bool,
    /// The noise that acts meanwhile.
    pub noise: Option<Box<Name>>,
    /// Samples to record.
    pub record: Option<Box<Record>>,
}

/// A spin lock.
#[derive(Debug, Clone, PartialEq)]
pub struct Lock {
    /// Channel.
    pub channel: Name,
    /// Phase.
    pub phase: Expr,
    /// Initial rf amplitude.
    pub from: Expr,
    /// Final rf amplitude.
    pub to: Expr,
    /// Duration.
    pub over: Expr,
    /// Shape of the amplitude ramp.
    pub shape: Option<Expr>,
    /// Number of steps, for transmitters without continuous ramps.
    pub steps: Option<Expr>,
    /// The noise that acts meanwhile.
    pub noise: Option<Box<Name>>,
    /// Samples to record.
    pub record: Option<Box<Record>>,
}

/// Evolution under a given Hamiltonian.
#[derive(Debug, Clone, PartialEq)]
pub struct Evolve {
    /// Hamiltonian.
    pub hamiltonian: Expr,
    /// Duration.
    pub duration: Expr,
    /// Noise model.
    pub noise: Option<Box<Name>>,
    /// Samples to record.
    pub record: Option<Box<Record>>,
}

/// Pulses and delays that make the evolution under a Hamiltonian.
#[derive(Debug, Clone, PartialEq)]
pub struct Compile {
    /// Hamiltonian.
    pub hamiltonian: Expr,
    /// Its time.
    pub duration: Expr,
    /// True for ideal (instantaneous) pulses.
    pub ideal: bool,
    /// `infidelity`, `within`.
    pub settings: Vec<Setting>,
}

/// Acquisition of a signal.
#[derive(Debug, Clone, PartialEq)]
pub struct Acquire {
    /// Channel.
    pub channel: Name,
    /// Number of points.
    pub points: Expr,
    /// What separates them.
    pub sampling: Sampling,
    /// Receiver phase.
    pub phase: Option<Expr>,
    /// Further settings.
    pub settings: Vec<Setting>,
}

/// What separates the points of a signal.
#[derive(Debug, Clone, PartialEq)]
pub enum Sampling {
    /// `dwell 5 us`: free evolution.
    Dwell(Expr),
    /// `every { ... }`: a cycle of statements.
    Every(Vec<Statement>),
}

/// A state to prepare: `ket "01"`, `gibbs(H, T)`, `mix(0.5: up(c), 0.5: down(c))`.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Kind of state.
    pub name: Name,
    /// Text after `ket`.
    pub text: Option<String>,
    /// Arguments.
    pub arguments: Vec<Expr>,
    /// Components of a mixture or superposition.
    pub parts: Vec<Part>,
}

/// A component of a mixture or superposition: `0.5: up(a)`, `1 phase 90 deg: ket "11"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Weight, or magnitude of the amplitude.
    pub weight: Expr,
    /// Phase of the amplitude.
    pub phase: Option<Expr>,
    /// The state.
    pub state: State,
}

/// An entry of `measure`.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// Name given to the result.
    pub name: Option<Name>,
    /// Expression to measure.
    pub value: Expr,
}

/// A sweep of one parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// Parameter.
    pub name: Name,
    /// Its values.
    pub values: SweepValues,
}

/// Values of a sweep.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum SweepValues {
    /// `0.1 .. 2 points 20 log`
    Range {
        /// First value.
        from: Expr,
        /// Last value.
        to: Expr,
        /// Number of points.
        points: Expr,
        /// Logarithmic spacing.
        log: bool,
    },
    /// `0, 0.5, 1`
    List(Vec<Expr>),
}

/// An expected value.
#[derive(Debug, Clone, PartialEq)]
pub struct Expect {
    /// Expression.
    pub value: Expr,
    /// Mark.
    pub at: Option<Name>,
    /// Expected value.
    pub expected: Expr,
    /// Tolerance.
    pub within: Expr,
    /// Parameter values; the defaults if none are given.
    pub settings: Vec<(Name, Expr)>,
}

/// An expected curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Theory {
    /// Trace.
    pub trace: Name,
    /// Metric.
    pub metric: Expr,
    /// Curve, as a function of t.
    pub value: Expr,
    /// Tolerance.
    pub within: Option<Expr>,
}
