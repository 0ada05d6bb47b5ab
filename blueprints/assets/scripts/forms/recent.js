// The records that a person chose last, by kind, kept in this browser until the person signs out.
const MOST = 5, PREFIX = "ml:recent:";

const key = (person, entity) => `${PREFIX}${person}:${entity}`;

export function recent(person, entity) {
  try {
    return JSON.parse(localStorage.getItem(key(person, entity)) ?? "[]");
  } catch {
    return [];
  }
}

export function remember(person, entity, { id, title }) {
  const kept = [{ id, title }, ...recent(person, entity).filter((each) => each.id !== id)].slice(0, MOST);
  try {
    localStorage.setItem(key(person, entity), JSON.stringify(kept));
  } catch {
    // a browser that keeps nothing finds records all the same
  }
}
