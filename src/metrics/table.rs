//! The table of metrics, one entry each; language, help, documentation and results read it.

use super::metric::Parameter::{OptionalEnergyBasis, OptionalOperator, OptionalState, Site, Sites, Whole};
use super::metric::{Metric, Parameter, Quantity, metric};
use super::{
    batch, bounds, coherence, coherent, conserving, daemonic, derivative, discord, distance, energy, entanglement,
    entropy, ergotropy, evolution, heat, linear_entropy, local, nmr, parallel, population, single_site, speed,
    work_table,
};

const ABN: &str = "Allahverdyan, Balian, Nieuwenhuizen, EPL 67, 565 (2004)";
const YANG: &str = "Yang et al., Phys. Rev. Lett. 131, 030402 (2023)";
const FRANCICA: &str = "Francica et al., Phys. Rev. Lett. 125, 180603 (2020)";
const JULIA_FARRE: &str = "Julia-Farre et al., Phys. Rev. Research 2, 023113 (2020)";
const BAUMGRATZ: &str = "Baumgratz, Cramer, Plenio, Phys. Rev. Lett. 113, 140401 (2014)";
const ALICKI: &str = "Alicki, J. Phys. A 12, L103 (1979)";
const ALIMUDDIN: &str = "Alimuddin, Guha, Parashar, Phys. Rev. A 99, 052320 (2019)";

impl Metric {
    /// Looks up a metric by name.
    pub fn named(name: &str) -> Option<&'static Metric> {
        METRICS.iter().find(|m| m.name == name)
    }
}

