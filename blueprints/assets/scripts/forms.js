// Forms: the controls of every field, drafts, drawers, and values edited in their place.
import * as checks from "./forms/checks.js";
import * as choosing from "./forms/choosing.js";
import * as dates from "./forms/dates.js";
import * as drawer from "./forms/drawer.js";
import * as finder from "./forms/finder.js";
import * as form from "./forms/form.js";
import * as rows from "./forms/rows.js";
import * as uploads from "./forms/uploads.js";

export { openForm } from "./forms/drawer.js";
export { startInlineEdit } from "./inline.js";

export function install() {
  for (const part of [rows, choosing, finder, dates, uploads, checks, drawer, form]) part.install();
}
