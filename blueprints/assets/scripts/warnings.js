// Rules that only warn: what they say is asked about, and who agrees saves all the same.
import { api, language } from "./api.js";
import { ask } from "./dialogs.js";

const WORDS = { en: { title: "Save all the same?", yes: "Save anyway" }, zh: { title: "仍要保存吗？", yes: "仍然保存" } };
const WARNING = "records.warning";

/** The rules that the person agrees to pass over, where nothing but their warnings stands against a save; else none. */
export async function agreed(problems) {
  if (!problems?.length || !problems.every((each) => each.code === WARNING && each.rule)) return [];
  const text = problems.map((each) => each.message).join("\n");
  return (await ask({ ...WORDS[language()], text })) ? problems.map((each) => each.rule) : [];
}

/** Send a write of one record; what only warns is asked about, and it is sent again with what was agreed to. */
export async function sendAsking(method, path, body, known = []) {
  const query = known.length ? `?${new URLSearchParams({ confirm: known.join(",") })}` : "";
  try {
    return await api.send(method, path + query, body);
  } catch (error) {
    const more = (await agreed(error.problems)).filter((each) => !known.includes(each));
    if (!more.length) throw error;
    return sendAsking(method, path, body, [...known, ...more]);
  }
}