/// All metrics of the language. `W` ergotropy, `C` capacity, `E` energy, `H` the battery's Hamiltonian with levels `e`,
/// `r` the eigenvalues of the battery's state, `D` dephasing between its levels.
pub const METRICS: &[Metric] = &[
    metric("energy", &[OptionalOperator], Quantity::Energy, true, "Tr[rho H]", "", energy::evaluate_energy)
        .along(energy::along)
        .lanes(batch::energy)
        .derivative(derivative::energy),
    metric("stored_energy", &[], Quantity::Energy, true, "Tr[rho H] - Tr[rho_0 H]", "", energy::evaluate_stored)
        .along(energy::stored_along)
        .lanes(batch::stored_energy)
        .derivative(derivative::energy),
    metric("average_power", &[], Quantity::Power, true, "stored_energy / t", "", energy::evaluate_average_power),
    metric(
        "ergotropy",
        &[OptionalOperator],
        Quantity::Energy,
        true,
        "E - sum_k r_k(down) e_k(up), r the eigenvalues of rho in descending order, e those of H in ascending order",
        ABN,
        ergotropy::evaluate_ergotropy,
    )
    .of_levels()
    .along(ergotropy::along)
    .lanes(batch::ergotropy)
    .derivative(derivative::ergotropy),
    metric(
        "symmetric_ergotropy",
        &[],
        Quantity::Energy,
        true,
        "max over unitaries within the multiplets of collectives of E - E'",
        ABN,
        ergotropy::evaluate_symmetric,
    ),
    metric(
        "anti_ergotropy",
        &[OptionalOperator],
        Quantity::Energy,
        true,
        "sum_k r_k(up) e_k(up) - E, r and e the eigenvalues of rho and H in ascending order",
        YANG,
        ergotropy::evaluate_anti,
    )
    .of_levels()
    .derivative(derivative::anti_ergotropy),
    metric(
        "capacity",
        &[OptionalOperator],
        Quantity::Energy,
        true,
        "sum_k e_k(up) (r_k(up) - r_k(down)) = W + A, the ergotropy plus the anti-ergotropy",
        YANG,
        ergotropy::evaluate_capacity,
    )
    .of_levels()
    .along(ergotropy::capacity_along)
    .lanes(batch::capacity)
    .derivative(derivative::capacity),
    metric(
        "state_of_charge",
        &[],
        Quantity::Number,
        true,
        "W / C, the ergotropy over the capacity",
        YANG,
        ergotropy::evaluate_state_of_charge,
    )
    .derivative(derivative::state_of_charge)
    .at_most(1.0),
    metric(
        "efficiency",
        &[],
        Quantity::Number,
        true,
        "W / (E - E_0), the ergotropy over the stored energy",
        ABN,
        ergotropy::evaluate_efficiency,
    )
    .derivative(derivative::efficiency),
    metric("power", &[], Quantity::Power, true, "dW/dt", ABN, ergotropy::evaluate_power)
        .along(energy::rate_along)
        .lanes(batch::rate),
    metric(
        "incoherent_ergotropy",
        &[],
        Quantity::Energy,
        true,
        "W(D[rho]), D[rho] without the coherences between the levels of H",
        FRANCICA,
        coherent::evaluate_incoherent,
    ),
    metric(
        "coherent_ergotropy",
        &[],
        Quantity::Energy,
        true,
        "W(rho) - W(D[rho])",
        FRANCICA,
        coherent::evaluate_coherent,
    ),
    metric(
        "incoherent_capacity",
        &[],
        Quantity::Energy,
        true,
        "C(D[rho]), D[rho] without the coherences between the levels of H",
        YANG,
        coherent::evaluate_incoherent_capacity,
    ),
    metric(
        "coherent_capacity",
        &[],
        Quantity::Energy,
        true,
        "C(rho) - C(D[rho])",
        YANG,
        coherent::evaluate_coherent_capacity,
    ),
    metric(
        "marginal_ergotropy",
        &[OptionalOperator],
        Quantity::Energy,
        true,
        "sum_i W(rho_i; H_i), H = sum_i H_i",
        ALIMUDDIN,
        local::evaluate_marginal,
    ),
    metric(
        "ergotropic_gap",
        &[OptionalOperator],
        Quantity::Energy,
        true,
        "W(rho; sum_i H_i) - sum_i W(rho_i; H_i)",
        ALIMUDDIN,
        local::evaluate_gap,
    )
    .of_levels(),
    metric(
        "residual_capacity",
        &[OptionalOperator],
        Quantity::Energy,
        true,
        "C(rho; sum_i H_i) - sum_i C(rho_i; H_i)",
        "arXiv:2502.02860",
        local::evaluate_residual,
    )
    .of_levels(),
    metric(
        "single_site_ergotropy",
        &[Site],
        Quantity::Energy,
        true,
        "max over unitaries on one qubit of E - E'",
        "Salvia, De Palma, Giovannetti, Phys. Rev. A 107, 012405 (2023)",
        single_site::evaluate,
    ),
    metric(
        "parallel_ergotropy",
        &[],
        Quantity::Energy,
        true,
        "max over u_1 x ... x u_N of E - E'",
        "Castellano et al., arXiv:2407.20916",
        parallel::evaluate,
    ),
    metric(
        "conserving_ergotropy",
        &[Parameter::Operator],
        Quantity::Energy,
        true,
        "max over U with [U, A] = 0 of E - E', for [H, A] = 0",
        "passivity in every sector of A",
        conserving::evaluate,
    ),
    metric(
        "population",
        &[Parameter::Whole],
        Quantity::Number,
        true,
        "Tr[Pi_k rho], Pi_k the projector on the k-th level of the battery, k = 1 the lowest",
        "",
        population::evaluate,
    )
    .derivative(derivative::population)
    .at_most(1.0),
    metric(
        "daemonic_ergotropy",
        &[Site],
        Quantity::Energy,
        true,
        "E - min over measurements of sum_a p_a E_passive(rho_a)",
        "Francica et al., npj Quantum Inf. 3, 12 (2017)",
        daemonic::evaluate,
    ),
    metric(
        "heat",
        &[],
        Quantity::Energy,
        true,
        "integral of Tr[D(rho) H] dt, D the dissipator, and changes of Tr[rho H] by other statements that are not unitary",
        ALICKI,
        heat::heat,
    )
    .of_heat(),
    metric("work", &[], Quantity::Energy, true, "E - E_0 - Q, Q the `heat`", ALICKI, heat::work).of_heat(),
    metric(
        "entropy_production",
        &[Parameter::Temperature],
        Quantity::Number,
        true,
        "S - S_0 - Q/(k_B T), S in nats, Q the `heat`",
        "Spohn, J. Math. Phys. 19, 1227 (1978)",
        heat::entropy_production,
    )
    .of_heat(),
    work_table::MEAN_WORK,
    work_table::WORK_VARIANCE,
    work_table::NEGATIVE_WORK_PROBABILITY,
    work_table::JARZYNSKI_AVERAGE,
    work_table::SAGAWA_UEDA_AVERAGE,
    work_table::INFORMATION_GAIN,
    metric(
        "free_energy_bound",
        &[Parameter::Temperature],
        Quantity::Energy,
        true,
        "F_T(rho) - F_T(tau_T), F = E - T S",
        ABN,
        bounds::evaluate_free_energy,
    ),
    metric(
        "thermodynamic_bound",
        &[],
        Quantity::Energy,
        true,
        "E - E(tau), S(tau) = S(rho): the ergotropy per copy of many copies together (asymptotic ergotropy)",
        "Alicki, Fannes, Phys. Rev. E 87, 042123 (2013)",
        bounds::evaluate_thermodynamic,
    ),
    metric("charging_power", &[], Quantity::Power, true, "dE/dt", "", speed::evaluate_charging_power)
        .along(energy::rate_along)
        .lanes(batch::rate),
    metric(
        "energy_fisher_information",
        &[],
        Quantity::RateSquared,
        true,
        "sum over levels of (dp_e/dt)^2 / p_e",
        JULIA_FARRE,
        speed::evaluate_fisher,
    ),
    metric(
        "fisher_power_bound",
        &[],
        Quantity::Power,
        true,
        "sqrt(Var(H) I_E) >= |dE/dt|",
        JULIA_FARRE,
        speed::evaluate_fisher_bound,
    ),
    metric(
        "uncertainty_power_bound",
        &[],
        Quantity::Power,
        true,
        "2 sd(H) sd(H_drive) >= |dE/dt|, unitary charging",
        "Garcia-Pintos et al., Phys. Rev. Lett. 125, 040601 (2020)",
        speed::evaluate_uncertainty_bound,
    )
    .of_hamiltonian(),
    metric(
        "mandelstam_tamm_time",
        &[],
        Quantity::Time,
        true,
        "theta / sd(H_drive) <= tau, theta the Bures angle of the path under H_drive, tau its time",
        "Campaioli et al., Phys. Rev. Lett. 118, 150601 (2017)",
        speed::evaluate_mandelstam_tamm,
    )
    .of_hamiltonian(),
    metric(
        "margolus_levitin_time",
        &[],
        Quantity::Time,
        true,
        "alpha(theta) / (E_drive - E_ground) <= tau, alpha = pi/2 for orthogonal states",
        "Margolus, Levitin, Physica D 120, 188 (1998); Hornedal, Sonnerborn, Phys. Rev. Research 5, 043234 (2023)",
        speed::evaluate_margolus_levitin,
    )
    .of_hamiltonian(),
    metric(
        "l1_coherence",
        &[OptionalEnergyBasis],
        Quantity::Number,
        true,
        "sum over i != j of |rho_ij|; energy: sum over levels a != b of |P_a rho P_b|_1",
        BAUMGRATZ,
        coherence::evaluate_l1,
    )
    .along(coherence::l1_along)
    .lanes(batch::l1_coherence),
    metric(
        "relative_entropy_coherence",
        &[OptionalEnergyBasis],
        Quantity::Bits,
        true,
        "S(D[rho]) - S(rho)",
        BAUMGRATZ,
        coherence::evaluate_relative_entropy,
    ),
    metric("purity", &[], Quantity::Number, false, "Tr[rho^2]", "", entropy::evaluate_purity)
        .derivative(derivative::purity)
        .at_most(1.0),
    metric(
        "linear_entropy",
        &[],
        Quantity::Number,
        false,
        "d/(d-1) (1 - Tr[rho^2])",
        "Peters, Wei, Kwiat, Phys. Rev. A 70, 052309 (2004)",
        linear_entropy::evaluate,
    )
    .along(linear_entropy::along)
    .lanes(linear_entropy::in_lanes)
    .derivative(linear_entropy::derivative)
    .at_most(1.0),
    metric("entropy", &[], Quantity::Bits, false, "-Tr[rho log2 rho]", "", entropy::evaluate_entropy)
        .derivative(derivative::entropy),
    metric(
        "mutual_information",
        &[Sites, Sites],
        Quantity::Bits,
        false,
        "S(a) + S(b) - S(ab)",
        "",
        entropy::evaluate_mutual,
    ),
    metric(
        "concurrence",
        &[Site, Site],
        Quantity::Number,
        false,
        "max(0, s1 - s2 - s3 - s4)",
        "Wootters, Phys. Rev. Lett. 80, 2245 (1998)",
        entanglement::evaluate_concurrence,
    ),
    metric(
        "negativity",
        &[Sites],
        Quantity::Number,
        false,
        "(|rho^T_a|_1 - 1) / 2, a against the rest",
        "Vidal, Werner, Phys. Rev. A 65, 032314 (2002)",
        entanglement::evaluate_negativity,
    ),
    metric(
        "log_negativity",
        &[Sites],
        Quantity::Bits,
        false,
        "log2 |rho^T_a|_1",
        "Vidal, Werner, Phys. Rev. A 65, 032314 (2002)",
        entanglement::evaluate_log_negativity,
    ),
    metric(
        "discord",
        &[Site, Sites],
        Quantity::Bits,
        false,
        "I(a,b) - max over measurements of a",
        "Ollivier, Zurek, Phys. Rev. Lett. 88, 017901 (2001)",
        discord::evaluate_discord,
    ),
    metric(
        "classical_correlation",
        &[Site, Sites],
        Quantity::Bits,
        false,
        "max over measurements of a of S(b) - sum_m p_m S(b|m)",
        "Henderson, Vedral, J. Phys. A 34, 6899 (2001)",
        discord::evaluate_classical,
    ),
    metric(
        "fidelity",
        &[OptionalState],
        Quantity::Number,
        false,
        "(Tr sqrt(sqrt(rho_0) rho sqrt(rho_0)))^2, rho_0 the prepared state, or the named one",
        "Uhlmann (1976)",
        distance::evaluate_fidelity,
    )
    .derivative(derivative::fidelity)
    .at_most(1.0),
    metric(
        "trace_distance",
        &[OptionalState],
        Quantity::Number,
        false,
        "|rho - rho_0|_1 / 2, rho_0 the prepared state, or the named one",
        "",
        distance::evaluate_trace_distance,
    )
    .derivative(derivative::trace_distance),
    metric(
        "bures_angle",
        &[OptionalState],
        Quantity::Angle,
        false,
        "arccos sqrt(F), F the fidelity with the prepared or the named state",
        "",
        distance::evaluate_bures,
    ),
    metric(
        "correlation",
        &[Parameter::Operator],
        Quantity::Number,
        false,
        "Tr[dr H] / sqrt(Tr[dr^2] Tr[H^2]), dr = rho - 1/d",
        "",
        nmr::evaluate_correlation,
    )
    .derivative(derivative::correlation)
    .of_filtered(),
    metric(
        "order",
        &[Parameter::Operator],
        Quantity::Number,
        false,
        "Tr[dr H] / sqrt(Tr[dr_0^2] Tr[H^2]), dr_0 as prepared",
        "Jeener, Broekaert, Phys. Rev. 157, 232 (1967)",
        nmr::evaluate_order,
    )
    .derivative(derivative::order)
    .of_filtered(),
    metric(
        "coherence_order",
        &[Whole],
        Quantity::Number,
        false,
        "fraction of Tr[dr^2] in coherence orders +k and -k",
        "",
        nmr::evaluate_coherence_order,
    )
    .derivative(derivative::coherence_order)
    .of_filtered(),
    metric(
        "spin_temperature",
        &[Parameter::Hamiltonian],
        Quantity::Temperature,
        false,
        "T with Tr[tau_T H] = Tr[rho H]",
        "Goldman, Spin Temperature (1970)",
        nmr::evaluate_spin_temperature,
    ),
    metric(
        "gibbs_fidelity",
        &[Parameter::Hamiltonian],
        Quantity::Number,
        false,
        "F(rho, tau), tau the Gibbs state of H with the energy of rho",
        "Jozsa, J. Mod. Opt. 41, 2315 (1994)",
        nmr::evaluate_gibbs_fidelity,
    ),
    metric(
        "gibbs_correlation",
        &[Parameter::Hamiltonian],
        Quantity::Number,
        false,
        "correlation of dr with tau - 1/d, tau the Gibbs state of H with the energy of rho",
        "",
        nmr::evaluate_gibbs_correlation,
    ),
    metric(
        "gate_fidelity",
        &[Parameter::Operator],
        Quantity::Number,
        false,
        "(|Tr[exp(i G) U]|^2/d + 1)/(d + 1), U the evolution since `prepare`",
        "Nielsen, Phys. Lett. A 303, 249 (2002)",
        evolution::evaluate_gate_fidelity,
    )
    .by_propagator(evolution::gate_fidelity_by_propagator)
    .at_most(1.0)
    .of_propagator(),
    metric(
        "quasienergy",
        &[Whole],
        Quantity::Energy,
        false,
        "e_k, the k-th from the lowest, 1, with U = sum_k exp(-i e_k t) |k><k|, -pi/t < e_k <= pi/t, t since `prepare`",
        "Shirley, Phys. Rev. 138, B979 (1965)",
        evolution::evaluate_quasienergy,
    )
    .of_propagator(),
    metric(
        "effective_coefficient",
        &[Parameter::Operator],
        Quantity::Energy,
        false,
        "Tr[A H]/Tr[A^2], H = sum_k e_k |k><k| the effective Hamiltonian with the quasienergies e_k of the evolution since `prepare`",
        "Haeberlen, Waugh, Phys. Rev. 175, 453 (1968)",
        evolution::evaluate_effective,
    )
    .of_propagator(),
    metric("elapsed", &[], Quantity::Time, false, "the time since `prepare`", "", nmr::evaluate_elapsed).of_filtered(),
    metric("expectation", &[Parameter::Operator], Quantity::Number, false, "Tr[rho A]", "", nmr::evaluate_expectation)
        .derivative(derivative::expectation)
        .of_filtered(),
    metric(
        "signal",
        &[Parameter::Nucleus],
        Quantity::Number,
        false,
        "real part of Tr[rho I+] of a nucleus during `acquire`",
        "",
        nmr::evaluate_signal,
    )
    .of_filtered(),
    metric(
        "signal_im",
        &[Parameter::Nucleus],
        Quantity::Number,
        false,
        "imaginary part of Tr[rho I+] of a nucleus during `acquire`",
        "",
        nmr::evaluate_signal,
    )
    .of_filtered(),
];

#[cfg(test)]
mod tests {
    use super::METRICS;

    #[test]
    fn names_are_unique_and_formulas_given() {
        for (k, m) in METRICS.iter().enumerate() {
            assert!(METRICS[..k].iter().all(|n| n.name != m.name), "{}", m.name);
            assert!(!m.formula.is_empty());
        }
    }
}
