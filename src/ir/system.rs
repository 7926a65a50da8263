//! What is in the magnet, and the transmitters around it.

use crate::source::Place;
use crate::syntax::Expr;
use crate::syntax::ast::SpinKind;
use crate::syntax::words::{Clause, InteractionKind};
use crate::units::Dimension;
use serde::{Deserialize, Serialize};

/// The sample and its surroundings.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// Subsystems in the order of declaration.
    pub sites: Vec<SiteDeclaration>,
    /// The static field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Expr>,
    /// Euler angles (z, y, z) that turn the crystal into the field, or into the rotor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orientation: Option<Expr>,
    /// The rotor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spinning: Option<Spinning>,
    /// The temperature of the sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<Expr>,
    /// Interactions that are given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interactions: Vec<Interaction>,
    /// Whether every pair of spins with positions is coupled.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dipolar_all: bool,
    /// Positions: three lengths each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub positions: Vec<OfSite>,
    /// Relaxation times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relax: Vec<Relaxation>,
    /// Where the block stands.
    #[serde(skip)]
    pub place: Place,
}

/// A declared subsystem, or an array of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SiteDeclaration {
    /// Spins.
    Spin {
        /// The name of the spin or array.
        name: String,
        /// The size of the array.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<Expr>,
        /// What it is.
        of: SpinKind,
        /// Where it stands.
        #[serde(skip)]
        place: Place,
    },
    /// Equal spins touched only through their sums.
    Collective {
        /// Its name.
        name: String,
        /// How many spins.
        number: Expr,
        /// What each is.
        of: SpinKind,
        /// Where it stands.
        #[serde(skip)]
        place: Place,
    },
    /// A harmonic mode.
    Mode {
        /// Its name.
        name: String,
        /// How many Fock states.
        cutoff: Expr,
        /// Where it stands.
        #[serde(skip)]
        place: Place,
    },
}

impl SiteDeclaration {
    /// Where it stands.
    pub fn place(&self) -> Place {
        match self {
            SiteDeclaration::Spin { place, .. }
            | SiteDeclaration::Collective { place, .. }
            | SiteDeclaration::Mode { place, .. } => *place,
        }
    }

    /// The declared name.
    pub fn name(&self) -> &str {
        match self {
            SiteDeclaration::Spin { name, .. }
            | SiteDeclaration::Collective { name, .. }
            | SiteDeclaration::Mode { name, .. } => name,
        }
    }
}

/// An index and the values it takes, both ends included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Each {
    /// The index.
    pub index: String,
    /// Its first value.
    pub from: Expr,
    /// Its last value.
    pub to: Expr,
}

/// A quantity of a spin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfSite {
    /// Which.
    pub site: Expr,
    /// How much.
    pub value: Expr,
    /// For which indices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Each>,
    /// Where it stands.
    #[serde(skip)]
    pub place: Place,
}

/// A rotor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spinning {
    /// Turns in a unit of time.
    pub rate: Expr,
    /// The angle between its axis and the field; the magic angle when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub angle: Option<Expr>,
    /// Where it stands.
    #[serde(skip)]
    pub place: Place,
}

/// An interaction of one subsystem or of two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interaction {
    /// Which.
    pub kind: InteractionKind,
    /// Of what.
    pub sites: Vec<Expr>,
    /// How large it is. Of a tensor it is the largest component; of a pair with a direction, the coupling along the field.
    pub size: Expr,
    /// What more is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clauses: Vec<(Clause, Expr)>,
    /// For which indices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Each>,
    /// Where it stands.
    #[serde(skip)]
    pub place: Place,
}

impl Interaction {
    /// The value of a clause, where it is given.
    pub fn clause(&self, clause: Clause) -> Option<&Expr> {
        self.clauses.iter().find(|(c, _)| *c == clause).map(|(_, value)| value)
    }
}

impl System {
    /// The declared interactions of a kind.
    pub fn interactions_of(&self, kind: InteractionKind) -> impl Iterator<Item = &Interaction> {
        self.interactions.iter().filter(move |i| i.kind == kind)
    }

    /// Whether spins are coupled by dipolar couplings.
    pub fn has_dipolar(&self) -> bool {
        self.dipolar_all || self.interactions_of(InteractionKind::Dipolar).next().is_some()
    }
}

/// Relaxation of some spins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relaxation {
    /// Which spins; the name of an array stands for all its members.
    pub sites: Vec<Expr>,
    /// Times and rates.
    pub settings: Vec<(RelaxSetting, Expr)>,
    /// For which indices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Each>,
    /// Where it stands.
    #[serde(skip)]
    pub place: Place,
}

impl Relaxation {
    /// The value of a setting, where it is given.
    pub fn setting(&self, setting: RelaxSetting) -> Option<&Expr> {
        self.settings.iter().find(|(s, _)| *s == setting).map(|(_, value)| value)
    }
}

/// The settings of `relax`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RelaxSetting {
    /// The longitudinal time.
    T1,
    /// The transverse time.
    T2,
    /// The transverse time in a lock.
    T1rho,
    /// The lifetime of dipolar order.
    T1D,
    /// The polarisation that T1 relaxes to.
    Polarisation,
    /// The correlation time of isotropic tumbling.
    TauC,
}

