// A board in the hand: cards are dragged, carried by keys or sent by a menu; every move can be undone.
import Sortable from "sortablejs";
import { api, toast } from "./api.js";
import { complete, needsMore } from "./completing.js";
import { sendAsking } from "./warnings.js";

const NOTHING = "-";

export function start(board) {
  const { entity, view, field, type } = board.dataset;
  const texts = JSON.parse(board.dataset.texts);
  const movable = board.dataset.movable === "true";
  const live = document.querySelector("[data-live]");
  const columns = [...board.querySelectorAll(".board-column")];
  const filters = new URLSearchParams(location.search);
  filters.delete("view");
  const part = (path) => `/app/-/boards/${view}/${path}?${filters}`;

  const say = (key, values) => texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  const announce = (key, values) => { live.textContent = say(key, values); };
  const list = (column) => column.querySelector(".board-cards");
  const columnOf = (element) => element.closest(".board-column");
  const cardsOf = (column) => [...column.querySelectorAll(".board-card")];
  const why = (error) => error.problems?.map((each) => each.message).join(" ") ?? String(error);

  function valueOf(column) {
    const { value } = column.dataset;
    if (value === NOTHING) return null;
    return type === "boolean" ? value === "true" : value;
  }

  function put(card, place) {
    if (place.before?.parentNode === place.list) place.list.insertBefore(card, place.before);
    else place.list.prepend(card);
  }
  const placeOf = (card) => ({ list: card.parentNode, before: card.nextElementSibling });

  async function heads() {
    let found;
    try {
      found = new Map((await api.get(part("heads"))).map((each) => [each.value, each]));
    } catch {
      return; // the counts are renewed with the next move
    }
    let total = 0;
    for (const column of columns) {
      const head = found.get(column.dataset.value);
      const count = head?.count ?? 0;
      total += count;
      column.querySelector("[data-count]").textContent = count;
      document.querySelectorAll(`.board-tabs [data-value="${CSS.escape(column.dataset.value)}"] [data-count]`).forEach((each) => { each.textContent = count; });
      column.querySelectorAll("[data-sum]").forEach((each, at) => {
        const sum = head?.sums[at];
        each.querySelector("[data-text]").textContent = sum?.text ?? "0";
        each.title = each.title.replace(/: .*$/, `: ${sum?.title ?? "0"}`);
      });
    }
  }

  async function renew(card) {
    try {
      const html = await api.get(part(`cards/${card.dataset.card}`));
      const made = document.createRange().createContextualFragment(html).querySelector(".board-card");
      if (!made || !card.isConnected) return card;
      const focused = document.activeElement === card;
      card.replaceWith(made);
      dress(made);
      if (focused) made.focus();
      return made;
    } catch {
      return card;
    }
  }

  const save = (card, value) =>
    sendAsking("PATCH", `/api/v1/${entity}/${card.dataset.card}`, { [field]: value, version: Number(card.dataset.version) });

  /** The card already lies in its new column; `back` is where it came from. */
  async function move(card, back) {
    const column = columnOf(card);
    card.setAttribute("aria-busy", "true");
    try {
      const saved = await save(card, valueOf(column));
      card.dataset.version = saved.version;
    } catch (error) {
      put(card, back);
      card.removeAttribute("aria-busy");
      card.focus();
      if (valueOf(column) !== null && needsMore(error, field)) return finish(card, column, error);
      toast(say("refused", { why: why(error) }), "bad");
      live.textContent = say("refused", { why: why(error) });
      if (error.status === 409) renew(card);
      return;
    }
    card.removeAttribute("aria-busy");
    const label = column.dataset.label;
    announce("moved", { column: label });
    let current = await renew(card);
    heads();
    toast(`${card.dataset.title}: ${say("moved", { column: label })}`, "good", {
      label: texts.undo,
      run: async () => {
        try {
          const saved = await save(current, valueOf(columnOf(back.list)));
          current.dataset.version = saved.version;
          put(current, back);
          current = await renew(current);
          heads();
          live.textContent = texts.undone;
          toast(texts.undone, "info");
        } catch (error) {
          toast(say("refused", { why: why(error) }), "bad");
          if (error.status === 409) renew(current);
        }
      },
    });
  }

  /** The move asks for more: it is entered in the form, and the card goes where it was meant to when that is saved. */
  async function finish(card, column, error) {
    const form = `${card.querySelector(".board-title").href.split("?")[0]}/edit`;
    if (!(await complete(error, form, field, valueOf(column)))) return card.focus();
    put(card, { list: list(column) });
    const label = column.dataset.label;
    announce("moved", { column: label });
    toast(`${card.dataset.title}: ${say("moved", { column: label })}`, "good");
    (await renew(card)).focus();
    heads();
  }

  function dress(card) {
    card.querySelector("[data-move]")?.removeAttribute("hidden");
  }

  // -- by mouse and finger

  if (movable) {
    for (const column of columns) {
      let back;
      Sortable.create(list(column), {
        group: { name: "cards", put: !column.hasAttribute("data-retired") },
        draggable: ".board-card",
        animation: 120,
        delay: 160,
        delayOnTouchOnly: true,
        scroll: true,
        ghostClass: "board-ghost",
        chosenClass: "board-chosen",
        onStart: (event) => { back = { list: event.from, before: event.item.nextElementSibling }; board.classList.add("dragging"); },
        onEnd: (event) => {
          board.classList.remove("dragging");
          if (event.from === event.to) put(event.item, back); // the order inside a column is the view's
          else move(event.item, back);
        },
      });
    }
  }

  // -- by keys

  let held = null;

  function carry(step) {
    const at = columns.indexOf(columnOf(held.card));
    for (let to = at + step; to >= 0 && to < columns.length; to += step) {
      if (columns[to].hasAttribute("data-retired") && columns[to] !== columnOf(held.back.list)) continue;
      list(columns[to]).prepend(held.card);
      columns[to].scrollIntoView({ inline: "nearest", block: "nearest" });
      held.card.focus();
      announce("over", { column: columns[to].dataset.label });
      return;
    }
  }

  function drop(kept) {
    const { card, back } = held;
    held = null;
    card.classList.remove("board-held");
    if (kept && card.parentNode !== back.list) return move(card, back);
    put(card, back);
    card.focus();
    announce("cancelled", { title: card.dataset.title, column: columnOf(card).dataset.label });
  }

  function focusBeside(card, key) {
    const column = columnOf(card), cards = cardsOf(column), at = cards.indexOf(card);
    if (key === "ArrowUp" || key === "ArrowDown") cards[at + (key === "ArrowUp" ? -1 : 1)]?.focus();
    else {
      const step = key === "ArrowLeft" ? -1 : 1;
      for (let to = columns.indexOf(column) + step; to >= 0 && to < columns.length; to += step) {
        const there = cardsOf(columns[to]);
        if (there.length) { there[Math.min(at, there.length - 1)].focus(); return; }
      }
    }
  }

  board.addEventListener("keydown", (event) => {
    const card = event.target.closest(".board-card");
    if (!card || event.target !== card || event.altKey || event.ctrlKey || event.metaKey) return;
    const { key } = event;
    if (held) {
      if (key === "ArrowLeft") carry(-1);
      else if (key === "ArrowRight") carry(1);
      else if (key === " " || key === "Enter") drop(true);
      else if (key === "Escape") drop(false);
      else if (key !== "Tab") return;
      if (key === "Tab") drop(false);
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (key === " " && movable) {
      held = { card, back: placeOf(card) };
      card.classList.add("board-held");
      announce("held", { title: card.dataset.title, column: columnOf(card).dataset.label });
    } else if (key === "Enter") card.querySelector(".board-title").click();
    else if (key.startsWith("Arrow")) focusBeside(card, key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  // -- by menu

  const menu = document.querySelector("[data-move-menu]");
  let asked = null;
  board.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    if (button && menu) {
      asked = button.closest(".board-card");
      const here = columnOf(asked).dataset.value;
      menu.querySelectorAll("button").forEach((each) => each.setAttribute("aria-checked", each.value === here ? "true" : "false"));
      menu.returnValue = "";
      menu.showModal();
    }
  });
  menu?.addEventListener("click", (event) => { if (event.target === menu) menu.close(""); });
  menu?.addEventListener("close", () => {
    const column = columns.find((each) => each.dataset.value === menu.returnValue);
    if (!asked || !column || columnOf(asked) === column) return;
    const back = placeOf(asked);
    list(column).prepend(asked);
    move(asked, back);
  });

  // -- a new record in a column

  board.addEventListener("click", (event) => {
    const link = event.target.closest("[data-add]");
    if (!link || board.dataset.quick !== "true" || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    write(link);
  });

  board.addEventListener("saved", async (event) => {
    const column = columnOf(event.target);
    try {
      const html = await api.get(part(`cards/${event.detail.id}`));
      const card = document.createRange().createContextualFragment(html).querySelector(".board-card");
      const where = columns.find((each) => each.dataset.value === card.dataset.value) ?? column;
      list(where).prepend(card);
      card.scrollIntoView({ block: "nearest", inline: "nearest" });
    } catch {
      // it is not for this board
    }
    heads();
  });

  function write(link) {
    const column = columnOf(link);
    const form = document.createElement("form");
    form.className = "board-write";
    const input = document.createElement("input");
    input.className = "form-control";
    input.placeholder = texts.add_title;
    input.setAttribute("aria-label", texts.add_title);
    input.maxLength = 400;
    const wrong = document.createElement("p");
    wrong.className = "wrong";
    wrong.setAttribute("role", "alert");
    form.append(input, wrong);
    link.hidden = true;
    link.before(form);
    input.focus();
    const close = () => { form.remove(); link.hidden = false; };
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { close(); link.focus(); event.stopPropagation(); }
    });
    input.addEventListener("blur", () => setTimeout(() => { if (!input.value.trim() && !form.contains(document.activeElement)) close(); }, 150));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const title = input.value.trim();
      if (!title || input.readOnly) return;
      input.readOnly = true;
      wrong.textContent = "";
      try {
        const value = valueOf(column);
        const made = await sendAsking("POST", `/api/v1/${entity}`, { [board.dataset.titleField]: title, ...(value === null ? {} : { [field]: value }) });
        const html = await api.get(part(`cards/${made.id}`));
        const card = document.createRange().createContextualFragment(html).querySelector(".board-card");
        list(column).prepend(card);
        input.value = "";
        heads();
      } catch (error) {
        wrong.textContent = why(error);
      }
      input.readOnly = false;
      input.focus();
    });
  }

  // -- one column at a time on a phone

  const tabs = document.querySelector(".board-tabs");
  tabs?.addEventListener("click", (event) => {
    const tab = event.target.closest("a");
    if (!tab) return;
    event.preventDefault();
    document.querySelector(tab.getAttribute("href")).scrollIntoView({ inline: "start", block: "nearest", behavior: "smooth" });
  });
  if (tabs && "IntersectionObserver" in window) {
    const seen = new IntersectionObserver(
      (entries) => entries.forEach((entry) => {
        if (!entry.isIntersecting) return;
        tabs.querySelectorAll("a").forEach((each) => each.toggleAttribute("data-current", each.getAttribute("href") === `#${entry.target.id}`));
        const tab = tabs.querySelector("[data-current]");
        if (tab) tabs.scrollTo({ left: tab.offsetLeft - tabs.clientWidth / 2 + tab.clientWidth / 2 });
      }),
      { root: board, threshold: 0.6 },
    );
    columns.forEach((each) => seen.observe(each));
  }

  board.querySelectorAll(".board-card").forEach(dress);
  new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach((each) => each.classList?.contains("board-card") && dress(each)))).observe(board, { childList: true, subtree: true });
}
