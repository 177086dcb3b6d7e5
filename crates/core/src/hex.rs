//! Bytes as hexadecimal digits.

use std::fmt::Write;

/// Writes bytes as lower-case digits, two for each.
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut digits, byte| {
        let _infallible = write!(digits, "{byte:02x}");
        digits
    })
}

/// Reads exactly so many bytes; `None` if the text is anything else. Upper case is read too.
pub fn decode<const BYTES: usize>(digits: &str) -> Option<[u8; BYTES]> {
    if digits.len() != BYTES * 2 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; BYTES];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_and_nothing_else_is_read() {
        assert_eq!(encode(&[0, 0x1f, 0xff]), "001fff");
        assert_eq!(decode("001FfF"), Some([0, 0x1f, 0xff]));
        for wrong in ["", "001ff", "001fff00", "+01fff", "00 fff", "0é1fff"] {
            assert_eq!(decode::<3>(wrong), None, "{wrong}");
        }
    }
}
