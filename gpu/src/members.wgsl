// One small density matrix per thread, through the sequence to the acquisition, and the spectral lines there. NN (elements of a
// matrix) and LANES are written before this text, the function `sequence` after it.

@group(0) @binding(0) var<storage, read_write> lines: array<f64>;
// Row k of the coefficients of all lanes begins at k LANES.
@group(0) @binding(1) var<storage, read> rows: array<f64>;
// Matrices that all lanes share, one after the other.
@group(0) @binding(2) var<storage, read> matrices: array<vec2<f64>>;
// Elements of the Hamiltonians: place in the matrix, row of the coefficients, real and imaginary part.
@group(0) @binding(3) var<storage, read> terms: array<vec4<f64>>;

// The second one is the number of lanes, the third one the dimension of the matrices.
@group(0) @binding(4) var<storage, read> numbers: array<f64>;

// The dimension, known at run time only: compilers would unroll loops of a constant length, for minutes.
var<private> n: u32;
var<private> rho: array<vec2<f64>, NN>;
var<private> h: array<vec2<f64>, NN>;
var<private> v: array<vec2<f64>, NN>;
// A row or a column. Drivers lose the device if a thread has 16 KiB of its own memory, which a fourth matrix of 16 states would need.
var<private> line: array<vec2<f64>, 16>;

