# Installs the prebuilt command. `packaging/fill.py` fills in the places between @ signs.
class Ergoseq < Formula
  desc "Compiler and emulator for quantum-battery experiments on NMR spectrometers"
  homepage "@ADDRESS@"
  version "@VERSION@"
  license any_of: ["MIT", "Apache-2.0"]

  on_macos do
    on_arm do
      url "@ADDRESS@/releases/download/v@VERSION@/ergoseq-@VERSION@-aarch64-apple-darwin.tar.gz"
      sha256 "@SHA256 ergoseq-@VERSION@-aarch64-apple-darwin.tar.gz@"
    end
    on_intel do
      url "@ADDRESS@/releases/download/v@VERSION@/ergoseq-@VERSION@-x86_64-apple-darwin.tar.gz"
      sha256 "@SHA256 ergoseq-@VERSION@-x86_64-apple-darwin.tar.gz@"
    end
  end

  on_linux do
    on_arm do
      url "@ADDRESS@/releases/download/v@VERSION@/ergoseq-@VERSION@-aarch64-unknown-linux-musl.tar.gz"
      sha256 "@SHA256 ergoseq-@VERSION@-aarch64-unknown-linux-musl.tar.gz@"
    end
    on_intel do
      url "@ADDRESS@/releases/download/v@VERSION@/ergoseq-@VERSION@-x86_64-unknown-linux-musl.tar.gz"
      sha256 "@SHA256 ergoseq-@VERSION@-x86_64-unknown-linux-musl.tar.gz@"
    end
  end

  def install
    bin.install "ergoseq"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/ergoseq.bash" => "ergoseq"
    zsh_completion.install "completions/_ergoseq"
    fish_completion.install "completions/ergoseq.fish"
    doc.install "README.md", "CHANGELOG.md", "grammar.md"
    prefix.install "LICENSE-APACHE", "LICENSE-MIT", "THIRD-PARTY-LICENCES.txt"
  end

  test do
    system bin/"ergoseq", "new", "a.seq"
    system bin/"ergoseq", "check", "a.seq"
    assert_match version.to_s, shell_output("#{bin}/ergoseq --version")
  end
end
