"use strict";
// Morphing a page keeps what the user chose in a field. Show what the server says instead, since it read the order again.
document.addEventListener("htmx:after:swap", (event) => {
  if (event.target.id !== "workspace" && event.detail?.ctx?.target?.id !== "workspace") return;
  for (const field of document.querySelectorAll("[data-shows-case] :is(input, select, textarea)")) {
    if (field.type === "checkbox") field.checked = field.defaultChecked;
    else if (field.tagName === "SELECT") for (const option of field.options) option.selected = option.defaultSelected;
    else if (field.value !== field.defaultValue) field.value = field.defaultValue;
  }
});
