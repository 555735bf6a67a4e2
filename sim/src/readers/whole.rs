//! Reads small files as a whole, up to a limit that the caller names: an endless one is refused, not swallowed.

use std::io::Read as _;
use std::path::Path;

use super::InputError;
use super::open::unpacked;

/// The bytes of a file, unpacked if it is packed, as [`open`](super::open()) does.
///
/// # Errors
/// When it cannot be read or is longer than the limit.
pub fn read_whole(path: &Path, bytes_max: u64) -> Result<Vec<u8>, InputError> {
    let mut bytes = Vec::new();
    unpacked(path)?
        .take(bytes_max + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| InputError::new(path, format!("cannot be read: {e}")))?;
    if bytes.len() as u64 > bytes_max {
        return Err(InputError::new(path, format!("is longer than the limit of {bytes_max} bytes")));
    }
    Ok(bytes)
}

/// The same as text.
///
/// # Errors
/// As [`read_whole`], and when it is not UTF-8.
pub fn read_whole_text(path: &Path, bytes_max: u64) -> Result<String, InputError> {
    String::from_utf8(read_whole(path, bytes_max)?).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        let line = 1 + e.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count();
        InputError::new(path, "is not text in UTF-8").at_line(line as u64)
    })
}

/// What a parser says about a value, in the words of its file's format instead of the types that it is kept in.
pub fn in_plain_words(said: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let plain = match bare {
            "u8" | "u16" | "u32" | "u64" | "usize" | "u128" => "a whole number of 0 or more",
            "i8" | "i16" | "i32" | "i64" | "isize" | "i128" => "a whole number",
            "f32" | "f64" => "a number",
            _ => return word.to_owned(),
        };
        word.replace(bare, plain)
    };
    let said = said.split(' ').map(word).collect::<Vec<_>>().join(" ");
    let mut plain = said
        .replace("a sequence", "a list")
        .replace("a map", "an object")
        .replace("invalid type: ", "found ")
        .replace("invalid value: ", "found ")
        .replace("missing field", "there is no");
    // "struct Name" and "enum Name" name a type of ours.
    for (kind, instead) in
        [("struct ", "an object"), ("tuple struct ", "a list"), ("enum ", "one of its names")]
    {
        while let Some(at) = plain.find(kind) {
            let end =
                plain[at + kind.len()..].find([' ', ',', ':']).map_or(plain.len(), |i| at + kind.len() + i);
            plain.replace_range(at..end, instead);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn endless_files_are_refused_at_the_limit() {
        let endless = Path::new("/dev/zero");
        if endless.exists() {
            let said = read_whole(endless, 1000).expect_err("it has no end").to_string();
            assert_eq!(said, "/dev/zero: is longer than the limit of 1000 bytes");
        }
    }

    #[test]
    fn no_word_of_a_message_names_a_type() {
        for (said, plain) in [
            (
                "invalid type: string \"x\", expected u64",
                "found string \"x\", expected a whole number of 0 or more",
            ),
            ("invalid type: map, expected f64", "found map, expected a number"),
            (
                "invalid type: integer `3`, expected struct ClusterDocument",
                "found integer `3`, expected an object",
            ),
            ("missing field `nodes`", "there is no `nodes`"),
        ] {
            assert_eq!(in_plain_words(said), plain);
        }
    }
}
