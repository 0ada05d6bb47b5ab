// Evaluates the JSON of `metadata/expressions/browser.py`, as the server would: a rule in a form, without asking.
import * as business from "./business.js";
import * as dates from "./dates.js";
import * as numbers from "./numbers.js";
import * as texts from "./texts.js";

export { Unknown } from "./dates.js";

/**
 * The answer of `expression` for a `row`: `{ values, before, linked, lists }`.
 * `values`: field id -> what JSON holds (numbers as steps of 10^-12 and moments as microseconds, both as text); `before`:
 * the same before the save, null for a new record; `linked(entity, id)`: values of a linked record, null when there is
 * none for this person; `lists`: field id -> rows. Throws `Unknown` when only the server can tell.
 */
export const evaluate = (expression, row) => ask(expression.root, { ...expression, row });

/** A value as it lies in memory: BigInt for numbers and moments, a Number of days for dates, null for empty. */
export function value(kind, raw) {
  if (raw === null || raw === undefined || (kind === "set" && !raw.length)) return null;
  if (kind === "number" || kind === "datetime") return BigInt(raw);
  return kind === "date" ? dates.read(raw) : raw;
}

/** A value in memory as JSON data again. */
export function plain(kind, found) {
  if (found === null) return null;
  if (kind === "number" || kind === "datetime") return String(found);
  return kind === "date" ? dates.written(found) : found;
}

const ask = (node, at) => NODES[node.op](node, at);
const less = (a, b) => (typeof a === "string" ? texts.before(a, b) : a < b);
const same = (a, b) => (typeof a === "object" && a && b ? JSON.stringify(a) === JSON.stringify(b) : a === b);

const COMPARISONS = {
  "==": same,
  "!=": (a, b) => !same(a, b),
  "<": (a, b) => a !== null && b !== null && less(a, b),
  ">": (a, b) => COMPARISONS["<"](b, a),
  "<=": (a, b) => a !== null && b !== null && !less(b, a),
  ">=": (a, b) => COMPARISONS["<="](b, a),
};

function field(node, at) {
  let values = node.old ? at.row.before : at.row.values;
  for (const [link, entity] of node.links ?? []) {
    const id = values?.[link];
    values = id ? at.row.linked?.(entity, id) : null;
    if (values === undefined) throw new dates.Unknown("a record that the form does not hold");
  }
  if (!values) return null;
  return value(node.kind, node.base === undefined ? values[node.field] : base(node, values));
}

// The value of an amount in the tenant's currency: of an amount in another one only the server knows it.
function base(node, values) {
  const known = `${node.field}__base`;
  if (known in values) return values[known];
  const amount = values[node.field] ?? null;
  if (amount === null || values.currency === node.base) return amount;
  throw new dates.Unknown("a rate of exchange");
}

const matches = (test) => (node, at) => {
  const text = ask(node.text, at), part = ask(node.part, at);
  return text !== null && part !== null && test(texts.fold(text), texts.fold(part));
};

/** The rows of a list that meet its condition. */
function listed(node, at) {
  const rows = at.row.lists?.[node.list];
  if (!rows) throw new dates.Unknown("a list that the form does not hold");
  return rows.map((row) => ({ ...at, row })).filter((each) => !node.condition || ask(node.condition, each));
}

const measured = (node, at) => listed(node, at).map((each) => ask(node.value, each)).filter((each) => each !== null);
const added = (found) => found.reduce((sum, each) => sum + each, 0n);
const extreme = (first) => (found) => found.reduce((best, each) => (first(each, best) ? each : best));
const least = extreme(less), greatest = extreme((a, b) => less(b, a));

const FUNCTIONS = {
  ...dates,
  ...business,
  ...texts.FUNCTIONS,
  round: numbers.round,
  floor: numbers.floor,
  ceil: numbers.ceil,
  abs: numbers.abs,
  least: (...given) => least(given),
  greatest: (...given) => greatest(given),
  text: (text) => text,
  text_number: numbers.written,
  text_date: dates.written,
  text_datetime: dates.writtenMoment,
  text_boolean: String,
};
const TAKE_EMPTY = {
  concat: (given) => texts.made(given.join("")),
  coalesce: (given) => given.find((each) => each !== null) ?? null,
  is_empty: ([given]) => given === null,
};
const MAKE_TEXT = new Set(["lower", "upper", "trim", "left", "right", "substring", "replace", "text"]);

function call(node, at) {
  const given = node.arguments.map((each) => ask(each, at)), name = node.function;
  if (TAKE_EMPTY[name]) return TAKE_EMPTY[name](given);
  if (given.includes(null)) return null;
  if (name === "date" || name === "hour") return FUNCTIONS[name](...given, at.zone);
  if (node.calendar) return FUNCTIONS[name](...given, at.calendars[node.calendar]);
  const found = FUNCTIONS[name](...given);
  return MAKE_TEXT.has(name) ? texts.made(found) : found;
}

const NODES = {
  constant: (node) => value(node.kind, node.value),
  field,
  call,
  compare: (node, at) => COMPARISONS[node.sign](ask(node.left, at), ask(node.right, at)),
  and: (node, at) => node.parts.every((each) => ask(each, at)),
  or: (node, at) => node.parts.some((each) => ask(each, at)),
  not: (node, at) => !ask(node.part, at),
  in(node, at) {
    const found = ask(node.needle, at);
    return found === null ? node.nullable : node.items.some((each) => ask(each, at) === found);
  },
  contains: matches((text, part) => text.includes(part)),
  starts_with: matches((text, part) => text.startsWith(part)),
  ends_with: matches((text, part) => text.endsWith(part)),
  holds(node, at) {
    const form = node.exact ? (text) => text : texts.fold, part = ask(node.part, at);
    return part !== null && (ask(node.text, at) ?? []).some((each) => form(each) === form(part));
  },
  truth(node, at) {
    const found = ask(node.part, at);
    return found !== null && found !== false && found !== "" && !(node.kind === "number" && found === 0n);
  },
  arithmetic(node, at) {
    const left = ask(node.left, at), right = ask(node.right, at);
    return left === null || right === null ? null : numbers.SIGNS[node.sign](left, right);
  },
  negative(node, at) {
    const found = ask(node.part, at);
    return found === null ? null : -found;
  },
  if: (node, at) => ask(ask(node.condition, at) ? node.then : node.otherwise, at),
  changed(node, at) {
    return !same(field(node.ref, at), field({ ...node.ref, old: true }, at));
  },
  in_unit: (node, at) => node.units.includes(ask(node.part, at)),
  any: (node, at) => listed(node, at).length > 0,
  all: (node, at) => listed({ ...node, condition: null }, at).every((each) => ask(node.condition, each)),
  count: (node, at) => numbers.counted(listed(node, at).length),
  sum: (node, at) => numbers.kept(added(measured(node, at))),
  avg(node, at) {
    const found = measured(node, at);
    return found.length ? numbers.kept(numbers.divided(added(found), BigInt(found.length))) : null;
  },
  median(node, at) {
    const found = measured(node, at).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)), last = found.length - 1;
    const middle = [found[Math.floor(last / 2)], found[Math.ceil(last / 2)]];
    return found.length ? numbers.kept(numbers.divided(added(middle), 2n)) : null;
  },
  min: (node, at) => extremeOf(least, node, at),
  max: (node, at) => extremeOf(greatest, node, at),
};

function extremeOf(which, node, at) {
  const found = measured(node, at);
  return found.length ? which(found) : null;
}
