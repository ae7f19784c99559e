// axe-core on the page that a script has open.

import { createRequire } from "node:module";

// WCAG 2.2, 2.5.8 (AA), which axe-core leaves out unless it is asked for.
const OPTIONS = { rules: { "target-size": { enabled: true } } };
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

// Put axe-core into every page that `browser`, a BrowserContext, opens from now on. An init script runs before those of
// the page, and its Content-Security-Policy does not restrict it.
export async function prepare(browser) {
  await browser.addInitScript({ path: AXE });
}

// Return [{"width", "colorScheme", "id", "impact", "help", "nodes": [HTML]}] of the page as it is now, at each width in
// CSS pixels and in each color scheme. The page keeps the last width and scheme.
export async function violations(page, widths, colorSchemes) {
  const found = [];
  for (const colorScheme of colorSchemes) {
    await page.emulateMedia({ colorScheme });
    for (const width of widths) {
      await page.setViewportSize({ width, height: 800 });
      const result = await page.evaluate((options) => axe.run(options), OPTIONS);
      if (result.passes.length === 0) throw new Error(`axe-core found nothing to check on ${page.url()}`);
      for (const { id, impact, help, nodes } of result.violations) {
        found.push({ width, colorScheme, id, impact, help, nodes: nodes.map((node) => node.html) });
      }
    }
  }
  return found;
}
