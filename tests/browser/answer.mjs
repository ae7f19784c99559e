// Answer the questions of the questionnaire app, launched from the sample EHR: by mouse, or by keyboard alone.
//
// Task: `launch` (the address of a launch link), `by` ("mouse" or "keyboard"), `answers` (values by linkId; the first
// choice of a question without one), `pictures` (a folder for pictures of every page; none without it), and for axe-core
// `widths` and `colorSchemes` (none without them).
// Answer: the words of the last page, how many screens were answered, which elements with the focus did not show it or
// were off the screen, which came after one below them on their page, which pages are wider than 360 CSS pixels there,
// and the violations.

import path from "node:path";
import { prepare, violations } from "./accessibility.mjs";
import { Keyboard } from "./keyboard.mjs";
import { run } from "./script.mjs";

const MOST_SCREENS = 30;
const NARROW = 360;

// Who clicks: labels and buttons.
class Mouse {
  constructor(page) {
    this.page = page;
    this.unseen = [];
    this.unordered = [];
  }

  async choose(name, index) {
    const id = await this.page.$$eval(`input[name="${name}"]`, (all, i) => all[i].id, index);
    await this.page.click(`label[for="${id}"]`);
  }

  async press(selector) {
    await Promise.all([this.page.waitForNavigation(), this.page.click(selector)]);
  }
}

// Who has only the keyboard.
class Typist extends Keyboard {
  async choose(name, index) {
    await this.tabTo(`input[name="${name}"]`);
    await this.page.keyboard.press("Space");
    for (let i = 0; i < index; i++) await this.page.keyboard.press("ArrowDown");
  }

  async press(selector) {
    await this.tabTo(selector);
    await Promise.all([this.page.waitForNavigation(), this.page.keyboard.press("Enter")]);
    this.reached = 0;
  }
}

await run(async (task, browser) => {
  const page = await browser.newPage();
  const user = task.by === "keyboard" ? new Typist(page) : new Mouse(page);
  const found = { violations: [], tooWide: [] };
  const look = async () => {
    if (task.widths) {
      found.violations.push(...(await violations(page, task.widths, task.colorSchemes)));
      await page.setViewportSize({ width: NARROW, height: 800 });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      if (width > NARROW) found.tooWide.push(`${await page.innerText("h1")}: ${width}`);
    }
    for (const width of task.pictures ? [1280, 390] : []) {
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 800 });
        const file = `${task.by}-${pictures}-${width}-${colorScheme}.png`;
        await page.screenshot({ path: path.join(task.pictures, file), fullPage: true });
      }
    }
    pictures++;
  };
  let pictures = 0;
  await prepare(browser);
  await page.goto(task.launch);
  await look();
  await user.press('button[value="continue"]');
  if (task.widths) {
    await user.press('button[value="next"]');
    await look(); // a screen without answers
  }
  let screens = 0;
  for (; screens < MOST_SCREENS; screens++) {
    await page.waitForSelector("h1");
    if (screens < 1 || (await page.$$("fieldset")).length !== 1) await look();
    const names = await page.$$eval("fieldset", (all) => all.map((each) => each.querySelector("input").name));
    if (names.length === 0) break;
    for (const name of names) {
      const wanted = task.answers[name.replace("answer:", "")];
      const values = await page.$$eval(`input[name="${name}"]`, (all) => all.map((each) => each.value));
      await user.choose(name, Math.max(values.indexOf(wanted), 0));
    }
    await user.press('button[value="next"]');
  }
  await user.press('button[value="finish"]');
  await page.waitForSelector('[role="status"], [role="alert"]');
  await look();
  const words = await page.innerText("main");
  if (task.widths) {
    await page.goto(page.url());
    await look(); // the session has ended
  }
  return { screens, words, unseen: user.unseen, unordered: user.unordered, ...found };
});
