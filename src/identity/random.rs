//! Random numbers and letters, of the operating system's. The only user of `getrandom`.

use zeroize::Zeroizing;

use super::mint::Refusal;

/// Letters and digits, each as likely as the others.
pub(super) fn draw(length: usize) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut value = Zeroizing::new(Vec::with_capacity(length));
    let mut bytes = Zeroizing::new([0; 64]);
    while value.len() < length {
        entropy(&mut *bytes)?;
        // 248 is the largest multiple of 62 that fits in a byte
        let drawn = bytes.iter().filter(|byte| **byte < 248);
        let missing = length - value.len();
        value.extend(drawn.take(missing).map(|byte| ALPHABET[usize::from(*byte) % ALPHABET.len()]));
    }
    Ok(value)
}

pub(super) fn entropy(bytes: &mut [u8]) -> Result<(), Refusal> {
    getrandom::fill(bytes).map_err(|error| Refusal::Vault(format!("no random numbers: {error}")))
}
