//! The tree of a file: what was written, statement by statement, before anything is known about what it means.

use super::expr::Expr;
use super::words;
use crate::source::{Place, Span};

/// A word that the user chose, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The word.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

impl Name {
    /// A name at a place.
    pub fn at(text: impl Into<String>, span: Span) -> Name {
        Name { text: text.into(), place: span.into() }
    }

    /// The place, or an empty one.
    pub fn span(&self) -> Span {
        self.place.span()
    }
}

/// A whole file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Program {
    /// Its statements in order.
    pub items: Vec<Item>,
    /// Whether a statement that declares names could not be read and is missing.
    pub gaps: bool,
}

/// A statement of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// What it says.
    pub kind: ItemKind,
    /// Where it stands.
    pub place: Place,
}

/// The statements of a file.
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
    /// `noise n { collapse ... }`
    Noise(Name, Vec<Expr>),
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
    /// `sweep a = ...`, or several that run together
    Sweep(Vec<Sweep>),
    /// `expect x at m = v within tol`
    Expect(Expect),
    /// `theory trace.metric = f(t)`
    Theory(Theory),
}

/// A parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// Its default.
    pub default: Expr,
    /// The range it may take.
    pub range: Option<(Expr, Expr)>,
}

/// `name = value`
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// What is set.
    pub name: Name,
    /// To what.
    pub value: Expr,
}

/// `for k in 1..N` behind an entry.
#[derive(Debug, Clone, PartialEq)]
pub struct ForEach {
    /// The index.
    pub index: Name,
    /// Its first value.
    pub from: Expr,
    /// Its last value.
    pub to: Expr,
}

/// What sits at a place of the system.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpinKind {
    /// A spin without a nucleus, by twice its quantum number.
    Twice(u32),
    /// A nucleus.
    Isotope(String),
}

/// A declared spin or array of spins.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    /// Its name.
    pub name: Name,
    /// The size of the array.
    pub size: Option<Expr>,
}

/// An entry of `system`.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemEntry {
    /// What it says.
    pub kind: SystemKind,
    /// `for k in 1..N`
    pub each: Option<ForEach>,
    /// Where it stands.
    pub place: Place,
}

/// The entries of `system`. Sites are names or members of arrays.
#[derive(Debug, Clone, PartialEq)]
pub enum SystemKind {
    /// `spin a, s[N] : 1H`
    Spin(Vec<Declared>, SpinKind),
    /// `collective c : N * 1/2`
    Collective(Name, Expr, SpinKind),
    /// `mode m : cutoff`
    Mode(Name, Expr),
    /// `field 9.4 T`
    Field(Expr),
    /// `orientation (0, 30, 0) deg`
    Orientation(Expr),
    /// `spinning 10 kHz at 54.7 deg`
    Spinning(Expr, Option<Expr>),
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
    /// How it is written.
    pub form: words::Interaction,
    /// One subsystem or two.
    pub sites: Vec<Expr>,
    /// How large it is.
    pub size: Expr,
    /// The clauses that follow, in the order of the form.
    pub clauses: Vec<(words::Clause, Expr)>,
}

/// An entry of `ensemble`.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// `offset`, `rf`, `param`, `orientation`.
    pub quantity: Name,
    /// Of which channel or parameter; orientations are of the whole sample.
    pub of: Option<Expr>,
    /// The shape: `lorentzian`.
    pub shape: Name,
    /// Its settings.
    pub settings: Vec<Setting>,
    /// How many points.
    pub points: Option<Expr>,
}

/// A statement of `sequence`.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What it says.
    pub kind: StatementKind,
    /// Where it stands.
    pub place: Place,
}

/// `record 201 as charging`
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// How many samples.
    pub points: Expr,
    /// The trace's name.
    pub name: Option<Name>,
}

