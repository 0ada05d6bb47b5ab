// Saving what the list shows now as a view.
import { open } from "../dialogs.js";
import { address } from "./state.js";

export function install() {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-view-save]")) open(document.getElementById("view-save"));
    if (event.target.closest("[data-view-keep]")) document.getElementById("view-keep").requestSubmit();
  });
  // These forms are about the list of this address, which may have changed since the page came.
  document.addEventListener("submit", (event) => {
    if (event.target.matches("form[data-with-address]")) event.target.action = event.target.action.split("?")[0] + address().search;
  }, true);
}
