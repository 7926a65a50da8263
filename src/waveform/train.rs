//! The edges of a periodic function that is constant between them.

/// The edges of a cycle.
#[derive(Debug, Clone, PartialEq)]
pub struct Edges {
    /// The start of each step, ascending; that of the first is 0.
    starts: Vec<f64>,
    /// The end of the last step.
    period: f64,
}

impl Edges {
    /// The edges of steps of these lengths, of which at least one is positive and none negative.
    pub fn of(lengths: impl IntoIterator<Item = f64>) -> Edges {
        let (mut starts, mut end) = (Vec::new(), 0.0);
        for length in lengths {
            starts.push(end);
            end += length;
        }
        Edges { starts, period: end }
    }

    /// The length of a cycle.
    pub fn period(&self) -> f64 {
        self.period
    }

    /// The number of cycles that end at or before a number, and the step in which the number lies.
    fn locate(&self, x: f64) -> (f64, usize) {
        let cycle = (x / self.period).floor();
        let cycle = if cycle.is_finite() { cycle } else { 0.0 };
        // The quotient is rounded, so the cycle may be the next or the previous one.
        let cycle = match x {
            _ if cycle * self.period > x => cycle - 1.0,
            _ if (cycle + 1.0) * self.period <= x => cycle + 1.0,
            _ => cycle,
        };
        // The same sum as that of an edge, so that a number at an edge is in the step that starts there.
        let begun = self.starts.partition_point(|start| cycle * self.period + start <= x);
        (cycle, begun.saturating_sub(1))
    }

    /// The step in which a number lies.
    pub fn step(&self, x: f64) -> usize {
        self.locate(x).1
    }

    /// The edges on both sides of a number.
    pub fn around(&self, x: f64) -> [f64; 3] {
        let (cycle, step) = self.locate(x);
        let start = |cycle: f64, step: usize| match self.starts.get(step) {
            Some(start) => cycle * self.period + start,
            None => (cycle + 1.0) * self.period,
        };
        let last = self.starts.len().saturating_sub(1);
        let before = if step == 0 { start(cycle - 1.0, last) } else { start(cycle, step - 1) };
        [start(cycle, step), start(cycle, step + 1), before]
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scalar;
    use super::super::mesh::{Weighted, mesh};
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_number_at_an_edge_is_in_the_step_that_starts_there() {
        let edges = Edges::of([0.1, 0.2, 0.4]);
        for cycle in [-3.0, 0.0, 1.0, 1e6] {
            for step in 0..3 {
                let [edge, next, before] = edges.around(cycle * edges.period() + [0.05, 0.2, 0.5][step]);
                assert_eq!(
                    [edges.step(edge), edges.step(next), edges.step(before)],
                    [step, (step + 1) % 3, (step + 2) % 3]
                );
                assert_eq!(edges.step(edge.next_down()), (step + 2) % 3, "{cycle} {step}");
            }
        }
    }

    /// The mesh divides a train at its edges and nowhere else, and a sum of trains with equal edges is one train.
    #[test]
    fn a_mesh_has_the_edges_of_a_train() {
        let edges = Arc::new(Edges::of([3.0, 4.0, 2.0]));
        let t = Scalar::time().scaled(1e5);
        let train = t.train(&edges, vec![1.0, -1.0, 0.5].into());
        let both = train.plus(&train.scaled(2.0));
        assert_eq!([both.at(0.0), both.at(3.5e-5), both.at(8e-5), both.at(9.1e-5)], [3.0, -3.0, 1.5, 3.0]);
        let Scalar::Varying(waveform) = &both else { panic!("constant") };
        assert!((waveform.period().unwrap() - 9e-5).abs() < 1e-19);
        let ends = mesh(&[Weighted { waveform, norm: 1.0 }], 2e-4, 1e-12).unwrap();
        let expected = [3.0, 7.0, 9.0, 12.0, 16.0, 18.0, 20.0];
        assert_eq!(ends.len(), expected.len(), "{ends:?}");
        for (end, expected) in ends.iter().zip(expected) {
            assert!((end - expected * 1e-5).abs() < 1e-18, "{ends:?}");
        }
    }
}