fn times(a: vec2<f64>, b: vec2<f64>) -> vec2<f64> {
    return vec2<f64>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

// conj(a) b
fn inner(a: vec2<f64>, b: vec2<f64>) -> vec2<f64> {
    return vec2<f64>(a.x * b.x + a.y * b.y, a.x * b.y - a.y * b.x);
}

// a conj(b)
fn outer(a: vec2<f64>, b: vec2<f64>) -> vec2<f64> {
    return vec2<f64>(a.x * b.x + a.y * b.y, a.y * b.x - a.x * b.y);
}

fn nothing() -> vec2<f64> { return vec2<f64>(0.0lf, 0.0lf); }

// h = sum of the elements `first .. end`.
fn hamiltonian(lane: u32, first: u32, end: u32) {
    for (var k = 0u; k < n * n; k++) { h[k] = nothing(); }
    for (var k = first; k < end; k++) {
        let term = terms[k];
        h[u32(term.x)] += rows[u32(term.y) * LANES + lane] * term.zw;
    }
}

// Cyclic Jacobi rotations: h becomes diagonal, v holds the eigenvectors as columns.
fn diagonalise() {
    var size = 0.0lf;
    for (var k = 0u; k < n * n; k++) {
        v[k] = nothing();
        size += dot(h[k], h[k]);
    }
    for (var k = 0u; k < n; k++) { v[k * n + k] = vec2<f64>(1.0lf, 0.0lf); }
    for (var sweep = 0u; sweep < 30u; sweep++) {
        var off = 0.0lf;
        for (var p = 0u; p < n; p++) {
            for (var q = p + 1u; q < n; q++) { off += dot(h[p * n + q], h[p * n + q]); }
        }
        if off <= 1e-31lf * size { break; }
        for (var p = 0u; p < n; p++) {
            for (var q = p + 1u; q < n; q++) { rotate(p, q); }
        }
    }
}

// Removes h_pq by a rotation of levels p and q.
fn rotate(p: u32, q: u32) {
    let x = h[p * n + q];
    let b = sqrt(dot(x, x));
    if b == 0.0lf { return; }
    let e = x / b;
    let tau = (h[q * n + q].x - h[p * n + p].x) / (2.0lf * b);
    let root = sqrt(1.0lf + tau * tau);
    let t = select(-1.0lf / (root - tau), 1.0lf / (root + tau), tau >= 0.0lf);
    let c = 1.0lf / sqrt(1.0lf + t * t);
    let s = t * c * e;
    for (var k = 0u; k < n; k++) {
        let a = h[k * n + p];
        let d = h[k * n + q];
        h[k * n + p] = c * a - outer(d, s);
        h[k * n + q] = times(s, a) + c * d;
        let f = v[k * n + p];
        let g = v[k * n + q];
        v[k * n + p] = c * f - outer(g, s);
        v[k * n + q] = times(s, f) + c * g;
    }
    for (var k = 0u; k < n; k++) {
        let a = h[p * n + k];
        let d = h[q * n + k];
        h[p * n + k] = c * a - times(s, d);
        h[q * n + k] = outer(a, s) + c * d;
    }
    h[p * n + q] = nothing();
    h[q * n + p] = nothing();
    h[p * n + p].y = 0.0lf;
    h[q * n + q].y = 0.0lf;
}

// rho -> v+ rho v
fn into_levels() {
    for (var i = 0u; i < n; i++) {
        for (var j = 0u; j < n; j++) {
            var sum = nothing();
            for (var k = 0u; k < n; k++) { sum += times(rho[i * n + k], v[k * n + j]); }
            line[j] = sum;
        }
        for (var j = 0u; j < n; j++) { rho[i * n + j] = line[j]; }
    }
    for (var j = 0u; j < n; j++) {
        for (var i = 0u; i < n; i++) {
            var sum = nothing();
            for (var k = 0u; k < n; k++) { sum += inner(v[k * n + i], rho[k * n + j]); }
            line[i] = sum;
        }
        for (var i = 0u; i < n; i++) { rho[i * n + j] = line[i]; }
    }
}

// rho -> v rho v+
fn out_of_levels() {
    for (var j = 0u; j < n; j++) {
        for (var i = 0u; i < n; i++) {
            var sum = nothing();
            for (var k = 0u; k < n; k++) { sum += times(v[i * n + k], rho[k * n + j]); }
            line[i] = sum;
        }
        for (var i = 0u; i < n; i++) { rho[i * n + j] = line[i]; }
    }
    for (var i = 0u; i < n; i++) {
        for (var j = 0u; j < n; j++) {
            var sum = nothing();
            for (var k = 0u; k < n; k++) { sum += outer(rho[i * n + k], v[j * n + k]); }
            line[j] = sum;
        }
        for (var j = 0u; j < n; j++) { rho[i * n + j] = line[j]; }
    }
}

// rho -> exp(-i h t) rho exp(i h t)
fn evolve(t: f64) {
    diagonalise();
    into_levels();
    for (var i = 0u; i < n; i++) {
        for (var j = 0u; j < n; j++) {
            rho[i * n + j] = times(rho[i * n + j], cis((h[j * n + j].x - h[i * n + i].x) * t));
        }
    }
    out_of_levels();
}

// rho -> u rho u+ with the shared matrix that begins at `first`.
fn transform(first: u32) {
    for (var k = 0u; k < n * n; k++) { v[k] = matrices[first + k]; }
    out_of_levels();
}

// Lines between the levels: amplitude (v+ rho v)_ab (v+ F v)_ba times the factor of the lane, frequency E_b - E_a; F begins at `first`.
fn receive(lane: u32, first: u32, factor: vec2<f64>) {
    diagonalise();
    into_levels();
    let lanes = u32(numbers[1]);
    for (var a = 0u; a < n; a++) {
        // Column a of F v.
        for (var i = 0u; i < n; i++) {
            var sum = nothing();
            for (var k = 0u; k < n; k++) { sum += times(matrices[first + i * n + k], v[k * n + a]); }
            line[i] = sum;
        }
        for (var b = 0u; b < n; b++) {
            var sum = nothing();
            for (var k = 0u; k < n; k++) { sum += inner(v[k * n + b], line[k]); }
            let amplitude = times(factor, times(rho[a * n + b], sum));
            let place = (a * n + b) * lanes + lane;
            lines[place] = h[b * n + b].x - h[a * n + a].x;
            lines[NN * lanes + place] = amplitude.x;
            lines[2u * NN * lanes + place] = amplitude.y;
        }
    }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= u32(numbers[1]) { return; }
    n = u32(numbers[2]);
    for (var k = 0u; k < n * n; k++) { rho[k] = matrices[k]; }
    sequence(id.x);
}
