// A move that needs more than itself: what was refused opens the form with the new value, at the first field that it needs.
import { openForm } from "./forms/drawer.js";

/** Whether the form at an address can help a change of one field that was refused: other fields are needed as well. */
export const needsMore = (error, field) => error?.status === 422 && error.problems.some((each) => each.path && each.path !== field);

/** Ask for what else is needed, and save it with the change. What was saved, or null. */
export function complete(error, form, field, value) {
  const needed = error.problems.find((each) => each.path && each.path !== field);
  const url = new URL(form, location.origin);
  url.searchParams.set(field, value);
  url.searchParams.set(".focus", needed.path.split(".")[0]);
  return openForm(url.href, { why: error.problems.map((each) => each.message).join(" ") });
}
