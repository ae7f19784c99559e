// What axe-core finds on pages, at each width and in each color scheme.
//
// Task: {"addresses", "widths": [CSS pixels], "colorSchemes": ["light" | "dark"]}
// Answer: [{"address", "width", "colorScheme", "id", "impact", "help", "nodes": [HTML]}]

import { prepare, violations } from "./accessibility.mjs";
import { run } from "./script.mjs";

await run(async ({ addresses, widths, colorSchemes }, browser) => {
  await prepare(browser);
  const page = await browser.newPage();
  const found = [];
  for (const address of addresses) {
    const response = await page.goto(address);
    if (response && !response.ok()) throw new Error(`${address} answered ${response.status()}`);
    for (const each of await violations(page, widths, colorSchemes)) found.push({ address, ...each });
  }
  return found;
});
