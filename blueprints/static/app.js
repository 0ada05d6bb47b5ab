// Finds records while somebody types into a link field. Without it the field still takes a title in full.
"use strict";

for (const box of document.querySelectorAll("[data-find]")) {
  const text = box.querySelector("input[type=text]");
  const id = box.querySelector("input[data-id]");
  const was = box.querySelector("input[data-was]");
  const list = document.createElement("ul");
  list.className = "found";
  list.role = "listbox";
  list.id = `${text.id}-found`;
  list.hidden = true;
  box.append(list);
  text.setAttribute("role", "combobox");
  text.setAttribute("aria-autocomplete", "list");
  text.setAttribute("aria-expanded", "false");
  text.setAttribute("aria-controls", list.id);
  let timer = 0, asked = 0, at = -1;

  const close = () => {
    list.hidden = true;
    at = -1;
    text.setAttribute("aria-expanded", "false");
    text.removeAttribute("aria-activedescendant");
  };
  const choose = (item) => {
    text.value = was.value = item.textContent;
    id.value = item.dataset.id;
    close();
  };
  const mark = (next) => {
    const items = [...list.children];
    if (!items.length) return;
    at = (next + items.length) % items.length;
    items.forEach((item, index) => item.setAttribute("aria-selected", String(index === at)));
    items[at].scrollIntoView({ block: "nearest" });
    text.setAttribute("aria-activedescendant", items[at].id);
  };
  const target = () => {
    const chooser = box.dataset.chooser && document.getElementById(box.dataset.chooser);
    return chooser ? box.dataset.find.replace("__entity__", encodeURIComponent(chooser.value)) : box.dataset.find;
  };
  const ask = async () => {
    const mine = ++asked;
    const answer = await fetch(`${target()}?q=${encodeURIComponent(text.value)}`, { headers: { Accept: "application/json" } });
    if (!answer.ok || mine !== asked) return;
    const found = (await answer.json()).data;
    list.replaceChildren(...found.map((each, index) => {
      const item = document.createElement("li");
      item.role = "option";
      item.id = `${list.id}-${index}`;
      item.dataset.id = each.id;
      item.textContent = each.title;
      item.addEventListener("mousedown", (event) => { event.preventDefault(); choose(item); });
      return item;
    }));
    list.hidden = found.length === 0;
    at = -1;
    text.setAttribute("aria-expanded", String(!list.hidden));
  };
  text.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 150); });
  text.addEventListener("blur", close);
  text.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") { event.preventDefault(); list.hidden ? ask() : mark(at + 1); }
    else if (event.key === "ArrowUp" && !list.hidden) { event.preventDefault(); mark(at - 1); }
    else if (event.key === "Enter" && at >= 0) { event.preventDefault(); choose(list.children[at]); }
    else if (event.key === "Escape") close();
  });
}

for (const element of document.querySelectorAll("[data-reload]")) {
  setTimeout(() => location.reload(), Number(element.dataset.reload));
}
