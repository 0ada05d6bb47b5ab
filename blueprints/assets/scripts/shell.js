// The frame at work: what of it moves, and what every other part may call for.
import * as dialogs from "./dialogs.js";
import * as frame from "./frame.js";
import * as keys from "./keys.js";
import * as moments from "./moments.js";
import * as palette from "./palette.js";
import * as requests from "./requests.js";
import * as toasts from "./toasts.js";

export function install(Alpine) {
  for (const part of [requests, toasts, dialogs, moments, frame, palette, keys]) part.install(Alpine);
  palette.remember();
}
