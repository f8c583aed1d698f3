//! Identities: what several texts say together, as a few bytes.

use sha2::{Digest, Sha256};

/// SHA-256 over the texts, each preceded by its length in bytes (64 bit, big endian), cut to `N` bytes.
///
/// The lengths keep texts apart: `"a", "bc"` has another digest than `"ab", "c"`. `N` is at most 32.
pub fn digest<const N: usize>(texts: impl IntoIterator<Item = impl AsRef<str>>) -> [u8; N] {
    let mut hash = Sha256::new();
    for text in texts {
        let text = text.as_ref();
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    let mut id = [0; N];
    id.copy_from_slice(&hash.finalize()[..N]);
    id
}
