const REFUSALS: [(&str, &[&str]); 0] = [];
