// A Chinese division as lists of province, city and district, in place of the text that says its path.
import { api } from "../api.js";
import { changed, make } from "../forms/elements.js";

const DEPTH = { province: 1, city: 2, district: 3 };

export async function start(place) {
  const input = place.querySelector("input"), url = place.dataset.url, labels = place.dataset.labels.split("|");
  const most = DEPTH[place.dataset.level] ?? 3;
  const lists = make("span", { class: "region-lists" });

  const list = (at, options, chosen) => {
    const first = make("option", { value: "", text: `– ${labels[at]} –` });
    const made = make("select", { class: "form-select", "aria-label": labels[at] }, first,
      ...options.map((each) => make("option", { value: each.code, text: each.name, "data-path": each.path, selected: each.code === chosen })));
    made.addEventListener("change", () => choose(at, made));
    return made;
  };
  const choose = async (at, made) => {
    while (lists.children.length > at + 1) lists.lastChild.remove();
    const chosen = made.value ? made : lists.children[at - 1];
    input.value = chosen?.selectedOptions[0]?.dataset.path ?? "";
    changed(input);
    if (made.value && at + 1 < most) {
      const { steps } = await api.get(`${url}?under=${made.value}`);
      if (steps[0].length && lists.children.length === at + 1) lists.append(list(at + 1, steps[0], ""));
    }
  };
  const show = async () => {
    const { path, steps } = await api.get(`${url}?of=${encodeURIComponent(input.value)}`);
    if (input.value && !path.length) { lists.remove(); input.hidden = false; return; }
    lists.replaceChildren(...steps.slice(0, most).filter((each) => each.length).map((each, at) => list(at, each, path[at]?.code ?? "")));
    const first = lists.firstChild;
    for (const name of ["aria-invalid", "aria-describedby", "aria-required"]) {
      if (input.hasAttribute(name)) first.setAttribute(name, input.getAttribute(name));
    }
    if (!lists.isConnected) input.after(lists);
    input.hidden = true;
  };
  try {
    await show();
  } catch {
    input.hidden = false; // what can be typed is enough
  }
  return show;
}
