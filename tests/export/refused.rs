const REFUSALS: [(&str, &[&str]); 35] = [
    (
        "battery_from_j",
        &[
            "37: prepare superposition(1: ket \"0000\", 1: ket \"0101\", 1: ket \"1010\", 1: ket \"1111\")",
            "34: define undo() { evolve -H for T/(2*pi*1 Hz) }",
            "33: define redo() { evolve H for T/(2*pi*1 Hz) }",
        ],
    ),
    ("benzene", &["36: dephase dipolar"]),
    ("calcium_fluoride", &["38: dephase dipolar"]),
    ("calcium_fluoride_general", &["38: dephase dipolar"]),
    ("central_line", &["16: prepare superposition(1: ket \"1\", 1: ket \"2\")"]),
    (
        "charge_composite",
        &["28: prepare gibbs(dipolar, 18.3404 mK)  # as prepared by Jeener-Broekaert from protons at 300 K"],
    ),
    ("charge_while_coupled", &["a program in natural units has no seconds and no hertz"]),
    (
        "cycles",
        &[
            "34: evolve 1000 * dipolar for 1/(6000*30.4540212051275 kHz)     # the reference prepares without relaxation: so quickly, there is none",
            "28: define store() { evolve dipolar for t_store with field }",
        ],
    ),
    ("dipolar_lifetime", &["19: prepare gibbs(dipolar, 1 K)"]),
    (
        "dm_from_j",
        &[
            "25: prepare superposition(1: ket \"0000\", 1: ket \"0101\", 1: ket \"1010\", 1: ket \"1111\")",
            "27: evolve -DM for th/(360 deg*1 Hz)",
            "33: evolve -DM for th/(360 deg*1 Hz)",
            "38: evolve -DM for th/(360 deg*1 Hz)",
            "40: evolve 2*DM for th/(360 deg*1 Hz)",
            "42: evolve -KSEA for th/(360 deg*1 Hz)",
            "49: evolve -KSEA for th/(360 deg*1 Hz)",
        ],
    ),
    (
        "double_quanta_chain",
        &[
            "30: prepare superposition(1: ket \"00000000\", 1: ket \"00010001\", 1: ket \"00100010\", 1: ket \"00110011\", 1: ket \"01000100\", 1: ket \"01010101\", 1: ket \"01100110\", 1: ket \"01110111\", 1: ket \"10001000\", 1: ket \"10011001\", 1: ket \"10101010\", 1: ket \"10111011\", 1: ket \"11001100\", 1: ket \"11011101\", 1: ket \"11101110\", 1: ket \"11111111\")",
            "33: evolve -DQ for 12*(Delta + (1 - ideal)/(4*rf))",
        ],
    ),
    (
        "double_quanta_pair",
        &[
            "24: prepare superposition(1: ket \"0000\", 1: ket \"0101\", 1: ket \"1010\", 1: ket \"1111\")",
            "27: evolve -DQ for 12*(Delta + (1 - ideal)/(4*rf))",
        ],
    ),
    ("ergotropy_gap", &["23: prepare ket \"00\""]),
    ("fluorapatite_chain", &["32: dephase dipolar"]),
    ("j_modulation", &["17: evolve J*Iz(a)*Iz(x) for tau", "19: evolve J*Iz(a)*Iz(x) for tau"]),
    ("jeener_broekaert_solid", &["17: sequence { prepare thermal }"]),
    ("methyl", &["33: dephase dipolar"]),
    (
        "multiple_quantum_benzene",
        &["64: prepare mix(zeeman: thermal, ordered: gibbs(dipolar, T))", "65: evolve two_quanta for tau"],
    ),
    (
        "multiple_quantum_dipolar",
        &[
            "20: prepare gibbs(dipolar, T)",
            "21: evolve sum(i in 1..N-1, sum(k in i+1..N, -d/(2*(k - i)^3) * (Ip(s[i])*Ip(s[k]) + Im(s[i])*Im(s[k])))) for tau",
        ],
    ),
    (
        "multiple_quantum_methyl",
        &["28: prepare mix(zeeman: thermal, ordered: gibbs(dipolar, T))", "29: evolve two_quanta for tau"],
    ),
    (
        "multiple_quantum_pair",
        &["22: prepare mix(zeeman: thermal, ordered: gibbs(dipolar, T))", "23: evolve two_quanta for tau"],
    ),
    (
        "multiple_quantum_zeeman",
        &[
            "21: evolve sum(i in 1..N-1, sum(k in i+1..N, -d/(2*(k - i)^3) * (Ip(s[i])*Ip(s[k]) + Im(s[i])*Im(s[k])))) for tau",
        ],
    ),
    ("pake_distances", &["19: sequence { prepare ket \"00\" }"]),
    ("random_couplings", &["20: prepare thermal(c), mixed(s)"]),
    ("redor", &["26: prepare thermal(c), mixed(n15)"]),
    ("spin_charger_star", &["a program in natural units has no seconds and no hertz"]),
    ("star", &["28: evolve J * (Ix(b)*Ix(c) + Iy(b)*Iy(c)) for t_charge"]),
    (
        "star_asymptotic",
        &[
            "34: prepare gibbs(-498.156499 MHz * Iz(b), 300 K), thermal(c)",
            "28: evolve J * sum(k in 1..N, Ix(b)*Ix(c[k]) + Iy(b)*Iy(c[k])) for t_step",
        ],
    ),
    ("star_carbon", &["28: evolve J * (Ix(b)*Ix(c) + Iy(b)*Iy(c)) for t_charge"]),
    ("star_limit", &["a program in natural units has no seconds and no hertz"]),
    (
        "star_power",
        &[
            "21: prepare mixed(b), thermal(c)",
            "23: evolve J * (Ix(b)*Ix(c) + Iy(b)*Iy(c)) for 0.75/J/sqrt(N) record 301 as charging",
        ],
    ),
    ("star_silicon", &["25: evolve J * (Ix(b)*Ix(c) + Iy(b)*Iy(c)) for t_charge"]),
    (
        "star_step",
        &[
            "24: prepare gibbs(-498.156499 MHz * P * Iz(b), T), thermal(c)",
            "26: evolve J * (Ix(b)*Ix(c) + Iy(b)*Iy(c)) for t_step",
        ],
    ),
    ("star_steps", &["32: prepare thermal(b), mixed(c)"]),
    ("there_and_back", &["21: prepare up(s)"]),
];
