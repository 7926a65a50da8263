// Adds the sums of all workgroups, in a fixed order, and stores the total behind those of the times before.

@group(0) @binding(0) var<storage, read_write> results: array<vec4<f64>>;
@group(0) @binding(1) var<storage, read_write> counter: array<f64>;
@group(0) @binding(2) var<storage, read> sums: array<vec4<f64>>;

var<workgroup> shared_sums: array<vec4<f64>, 256>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) t: u32) {
    var sum = vec4<f64>(0.0lf, 0.0lf, 0.0lf, 0.0lf);
    for (var k = t; k < GROUPS; k += 256u) {
        sum += sums[k];
    }
    shared_sums[t] = sum;
    for (var width = 128u; width > 0u; width = width >> 1u) {
        workgroupBarrier();
        if t < width { shared_sums[t] += shared_sums[t + width]; }
    }
    if t == 0u {
        results[u32(counter[0])] = shared_sums[0];
        counter[0] += 1.0lf;
    }
}
