// Copies the text of an element to the clipboard: <button type="button" data-copy="id of the element">.
"use strict";
document.documentElement.classList.add("can-copy");
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const words = button.textContent;
  try {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not copied: select the text instead";
  }
  setTimeout(() => { button.textContent = words; }, 2000);
});
