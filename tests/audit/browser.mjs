// The interpreter of the pages behind a pipe: a line of JSON asks, a line answers.
//   {"linked": {entity: {id: values}}, "rows": [row, ...]}   what the expressions after it are asked of
//   {"expression": {...}, "kind": "number"}                   -> [answer, ...], {"unknown": why} where only the server knows
//   {"texts": [...]}                                          -> [[lower, upper, folded], ...]
//   {"moments": [...], "zone": [...]}                         -> [[day, hour], ...]
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const from = (name) => import(pathToFileURL(join(process.argv[2], name)).href);
const { evaluate, plain, Unknown } = await from("evaluate.js");
const texts = await from("texts.js");
const dates = await from("dates.js");
let rows = [];

function asked(expression, kind, row) {
  try {
    return plain(kind, evaluate(expression, row));
  } catch (error) {
    if (error instanceof Unknown) return { unknown: error.message };
    return { failed: String(error.stack) };
  }
}

const ANSWERS = {
  rows(given) {
    const linked = (entity, id) => given.linked[entity]?.[id] ?? null;
    const whole = (row) => ({ ...row, linked, lists: row.lists && mapped(row.lists, (each) => each.map(whole)) });
    rows = given.rows.map(whole);
    return rows.length;
  },
  expression: (given) => rows.map((row) => asked(given.expression, given.kind, row)),
  texts: (given) => given.texts.map((each) => [texts.FUNCTIONS.lower(each), texts.FUNCTIONS.upper(each), texts.fold(each)]),
  moments(given) {
    return given.moments.map((each) => {
      const day = dates.date(BigInt(each), given.zone);
      return [day === null ? null : dates.written(day), String(dates.hour(BigInt(each), given.zone))];
    });
  },
};
const mapped = (object, by) => Object.fromEntries(Object.entries(object).map(([key, each]) => [key, by(each)]));

for await (const line of createInterface({ input: process.stdin })) {
  const given = JSON.parse(line), name = Object.keys(ANSWERS).find((each) => each in given);
  process.stdout.write(`${JSON.stringify(ANSWERS[name](given))}\n`);
}
