// Drafts: what was typed into a form and not saved, kept in this browser for its person, record and form.
const PREFIX = "ml:draft:", SENT = "ml:sent", OLDEST = 14 * 86_400_000, MOST = 30;
const NEVER = new Set(["csrf", "version", "base", "once", "then"]);

const stored = (name) => {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name) ?? "null");
  } catch {
    return null;
  }
};

/** What a form holds by name, without files, passwords and what the platform keeps in it. */
export function held(form) {
  const found = {};
  for (const each of form.elements) {
    if (!each.name || NEVER.has(each.name) || each.name.startsWith("choice.") || each.disabled) continue;
    if (each.type === "file" || each.type === "password" || each.closest("[data-no-draft], ml-drop")) continue;
    if ((each.type === "checkbox" || each.type === "radio") && !each.checked) {
      found[each.name] ??= [];
      continue;
    }
    (found[each.name] ??= []).push(each.value);
  }
  return found;
}

/** The field that a name belongs to: `lines` of `lines.0.quantity`, `account` of `account.id`. */
export const fieldOf = (name) => name.split(".")[0];

export function differences(from, to) {
  const names = new Set([...Object.keys(from), ...Object.keys(to)]);
  return [...names].filter((name) => !name.endsWith(".was") && JSON.stringify(from[name] ?? []) !== JSON.stringify(to[name] ?? []));
}

/** Keep the fields that differ from how the form came; nothing differs: no draft. */
export function keep(name, form, start) {
  const now = held(form), fields = new Set(differences(start, now).map(fieldOf));
  if (!fields.size) return drop(name);
  const values = Object.fromEntries(Object.entries(now).filter(([each]) => fields.has(fieldOf(each))));
  const base = JSON.parse(form.elements.base?.value || "{}");
  const draft = { at: Date.now(), version: form.elements.version?.value ?? "", fields: [...fields], values, base: Object.fromEntries(Object.entries(base).filter(([key]) => fields.has(key.split("/")[0]))) };
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(draft));
  } catch {
    // a full or closed store: the form works without a draft
  }
}

export const find = stored;

export function drop(name) {
  try {
    localStorage.removeItem(PREFIX + name);
  } catch {
    // nothing was kept
  }
}

/** The form is on its way: if the next page is not this form again, it was saved. */
export function sent(name) {
  try {
    sessionStorage.setItem(SENT, name);
  } catch {
    // the draft stays and is offered once more
  }
}

/** On every page: forget the draft of a form that has been saved, and drafts that nobody came back to. */
export function tidy() {
  try {
    const name = sessionStorage.getItem(SENT);
    if (name) {
      sessionStorage.removeItem(SENT);
      const here = [...document.querySelectorAll("ml-form:not([data-saved])")].find((each) => each.dataset.draft === name);
      if (!here) drop(name);
    }
    const kept = Object.keys(localStorage).filter((each) => each.startsWith(PREFIX)).map((each) => [each, stored(each.slice(PREFIX.length))?.at ?? 0]);
    kept.sort((one, two) => two[1] - one[1]);
    kept.forEach(([key, at], number) => { if (Date.now() - at > OLDEST || number >= MOST) localStorage.removeItem(key); });
  } catch {
    // a browser that keeps nothing
  }
}

/** Nothing of a person stays in the browser after signing out. */
export function forgetAll() {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith("ml:draft:") || key.startsWith("ml:recent:")) localStorage.removeItem(key);
  } catch {
    // nothing was kept
  }
}

/** Put a draft back into a form. */
export function restore(draft, form) {
  for (const grid of form.querySelectorAll("ml-rows")) {
    const places = new Set(Object.keys(draft.values).filter((name) => fieldOf(name) === grid.dataset.name && name.split(".").length > 2).map((name) => name.split(".").slice(0, 2).join(".") + "."));
    if (!draft.fields.includes(grid.dataset.name)) continue;
    grid.ensure(places);
    for (const row of grid.rows) if (!places.has(row.dataset.place)) row.remove();
  }
  for (const links of form.querySelectorAll("ml-links")) {
    for (const id of draft.values[links.name] ?? []) if (/^[0-9a-f-]{36}$/.test(id)) links.add(id, draft.titles?.[id] ?? id.slice(0, 8));
  }
  for (const each of form.elements) {
    if (!each.name || NEVER.has(each.name) || !draft.fields.includes(fieldOf(each.name)) || each.type === "file") continue;
    const values = draft.values[each.name];
    if (!values) continue;
    if (each.type === "checkbox" || each.type === "radio") each.checked = values.includes(each.value);
    else if (values.length) each.value = each.closest("ml-links") ? "" : values.at(-1);
  }
  for (const each of form.querySelectorAll("ml-pick, ml-tags, ml-finder, ml-rich, ml-region, ml-address, ml-color")) each.restored?.();
  const base = form.elements.base && JSON.parse(form.elements.base.value || "{}");
  if (base && draft.version) {
    form.elements.base.value = JSON.stringify({ ...base, ...draft.base });
    if (form.elements.version && Number(draft.version) < Number(form.elements.version.value)) form.elements.version.value = draft.version;
  }
}
