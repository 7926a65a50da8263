//! The spin system, and the transmitter channels.

use crate::source::Place;
use crate::syntax::Expr;
use crate::syntax::ast::SpinKind;
use crate::syntax::words::{Clause, InteractionKind};
use crate::units::Dimension;
use serde::{Deserialize, Serialize};

/// The sample and its environment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// Subsystems in the order of declaration.
    pub sites: Vec<SiteDeclaration>,
    /// Static field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Expr>,
    /// Euler angles (z, y, z) that rotate the crystal into the laboratory frame, or into the rotor frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orientation: Option<Expr>,
    /// Magic-angle spinning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spinning: Option<Spinning>,
    /// The species, such as `13C`, whose spins are described in the laboratory frame instead of the rotating frame of their carrier.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<String>,
    /// Temperature of the sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<Expr>,
    /// Explicit interactions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interactions: Vec<Interaction>,
    /// True if every pair of spins with positions has a dipolar coupling.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dipolar_all: bool,
    /// Positions: three lengths per spin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub positions: Vec<OfSite>,
    /// Relaxation times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relax: Vec<Relaxation>,
    /// Position of the block in the text.
    #[serde(skip)]
    pub place: Place,
}

/// A declared subsystem, or an array of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum SiteDeclaration {
    /// A spin or an array of spins.
    Spin {
        /// Name of the spin or array.
        name: String,
        /// Size of the array.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<Expr>,
        /// Kind of spin.
        of: SpinKind,
        /// Its position.
        #[serde(skip)]
        place: Place,
    },
    /// Identical spins that interact only through their collective operators.
    Collective {
        /// Name.
        name: String,
        /// Number of spins.
        number: Expr,
        /// Kind of each spin.
        of: SpinKind,
        /// Its position.
        #[serde(skip)]
        place: Place,
    },
    /// A harmonic mode.
    Mode {
        /// Name.
        name: String,
        /// Number of Fock states.
        cutoff: Expr,
        /// Its position.
        #[serde(skip)]
        place: Place,
    },
}

impl SiteDeclaration {
    /// Position of the declaration.
    pub fn place(&self) -> Place {
        match self {
            SiteDeclaration::Spin { place, .. }
            | SiteDeclaration::Collective { place, .. }
            | SiteDeclaration::Mode { place, .. } => *place,
        }
    }

    /// Declared name.
    pub fn name(&self) -> &str {
        match self {
            SiteDeclaration::Spin { name, .. }
            | SiteDeclaration::Collective { name, .. }
            | SiteDeclaration::Mode { name, .. } => name,
        }
    }
}

/// An index variable and its range, both ends included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Each {
    /// Index variable.
    pub index: String,
    /// First value.
    pub from: Expr,
    /// Last value.
    pub to: Expr,
}

/// A quantity of a spin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfSite {
    /// The spin.
    pub site: Expr,
    /// The value.
    pub value: Expr,
    /// Range of the index variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Each>,
    /// Its position.
    #[serde(skip)]
    pub place: Place,
}

/// Sample spinning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spinning {
    /// Spinning rate, in cycles per unit time.
    pub rate: Expr,
    /// Angle between rotor axis and field; by default the magic angle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub angle: Option<Expr>,
    /// Its position.
    #[serde(skip)]
    pub place: Place,
}

/// An interaction of one or two subsystems.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interaction {
    /// Kind of interaction.
    pub kind: InteractionKind,
    /// The subsystems.
    pub sites: Vec<Expr>,
    /// Strength. For a tensor, the largest component; for a pair with a direction, the coupling with this direction along the field.
    pub size: Expr,
    /// Further clauses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clauses: Vec<(Clause, Expr)>,
    /// Range of the index variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Each>,
    /// Its position.
    #[serde(skip)]
    pub place: Place,
}

impl Interaction {
    /// Value of a clause, if given.
    pub fn clause(&self, clause: Clause) -> Option<&Expr> {
        self.clauses.iter().find(|(c, _)| *c == clause).map(|(_, value)| value)
    }
}

impl System {
    /// Declared interactions of a kind.
    pub fn interactions_of(&self, kind: InteractionKind) -> impl Iterator<Item = &Interaction> {
        self.interactions.iter().filter(move |i| i.kind == kind)
    }

