//! Numbers at the edges of what programs can count, and letters that are more than one byte or none that is seen.

pub const EDGES: [&str; 30] = [
    "0", "-1", "1", "2", "63", "64", "65", "255", "256", "1023", "4096", "65535", "65536", "1000000", "2147483647",
    "2147483648", "4294967295", "4294967296", "9223372036854775807", "18446744073709551616", "1e-400", "1e308", "1e400",
    "-0", "0x10", "nan", "inf", "\u{feff}", "\u{202e}", "\u{1f9f2}",
];
