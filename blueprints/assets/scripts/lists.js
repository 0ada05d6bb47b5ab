// Lists: their scripts are loaded only where there is one.
export function install() {
  if (document.querySelector("[data-list]")) import("./lists/start.js").then((each) => each.start());
}
