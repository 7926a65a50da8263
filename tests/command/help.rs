//! Help and manual pages.

use super::{code, ergoseq, text};

#[test]
fn help_of_every_subcommand_has_an_example() {
    for sub in
        ["check", "run", "sweep", "merge", "show", "fmt", "test", "dry-run", "plan", "tomography", "export", "import"]
    {
        let done = ergoseq(&[sub, "--help"]);
        assert_eq!(code(&done), 0);
        assert!(text(&done.stdout).contains(&format!("  ergoseq {sub} ")), "{sub}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = std::env::temp_dir().join(format!("ergoseq-man-{}", std::process::id()));
    let path = folder.display().to_string();
    assert!(ergoseq(&["man", "--output", &path]).status.success());
    let page = std::fs::read_to_string(folder.join("ergoseq-report.1")).unwrap();
    assert!(page.contains(".TH ergoseq\\-report 1") || page.contains(".TH ergoseq-report 1"), "{page}");
    assert!(std::fs::read_dir(&folder).unwrap().count() > 20);
    // What is there is not overwritten unasked.
    assert!(!ergoseq(&["man", "--output", &path]).status.success());
    std::fs::remove_dir_all(&folder).unwrap();
}
