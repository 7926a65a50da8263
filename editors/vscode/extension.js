// What the editor does with ergoseq: a language server, and commands that run the file in a terminal or show its report.

const { execFile } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

const command = () => vscode.workspace.getConfiguration("ergoseq").get("path") || "ergoseq";

async function begin(context) {
  const server = { command: command(), args: ["lsp"] };
  client = new LanguageClient("ergoseq", "ergoseq", { run: server, debug: server }, {
    documentSelector: [{ language: "ergoseq" }],
  });
  try {
    await client.start();
  } catch (why) {
    const answer = await vscode.window.showErrorMessage(
      `ergoseq cannot be started as "${command()}": ${why.message}. Install it with "cargo install", or set its path.`,
      "Open settings",
    );
    if (answer) vscode.commands.executeCommand("workbench.action.openSettings", "ergoseq.path");
  }
}

/// The file of the editor, saved; nothing where it has none.
async function saved() {
  const document = vscode.window.activeTextEditor?.document;
  if (!document || document.languageId !== "ergoseq") {
    vscode.window.showInformationMessage("Open an ergoseq file first.");
    return undefined;
  }
  if (document.isUntitled || document.isDirty) await document.save();
  return document.isUntitled ? undefined : document.uri.fsPath;
}

async function inTerminal(word) {
  const file = await saved();
  if (!file) return;
  // The program is begun with its arguments, not by a line of a shell: no shell reads the names of files, each by rules of its own.
  const run = new vscode.ProcessExecution(command(), [word, file], { cwd: path.dirname(file) });
  const task = new vscode.Task({ type: "process" }, vscode.TaskScope.Workspace, word, "ergoseq", run);
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Always, panel: vscode.TaskPanelKind.Shared, clear: false };
  await vscode.tasks.executeTask(task);
}

let panel;

async function report() {
  const file = await saved();
  if (!file) return;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ergoseq-"));
  const page = path.join(folder, "report.html");
  execFile(command(), ["report", file, "--output", page], { cwd: path.dirname(file) }, (failed, _, said) => {
    let text;
    try {
      text = fs.readFileSync(page, "utf8");
    } catch {
      vscode.window.showErrorMessage(said || String(failed));
      return;
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
    if (!panel) {
      panel = vscode.window.createWebviewPanel("ergoseq", "ergoseq", vscode.ViewColumn.Beside, { enableScripts: true });
      panel.onDidDispose(() => { panel = undefined; });
    }
    panel.title = path.basename(file);
    panel.webview.html = text;
    panel.reveal(undefined, true);
  });
}

exports.activate = async (context) => {
  const add = (name, done) => context.subscriptions.push(vscode.commands.registerCommand(name, done));
  add("ergoseq.run", () => inTerminal("run"));
  add("ergoseq.test", () => inTerminal("test"));
  add("ergoseq.report", report);
  add("ergoseq.restart", async () => {
    if (client) await client.stop().catch(() => undefined);
    await begin(context);
  });
  // The report of an open panel is made anew at every save.
  context.subscriptions.push(vscode.workspace.onDidSaveTextDocument((document) => {
    if (panel && document.languageId === "ergoseq" && panel.title === path.basename(document.uri.fsPath)) report();
  }));
  await begin(context);
};

exports.deactivate = () => client?.stop();