    /// True if the spins of a species are described in the laboratory frame.
    pub fn is_in_laboratory(&self, species: &str) -> bool {
        self.frames.iter().any(|s| s == species)
    }

    /// True if there are dipolar couplings.
    pub fn has_dipolar(&self) -> bool {
        self.dipolar_all || self.interactions_of(InteractionKind::Dipolar).next().is_some()
    }
}

/// Relaxation of some spins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relaxation {
    /// The spins; the name of an array stands for all its elements.
    pub sites: Vec<Expr>,
    /// Relaxation times and other settings.
    pub settings: Vec<(RelaxSetting, Expr)>,
    /// Range of the index variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Each>,
    /// Its position.
    #[serde(skip)]
    pub place: Place,
}

impl Relaxation {
    /// Value of a setting, if given.
    pub fn setting(&self, setting: RelaxSetting) -> Option<&Expr> {
        self.settings.iter().find(|(s, _)| *s == setting).map(|(_, value)| value)
    }
}

/// Settings of `relax`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RelaxSetting {
    /// Longitudinal relaxation time.
    T1,
    /// Transverse relaxation time.
    T2,
    /// Transverse relaxation time during a spin lock.
    T1rho,
    /// Lifetime of dipolar order.
    T1D,
    /// Equilibrium polarisation of T1 relaxation.
    Polarisation,
    /// Correlation time of isotropic tumbling.
    TauC,
    /// Quadrupolar coupling constant that relaxes a spin by tumbling.
    Quadrupole,
    /// Its asymmetry.
    Eta,
}

impl RelaxSetting {
    /// Its keyword.
    pub fn word(self) -> &'static str {
        RELAX_SETTINGS.iter().find(|(setting, ..)| *setting == self).map_or("", |(_, word, ..)| word)
    }
}

/// Settings of `relax`: (setting, keyword, dimension, whether it causes relaxation without further settings, description).
pub const RELAX_SETTINGS: &[(RelaxSetting, &str, Dimension, bool, &str)] = &[
    (RelaxSetting::T1, "T1", Dimension::TIME, true, "longitudinal relaxation time"),
    (RelaxSetting::T2, "T2", Dimension::TIME, true, "transverse relaxation time, at most 2 T1"),
    (RelaxSetting::T1rho, "T1rho", Dimension::TIME, true, "replaces T2 during a `lock` of the nucleus, at most 2 T1"),
    (
        RelaxSetting::T1D,
        "T1D",
        Dimension::TIME,
        true,
        "the lifetime of dipolar order, including the effect of T1 and T2; name all dipolar-coupled spins",
    ),
    (
        RelaxSetting::Polarisation,
        "polarisation",
        Dimension::NUMBER,
        false,
        "the equilibrium polarisation, 2<Iz> of a spin 1/2, of neighbouring levels of other spins; by default that of the thermal state",
    ),
    (
        RelaxSetting::TauC,
        "tau_c",
        Dimension::TIME,
        true,
        "the correlation time of isotropic tumbling: dipolar relaxation, computed from positions, or that by `quadrupole`",
    ),
    (
        RelaxSetting::Quadrupole,
        "quadrupole",
        Dimension::FREQUENCY,
        false,
        "with `tau_c`: the coupling constant e^2 q Q/h that relaxes a spin above 1/2",
    ),
    (RelaxSetting::Eta, "eta", Dimension::NUMBER, false, "the asymmetry of `quadrupole`, 0 by default"),
];

/// A transmitter channel and its limits.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Nucleus to which it is tuned.
    pub nucleus: String,
    /// Default nutation frequency of pulses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rf: Option<Expr>,
    /// Maximum nutation frequency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rf: Option<Expr>,
    /// Carrier position, as a chemical shift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<Expr>,
    /// Dead time: time after a pulse during which the receiver is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_time: Option<Expr>,
    /// Time constant of the pulse rise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rise_time: Option<Expr>,
    /// Time constant of the amplitude droop during a pulse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub droop_time: Option<Expr>,
    /// Quadrature error: deviation of the angle between the transmitter's x and y axes from 90 degrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lean: Option<Expr>,
    /// Leading phase transient: time for which a quadrature field of equal strength acts at the start of a pulse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leading_transient: Option<Expr>,
    /// Trailing phase transient: the same at the end of a pulse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trailing_transient: Option<Expr>,
    /// Impulse response of the transmitter, in phase: one tap, or several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<Expr>,
    /// The same 90 deg ahead in phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_quadrature: Option<Expr>,
    /// Time between two taps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_step: Option<Expr>,
    /// Phase resolution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase_step: Option<Expr>,
    /// Its position.
    #[serde(skip)]
    pub place: Place,
}

