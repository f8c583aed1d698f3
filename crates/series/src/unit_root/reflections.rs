//! The triangular factor of a matrix by reflections (Householder 1958).
//!
//! As exact as the columns themselves, where products of columns are only as exact as their squares; and dearer: `k`
//! columns of `n` rows take `2 n k^2` operations. The rows come block by block (Golub and Van Loan 2013, ch. 5.1), so
//! that the matrix is never there as a whole.

use super::{columns::Columns, regression::Factor};
use crate::products::dot;

/// How many rows are taken at once: so many of all columns stay in the second-level cache.
const BLOCK: usize = 256;

/// The last column's part along each of the others, orthogonalised, and its rest, in units of its own length; `None`
/// if a column is zero.
pub(super) fn factor(columns: &Columns<'_>) -> Option<Factor> {
    let mut triangle = Triangle::zeros(columns.count());
    let rows = columns.rows();
    for start in (0..rows).step_by(BLOCK) {
        triangle.absorb(columns.block(start..rows.min(start + BLOCK)));
    }
    triangle.factor()
}

/// A triangular matrix whose columns have the products of all rows absorbed.
struct Triangle {
    size: usize,
    cells: Vec<f64>,
}

impl Triangle {
    fn zeros(size: usize) -> Self {
        Self {
            size,
            cells: vec![0.0; size * size],
        }
    }

    /// Takes in more rows, given by column.
    fn absorb(&mut self, mut block: Vec<Vec<f64>>) {
        for row in 0..self.size {
            let upper = &mut self.cells[row * self.size..][..self.size];
            let (column, others) = block[row..].split_first_mut().unzip();
            let (Some(column), Some(others)) = (column, others) else {
                return;
            };
            let below = dot(column, column);
            if below == 0.0 {
                continue;
            }
            // The column becomes `diagonal` in this row and zero in the block; of the two signs, the one that adds.
            let diagonal = -(upper[row] * upper[row] + below)
                .sqrt()
                .copysign(upper[row]);
            let head = upper[row] - diagonal;
            let half_square = 0.5 * (head * head + below);
            upper[row] = diagonal;
            for (upper, other) in upper[row + 1..].iter_mut().zip(others) {
                let factor = (head * *upper + dot(column, other)) / half_square;
                *upper -= factor * head;
                for (value, mirror) in other.iter_mut().zip(&*column) {
                    *value -= factor * mirror;
                }
            }
        }
    }

    fn factor(&self) -> Option<Factor> {
        let size = self.size;
        let length = |column: usize| -> f64 {
            let squares = (0..=column).map(|row| self.cells[row * size + column].powi(2));
            squares.sum::<f64>().sqrt()
        };
        let diagonal = |row: usize| self.cells[row * size + row];
        let last = size.checked_sub(1)?;
        if !(0..size).all(|column| length(column).is_normal()) {
            return None;
        }
        let along = |row: usize| self.cells[row * size + last] * diagonal(row).signum();
        Some(Factor {
            response: (0..size).map(|row| along(row) / length(last)).collect(),
            smallest_pivot: (0..last)
                .map(|row| (diagonal(row) / length(row)).powi(2))
                .fold(f64::INFINITY, f64::min),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factor_of(blocks: &[&[&[f64]]]) -> Factor {
        let mut triangle = Triangle::zeros(blocks[0].len());
        for block in blocks {
            triangle.absorb(block.iter().map(|column| column.to_vec()).collect());
        }
        triangle.factor().unwrap()
    }

    #[test]
    fn a_column_between_two_has_a_part_along_both() {
        let whole: &[&[&[f64]]] = &[&[&[2.0, 0.0, 0.0], &[1.0, 1.0, 0.0], &[3.0, -4.0, 12.0]]];
        let by_row: &[&[&[f64]]] = &[
            &[&[2.0], &[1.0], &[3.0]],
            &[&[0.0], &[1.0], &[-4.0]],
            &[&[0.0], &[0.0], &[12.0]],
        ];
        for blocks in [whole, by_row] {
            let found = factor_of(blocks);
            for (got, expected) in found.response.iter().zip([3.0_f64, -4.0, 12.0]) {
                assert!((got.abs() - expected.abs() / 13.0).abs() < 1e-15);
            }
            assert!(found.response[0] > 0.0 && found.response[1] < 0.0);
            assert!((found.smallest_pivot - 0.5).abs() < 1e-15);
        }
    }

    #[test]
    fn a_combination_of_columns_has_no_pivot() {
        let found = factor_of(&[&[
            &[1.0; 4],
            &[0.1, 0.2, 0.3, 0.4],
            &[1.1, 1.2, 1.3, 1.4],
            &[1.0, 0.0, 0.0, 0.0],
        ]]);
        assert!(found.smallest_pivot < 1e-30);
    }
}
