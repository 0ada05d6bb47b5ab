// A list at work: everything that its page does beyond showing rows.
import * as bulk from "./bulk.js";
import * as cells from "./cells.js";
import * as columns from "./columns.js";
import * as exporting from "./exporting.js";
import * as filter from "./filter.js";
import * as rows from "./rows.js";
import * as views from "./views.js";
import { arrived } from "./state.js";

export function start() {
  for (const part of [rows, columns, filter, cells, bulk, exporting, views]) part.install();
  arrived();
}
