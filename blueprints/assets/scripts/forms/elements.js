// Small things that every control needs: elements, icons, moving an id to the control that people see.

/** An element with attributes (`class`, `text`, others as they are called) and children. */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") made.textContent = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

const SHAPES = {
  x: "M18 6l-12 12M6 6l12 12",
  plus: "M12 5v14M5 12h14",
  down: "M6 9l6 6l6 -6",
  calendar: "M4 7a2 2 0 0 1 2 -2h12a2 2 0 0 1 2 2v12a2 2 0 0 1 -2 2h-12a2 2 0 0 1 -2 -2zM16 3v4M8 3v4M4 11h16",
  check: "M5 12l5 5l10 -10",
  grip: "M9 5h.01M9 12h.01M9 19h.01M15 5h.01M15 12h.01M15 19h.01",
  up: "M12 5v14M16 9l-4 -4M8 9l4 -4",
  lower: "M12 5v14M16 15l-4 4M8 15l4 4",
  file: "M14 3v4a1 1 0 0 0 1 1h4M17 21h-10a2 2 0 0 1 -2 -2v-14a2 2 0 0 1 2 -2h7l5 5v11a2 2 0 0 1 -2 2",
  upload: "M4 17v2a2 2 0 0 0 2 2h12a2 2 0 0 0 2 -2v-2M7 9l5 -5l5 5M12 4v12",
  trash: "M4 7h16M10 11v6M14 11v6M5 7l1 12a2 2 0 0 0 2 2h8a2 2 0 0 0 2 -2l1 -12M9 7v-3a1 1 0 0 1 1 -1h4a1 1 0 0 1 1 1v3",
};

/** One of the few icons that scripts draw. */
export function shape(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg"), path = document.createElementNS(space, "path");
  const drawn = { class: "icon", viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "1.75", "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" };
  for (const [key, value] of Object.entries(drawn)) svg.setAttribute(key, value);
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

/** Let `to` take the place of `from` for labels, notes and the cursor. */
export function stand(to, from) {
  for (const name of ["id", "aria-label", "aria-labelledby", "aria-invalid", "aria-describedby", "aria-required", "autofocus"]) {
    if (from.hasAttribute(name)) {
      to.setAttribute(name, from.getAttribute(name));
      from.removeAttribute(name);
    }
  }
  from.tabIndex = -1;
  from.setAttribute("aria-hidden", "true");
  from.classList.add("stood-for");
  if (document.activeElement === from) to.focus();
}

/** Tell whoever listens that a control has another value: drafts, grids, fields that depend on it. */
export function changed(element) {
  element.dispatchEvent(new Event("input", { bubbles: true }));
  element.dispatchEvent(new Event("change", { bubbles: true }));
}

/** Run after the last of several calls, so many milliseconds later. */
export function later(run, wait) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => run(...given), wait);
  };
}

/** Define an element once, however often the script is loaded. */
export function define(name, type) {
  if (!customElements.get(name)) customElements.define(name, type);
}
