// (cos x, sin x): Vulkan has these functions in single precision only. Reduction to |r| <= pi/4, where the Taylor series to the orders 18
// and 17 are exact to rounding; pi/2 is the sum of three numbers, the first two of 33 bits.
fn cis(x: f64) -> vec2<f64> {
    let k = floor(x * 0.63661977236758134308lf + 0.5lf);
    let r = ((x - k * 1.57079632673412561417lf) - k * 6.07710050630396597660e-11lf) - k * 2.02226624879595063154e-21lf;
    let s = r * r;
    var c = -1.5619206968586225e-16lf;
    c = c * s + 4.779477332387385e-14lf;
    c = c * s - 1.1470745597729725e-11lf;
    c = c * s + 2.08767569878681e-9lf;
    c = c * s - 2.755731922398589e-7lf;
    c = c * s + 2.48015873015873e-5lf;
    c = c * s - 1.388888888888889e-3lf;
    c = c * s + 4.1666666666666664e-2lf;
    c = 1.0lf - (0.5lf * s - c * s * s);
    var q = 2.8114572543455206e-15lf;
    q = q * s - 7.647163731819816e-13lf;
    q = q * s + 1.6059043836821613e-10lf;
    q = q * s - 2.505210838544172e-8lf;
    q = q * s + 2.7557319223985893e-6lf;
    q = q * s - 1.984126984126984e-4lf;
    q = q * s + 8.333333333333333e-3lf;
    q = q * s - 0.16666666666666666lf;
    q = r + r * s * q;
    let quadrant = k - 4.0lf * floor(0.25lf * k);
    if quadrant == 0.0lf { return vec2<f64>(c, q); }
    if quadrant == 1.0lf { return vec2<f64>(-q, c); }
    if quadrant == 2.0lf { return vec2<f64>(-c, -q); }
    return vec2<f64>(q, -c);
}
