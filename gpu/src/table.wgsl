// Phases factor exp(-i E t) of the energies E = sum_i f_i m_i + sum_(i<j) g_ij m_i m_j with m = 1 for spin up, -1 for spin down.

@group(0) @binding(0) var<storage, read_write> phases: array<vec2<f64>>;
@group(0) @binding(1) var<storage, read> axis: array<f64>;
@group(0) @binding(2) var<storage, read> numbers: array<f64>;

// 1 for spin up, -1 for spin down; the first spin is the highest bit.
fn sign(state: u32, spin: u32) -> f64 {
    return select(1.0lf, -1.0lf, ((state >> (SPINS - 1u - spin)) & 1u) == 1u);
}

fn energy(state: u32) -> f64 {
    var sum = 0.0lf;
    var k = SPINS;
    for (var i = 0u; i < SPINS; i++) {
        var local = axis[i];
        for (var j = i + 1u; j < SPINS; j++) {
            local += axis[k] * sign(state, j);
            k++;
        }
        sum += local * sign(state, i);
    }
    return sum;
}

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    for (var state = id.x; state < STATES; state += GROUPS * 256u) {
        let phase = cis(energy(state) * numbers[0]);
        phases[state] = vec2<f64>(phase.x * numbers[1], -phase.y * numbers[1]);
    }
}