impl RelaxSetting {
    /// As written.
    pub fn word(self) -> &'static str {
        RELAX_SETTINGS.iter().find(|(setting, ..)| *setting == self).map_or("", |(_, word, ..)| word)
    }
}

/// The settings of `relax`: word, dimension, whether it makes spins relax by itself, meaning.
pub const RELAX_SETTINGS: &[(RelaxSetting, &str, Dimension, bool, &str)] = &[
    (RelaxSetting::T1, "T1", Dimension::TIME, true, "longitudinal relaxation time"),
    (RelaxSetting::T2, "T2", Dimension::TIME, true, "transverse relaxation time, at most 2 T1"),
    (
        RelaxSetting::T1rho,
        "T1rho",
        Dimension::TIME,
        true,
        "takes the place of T2 while a `lock` of their nucleus holds the spins, at most 2 T1",
    ),
    (
        RelaxSetting::T1D,
        "T1D",
        Dimension::TIME,
        true,
        "the lifetime of the order in the dipolar couplings, all of whose spins must be named, with what T1 and T2 do to it",
    ),
    (
        RelaxSetting::Polarisation,
        "polarisation",
        Dimension::NUMBER,
        false,
        "the polarisation 2<Iz> it relaxes to; that of the thermal state when not given",
    ),
    (
        RelaxSetting::TauC,
        "tau_c",
        Dimension::TIME,
        true,
        "the correlation time of isotropic tumbling: the spins relax by their dipolar couplings, from positions",
    ),
];

/// A transmitter and its limits.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// The nucleus it is tuned to.
    pub nucleus: String,
    /// The nutation frequency of pulses that give none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rf: Option<Expr>,
    /// The highest nutation frequency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rf: Option<Expr>,
    /// The chemical shift at which the channel is tuned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<Expr>,
    /// The time after a pulse during which nothing can be received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_time: Option<Expr>,
    /// The time constant with which a pulse rises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rise_time: Option<Expr>,
    /// The time constant with which the strength of a pulse falls while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub droop_time: Option<Expr>,
    /// The angle by which y leans away from the normal to x.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lean: Option<Expr>,
    /// How long, at the beginning of a pulse, its field also acts at a right angle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leading_transient: Option<Expr>,
    /// The same at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trailing_transient: Option<Expr>,
    /// The step in which phases can be set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase_step: Option<Expr>,
    /// Where it stands.
    #[serde(skip)]
    pub place: Place,
}

/// The settings of a channel: word, meaning.
pub const CHANNEL_SETTINGS: &[(&str, &str)] = &[
    ("rf", "the nutation frequency of pulses that give none"),
    ("max_rf", "the highest nutation frequency; a pulse above it is an error"),
    ("carrier", "the chemical shift the channel is tuned to, 0 ppm when not given"),
    ("dead_time", "the time after a pulse during which nothing can be received"),
    (
        "rise_time",
        "the time constant with which a pulse rises: its strength is `1 - exp(-t/rise_time)` of the nominal one",
    ),
    ("droop_time", "the time constant with which the strength of a pulse falls while it lasts"),
    ("lean", "the angle by which the transmitter's y leans away from 90 deg"),
    (
        "leading_transient",
        "the time for which a field as strong as the pulse acts at its beginning, 90 deg ahead of its phase; all at once, and it may be negative",
    ),
    ("trailing_transient", "the same at its end"),
    ("phase_step", "the step in which phases can be set; another phase is a warning"),
];

/// The steps and limits of a spectrometer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spectrometer {
    /// Its name.
    pub name: String,
    /// Its settings, each of [`SPECTROMETER_SETTINGS`].
    pub settings: Vec<(String, Expr)>,
    /// Where it stands.
    #[serde(skip)]
    pub place: Place,
}

/// The settings of a spectrometer: word, dimension, meaning.
pub const SPECTROMETER_SETTINGS: &[(&str, Dimension, &str)] = &[
    ("clock", Dimension::TIME, "the step of all times"),
    ("min_delay", Dimension::TIME, "the shortest delay"),
    ("phase_step", Dimension::ANGLE, "the step of phases"),
    ("amplitude_step", Dimension::NUMBER, "the step of strengths, as a share of `max_rf` of the channel"),
    ("unblanking", Dimension::TIME, "the delay that a transmitter needs before a pulse"),
    ("switching", Dimension::TIME, "the time in which a transmitter changes its phase"),
    ("power_change", Dimension::TIME, "the time in which a transmitter changes its power level"),
    ("blanking", Dimension::TIME, "the time from the end of a pulse to a gradient or to the receiver"),
    ("gradient_recovery", Dimension::TIME, "the time from the end of a gradient to whatever is next"),
    ("crusher", Dimension::TIME, "how long a `crush` takes, no time when not given"),
    ("max_pulse", Dimension::TIME, "the longest pulse or lock"),
    ("max_energy", Dimension::TIME, "the rf energy of a scan, as a time at `max_rf` of the channel"),
    ("max_duty", Dimension::NUMBER, "the largest share of the time between scans in which one transmitter may be on"),
    ("recycle_delay", Dimension::TIME, "the time from the end of a scan to the next, 0 when not given"),
    ("max_gradient", Dimension::GRADIENT, "the strongest gradient"),
];
