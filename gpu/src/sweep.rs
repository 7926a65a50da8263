//! Kernels that sweep over state vectors: butterflies of a group of spins, multiplication by phases, butterflies again.
//!
//! A workgroup holds a tile of 2^12 amplitudes: 16 in the registers of each of its 256 threads. Bits of the tile's index select spins.
//! Butterflies act on the four bits that number the registers of a thread; the other bits follow after an exchange of amplitudes through
//! the memory of the workgroup. Real and imaginary parts are exchanged one after the other, so that 32 KiB suffice.
//!
//! A transform of n spins takes one sweep per group of spins. The last sweep of a transform, the multiplication and the first sweep of the
//! next transform are one kernel, so that every step passes the vector fewer times through the memory of the device.

use std::fmt::Write;

/// Bits of a tile's index.
pub(crate) const TILE: usize = 12;

/// Threads of a workgroup.
const THREADS: usize = 256;

/// Registers of a thread, one amplitude each.
const REGISTERS: usize = 16;

/// Butterfly between the product bases of two axes, not normalised: `(a + b, a - b)` between z and x, `(a + i b, b + i a)` from x to y,
/// `(a - i b, b - i a)` from y to x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    ZX,
    XY,
    YX,
}

/// A group of spins whose butterflies are done in one sweep: neighbouring bits of the state's index. If these are not the lowest ones, the
/// tile also holds as many of the lowest bits as fit, so that neighbouring threads read neighbouring amplitudes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    /// Lowest bit of the state's index.
    pub low: usize,
    /// Number of bits.
    pub count: usize,
}

/// The groups of `spins` spins, at least [`TILE`]: the lowest bits, then the others in equal parts.
pub(crate) fn groups(spins: usize) -> Vec<Group> {
    /// Most bits of a group that is not the lowest: at least four neighbouring amplitudes are read together.
    const MOST: usize = 10;
    let mut groups = vec![Group { low: 0, count: TILE }];
    let others = spins.saturating_sub(TILE);
    let parts = others.div_ceil(MOST);
    let mut low = TILE;
    for part in 0..parts {
        let count = others / parts + usize::from(part < others % parts);
        groups.push(Group { low, count });
        low += count;
    }
    groups
}

/// A sweep over the vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sweep {
    pub group: Group,
    /// Butterflies before the multiplication.
    pub before: Option<Turn>,
    /// Whether amplitudes are multiplied by the bound table of phases.
    pub multiply: bool,
    /// Butterflies after the multiplication.
    pub after: Option<Turn>,
}

/// Which bits of the tile's index number the registers: `4 layout .. 4 layout + 4`.
type Layout = usize;

/// The layout in which amplitudes are read and written: neighbouring threads have neighbouring amplitudes.
const OUTER: Layout = 2;

/// The tile's index of register `r` of thread `t`, as an expression.
fn place(layout: Layout, r: usize) -> String {
    match layout {
        2 => format!("(t + {}u)", r * THREADS),
        1 => format!("(((t >> 4u) << 8u) | {}u | (t & 15u))", r * REGISTERS),
        _ => format!("((t << 4u) | {r}u)"),
    }
}

