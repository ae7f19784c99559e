// What every script here does: read its task as JSON from stdin, start Chromium once, write the answer as JSON to stdout.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { chromium } from "playwright-core";

const OPTIONS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

// Run `answer(task, browser)`. The task names the browser to start as `program`. `browser` is a BrowserContext with a
// profile of its own; whatever `answer` returns is printed.
export async function run(answer) {
  const task = JSON.parse(await text(process.stdin));
  const profile = await mkdtemp(path.join(tmpdir(), "cds-browser-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: task.program,
    headless: true,
    chromiumSandbox: false, // containers run as root
    args: OPTIONS,
    reducedMotion: "reduce", // scrolling takes time otherwise
  });
  try {
    process.stdout.write(JSON.stringify(await answer(task, browser)));
  } finally {
    await browser.close();
    await rm(profile, { recursive: true, force: true });
  }
}