/// The statements of `sequence`.
#[derive(Debug, Clone, PartialEq)]
pub enum StatementKind {
    /// `prepare down(cells), up(charger)`
    Prepare(Vec<State>),
    /// `pulse 1H 90 deg phase x rf = 25 kHz`
    Pulse(Pulse),
    /// `delay 5 ms`
    Delay(Delay),
    /// `lock 1H phase y from 50 kHz to 0 kHz over 1 ms shape linear`
    Lock(Box<Lock>),
    /// `evolve H for 1 with n record 101 as trace`
    Evolve(Box<Evolve>),
    /// `crush`
    Crush(Vec<Expr>),
    /// `gradient 0.3 T/m for 1 ms shape = sine`
    Gradient(Expr, Expr, Vec<Setting>),
    /// `dephase H`
    Dephase(Expr),
    /// `mark charged`
    Mark(Name),
    /// `acquire 1H points 1024 dwell 5 us phase x`
    Acquire(Box<Acquire>),
    /// `tomography snr = 100`
    Tomography(Vec<Setting>),
    /// `loop 8 { ... }`
    Loop(Expr, Vec<Statement>),
    /// `parallel align centre { ... }`
    Parallel(Option<Name>, Vec<Statement>),
    /// `echo(5 ms)`
    Call(Name, Vec<Expr>),
}

/// A pulse.
#[derive(Debug, Clone, PartialEq)]
pub struct Pulse {
    /// The channel; an argument of a `define` may stand for it.
    pub channel: Name,
    /// The flip angle.
    pub angle: Option<Expr>,
    /// The phase.
    pub phase: Option<Expr>,
    /// `rf`, `duration`, `shape`, `offset`, `modulation`.
    pub settings: Vec<Setting>,
    /// Of no duration.
    pub ideal: bool,
    /// Samples to take.
    pub record: Option<Record>,
}

/// Free evolution.
#[derive(Debug, Clone, PartialEq)]
pub struct Delay {
    /// How long.
    pub duration: Expr,
    /// From the middle of the pulse before to the middle of the next.
    pub between_centres: bool,
    /// Samples to take.
    pub record: Option<Record>,
}

/// A spin lock.
#[derive(Debug, Clone, PartialEq)]
pub struct Lock {
    /// The channel.
    pub channel: Name,
    /// The phase.
    pub phase: Expr,
    /// The first field.
    pub from: Expr,
    /// The last field.
    pub to: Expr,
    /// How long.
    pub over: Expr,
    /// How it goes from one to the other.
    pub shape: Option<Expr>,
    /// In how many steps, for a transmitter that cannot go evenly.
    pub steps: Option<Expr>,
    /// Samples to take.
    pub record: Option<Record>,
}

/// An evolution.
#[derive(Debug, Clone, PartialEq)]
pub struct Evolve {
    /// Under what.
    pub hamiltonian: Expr,
    /// How long.
    pub duration: Expr,
    /// With which noise.
    pub noise: Option<Name>,
    /// Samples to take.
    pub record: Option<Record>,
}

/// An acquisition.
#[derive(Debug, Clone, PartialEq)]
pub struct Acquire {
    /// The channel.
    pub channel: Name,
    /// How many points.
    pub points: Expr,
    /// The time between two.
    pub dwell: Expr,
    /// The receiver's phase.
    pub phase: Option<Expr>,
    /// Further settings.
    pub settings: Vec<Setting>,
}

/// A state to prepare: `ket "01"`, `gibbs(H, T)`, `mix(0.5: up(c), 0.5: down(c))`.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// The kind.
    pub name: Name,
    /// The text behind `ket`.
    pub text: Option<String>,
    /// Arguments.
    pub arguments: Vec<Expr>,
    /// Weighted parts.
    pub parts: Vec<(Expr, State)>,
}

/// An entry of `measure`.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// The name it is given.
    pub name: Option<Name>,
    /// What is measured.
    pub value: Expr,
}

/// A sweep of one parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// Which.
    pub name: Name,
    /// Over what.
    pub values: SweepValues,
}

/// The values of a sweep.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SweepValues {
    /// `0.1 .. 2 points 20 log`
    Range {
        /// The first value.
        from: Expr,
        /// The last value.
        to: Expr,
        /// How many.
        points: Expr,
        /// Equal ratios.
        log: bool,
    },
    /// `0, 0.5, 1`
    List(Vec<Expr>),
}

/// An expected value.
#[derive(Debug, Clone, PartialEq)]
pub struct Expect {
    /// What.
    pub value: Expr,
    /// At which mark.
    pub at: Option<Name>,
    /// Which value.
    pub expected: Expr,
    /// How near.
    pub within: Expr,
    /// At which values of the parameters; the defaults when none are given.
    pub settings: Vec<(Name, Expr)>,
}

/// An expected curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Theory {
    /// Which trace.
    pub trace: Name,
    /// Which metric.
    pub metric: Expr,
    /// Which curve, in t.
    pub value: Expr,
    /// How near.
    pub within: Option<Expr>,
}
