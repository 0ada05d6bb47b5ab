// Cuts Tabler's style sheet down to the parts that our pages use, while esbuild reads it.
import { readFile } from "node:fs/promises";

// Components that we have of our own or not at all, by the beginning of their class names.
const UNUSED = [
  "accordion", "apexcharts", "avatar-upload", "breadcrumb-", "carousel", "chat", "chip", "countdown", "datagrid-", "divide-",
  "dropzone", "fc", "flag", "fslightbox", "hr-text", "hugerte", "icon-pulse", "icon-rotate", "icon-tada", "img-", "jvm", "layout-",
  "lightbox", "litepicker", "markdown", "modal", "navbar", "nav-segmented-", "noUi", "offcanvas", "otp", "page-", "pagination-",
  "payment", "plyr", "popover", "pricing", "ribbon", "section", "settings", "signal", "signature", "social", "space-",
  "stars", "status-", "switch-icon", "theme-", "timeline", "toast", "tooltip", "tox", "tracking", "ts-", "turbo", "tom-select",
  "carousel", "bs-popover", "bs-tooltip", "card-rotate", "card-flip", "bg-gradient", "text-bg", "link-", "focus-ring", "icon-link",
  "align-", "offset-", "object-", "ratio", "sticky-", "z-", "float-", "vr", "stretched-link", "columns-", "gradient", "animate-",
  "cursor-", "scroll-", "placeholder", "loader", "list-inline", "form-imagecheck", "form-colorinput", "form-colorpicker", "form-floating",
  "form-fieldset", "form-help", "form-selectgroup", "legend", "input-icon-", "payment", "vector", "xxl-",
];
const COLOURS = "blue|azure|indigo|purple|pink|red|orange|yellow|lime|green|teal|cyan|facebook|twitter|linkedin|google|youtube|vimeo|dribbble|github|instagram|pinterest|vk|rss|flickr|bitbucket|tabler|x|muted|info|dark|light|black|white|gray(-\\d+)?";
const unusedClass = new RegExp(`\\.(?:(?:${UNUSED.join("|")})|(?:bg|text|btn|btn-outline|btn-ghost|alert|badge|border|table|list-group-item|progress-bar|steps|card|nav|avatar)-(?:${COLOURS})(?:-lt|-fg|-darken)?(?![\\w])|\\w+-(?:xxl|xl)(?![\\w]|-))`);
// Our tokens know light and dark by themselves; nothing of ours is set from right to left yet.
const foreign = /\[data-bs-theme|\[dir=|\[data-bs-(?!toggle)|:host/;

const drop = (selector) => unusedClass.test(selector) || foreign.test(selector);

function matching(text, from) {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const letter = text[at];
    if (letter === '"' || letter === "'") at = text.indexOf(letter, at + 1);
    else if (letter === "{") depth++;
    else if (letter === "}" && --depth === 0) return at;
  }
  return text.length;
}

function parts(list) {
  const found = [];
  let depth = 0, from = 0;
  for (let at = 0; at < list.length; at++) {
    if (list[at] === "(" || list[at] === "[") depth++;
    else if (list[at] === ")" || list[at] === "]") depth--;
    else if (list[at] === "," && !depth) { found.push(list.slice(from, at)); from = at + 1; }
  }
  return [...found, list.slice(from)];
}

export function cut(css) {
  let kept = "";
  for (let at = 0; at < css.length; ) {
    const open = css.indexOf("{", at), semicolon = css.indexOf(";", at);
    if (open < 0) break;
    if (semicolon >= 0 && semicolon < open && css[at] === "@") { at = semicolon + 1; continue; } // @charset
    const close = matching(css, open);
    const head = css.slice(at, open).trim(), body = css.slice(open + 1, close);
    if (/^@(media|supports|layer|container)/.test(head)) {
      const inner = cut(body);
      if (inner) kept += `${head}{${inner}}`;
    } else if (head.startsWith("@")) kept += `${head}{${body}}`;
    else {
      const root = /^(:host,:root|:root|:root,:host)$/.test(head.replace(/\s/g, ""));
      const selectors = root ? [":root"] : parts(head).filter((each) => !drop(each));
      if (selectors.length && body.trim()) kept += `${selectors.join(",")}{${body}}`;
    }
    at = close + 1;
  }
  return kept;
}

const strip = (css) => css.replace(/\/\*[^]*?\*\//g, "");

export const tabler = {
  name: "tabler",
  setup(build) {
    build.onLoad({ filter: /tabler\.min\.css$/ }, async ({ path }) => ({ contents: cut(strip(await readFile(path, "utf8"))), loader: "css" }));
  },
};
