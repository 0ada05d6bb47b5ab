// An editor for text with a few marks. What it sends is HTML; the server alone decides what of it is kept.
import { changed } from "../forms/elements.js";

const KEPT = new Set(["P", "BR", "STRONG", "EM", "B", "I", "U", "S", "H2", "H3", "H4", "UL", "OL", "LI", "A", "BLOCKQUOTE", "CODE", "PRE", "HR"]);
const DROPPED = new Set(["SCRIPT", "STYLE", "TEMPLATE", "HEAD", "TITLE", "META", "LINK", "IFRAME", "OBJECT", "SVG", "MATH"]);
const RENAMED = { H1: "h2", H5: "h4", H6: "h4", DIV: "p", DEL: "s" };
const LINK = /^(https?:|mailto:|tel:)/i;

export function start(place) {
  const kept = place.querySelector("textarea"), template = place.querySelector("template");
  if (!template) return () => {};
  place.append(template.content.cloneNode(true));
  template.remove();
  const area = place.querySelector(".rich-area"), bar = place.querySelector(".rich-bar"), linking = place.querySelector(".rich-link");
  const [address, set] = linking.children;
  let range = null;

  for (const name of ["aria-invalid", "aria-describedby", "aria-required"]) {
    if (kept.hasAttribute(name)) area.setAttribute(name, kept.getAttribute(name));
  }
  const label = document.querySelector(`label[for="${CSS.escape(kept.id)}"]`);
  label?.addEventListener("click", () => area.focus());
  kept.hidden = true;
  kept.tabIndex = -1;
  if (document.activeElement === kept || kept.autofocus) area.focus();

  const show = () => area.replaceChildren(scrubbed(kept.value));
  const keep = () => {
    const empty = !area.textContent.trim() && !area.querySelector("hr");
    kept.value = empty ? "" : area.innerHTML;
    changed(kept);
    mark();
  };
  const run = (command, value) => { area.focus(); document.execCommand(command, false, value); keep(); };
  const block = (name) => run("formatBlock", inside(name) ? "p" : name);
  const inside = (name) => {
    const node = getSelection().anchorNode;
    return area.contains(node) ? (node.nodeType === 1 ? node : node.parentElement).closest(name) : null;
  };
  const mark = () => {
    for (const button of bar.children) {
      const on = { bold: "b, strong", italic: "i, em", heading: "h2, h3, h4", bullets: "ul", numbers: "ol", quote: "blockquote", link: "a" }[button.dataset.command];
      if (on) button.setAttribute("aria-pressed", String(!!inside(on)));
    }
  };
  const askLink = () => {
    const found = inside("a"), selection = getSelection();
    range = area.contains(selection.anchorNode) ? selection.getRangeAt(0).cloneRange() : null;
    if (found) { range = document.createRange(); range.selectNodeContents(found); }
    address.value = found?.getAttribute("href") ?? "";
    linking.hidden = false;
    address.focus();
  };
  const setLink = () => {
    const typed = address.value.trim(), url = typed && !LINK.test(typed) ? `https://${typed}` : typed;
    linking.hidden = true;
    area.focus();
    if (range) { getSelection().removeAllRanges(); getSelection().addRange(range); }
    if (!url) return run("unlink");
    if (!range || range.collapsed) return run("insertHTML", scrubbedText(`<a href="${url.replaceAll('"', "%22")}">${url.replace(/[<&]/g, "")}</a>`));
    run("createLink", url);
  };
  const commands = {
    bold: () => run("bold"), italic: () => run("italic"), heading: () => block("h3"), quote: () => block("blockquote"),
    bullets: () => run("insertUnorderedList"), numbers: () => run("insertOrderedList"), link: askLink,
    plain: () => { run("removeFormat"); run("formatBlock", "p"); },
  };

  document.execCommand("defaultParagraphSeparator", false, "p");
  document.execCommand("styleWithCSS", false, false);
  bar.addEventListener("mousedown", (event) => event.preventDefault());
  bar.addEventListener("click", (event) => commands[event.target.closest("[data-command]")?.dataset.command]?.());
  bar.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key], all = [...bar.children];
    if (!step) return;
    event.preventDefault();
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
  });
  set.addEventListener("click", setLink);
  address.addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); setLink(); }
    if (event.key === "Escape") { event.stopPropagation(); linking.hidden = true; area.focus(); }
  });
  area.addEventListener("input", keep);
  area.addEventListener("keyup", mark);
  area.addEventListener("mouseup", mark);
  area.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); event.stopPropagation(); askLink(); }
  });
  area.addEventListener("paste", (event) => {
    const html = event.clipboardData.getData("text/html");
    if (!html) return;
    event.preventDefault();
    run("insertHTML", scrubbedText(html));
  });
  show();
  return show;
}

const scrubbedText = (html) => {
  const holder = document.createElement("div");
  holder.append(scrubbed(html));
  return holder.innerHTML;
};

/** The same text with the tags that are kept alone, from a document that loads and runs nothing. */
function scrubbed(html) {
  const made = document.createDocumentFragment();
  const source = /<[a-z!/]/i.test(html) ? new DOMParser().parseFromString(html, "text/html").body : null;
  if (source) for (const each of source.childNodes) copy(each, made);
  else if (html) made.append(Object.assign(document.createElement("p"), { textContent: html }));
  return made;
}

function copy(node, into) {
  if (node.nodeType === Node.TEXT_NODE) return into.append(node.data);
  if (node.nodeType !== Node.ELEMENT_NODE || DROPPED.has(node.tagName.toUpperCase())) return undefined;
  const name = RENAMED[node.tagName] ?? (KEPT.has(node.tagName) ? node.tagName.toLowerCase() : "");
  const made = name ? document.createElement(name) : into;
  if (name === "a" && LINK.test(node.getAttribute("href") ?? "")) made.setAttribute("href", node.getAttribute("href"));
  for (const each of node.childNodes) copy(each, made);
  if (name) into.append(made);
  return undefined;
}
