//! All keywords of the language, each defined once: the parser, the formatter, messages, completion and `grammar.md` use this table.

use crate::units::Dimension;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// Syntactic role of a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Starts a statement at file level.
    Statement,
    /// Starts an entry of a `system` block.
    SystemEntry,
    /// Starts a statement of a `sequence` block.
    Event,
    /// Occurs inside a statement.
    Clause,
}

/// A keyword, its role and its meaning.
#[derive(Debug, Clone, Copy)]
pub struct Word {
    /// Its spelling.
    pub word: &'static str,
    /// Its syntactic role.
    pub role: Role,
    /// One-line description.
    pub meaning: &'static str,
    /// For a keyword that declares an interaction, the syntax of the declaration.
    pub interaction: Option<Interaction>,
}

const fn word(word: &'static str, role: Role, meaning: &'static str) -> Word {
    Word { word, role, meaning, interaction: None }
}

/// Interactions that can be declared in `system`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InteractionKind {
    /// Chemical shift.
    Shift,
    /// Chemical shift anisotropy.
    Csa,
    /// Quadrupolar coupling.
    Quadrupole,
    /// Scalar coupling (J coupling).
    J,
    /// Dipolar coupling.
    Dipolar,
    /// g tensor of an electron.
    Gtensor,
    /// Hyperfine coupling of an electron and a nucleus.
    Hyperfine,
    /// Zero-field splitting of an electron spin above 1/2.
    Zfs,
}

/// Number of subsystems of an interaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sites {
    /// `csa a = ...`
    One,
    /// `j a b = ...`
    Two,
}

/// Clauses that may follow the size of an interaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Clause {
    /// `eta 0.3`: asymmetry parameter of a tensor.
    Eta,
    /// `axes (0, 30, 0) deg`: Euler angles of the tensor's principal axes in the crystal frame.
    Axes,
    /// `along (0, 0, 1)`: direction of the internuclear vector in the crystal frame.
    Along,
    /// `rhombic 5 MHz`: the rhombic zero-field splitting E.
    Rhombic,
    /// `order 2`: order of perturbation theory in the interaction, relative to the Zeeman term.
    Order,
}

/// Kind of value of a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClauseValue {
    /// A number.
    Number,
    /// A frequency.
    Frequency,
    /// Three Euler angles, zyz convention.
    Angles,
    /// Three components of a direction, not necessarily normalised.
    Direction,
}

impl Clause {
    /// Kind of its value.
    pub fn value(self) -> ClauseValue {
        match self {
            Clause::Eta | Clause::Order => ClauseValue::Number,
            Clause::Axes => ClauseValue::Angles,
            Clause::Rhombic => ClauseValue::Frequency,
            Clause::Along => ClauseValue::Direction,
        }
    }

    /// Its keyword.
    pub fn word(self) -> &'static str {
        match self {
            Clause::Eta => "eta",
            Clause::Axes => "axes",
            Clause::Along => "along",
            Clause::Rhombic => "rhombic",
            Clause::Order => "order",
        }
    }
}

/// Syntax of an interaction: `WORD SITE [SITE] = SIZE [CLAUSE VALUE]...`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interaction {
    /// Which interaction.
    pub kind: InteractionKind,
    /// Number of subsystems.
    pub sites: Sites,
    /// Dimension of its size.
    pub size: Dimension,
    /// True if the three principal values of a tensor may stand for its size.
    pub principal: bool,
    /// Allowed clauses, in this order.
    pub clauses: &'static [Clause],
}

impl InteractionKind {
    /// Its keyword.
    pub fn word(self) -> &'static str {
        WORDS.iter().find(|w| w.interaction.is_some_and(|i| i.kind == self)).map_or("", |w| w.word)
    }
}

const TENSOR: &[Clause] = &[Clause::Eta, Clause::Axes];

const fn interaction(
    word: &'static str,
    kind: InteractionKind,
    sites: Sites,
    size: Dimension,
    clauses: &'static [Clause],
    meaning: &'static str,
) -> Word {
    let interaction = Some(Interaction { kind, sites, size, principal: false, clauses });
    Word { word, role: Role::SystemEntry, meaning, interaction }
}

/// A keyword for an interaction whose size may be given by principal values.
const fn tensor(
    word: &'static str,
    kind: InteractionKind,
    sites: Sites,
    size: Dimension,
    meaning: &'static str,
) -> Word {
    let interaction = Some(Interaction { kind, sites, size, principal: true, clauses: &[Clause::Axes] });
    Word { word, role: Role::SystemEntry, meaning, interaction }
}

