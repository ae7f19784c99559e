// Go through steps on the pages of the service, by mouse or by keyboard alone.
//
// Task: `by` ("mouse" or "keyboard") and `steps`, each an object with one of these members:
//   goto: an address
//   click: a selector. By keyboard: Tab to it, then Enter
//   fill: a selector, with the text as `text`
//   select: a selector of a list, with the value as `value`
//   see: words that the page shows soon, anywhere or in the element that `in` selects; they may be a regular expression
//   read: a selector; the words of all elements that match are returned under `as`
//   axe: widths in CSS pixels, for axe-core in both color schemes
//   fits: a width in CSS pixels that the page must not exceed
//   picture: a file; the page at `width` and in `colorScheme`, whole or only as much as a screen of `height` shows
// Answer: {"read": {name: [words]}, "violations": of axe-core, "unseen": elements whose focus was not visible, "blocked":
// what the Content-Security-Policy blocked, "failed": errors of scripts, "outside": addresses elsewhere that were asked
// for, "heaviest": the most bytes of one page with its files, or of a part that a script put into it, "tooWide": pages
// that do not fit}

import { prepare, violations } from "./accessibility.mjs";
import { Keyboard } from "./keyboard.mjs";
import { run } from "./script.mjs";

const PATIENCE = 15_000; // milliseconds, on a machine that does other things as well

const BY_MOUSE = {
  click: (page, { click }) => page.click(click),
  fill: (page, { fill, text }) => page.fill(fill, text),
  select: (page, { select, value }) => page.selectOption(select, value),
};

const BY_KEYBOARD = {
  async click(page, { click }, keyboard) {
    await keyboard.tabTo(click);
    await page.keyboard.press("Enter");
  },
  async fill(page, { fill, text }, keyboard) {
    await keyboard.tabTo(fill);
    await page.keyboard.press("Control+a");
    await page.keyboard.type(text);
  },
  async select(page, { select, value }, keyboard) {
    await keyboard.tabTo(select);
    const steps = await page.$eval(
      select,
      (list, wanted) => [...list.options].findIndex((each) => each.value === wanted) - list.selectedIndex,
      value,
    );
    for (let i = 0; i < Math.abs(steps); i++) await page.keyboard.press(steps > 0 ? "ArrowDown" : "ArrowUp");
  },
};

await run(async ({ by, steps }, browser) => {
  const found = { read: {}, violations: [], blocked: [], failed: [], outside: [], heaviest: 0, tooWide: [] };
  await prepare(browser);
  await browser.exposeFunction("reportBlocked", (what) => found.blocked.push(what));
  await browser.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      window.reportBlocked(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`);
    });
  });
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on("pageerror", (error) => found.failed.push(String(error)));
  let weight = 0;
  let origin = "";
  page.on("request", (request) => {
    if (origin && new URL(request.url()).origin !== origin) found.outside.push(request.url());
  });
  page.on("response", async (response) => {
    const isPart = response.request().resourceType() === "fetch";
    if (response.request().isNavigationRequest()) weight = 0;
    const body = await response.body().catch(() => "");
    if (!isPart) weight += body.length;
    found.heaviest = Math.max(found.heaviest, isPart ? body.length : weight);
  });
  const keyboard = new Keyboard(page);
  const actions = {
    ...(by === "keyboard" ? BY_KEYBOARD : BY_MOUSE),
    async goto(_page, step) {
      origin = new URL(step.goto).origin;
      await page.goto(step.goto);
    },
    async see(_page, step) {
      const place = page.locator(step.in ?? "body");
      const words = new RegExp(step.see, "i");
      await place.filter({ hasText: words }).first().waitFor({ state: "visible" });
    },
    async read(_page, step) {
      found.read[step.as] = await page.locator(step.read).allInnerTexts();
    },
    async axe(_page, step) {
      found.violations.push(...(await violations(page, step.axe, ["light", "dark"])));
      await page.setViewportSize({ width: 1280, height: 800 });
    },
    async fits(_page, step) {
      await page.setViewportSize({ width: step.fits, height: 800 });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      if (width > step.fits) found.tooWide.push(`${await page.innerText("h1")}: ${width}`);
      await page.setViewportSize({ width: 1280, height: 800 });
    },
    async picture(_page, step) {
      await page.emulateMedia({ colorScheme: step.colorScheme ?? "light" });
      await page.setViewportSize({ width: step.width ?? 1280, height: step.height ?? 900 });
      await page.screenshot({ path: step.picture, fullPage: !step.height });
    },
  };
  for (const [number, step] of steps.entries()) {
    const name = Object.keys(actions).find((each) => each in step);
    try {
      await actions[name](page, step, keyboard);
    } catch (error) {
      const shown = await page.innerText("main").catch(() => "");
      throw new Error(`step ${number + 1}, ${JSON.stringify(step)}: ${error}\nThe page says:\n${shown.slice(0, 3000)}`);
    }
  }
  return { ...found, unseen: keyboard.unseen };
});
