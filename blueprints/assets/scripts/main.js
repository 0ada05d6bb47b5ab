// What every page runs: htmx for fragments, Alpine for small state, and the parts of the pages.
import Alpine from "@alpinejs/csp";
import htmx from "htmx.org";
import * as boards from "./boards.js";
import * as forms from "./forms.js";
import * as inbox from "./inbox.js";
import * as lists from "./lists.js";
import * as mentions from "./mentions.js";
import * as records from "./records.js";
import * as recycling from "./recycling.js";
import * as shell from "./shell.js";
import * as values from "./values.js";

window.htmx = htmx;
window.Alpine = Alpine;
for (const part of [shell, values, lists, boards, records, forms, recycling, inbox, mentions]) {
  try {
    part.install(Alpine);
  } catch (error) {
    console.error(error); // one part that fails leaves the others working
  }
}
Alpine.start();