/// The keywords, in the order in which `grammar.md` explains them.
pub const WORDS: &[Word] = &[
    word("ergoseq", Role::Statement, "the version of the language; the first statement of a file"),
    word("title", Role::Statement, "a title for the results"),
    word("units", Role::Statement, "the unit system: lab or natural"),
    word("param", Role::Statement, "parameters: name, default, range"),
    word("system", Role::Statement, "the spin system and its interactions"),
    word("hamiltonian", Role::Statement, "a named Hamiltonian"),
    word("operator", Role::Statement, "a named operator of any dimension, such as an observable"),
    word("state", Role::Statement, "a named state, which may come from a file"),
    word("noise", Role::Statement, "a named set of collapse operators and thermal baths"),
    word("channel", Role::Statement, "a transmitter and its limits"),
    word("spectrometer", Role::Statement, "the resolution and limits of a spectrometer"),
    word("battery", Role::Statement, "the subsystem and Hamiltonian that store the energy"),
    word("ensemble", Role::Statement, "distributions over which results are averaged"),
    word("cycle", Role::Statement, "a phase cycle"),
    word("define", Role::Statement, "a named subsequence"),
    word("shape", Role::Statement, "a pulse shape from a file"),
    word("use", Role::Statement, "includes the declarations of another file"),
    word("sequence", Role::Statement, "the pulse sequence"),
    word("measure", Role::Statement, "the results to compute"),
    word("sweep", Role::Statement, "the parameters to sweep"),
    word("expect", Role::Statement, "a theoretical value, checked by `ergoseq test`"),
    word("theory", Role::Statement, "a theoretical curve, checked by `ergoseq test`"),
    word("spin", Role::SystemEntry, "spins by name: 1/2, an isotope, or `e` for an electron"),
    word("collective", Role::SystemEntry, "many equivalent spins that couple only through their sums"),
    word("mode", Role::SystemEntry, "a harmonic mode with a Fock cutoff"),
    word("field", Role::SystemEntry, "the static field"),
    word("orientation", Role::SystemEntry, "the orientation of the crystal in the field, or in the rotor"),
    word("spinning", Role::SystemEntry, "the MAS rate, and the angle of the rotor axis to the field"),
    word("temperature", Role::SystemEntry, "the temperature of the sample"),
    interaction("shift", InteractionKind::Shift, Sites::One, Dimension::SHIFT, &[], "a chemical shift"),
    interaction("csa", InteractionKind::Csa, Sites::One, Dimension::SHIFT, TENSOR, "a chemical shift anisotropy"),
    interaction(
        "quadrupole",
        InteractionKind::Quadrupole,
        Sites::One,
        Dimension::FREQUENCY,
        &[Clause::Eta, Clause::Axes, Clause::Order],
        "a quadrupolar coupling, to first or second order",
    ),
    interaction("j", InteractionKind::J, Sites::Two, Dimension::FREQUENCY, &[], "a scalar coupling"),
    interaction(
        "dipolar",
        InteractionKind::Dipolar,
        Sites::Two,
        Dimension::FREQUENCY,
        &[Clause::Along],
        "a dipolar coupling, or `all` from positions",
    ),
    tensor(
        "gtensor",
        InteractionKind::Gtensor,
        Sites::One,
        Dimension::NUMBER,
        "the g factor of an electron, or the principal values of its g tensor",
    ),
    tensor(
        "hyperfine",
        InteractionKind::Hyperfine,
        Sites::Two,
        Dimension::FREQUENCY,
        "the hyperfine coupling of an electron and a nucleus: one value, or the principal values of its tensor",
    ),
    interaction(
        "zfs",
        InteractionKind::Zfs,
        Sites::One,
        Dimension::FREQUENCY,
        &[Clause::Rhombic, Clause::Axes, Clause::Order],
        "the zero-field splitting D of an electron spin above 1/2",
    ),
    word("frame", Role::SystemEntry, "the nuclei or electrons that are described in the laboratory frame"),
    word(
        "position",
        Role::SystemEntry,
        "the position of a spin in the crystal; without an `orientation` the field is along z",
    ),
    word("relax", Role::SystemEntry, "relaxation times"),
    word("prepare", Role::Event, "the initial state"),
    word("pulse", Role::Event, "a radio-frequency pulse"),
    word("delay", Role::Event, "free evolution"),
    word("lock", Role::Event, "a spin lock with an rf amplitude ramp"),
    word("evolve", Role::Event, "evolution under the given Hamiltonian only"),
    word(
        "compile",
        Role::Event,
        "pulses and delays that make the evolution under a Hamiltonian, found when the file is compiled",
    ),
    word("crush", Role::Event, "removes all coherences of nonzero order, or of all orders except those to `keep`"),
    word("gradient", Role::Event, "a field gradient along z"),
    word("dephase", Role::Event, "removes the part of the state that does not commute with the operator"),
    word("reset", Role::Event, "traces out subsystems and prepares them in a new state"),
    word("project", Role::Event, "projective measurement of a spin 1/2, with statements for each outcome"),
    word("read", Role::Event, "reads the mean of an observable, for feedback, without changing the state"),
    word("mark", Role::Event, "names a point in time at which metrics are evaluated"),
    word("acquire", Role::Event, "records a free induction decay"),
    word("tomography", Role::Event, "reconstructs the state from simulated readouts"),
    word("loop", Role::Event, "repeats statements"),
    word("parallel", Role::Event, "simultaneous pulses on several channels"),
    word("decouple", Role::Event, "a decoupling sequence on one channel during the statements of a block"),
    word("in", Role::Clause, "the range of a parameter, or of a summation index"),
    word("for", Role::Clause, "the duration, or the range of indices"),
    word("of", Role::Clause, "the nucleus whose Larmor frequency gives the field"),
    word("phase", Role::Clause, "the phase of a pulse"),
    word("ideal", Role::Clause, "instantaneous (hard pulse): internal interactions do not act"),
    word("from", Role::Clause, "the first value of a ramp"),
    word("to", Role::Clause, "the last value of a ramp"),
    word("over", Role::Clause, "the duration of a ramp"),
    word("steps", Role::Clause, "the number of steps of a ramp, for a transmitter that cannot ramp continuously"),
    word("with", Role::Clause, "the noise model that acts during an evolution"),
    word("record", Role::Clause, "the number of samples of a trace"),
    word("as", Role::Clause, "the name of a trace"),
    word("align", Role::Clause, "the alignment of parallel pulses of unequal length"),
    word(
        "between",
        Role::Clause,
        "`between centres`: a delay measured from the centre of one pulse to the centre of the next",
    ),
    word("centres", Role::Clause, "the centres of the pulses on both sides of a delay"),
    word("keep", Role::Clause, "the coherence orders that a `crush` keeps"),
    word("points", Role::Clause, "the number of points"),
    word("dwell", Role::Clause, "the dwell time of a signal"),
    word("every", Role::Clause, "the cycle between two points of a stroboscopic signal"),
    word("log", Role::Clause, "logarithmic instead of linear steps"),
    word("zip", Role::Clause, "sweeps that run together"),
    word("at", Role::Clause, "the mark at which a value is expected, or the angle of the rotor axis"),
    word("eta", Role::Clause, "the asymmetry of a tensor"),
    word("axes", Role::Clause, "the Euler angles of the principal axes of a tensor in the crystal frame"),
    word("along", Role::Clause, "the direction of a spin pair in the crystal frame"),
    word("rhombic", Role::Clause, "the rhombic part E of a zero-field splitting"),
    word(
        "order",
        Role::Clause,
        "the order of perturbation theory of a quadrupolar coupling or zero-field splitting: 1 (default) or 2",
    ),
    word("within", Role::Clause, "a tolerance"),
    word("where", Role::Clause, "the values of parameters for which a value is expected"),
    word(
        "collapse",
        Role::Clause,
        "a Lindblad operator: including the square root of its rate, or with `rate = ...` behind it",
    ),
    word("bath", Role::Clause, "a thermal bath of spins or modes: jumps up and down by detailed balance"),
    word("all", Role::Clause, "all pairs of spins, from their positions"),
    word("lab", Role::Clause, "every dimensional number has a unit"),
    word("natural", Role::Clause, "hbar = k_B = 1"),
];

