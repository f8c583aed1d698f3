//! The other direction, for tests.

/// Writes what [`decode`] reads, bit by bit.
#[derive(Default)]
struct BitWriter {
    bits: Vec<bool>,
}

impl BitWriter {
    fn put(&mut self, value: u64, count: u32) {
        self.bits
            .extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
    }

    fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            self.put(value & 0x7f | 0x80, 8);
            value >>= 7;
        }
        self.put(value, 8);
    }

    fn bytes(&self) -> Vec<u8> {
        self.bits
            .chunks(8)
            .map(|byte| {
                byte.iter()
                    .enumerate()
                    .fold(0, |all, (bit, set)| all | u8::from(*set) << (7 - bit))
            })
            .collect()
    }
}

/// A chunk of these times and bits of values.
pub(in crate::remote_read) fn encode(samples: &[(i64, u64)]) -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.put(samples.len() as u64, 16);
    let mut delta = 0;
    for (position, (time, value)) in samples.iter().enumerate() {
        if position == 0 {
            bits.varint((time << 1 ^ time >> 63) as u64);
            bits.put(*value, 64);
            continue;
        }
        let (earlier, last) = samples[position - 1];
        if position == 1 {
            bits.varint((time - earlier) as u64);
        } else {
            match time - earlier - delta {
                0 => bits.put(0, 1),
                change @ -8191..=8192 => {
                    bits.put(0b10, 2);
                    bits.put(change as u64, 14);
                }
                change @ -65535..=65536 => {
                    bits.put(0b110, 3);
                    bits.put(change as u64, 17);
                }
                change @ -524287..=524288 => {
                    bits.put(0b1110, 4);
                    bits.put(change as u64, 20);
                }
                change => {
                    bits.put(0b1111, 4);
                    bits.put(change as u64, 64);
                }
            }
        }
        delta = time - earlier;
        let xor = value ^ last;
        if xor == 0 {
            bits.put(0, 1);
        } else {
            let leading = xor.leading_zeros().min(31);
            let significant = 64 - leading - xor.trailing_zeros();
            bits.put(0b11, 2);
            bits.put(leading.into(), 5);
            bits.put((significant % 64).into(), 6);
            bits.put(xor >> xor.trailing_zeros(), significant);
        }
    }
    bits.bytes()
}
