// Texts by code points, and their case as `metadata/folding.py` has it.
import { counted, read, whole } from "./numbers.js";

const LONGEST = 20000;
// Letters that got a case after Unicode 14 have none here: the answer must not depend on the age of a browser.
const OLD =
  /[^\u019b\u0264\u1c89\u1c8a\ua7cb-\ua7cf\ua7d2-\ua7d5\ua7da-\ua7dc\u{10d50}-\u{10d65}\u{10d70}-\u{10d85}\u{16ea0}-\u{16eb8}\u{16ebb}-\u{16ed3}]+/gu;

/** A text that a function makes: without characters, or with too many, it is empty. */
export const made = (text) => (!text || (text.length > LONGEST && length(text) > LONGEST) ? null : text);

const points = (text) => Array.from(text);
const length = (text) => points(text).length;

// Without the capital sigma, lower case looks at no neighbour.
const lower = (text) => text.replaceAll("Σ", "σ").replace(OLD, (found) => found.toLowerCase());
const upper = (text) => text.replace(OLD, (found) => found.toUpperCase());
export const fold = (text) => lower(text).replaceAll("ς", "σ");

const trim = (text) => text.replace(/^[ \t\n\r]+|[ \t\n\r]+$/g, "");
const left = (text, count) => points(text).slice(0, Math.max(whole(count), 0)).join("");
const right = (text, count) => {
  const most = whole(count);
  return most < 1 ? "" : points(text).slice(-most).join("");
};

function substring(text, from, count) {
  const begin = Math.max(whole(from), 1) - 1;
  const end = count === undefined ? Infinity : begin + Math.max(whole(count), 0);
  return points(text).slice(begin, end).join("");
}

function replace(text, part, by) {
  if (part === "") return text;
  const pieces = text.split(part);
  // Asked before it is made: a few calls inside each other could make a text larger than the memory.
  if (length(text) + (pieces.length - 1) * (length(by) - length(part)) > LONGEST) return null;
  return pieces.join(by);
}

const number = (text) => read(trim(text));

/** Whether one text comes before another, by code points: surrogates stand for the highest ones. */
export function before(a, b) {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) {
    const one = a.charCodeAt(at), other = b.charCodeAt(at);
    if (one === other) continue;
    const high = (unit) => unit >= 0xd800 && unit < 0xe000;
    return high(one) === high(other) ? one < other : high(other);
  }
  return a.length < b.length;
}

export const FUNCTIONS = {
  length: (text) => counted(length(text)),
  lower,
  upper,
  trim,
  left,
  right,
  substring,
  replace,
  number,
};
