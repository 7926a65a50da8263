//! Hamiltonians of spins 1/2 with terms on one and two spins, as vectors and tensors that rotate with the spins.

use super::turn::Turn;
use crate::linalg::{C64, I, Matrix, ONE, ZERO};

/// A 3 x 3 tensor.
pub type Tensor = [[f64; 3]; 3];

/// `H = sum_i v_i . s_i + sum_(i < j) s_i . A_ij . s_j` with the Pauli matrices s, rad/s.
#[derive(Debug, Clone, PartialEq)]
pub struct Bilinear {
    /// The vectors v.
    pub single: Vec<[f64; 3]>,
    /// The tensors A, in the order of [`pairs`].
    pub pair: Vec<Tensor>,
}

/// All pairs i < j of n spins.
pub fn pairs(n: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n).flat_map(move |i| (i + 1..n).map(move |j| (i, j)))
}

/// The entry `(row, column, value)` of a Pauli matrix (0 for x) in a row.
fn pauli(axis: usize, row: usize) -> (usize, C64) {
    match (axis, row) {
        (0, r) => (1 - r, ONE),
        (1, 0) => (1, -I),
        (1, _) => (0, I),
        (_, 0) => (0, ONE),
        _ => (1, -ONE),
    }
}

/// `Tr[P m]/d` for the product P of Pauli matrices on some spins of n, the first spin leftmost.
pub fn component(m: &Matrix, n: usize, product: &[(usize, usize)]) -> C64 {
    let d = m.nrows();
    let mut sum = ZERO;
    for row in 0..d {
        let (mut column, mut value) = (row, ONE);
        for &(spin, axis) in product {
            let bit = n - 1 - spin;
            let (to, x) = pauli(axis, (row >> bit) & 1);
            column = (column & !(1 << bit)) | (to << bit);
            value *= x;
        }
        sum += value * m[(column, row)];
    }
    sum / d as f64
}

/// The matrix of a product of Pauli matrices on n spins.
pub fn product_matrix(n: usize, product: &[(usize, usize)]) -> Matrix {
    let d = 1 << n;
    let mut out = Matrix::zeros(d, d);
    for row in 0..d {
        let (mut column, mut value) = (row, ONE);
        for &(spin, axis) in product {
            let bit = n - 1 - spin;
            let (to, x) = pauli(axis, (row >> bit) & 1);
            column = (column & !(1 << bit)) | (to << bit);
            value *= x;
        }
        out[(row, column)] = value;
    }
    out
}

impl Bilinear {
    /// Zero on n spins.
    pub fn zero(n: usize) -> Bilinear {
        Bilinear { single: vec![[0.0; 3]; n], pair: vec![[[0.0; 3]; 3]; n * n.saturating_sub(1) / 2] }
    }

    /// The parts of a Hermitian matrix on one and two spins, and the norm of the rest relative to the whole, both without the identity.
    pub fn of(m: &Matrix, n: usize) -> (Bilinear, f64) {
        let mut out = Bilinear::zero(n);
        let at = |product: &[(usize, usize)]| component(m, n, product).re;
        for (i, v) in out.single.iter_mut().enumerate() {
            *v = std::array::from_fn(|a| at(&[(i, a)]));
        }
        for ((i, j), tensor) in pairs(n).zip(out.pair.iter_mut()) {
            *tensor = std::array::from_fn(|a| std::array::from_fn(|b| at(&[(i, a), (j, b)])));
        }
        let d = m.nrows() as f64;
        let whole = m.iter().map(C64::norm_sqr).sum::<f64>() / d - component(m, n, &[]).norm_sqr();
        let rest = (whole - out.norm().powi(2)).max(0.0);
        (out, if whole > 0.0 { (rest / whole).sqrt() } else { 0.0 })
    }

    /// Number of spins.
    pub fn spins(&self) -> usize {
        self.single.len()
    }

    /// All components in one list.
    pub fn coordinates(&self) -> Vec<f64> {
        self.single.iter().flatten().chain(self.pair.iter().flatten().flatten()).copied().collect()
    }

    /// From the list of [`Bilinear::coordinates`].
    pub fn from_coordinates(n: usize, x: &[f64]) -> Bilinear {
        let mut out = Bilinear::zero(n);
        let all = out.single.iter_mut().flatten().chain(out.pair.iter_mut().flatten().flatten());
        all.zip(x).for_each(|(to, from)| *to = *from);
        out
    }

    /// Root of the sum of the squares of all components.
    pub fn norm(&self) -> f64 {
        self.coordinates().iter().map(|x| x * x).sum::<f64>().sqrt()
    }

    /// `self + factor other`.
    pub fn plus(&self, factor: f64, other: &Bilinear) -> Bilinear {
        let sum: Vec<f64> = self.coordinates().iter().zip(other.coordinates()).map(|(a, b)| a + factor * b).collect();
        Bilinear::from_coordinates(self.spins(), &sum)
    }

