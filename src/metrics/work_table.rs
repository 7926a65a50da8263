//! Entries of the table of metrics: two-point measurements of work, and information.

use super::metric::Parameter::OptionalOperator;
use super::metric::{Metric, Parameter, Quantity, metric};
use super::work_distribution;

const TALKNER: &str = "Talkner, Lutz, Haenggi, Phys. Rev. E 75, 050102 (2007)";

pub const MEAN_WORK: Metric = metric(
    "mean_work",
    &[OptionalOperator],
    Quantity::Energy,
    true,
    "sum over n, m of p(n, m) (E'_m - E_n), E_n a level of `energy` after `prepare`, E'_m one of H at evaluation",
    TALKNER,
    work_distribution::evaluate_mean,
)
.of_propagator();

pub const WORK_VARIANCE: Metric = metric(
    "work_variance",
    &[OptionalOperator],
    Quantity::EnergySquared,
    true,
    "<W^2> - <W>^2, W as in `mean_work`",
    TALKNER,
    work_distribution::evaluate_variance,
)
.of_propagator();

pub const NEGATIVE_WORK_PROBABILITY: Metric = metric(
    "negative_work_probability",
    &[OptionalOperator],
    Quantity::Number,
    true,
    "P(W < 0), W as in `mean_work`",
    TALKNER,
    work_distribution::evaluate_negative,
)
.of_propagator();

pub const JARZYNSKI_AVERAGE: Metric = metric(
    "jarzynski_average",
    &[Parameter::Temperature, OptionalOperator],
    Quantity::Number,
    true,
    "<exp(-W/k_B T)>, W as in `mean_work`; Z'/Z if the Gibbs state of `energy` at T is prepared",
    "Jarzynski, Phys. Rev. Lett. 78, 2690 (1997)",
    work_distribution::evaluate_jarzynski,
)
.of_propagator();

pub const SAGAWA_UEDA_AVERAGE: Metric = metric(
    "sagawa_ueda_average",
    &[Parameter::Temperature, OptionalOperator],
    Quantity::Number,
    true,
    "<exp(-W/k_B T - I)>, W as in `mean_work`, I the information of a measurement (`project`); 1 after the Gibbs state of `energy` at T",
    "Sagawa, Ueda, Phys. Rev. Lett. 104, 090602 (2010)",
    work_distribution::evaluate_sagawa_ueda,
)
.of_propagator();

pub const INFORMATION_GAIN: Metric = metric(
    "information_gain",
    &[],
    Quantity::Number,
    false,
    "sum_l,k p(l) p(k|l) log2(p(k|l)/p(k)) over outcomes l and records k of a measurement (`project`): their mutual information",
    "Sagawa, Ueda, Phys. Rev. Lett. 104, 090602 (2010)",
    work_distribution::evaluate_information,
)
.of_propagator();
