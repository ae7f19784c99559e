// Compose orders in the sandbox by keyboard alone, and save the case.
//
// Task: {"address": the workspace of sij-posterior}
// Answer: {"faults": [what the page reported], "focus": {step: id of the focused element},
//          "approaches": [what the field of the approach shows after each step], "orders": how many,
//          "reason": what the field of another reason shows once it is added, "saved": the file of the case}

import { readFile } from "node:fs/promises";
import { run } from "./script.mjs";

await run(async ({ address }, browser) => {
  const page = await browser.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  await page.goto(address);

  // Do something, and wait until the workspace is there again.
  const answered = async (doing) => {
    const [response] = await Promise.all([page.waitForResponse((each) => each.url().endsWith("/sandbox")), doing()]);
    await response.finished();
    await page.waitForTimeout(150);
  };
  const press = (key) => answered(() => page.keyboard.press(key));
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.tagName);
  const approach = () => page.inputValue("#o0-approach");
  const focus = {};
  const approaches = [await approach()];

  await page.focus("#o0-approach");
  await press("l"); // the first option that begins with it
  approaches.push(await approach());
  focus.changed = await focused();
  const json = await page.inputValue("#o0-json");
  await page.evaluate(() => (document.querySelector("#o0-raw").open = true));
  await page.fill("#o0-json", json.replace("Lateral transarticular", "Posterior"));
  await page.focus("[value^='json:']");
  await press("Enter"); // the server changes what the user chose before
  approaches.push(await approach());
  await page.focus("#update");
  await press("Enter");
  approaches.push(await approach());

  await page.focus("#code-query");
  await page.keyboard.type("27280");
  await page.waitForSelector("#found-codes button");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await press("Enter");
  focus.added = await focused();
  const orders = await page.locator(".order").count();
  await page.fill("#o1-reason", "Pelvic ring disruption");
  await page.focus("[value^='add-reason:ServiceRequest/draft-1']");
  await press("Enter");
  const reason = await page.inputValue("#o1-reason");
  await page.focus("[value='remove:ServiceRequest/draft-1']");
  await press("Enter");
  focus.removed = await focused();

  await page.focus("#save-case summary");
  await page.keyboard.press("Enter");
  const [download] = await Promise.all([page.waitForEvent("download"), page.focus("#save-file").then(() => page.keyboard.press("Enter"))]);
  const saved = await readFile(await download.path(), "utf8");
  return { faults, focus, approaches, orders, reason, saved };
});
