// The signal of many lines, s_k = sum a exp(i w k t): a workgroup (x) sums its share of the lines at 8 points per thread of a block of
// points (y), and adds them to its sums of earlier chunks. NN lines per lane, GROUPS and POINTS are written before this text.

@group(0) @binding(0) var<storage, read_write> sums: array<vec2<f64>>;
@group(0) @binding(1) var<storage, read> lines: array<f64>;
// The time between two points, and the number of lanes.
@group(0) @binding(2) var<storage, read> numbers: array<f64>;

struct Line {
    amplitude: vec2<f64>,
    // exp(i w t)
    turn: vec2<f64>,
    // w t
    angle: f64,
}

var<workgroup> batch: array<Line, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let first = w.y * 2048u + t * 8u;
    var s0 = vec2<f64>(0.0lf, 0.0lf);
    var s1 = s0; var s2 = s0; var s3 = s0; var s4 = s0; var s5 = s0; var s6 = s0; var s7 = s0;
    let all = NN * u32(numbers[1]);
    let share = (all + GROUPS - 1u) / GROUPS;
    let end = min((w.x + 1u) * share, all);
    for (var begin = w.x * share; begin < end; begin += 256u) {
        workgroupBarrier();
        let own = begin + t;
        if own < end {
            let angle = lines[own] * numbers[0];
            batch[t] = Line(vec2<f64>(lines[all + own], lines[2u * all + own]), cis(angle), angle);
        }
        workgroupBarrier();
        let count = min(256u, end - begin);
        for (var k = 0u; k < count; k++) {
            let a = batch[k].amplitude;
            if a.x == 0.0lf && a.y == 0.0lf { continue; }
            let turn = batch[k].turn;
            let p = cis(batch[k].angle * f64(first));
            var x = vec2<f64>(a.x * p.x - a.y * p.y, a.x * p.y + a.y * p.x);
            s0 += x; x = vec2<f64>(x.x * turn.x - x.y * turn.y, x.x * turn.y + x.y * turn.x);
            s1 += x; x = vec2<f64>(x.x * turn.x - x.y * turn.y, x.x * turn.y + x.y * turn.x);
            s2 += x; x = vec2<f64>(x.x * turn.x - x.y * turn.y, x.x * turn.y + x.y * turn.x);
            s3 += x; x = vec2<f64>(x.x * turn.x - x.y * turn.y, x.x * turn.y + x.y * turn.x);
            s4 += x; x = vec2<f64>(x.x * turn.x - x.y * turn.y, x.x * turn.y + x.y * turn.x);
            s5 += x; x = vec2<f64>(x.x * turn.x - x.y * turn.y, x.x * turn.y + x.y * turn.x);
            s6 += x; x = vec2<f64>(x.x * turn.x - x.y * turn.y, x.x * turn.y + x.y * turn.x);
            s7 += x;
        }
    }
    let place = w.x * POINTS + first;
    if first < POINTS { sums[place] += s0; }
    if first + 1u < POINTS { sums[place + 1u] += s1; }
    if first + 2u < POINTS { sums[place + 2u] += s2; }
    if first + 3u < POINTS { sums[place + 3u] += s3; }
    if first + 4u < POINTS { sums[place + 4u] += s4; }
    if first + 5u < POINTS { sums[place + 5u] += s5; }
    if first + 6u < POINTS { sums[place + 6u] += s6; }
    if first + 7u < POINTS { sums[place + 7u] += s7; }
}