impl Sweep {
    /// The text of the kernel for vectors of `spins` spins. Bindings: real parts, imaginary parts, phases. A workgroup is a tile (x) of a
    /// vector (y).
    pub(crate) fn wgsl(&self, spins: usize) -> String {
        let Group { low, count } = self.group;
        let kept = TILE - count;
        let mut text = String::from(
            "@group(0) @binding(0) var<storage, read_write> re: array<f64>;\n\
             @group(0) @binding(1) var<storage, read_write> im: array<f64>;\n\
             @group(0) @binding(2) var<storage, read> phases: array<vec2<f64>>;\n\
             var<workgroup> tile: array<f64, 4096>;\n\n",
        );
        // The tile's index as a bit field of the state's index.
        let _ = writeln!(
            text,
            "fn state(k: u32) -> u32 {{ return (k & {}u) | ((k >> {kept}u) << {low}u); }}\n\n\
             // Threads that access the memory of the workgroup together use different banks.\n\
             fn bank(k: u32) -> u32 {{ return k ^ ((k >> 4u) & 15u); }}\n\n\
             @compute @workgroup_size({THREADS})\n\
             fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(local_invocation_index) t: u32) {{\n\
             let first = ((w.x & {}u) << {kept}u) | ((w.x >> {}u) << {}u);\n\
             let vector = w.y << {spins}u;",
            (1u32 << kept) - 1,
            (1u32 << (low.saturating_sub(kept))) - 1,
            low.saturating_sub(kept),
            low + count,
        );
        for r in 0..REGISTERS {
            let _ = writeln!(text, "let i{r} = first | state({});", place(OUTER, r));
            let _ = writeln!(text, "var r{r} = re[vector | i{r}]; var j{r} = im[vector | i{r}];");
        }
        let inner = kept / 4;
        let layouts: Vec<Layout> = (inner..=OUTER).rev().collect();
        let mut now = OUTER;
        if let Some(turn) = self.before {
            for layout in &layouts {
                exchange(&mut text, &mut now, *layout);
                butterflies(&mut text, turn, now, kept);
            }
        }
        if self.multiply {
            multiply(&mut text, now);
        }
        if let Some(turn) = self.after {
            let upwards = now != OUTER;
            let order: Vec<Layout> = if upwards { layouts.iter().rev().copied().collect() } else { layouts };
            for layout in order {
                exchange(&mut text, &mut now, layout);
                butterflies(&mut text, turn, now, kept);
            }
        }
        exchange(&mut text, &mut now, OUTER);
        for r in 0..REGISTERS {
            let _ = writeln!(text, "re[vector | i{r}] = r{r}; im[vector | i{r}] = j{r};");
        }
        text.push_str("}\n");
        text
    }
}

/// Changes the layout of the registers through the memory of the workgroup.
fn exchange(text: &mut String, now: &mut Layout, next: Layout) {
    if *now == next {
        return;
    }
    for part in ["r", "j"] {
        text.push_str("workgroupBarrier();\n");
        for r in 0..REGISTERS {
            let _ = writeln!(text, "tile[bank({})] = {part}{r};", place(*now, r));
        }
        text.push_str("workgroupBarrier();\n");
        for r in 0..REGISTERS {
            let _ = writeln!(text, "{part}{r} = tile[bank({})];", place(next, r));
        }
    }
    *now = next;
}

/// Butterflies of the spins that number the registers; the lowest `kept` bits of the tile are other groups' spins.
fn butterflies(text: &mut String, turn: Turn, layout: Layout, kept: usize) {
    for bit in 0..4 {
        if 4 * layout + bit < kept {
            continue;
        }
        for a in (0..REGISTERS).filter(|a| a >> bit & 1 == 0) {
            let b = a | 1 << bit;
            let (first, second) = match turn {
                Turn::ZX => (format!("r{a} + r{b}, j{a} + j{b}"), format!("r{a} - r{b}, j{a} - j{b}")),
                Turn::XY => (format!("r{a} - j{b}, j{a} + r{b}"), format!("r{b} - j{a}, j{b} + r{a}")),
                Turn::YX => (format!("r{a} + j{b}, j{a} - r{b}"), format!("r{b} + j{a}, j{b} - r{a}")),
            };
            let _ = writeln!(text, "{{ let a = vec2<f64>({first}); let b = vec2<f64>({second});");
            let _ = writeln!(text, "r{a} = a.x; j{a} = a.y; r{b} = b.x; j{b} = b.y; }}");
        }
    }
}

/// Multiplies the amplitudes by their phases.
fn multiply(text: &mut String, layout: Layout) {
    for r in 0..REGISTERS {
        let _ = writeln!(text, "{{ let p = phases[first | state({})];", place(layout, r));
        let _ = writeln!(text, "let x = r{r} * p.x - j{r} * p.y; j{r} = r{r} * p.y + j{r} * p.x; r{r} = x; }}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_hold_every_spin_once() {
        for spins in TILE..=30 {
            let groups = groups(spins);
            let mut next = 0;
            for g in &groups {
                assert_eq!(g.low, next);
                assert!(g.count >= 1 && g.count <= TILE && (g.low == 0 || g.low >= TILE - g.count));
                next += g.count;
            }
            assert_eq!(next, spins);
        }
    }
}
