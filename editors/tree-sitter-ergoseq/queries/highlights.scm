; Metrics, functions and operators are names until they are looked up here.
(comment) @comment
(string) @string
(number) @number
(unit) @type
(nucleus) @type.builtin
(keyword) @keyword
(sign) @operator
["{" "}" "(" ")" "[" "]"] @punctuation.bracket
((identifier) @function.builtin (#any-of? @function.builtin "abs" "acos" "anti_ergotropy" "argmax" "argmin" "asin" "atan" "average_power" "bures_angle" "capacity" "charging_power" "classical_correlation" "coherence_order" "coherent_capacity" "coherent_ergotropy" "concurrence" "conserving_ergotropy" "correlation" "cos" "cosh" "daemonic_ergotropy" "definite" "density" "dicke" "discord" "down" "effective_coefficient" "efficiency" "elapsed" "energy" "energy_fisher_information" "entropy" "entropy_production" "ergotropic_gap" "ergotropy" "exp" "expectation" "fidelity" "first_max" "fisher_power_bound" "floor" "fock" "free_energy_bound" "gate_fidelity" "gibbs" "gibbs_correlation" "gibbs_fidelity" "heat" "high_temperature" "incoherent_capacity" "incoherent_ergotropy" "information_gain" "jarzynski_average" "ket" "l1_coherence" "linear_entropy" "log" "log_negativity" "mandelstam_tamm_time" "marginal_ergotropy" "margolus_levitin_time" "max" "max_sample" "mean_work" "min" "min_sample" "mix" "mixed" "mutual_information" "negative_work_probability" "negativity" "order" "parallel_ergotropy" "population" "power" "purity" "quasienergy" "relative_entropy_coherence" "residual_capacity" "sagawa_ueda_average" "sign" "signal" "signal_im" "sin" "single_site_ergotropy" "sinh" "spin_temperature" "sqrt" "state_of_charge" "steady_state" "step" "stored_energy" "superposition" "symmetric_ergotropy" "tan" "tanh" "thermal" "thermodynamic_bound" "trace_distance" "uncertainty_power_bound" "up" "work" "work_variance"))
((identifier) @constant.builtin (#any-of? @constant.builtin "Im" "Ip" "Ix" "Iy" "Iz" "X" "Y" "Z" "dipolar" "hyperfine" "internal" "lower" "number" "offset" "quadrupolar" "raise" "scalar" "zeeman" "zfs"))
(call name: (identifier) @function)