    /// `U^dagger H U` for the rotation U of every spin.
    pub fn toggled(&self, turns: &[Turn]) -> Bilinear {
        let n = self.spins();
        let back: Vec<[[f64; 3]; 3]> = turns
            .iter()
            .map(|t| {
                let columns = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].map(|e| t.inverse().rotate(e));
                std::array::from_fn(|i| std::array::from_fn(|j| columns[j][i]))
            })
            .collect();
        let mut out = Bilinear::zero(n);
        for (i, v) in self.single.iter().enumerate() {
            out.single[i] = std::array::from_fn(|a| (0..3).map(|b| back[i][a][b] * v[b]).sum());
        }
        for (((i, j), from), to) in pairs(n).zip(&self.pair).zip(out.pair.iter_mut()) {
            if from.iter().flatten().all(|x| *x == 0.0) {
                continue;
            }
            let half: Tensor =
                std::array::from_fn(|a| std::array::from_fn(|b| (0..3).map(|c| back[i][a][c] * from[c][b]).sum()));
            *to = std::array::from_fn(|a| std::array::from_fn(|b| (0..3).map(|c| half[a][c] * back[j][b][c]).sum()));
        }
        out
    }

    /// With the spins renumbered: spin i of the result is spin `order[i]` of this one.
    pub fn permuted(&self, order: &[usize]) -> Bilinear {
        let n = self.spins();
        let tensor = |a: usize, b: usize| {
            let place = |i: usize, j: usize| pairs(n).position(|p| p == (i, j));
            match place(a.min(b), a.max(b)) {
                Some(k) if a < b => self.pair[k],
                Some(k) => std::array::from_fn(|r| std::array::from_fn(|c| self.pair[k][c][r])),
                None => [[0.0; 3]; 3],
            }
        };
        Bilinear {
            single: order.iter().map(|&k| self.single[k]).collect(),
            pair: pairs(n).map(|(i, j)| tensor(order[i], order[j])).collect(),
        }
    }

    /// True if every spin keeps its component along z: each nucleus c has `[H, Fz_c] = 0`; `channel` numbers the nuclei of the spins.
    pub fn is_secular(&self, channel: &[Option<usize>]) -> bool {
        let small = 1e-12 * self.norm();
        let n = self.spins();
        let mut nuclei: Vec<usize> = channel.iter().flatten().copied().collect();
        nuclei.sort_unstable();
        nuclei.dedup();
        nuclei.into_iter().all(|c| {
            let turns: Vec<Turn> =
                (0..n).map(|k| if channel[k] == Some(c) { Turn::z(0.7) } else { Turn::NONE }).collect();
            self.toggled(&turns).plus(-1.0, self).norm() <= small
        })
    }

    /// The matrix on the space of all spins.
    pub fn matrix(&self) -> Matrix {
        let n = self.spins();
        let mut out = Matrix::zeros(1 << n, 1 << n);
        let mut add = |c: f64, product: &[(usize, usize)]| {
            if c != 0.0 {
                out += product_matrix(n, product) * C64::new(c, 0.0);
            }
        };
        for (i, v) in self.single.iter().enumerate() {
            v.iter().enumerate().for_each(|(a, c)| add(*c, &[(i, a)]));
        }
        for ((i, j), tensor) in pairs(n).zip(&self.pair) {
            for (a, row) in tensor.iter().enumerate() {
                row.iter().enumerate().for_each(|(b, c)| add(*c, &[(i, a), (j, b)]));
            }
        }
        out
    }

    /// The largest terms, written with the operators of the language: `0.5 X(a) Y(b)`. At most `most` of them.
    pub fn named(&self, names: &[String], most: usize) -> String {
        const AXES: [char; 3] = ['X', 'Y', 'Z'];
        let n = self.spins();
        let mut terms: Vec<(f64, String)> = Vec::new();
        for (v, name) in self.single.iter().zip(names) {
            terms.extend(v.iter().zip(AXES).map(|(c, axis)| (*c, format!("{axis}({name})"))));
        }
        for ((i, j), tensor) in pairs(n).zip(&self.pair) {
            for (row, a) in tensor.iter().zip(AXES) {
                let of = |(c, b): (&f64, char)| (*c, format!("{a}({})*{b}({})", names[i], names[j]));
                terms.extend(row.iter().zip(AXES).map(of));
            }
        }
        let largest = terms.iter().map(|(c, _)| c.abs()).fold(0.0, f64::max);
        terms.retain(|(c, _)| c.abs() > 1e-6 * largest);
        terms.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
        let more = terms.len() > most;
        terms.truncate(most);
        let mut text = String::new();
        for (c, name) in terms {
            let c = c / largest;
            let sign = match (text.is_empty(), c < 0.0) {
                (true, true) => "-",
                (true, false) => "",
                (false, true) => " - ",
                (false, false) => " + ",
            };
            let size = if (c.abs() - 1.0).abs() < 1e-6 { String::new() } else { format!("{:.4} ", c.abs()) };
            text += &format!("{sign}{size}{name}");
        }
        if more { text + " + ..." } else { text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;

    #[test]
    fn tensors_and_matrices_agree() {
        let mut noise = Noise::new(3, 0);
        let count = Bilinear::zero(3).coordinates().len();
        let h = Bilinear::from_coordinates(3, &(0..count).map(|_| noise.even() - 0.5).collect::<Vec<_>>());
        let (again, rest) = Bilinear::of(&h.matrix(), 3);
        assert!(again.plus(-1.0, &h).norm() < 1e-14 && rest < 1e-7);
        let turns =
            [Turn::about([1.0, 2.0, 0.5], 0.8), Turn::about([0.0, 1.0, 0.5], 2.8), Turn::about([1.0, 0.0, 3.0], -1.1)];
        let u = |t: Turn| {
            let pauli = |a: usize| product_matrix(1, &[(0, a)]);
            product_matrix(1, &[]) * C64::new(t.w, 0.0)
                - (0..3).fold(Matrix::zeros(2, 2), |m, a| m + pauli(a) * (I * t.v[a]))
        };
        let all = u(turns[0]).kronecker(&u(turns[1])).kronecker(&u(turns[2]));
        let toggled = all.adjoint() * h.matrix() * &all;
        assert!((toggled - h.toggled(&turns).matrix()).norm() < 1e-13);
    }
}
