//! Prometheus' XOR chunks: delta-of-delta times, values as the XOR with the one before (Pelkonen et al., "Gorilla:
//! a fast, scalable, in-memory time series database", 2015), laid out as in Prometheus' `tsdb/docs/format/chunks.md`.

use domain::{Sample, Timestamp};

/// A chunk that ends early or says something impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an XOR chunk is malformed")]
pub(super) struct MalformedChunk;

/// What Prometheus writes when a series ends; PromQL does not show it.
const STALE_MARKER: u64 = 0x7ff0_0000_0000_0002;

/// Appends the samples of a chunk, and the times of its stale markers.
pub(super) fn decode(
    chunk: &[u8],
    samples: &mut Vec<Sample>,
    ends: &mut Vec<Timestamp>,
) -> Result<(), MalformedChunk> {
    let mut bits = BitReader::new(chunk);
    let count = bits.take(16)?;
    samples.reserve(count as usize);
    let (mut time, mut delta, mut value) = (0i64, 0i64, XorValue::default());
    for position in 0..count {
        match position {
            0 => {
                time = bits.signed_varint()?;
                value.bits = bits.take(64)?;
            }
            1 => {
                delta = bits.varint()? as i64;
                time = time.wrapping_add(delta);
                value.step(&mut bits)?;
            }
            _ => {
                delta = delta.wrapping_add(bits.delta_of_delta()?);
                time = time.wrapping_add(delta);
                value.step(&mut bits)?;
            }
        }
        let time = Timestamp::from_millis(time).ok_or(MalformedChunk)?;
        if value.bits == STALE_MARKER {
            ends.push(time);
        } else {
            let value = f64::from_bits(value.bits);
            samples.push(Sample { time, value });
        }
    }
    Ok(())
}

/// The last value, and where its meaningful bits lie.
#[derive(Default)]
struct XorValue {
    bits: u64,
    trailing: u32,
    significant: u32,
}

impl XorValue {
    fn step(&mut self, bits: &mut BitReader<'_>) -> Result<(), MalformedChunk> {
        if bits.take(1)? == 0 {
            return Ok(());
        }
        if bits.take(1)? == 1 {
            let leading = bits.take(5)? as u32;
            self.significant = match bits.take(6)? as u32 {
                0 => 64,
                significant => significant,
            };
            self.trailing = 64u32
                .checked_sub(leading + self.significant)
                .ok_or(MalformedChunk)?;
        }
        self.bits ^= bits.take(self.significant)? << self.trailing;
        Ok(())
    }
}

/// Reads bits from the most significant one on.
struct BitReader<'a> {
    rest: &'a [u8],
    /// The next bits, left-aligned.
    window: u64,
    /// How many bits of the window are there.
    filled: u32,
}

impl<'a> BitReader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            window: 0,
            filled: 0,
        }
    }

    /// The next `count` bits, 0 to 64.
    #[inline]
    fn take(&mut self, count: u32) -> Result<u64, MalformedChunk> {
        if count > 32 {
            let high = self.take(count - 32)?;
            return Ok(high << 32 | self.take(32)?);
        }
        if self.filled < count {
            self.fill();
            if self.filled < count {
                return Err(MalformedChunk);
            }
        }
        if count == 0 {
            return Ok(0);
        }
        let bits = self.window >> (64 - count);
        self.window <<= count;
        self.filled -= count;
        Ok(bits)
    }

    #[inline]
    fn fill(&mut self) {
        if let Some((word, _)) = self.rest.split_first_chunk::<8>() {
            self.window |= u64::from_be_bytes(*word) >> self.filled;
            let bytes = (64 - self.filled) / 8;
            self.rest = &self.rest[bytes as usize..];
            self.filled += bytes * 8;
            // Bits beyond the last whole byte were shifted in as well: they come again with the next fill.
            if self.filled < 64 {
                self.window &= !(u64::MAX >> self.filled);
            }
            return;
        }
        while self.filled <= 56 {
            let Some((byte, rest)) = self.rest.split_first() else {
                return;
            };
            self.window |= u64::from(*byte) << (56 - self.filled);
            self.filled += 8;
            self.rest = rest;
        }
    }

    fn varint(&mut self) -> Result<u64, MalformedChunk> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(8)?;
            value |= (byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(MalformedChunk)
    }

    /// Zigzag: the sign is the lowest bit.
    fn signed_varint(&mut self) -> Result<i64, MalformedChunk> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn delta_of_delta(&mut self) -> Result<i64, MalformedChunk> {
        let mut ones = 0;
        while ones < 4 && self.take(1)? == 1 {
            ones += 1;
        }
        let size = match ones {
            0 => return Ok(0),
            1 => 14,
            2 => 17,
            3 => 20,
            _ => return self.take(64).map(|bits| bits as i64),
        };
        let bits = self.take(size)? as i64;
        Ok(if bits > 1 << (size - 1) {
            bits - (1 << size)
        } else {
            bits
        })
    }
}

#[cfg(test)]
pub(super) mod testing;

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::Index};

    use super::{testing::encode, *};
    use crate::fuzz::cases;

    const AWKWARD: [(i64, u64); 9] = [
        (1_763_885_100_000, 0x3fb9_9999_9999_999a),
        (1_763_885_115_003, 0x3fb9_9999_9999_999a),
        (1_763_885_130_001, 0x7ff8_0000_0000_0001),
        (1_763_885_190_000, 0x7ff0_0000_0000_0000),
        (1_763_885_190_001, 0xfff0_0000_0000_0000),
        (1_763_889_999_999, 0),
        (1_763_990_000_000, 0x8000_0000_0000_0001),
        (1_863_990_000_000, 1),
        (1_863_990_000_001, u64::MAX),
    ];

    #[test]
    fn times_and_values_keep_every_bit() {
        let mut samples = Vec::new();
        decode(&encode(&AWKWARD), &mut samples, &mut Vec::new()).unwrap();
        let read: Vec<(i64, u64)> = samples
            .iter()
            .map(|sample| (sample.time.millis(), sample.value.to_bits()))
            .collect();
        assert_eq!(read, AWKWARD);
    }

    #[test]
    fn a_stale_marker_is_an_end_and_no_sample() {
        let (mut samples, mut ends) = (Vec::new(), Vec::new());
        let chunk = encode(&[(1000, 1), (2000, STALE_MARKER), (3000, 2)]);
        decode(&chunk, &mut samples, &mut ends).unwrap();
        let times: Vec<i64> = samples.iter().map(|sample| sample.time.millis()).collect();
        assert_eq!(times, [1000, 3000]);
        assert_eq!(ends, [Timestamp::from_millis(2000).unwrap()]);
    }

    #[test]
    fn a_chunk_that_ends_early_is_malformed() {
        let whole = encode(&AWKWARD);
        for length in 0..whole.len() {
            assert_eq!(
                decode(&whole[..length], &mut Vec::new(), &mut Vec::new()),
                Err(MalformedChunk),
                "{length}"
            );
        }
    }

    proptest! {
        #![proptest_config(cases(10_000))]

        #[test]
        fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..97)) {
            let _ = decode(&bytes, &mut Vec::new(), &mut Vec::new());
        }

        #[test]
        fn no_change_of_a_chunk_makes_it_panic(changes in vec((any::<Index>(), any::<u8>()), 1..4)) {
            let mut chunk = encode(&AWKWARD);
            for (at, byte) in changes {
                let at = at.index(chunk.len());
                chunk[at] = byte;
            }
            let _ = decode(&chunk, &mut Vec::new(), &mut Vec::new());
        }
    }
}
