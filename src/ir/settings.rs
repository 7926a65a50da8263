//! Settings of statements, from which the parser, messages and the documentation take them.

/// Settings of `tomography`: (keyword, description).
pub const TOMOGRAPHY_SETTINGS: &[(&str, &str)] = &[
    (
        "snr",
        "the ratio of the strongest line of the thermal state after a 90 deg pulse to the noise of an amplitude, in one scan; no noise by default",
    ),
    (
        "points",
        "the number of points of a sampled FID, from which the amplitudes are fitted; `snr` then refers to a single point",
    ),
    ("dwell", "the dwell time"),
    ("scans", "the number of scans per readout, 1 by default"),
    ("seed", "the seed of the noise, 0 by default; every point of a sweep has the same noise"),
    ("method", "`linear` (default), `maximum_likelihood` or `maximum_entropy`"),
    (
        "readouts",
        "the readouts in quotes, such as \"II, IX, IY, XX\"; by default the smallest informationally complete set",
    ),
    ("detect", "the detected nuclei, `1H` or \"1H, 13C\"; all by default"),
    ("repetitions", "the number of bootstrap repetitions for errors and intervals, 400 by default"),
];

/// Settings of `acquire`: (keyword, description).
pub const ACQUIRE_SETTINGS: &[(&str, &str)] = &[
    (
        "snr",
        "the ratio of the largest point of the FID to the standard deviation of the noise in its real and imaginary part; no noise by default",
    ),
    ("seed", "the seed of the noise, 0 by default; every point of a sweep has the same noise"),
];

/// Settings of `project`: (keyword, description).
pub const PROJECT_SETTINGS: &[(&str, &str)] = &[(
    "error",
    "the probability that the recorded outcome is wrong, 0 by default; the branches follow the recorded outcome",
)];

/// Settings of a pulse: (keyword, description).
pub const PULSE_SETTINGS: &[(&str, &str)] = &[
    ("rf", "the nutation frequency; for a shape, its peak value"),
    ("duration", "the length; together with the flip angle it determines the rf"),
    ("shape", "the envelope: a built-in shape, a shape from a file, or an expression in t"),
    (
        "offset",
        "the frequency offset from the carrier: the phase advances by `2 pi offset t`, on resonance with spins at that offset",
    ),
    ("modulation", "a phase modulation, an expression in t that is added to the phase"),
    ("start", "the start time within a `parallel` block, where pulses of one channel may follow one another"),
];
