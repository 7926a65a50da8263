// Sums over the states of a workgroup of <psi|F+|phi> and <psi|F-|phi>, with F+ = sum_i w_i I+_i; psi and phi follow each other.

@group(0) @binding(0) var<storage, read_write> sums: array<vec4<f64>>;
@group(0) @binding(1) var<storage, read> re: array<f64>;
@group(0) @binding(2) var<storage, read> im: array<f64>;
@group(0) @binding(3) var<storage, read> weights: array<f64>;

var<workgroup> shared_sums: array<vec4<f64>, 256>;

@compute @workgroup_size(256)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    var sum = vec4<f64>(0.0lf, 0.0lf, 0.0lf, 0.0lf);
    for (var state = id.x; state < STATES; state += GROUPS * 256u) {
        // (F+ phi) and (F- phi) at this state.
        var up = vec2<f64>(0.0lf, 0.0lf);
        var down = vec2<f64>(0.0lf, 0.0lf);
        for (var spin = 0u; spin < SPINS; spin++) {
            let w = weights[spin];
            if w == 0.0lf { continue; }
            let bit = 1u << (SPINS - 1u - spin);
            let other = STATES + (state ^ bit);
            let x = vec2<f64>(w * re[other], w * im[other]);
            if (state & bit) == 0u { up += x; } else { down += x; }
        }
        let r = re[state];
        let i = im[state];
        sum += vec4<f64>(r * up.x + i * up.y, r * up.y - i * up.x, r * down.x + i * down.y, r * down.y - i * down.x);
    }
    shared_sums[t] = sum;
    for (var width = 128u; width > 0u; width = width >> 1u) {
        workgroupBarrier();
        if t < width { shared_sums[t] += shared_sums[t + width]; }
    }
    if t == 0u { sums[group.x] = shared_sums[0]; }
}