/// Settings of the battery: (keyword, description).
pub const BATTERY_SETTINGS: &[(&str, &str)] = &[
    ("energy", "its Hamiltonian, which acts on the cells only"),
    ("cells", "its subsystems, with blanks between the names: `cells = s[1] s[2]`; all by default"),
];

/// Settings of a channel: (keyword, description).
pub const CHANNEL_SETTINGS: &[(&str, &str)] = &[
    ("rf", "the default nutation frequency of pulses"),
    ("max_rf", "the maximum nutation frequency; a pulse above it is an error"),
    ("carrier", "the chemical shift at the carrier frequency, 0 ppm by default"),
    ("dead_time", "the receiver dead time after a pulse"),
    ("rise_time", "the rise time constant of a pulse: its amplitude is `1 - exp(-t/rise_time)` of the nominal one"),
    ("droop_time", "the time constant of the amplitude droop during a pulse"),
    ("lean", "the quadrature phase error of the y channel: its deviation from 90 deg"),
    (
        "leading_transient",
        "the leading phase transient, as an equivalent length of an instantaneous quadrature pulse of the same amplitude, 90 deg ahead in phase; may be negative",
    ),
    ("trailing_transient", "the trailing phase transient, at the end of the pulse"),
    (
        "kernel",
        "the measured impulse response of transmitter and probe: the taps of a filter, `(0.7, 0.2, 0.1)`, by which the waveform of every pulse is convolved",
    ),
    (
        "kernel_quadrature",
        "the part of the impulse response that is 90 deg ahead in phase, with as many taps; 0 by default",
    ),
    ("kernel_step", "the time between two taps; pulses are sampled and sent in steps of this time"),
    ("phase_step", "the phase resolution; other phases give a warning"),
];

/// Resolution and limits of a spectrometer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spectrometer {
    /// Name.
    pub name: String,
    /// Settings, each listed in [`SPECTROMETER_SETTINGS`].
    pub settings: Vec<(String, Expr)>,
    /// Its position.
    #[serde(skip)]
    pub place: Place,
}

/// Settings of a spectrometer: (keyword, dimension, description).
pub const SPECTROMETER_SETTINGS: &[(&str, Dimension, &str)] = &[
    ("clock", Dimension::TIME, "the time resolution"),
    ("min_delay", Dimension::TIME, "the shortest delay"),
    ("phase_step", Dimension::ANGLE, "the phase resolution"),
    ("amplitude_step", Dimension::NUMBER, "the amplitude resolution, as a fraction of `max_rf` of the channel"),
    ("unblanking", Dimension::TIME, "the delay required before a pulse for transmitter unblanking"),
    ("switching", Dimension::TIME, "the phase switching time of a transmitter"),
    ("power_change", Dimension::TIME, "the power switching time of a transmitter"),
    ("blanking", Dimension::TIME, "the time from the end of a pulse to a gradient or to the receiver"),
    ("gradient_recovery", Dimension::TIME, "the gradient recovery time before the next statement"),
    ("crusher", Dimension::TIME, "the duration of a `crush`, 0 by default"),
    ("max_pulse", Dimension::TIME, "the maximum length of a pulse or lock"),
    ("max_energy", Dimension::TIME, "the maximum rf load per scan, as an equivalent time at `max_rf` of the channel"),
    ("max_duty", Dimension::NUMBER, "the maximum duty cycle of a transmitter"),
    ("recycle_delay", Dimension::TIME, "the delay from the end of a scan to the next scan, 0 by default"),
    ("max_gradient", Dimension::GRADIENT, "the maximum gradient strength"),
];
