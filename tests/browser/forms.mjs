// Render FHIR R4 Questionnaires in NLM's lforms, fill them in with clicks, and read the responses back.
//
// Task: {"patient": the Patient of the launch, "chart": the searchset Bundle that answers every search of a form,
//        "forms": [{"questionnaire", "fillings": [{linkId: true | false | "the text of an option"}]}],
//        "responses": [{"questionnaire", "response": a QuestionnaireResponse to it}]}
// Answer: {"faults": [what the page reported or asked of another host],
//          "forms": [{"searches": [relative URLs], "items": [{"linkId", "within", "text", "options"}],
//                     "filled": [{"shown", "response"}]}],
//          "responses": [{"shown", "response"}]}
//
// A filling is answered from the top of the form to its end, as a reader would: a question that is hidden when its turn
// comes is left out. `shown` are the linkIds on the page afterward. An item with the item control `help` is shown by
// lforms as a button beside its question, and is not among the items. Each of the `responses` is loaded into its form,
// and read back.

import path from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./script.mjs";

const LFORMS = fileURLToPath(new URL("node_modules/lforms/dist/lforms/", import.meta.url));
const ORIGIN = "http://lforms.test";
const TRY_MS = 10_000;
const MAX_TRIES = 3;
const PAGE = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A form</title>
<link rel="stylesheet" href="/webcomponent/styles.css"></head><body><div id="form"></div>
<script src="/webcomponent/assets/lib/zone.min.js"></script><script src="/webcomponent/lhc-forms.js"></script>
<script src="/fhir/R4/lformsFHIR.min.js"></script></body></html>`;

async function serve(route, faults) {
  const url = new URL(route.request().url());
  if (url.origin !== ORIGIN) {
    faults.push(`asked for ${url}`);
    return route.abort();
  }
  if (url.pathname === "/") return route.fulfill({ contentType: "text/html", body: PAGE });
  return route.fulfill({ path: path.join(LFORMS, url.pathname) });
}

// Show a form that is not filled in and return what it searched for in the FHIR server that launched it.
function show(page, questionnaire, { patient, chart }) {
  return page.evaluate(
    async ({ questionnaire, patient, chart }) => {
      const searches = [];
      const client = { request: async (url) => (searches.push(url), chart) };
      LForms.Util.setFHIRContext(client, { patient });
      document.getElementById("form").replaceChildren();
      await LForms.Util.addFormToPage(questionnaire, "form", { fhirVersion: "R4" }).catch((messages) => {
        throw new Error(`${questionnaire.title} is not shown: ${messages}`);
      });
      return searches;
    },
    { questionnaire, patient, chart },
  );
}

// Show a form with the answers of a response, and return the linkIds on the page and the response that lforms has then.
async function load(page, given, { patient, chart }) {
  await page.evaluate(
    async ({ questionnaire, response, patient, chart }) => {
      LForms.Util.setFHIRContext({ request: async () => chart }, { patient });
      const form = LForms.Util.convertFHIRQuestionnaireToLForms(questionnaire, "R4");
      const loaded = LForms.Util.mergeFHIRDataIntoLForms(response, form, "R4");
      document.getElementById("form").replaceChildren();
      await LForms.Util.addFormToPage(loaded, "form", { prepopulate: false }).catch((messages) => {
        throw new Error(`${questionnaire.title} is not shown with its answers: ${messages}`);
      });
    },
    { ...given, patient, chart },
  );
  return whatIsShown(page);
}

// The id of an element of lforms is the linkId, and the number of each repetition on the way down.
function shownItems(page) {
  return page.evaluate(() => {
    const linkId = (element) => element?.id.replace(/^item-/, "").replace(/(\/\d+)+$/, "") ?? null;
    const texts = (element, selector) => [...element.querySelectorAll(selector)].map((each) => each.textContent.trim());
    return [...document.querySelectorAll("lhc-item")]
      .filter((element) => element.getClientRects().length > 0)
      .map((element) => ({
        linkId: linkId(element),
        within: linkId(element.parentElement.closest("lhc-item")),
        text: texts(element, ".question")[0],
        options: texts(element, ":scope > lhc-item-question .lhc-de-input-unit label"),
      }));
  });
}

// Return a selector of the item, or null if the form shows none. lforms may replace the element while it fills in initial
// values, so nothing keeps the element itself.
async function question(page, linkId) {
  const numbered = new RegExp(`^item-${linkId.replace(/[^A-Za-z0-9]/g, "\\$&")}(/\\d+)+$`);
  const id = await page.evaluate(
    (pattern) => [...document.querySelectorAll("lhc-item")].find((each) => new RegExp(pattern).test(each.id))?.id,
    numbered.source,
  );
  return id ? `lhc-item[id="${id}"]` : null;
}

// Open the list of a choice and return its options, each with the number that lforms puts before it taken off.
async function openList(page, input) {
  await page.locator(input).first().click();
  await page.waitForFunction(
    (selector) => document.querySelector(selector)?.getAttribute("aria-expanded") === "true",
    input,
  );
  const numbered = await page.$$eval("#lhc-tools-searchResults li", (all) => all.map((each) => each.textContent));
  return numbered.map((each) => each.replace(/^\d+:\s*/, "").trim());
}

function listOf(item) {
  return `${item} lhc-item-choice input.ansList`;
}

async function optionsOf(page, item) {
  const input = listOf(item);
  if (!(await page.$(input))) return [];
  const options = await openList(page, input);
  await page.locator(input).first().press("Escape");
  return options;
}

async function choose(page, item, value) {
  if (typeof value === "boolean") {
    await page.locator(`${item} label[id$="|${value}"]`).first().click();
    return;
  }
  const options = await openList(page, listOf(item));
  if (!options.includes(value)) throw new Error(`no option ${value} among ${options}`);
  await page.locator("#lhc-tools-searchResults li").nth(options.indexOf(value)).click();
}

// Answer a question, unless it is hidden. lforms hides what an earlier answer makes moot a moment later, so a question that
// cannot be answered in time is looked for again.
async function answer(page, linkId, value) {
  for (let tries = 1; ; tries++) {
    const item = await question(page, linkId);
    if (!item) return;
    try {
      return await choose(page, item, value);
    } catch (error) {
      if (error.name !== "TimeoutError" || tries === MAX_TRIES) throw error;
    }
  }
}

async function fill(page, filling) {
  for (const [linkId, value] of Object.entries(filling)) await answer(page, linkId, value);
  return whatIsShown(page);
}

async function whatIsShown(page) {
  const shown = (await shownItems(page)).map((each) => each.linkId);
  const response = await page.evaluate(() => LForms.Util.getFormFHIRData("QuestionnaireResponse", "R4"));
  return { shown, response };
}

async function examine(page, { questionnaire, fillings }, launch) {
  const searches = await show(page, questionnaire, launch);
  const items = await shownItems(page);
  for (const each of items) {
    const item = await question(page, each.linkId);
    if (each.options.length === 0) each.options = await optionsOf(page, item);
  }
  const filled = [];
  for (const filling of fillings) {
    await show(page, questionnaire, launch);
    filled.push(await fill(page, filling));
  }
  return { searches, items, filled };
}

await run(async ({ forms, responses = [], ...launch }, browser) => {
  const faults = [];
  const page = await browser.newPage();
  page.setDefaultTimeout(TRY_MS);
  page.on("pageerror", (error) => faults.push(`threw ${error.message}`));
  page.on("console", (message) => message.type() === "error" && faults.push(`reported ${message.text()}`));
  await page.route("**/*", (route) => serve(route, faults));
  await page.goto(ORIGIN, { timeout: MAX_TRIES * TRY_MS });
  const found = [];
  for (const form of forms) found.push(await examine(page, form, launch));
  const loaded = [];
  for (const given of responses) loaded.push(await load(page, given, launch));
  return { faults, forms: found, responses: loaded };
});