/// Statements that were added later: where a file defines a subsequence of this name, the name is a call, so that the file keeps its meaning.
/// Keywords of other blocks, whenever they were added, are calls in a sequence that defines them.
pub const LATER: [&str; 3] = ["compile", "decouple", "read"];

/// Syntax of the interaction declared by a keyword.
pub fn interaction_named(word: &str) -> Option<Interaction> {
    WORDS.iter().find(|w| w.word == word)?.interaction
}

/// All keywords with this role.
pub fn words_of(role: Role) -> impl Iterator<Item = &'static str> {
    WORDS.iter().filter(move |w| w.role == role).map(|w| w.word)
}

/// The keywords with this spelling: those of a letter are kept together, since every word of a text is looked up several times.
fn spelled(word: &str) -> impl Iterator<Item = &'static Word> {
    static BY_LETTER: LazyLock<Vec<Vec<&'static Word>>> = LazyLock::new(|| {
        (b'a'..=b'z').map(|letter| WORDS.iter().filter(|w| w.word.bytes().next() == Some(letter)).collect()).collect()
    });
    let letter = word.bytes().next().map_or(usize::MAX, |b| usize::from(b).wrapping_sub(usize::from(b'a')));
    BY_LETTER.get(letter).into_iter().flatten().copied().filter(move |w| w.word == word)
}

/// True if the keyword has this role.
pub fn is(word: &str, role: Role) -> bool {
    spelled(word).any(|w| w.role == role)
}

/// True if this is a keyword. A keyword may still be used as an identifier where this is unambiguous: the file `dipolar_charging.seq`
/// declares a Hamiltonian `dipolar`.
pub fn is_word(word: &str) -> bool {
    spelled(word).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_is_found() {
        assert!(WORDS.iter().all(|w| is_word(w.word) && is(w.word, w.role)));
        assert!(!is_word("") && !is_word("A") && !is_word("\u{b5}s") && !is_word("{"));
    }
}
