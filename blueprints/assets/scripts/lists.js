// Lists: their scripts are loaded only where there is one. A button that is pressed before they are there is not lost.
export function install() {
  if (!document.querySelector("[data-list]")) return;
  let early = null;
  const keep = (event) => { early = event.target.closest("[data-list] button[type=button]"); };
  document.addEventListener("click", keep);
  import("./lists/start.js").then((each) => {
    document.removeEventListener("click", keep);
    each.start();
    if (early?.isConnected) early.click();
  });
}
