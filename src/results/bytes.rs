//! Binary serialisation of result sets, for other processes and for files with parts of a sweep: length of the structure (8 bytes),
//! structure (JSON), then the numbers (float64), column by column. All numbers are little-endian. Tomography readings and density
//! matrices are not included.

use super::schema::{Column, Over, Schema, Shape};
use super::set::{About, ResultSet, Status};
use crate::diagnostic::CODES;
use crate::emulator::RunInfo;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Everything except the numbers.
#[derive(Serialize, Deserialize)]
struct Structure {
    shape: Option<Shape>,
    points: Vec<PointStructure>,
    sample_ends: Vec<Vec<usize>>,
}

#[derive(Serialize, Deserialize)]
struct PointStructure {
    /// Code and message of an error.
    error: Option<(String, String)>,
    notes: Vec<String>,
    how: RunInfo,
}

impl PointStructure {
    fn of(about: &About) -> PointStructure {
        let error = match &about.status {
            Status::Computed => None,
            Status::Failed { code, message } => Some((code.to_string(), message.clone())),
        };
        PointStructure { error, notes: about.notes.clone(), how: about.how.clone() }
    }

    fn read(self) -> Result<About, String> {
        let failed = |(word, message): (String, String)| {
            let code = CODES.iter().find(|(_, number, _)| *number == word).ok_or(format!("unknown code `{word}`"))?.0;
            Ok::<Status, String>(Status::Failed { code, message })
        };
        let status = self.error.map_or(Ok(Status::Computed), failed)?;
        Ok(About { status, notes: self.notes, how: self.how, tomographies: vec![], states: vec![] })
    }
}

impl ResultSet {
    /// Serialises the result set.
    ///
    /// # Errors
    /// When the structure cannot be written as JSON, which does not occur.
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let points = self.points.iter().map(PointStructure::of).collect();
        let shape = self.schema.shape().cloned();
        let structure = Structure { shape, points, sample_ends: self.sample_ends.clone() };
        let told = serde_json::to_vec(&structure).map_err(|e| e.to_string())?;
        let mut out = (told.len() as u64).to_le_bytes().to_vec();
        out.extend(told);
        out.extend(self.data.iter().flatten().flat_map(|x| x.to_le_bytes()));
        Ok(out)
    }

    /// Deserialises a result set. `schema` is that of its experiment, complete or not.
    ///
    /// # Errors
    /// When the bytes are not results of this experiment.
    pub fn from_bytes(schema: Arc<Schema>, bytes: &[u8]) -> Result<ResultSet, String> {
        const DAMAGED: &str = "the bytes are not results of this experiment";
        let (length, rest) = bytes.split_first_chunk::<8>().ok_or(DAMAGED)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| DAMAGED)?;
        let (told, numbers) = rest.split_at_checked(length).ok_or(DAMAGED)?;
        let structure: Structure = serde_json::from_slice(told).map_err(|e| format!("{DAMAGED}: {e}"))?;
        let points = structure.points.into_iter().map(PointStructure::read).collect::<Result<Vec<About>, String>>()?;
        let (numbers, []) = numbers.as_chunks::<8>() else { return Err(DAMAGED.into()) };
        let numbers: Vec<f64> = numbers.iter().map(|b| f64::from_le_bytes(*b)).collect();
        let mut set = ResultSet::new(schema);
        match (structure.shape, set.schema.shape()) {
            (Some(shape), None) => {
                let computed = points.iter().position(|a| a.status == Status::Computed).unwrap_or(0);
                let parameters = numbers.iter().skip(computed).step_by(points.len().max(1));
                let parameters = parameters.take(set.data.len()).copied().collect();
                set.complete(shape, parameters);
            }
            (Some(shape), Some(known)) if !known.is_like(&shape) => return Err(DAMAGED.into()),
            _ => {}
        }
        let whole = |ends: &Vec<usize>| ends.len() == points.len() && ends.is_sorted();
        if structure.sample_ends.len() != set.sample_ends.len() || !structure.sample_ends.iter().all(whole) {
            return Err(DAMAGED.into());
        }
        (set.sample_ends, set.points) = (structure.sample_ends, points);
        set.data = set.split(&numbers).ok_or(DAMAGED)?;
        Ok(set)
    }

    /// Splits the numbers into columns; `None` if their count does not match.
    fn split(&self, numbers: &[f64]) -> Option<Vec<Vec<f64>>> {
        let mut rest = numbers;
        let mut column = |column: &Column| {
            let count = match column.over {
                Over::Points => Some(self.len()),
                Over::Marks => self.len().checked_mul(self.schema.marks().len()),
                Over::Samples(trace) => self.sample_ends.get(trace).map(|ends| ends.last().copied().unwrap_or(0)),
            };
            let (own, others) = rest.split_at_checked(count?)?;
            rest = others;
            Some(own.to_vec())
        };
        let data = self.schema.columns().iter().map(&mut column).collect();
        if rest.is_empty() { data } else { None }
    }
}
