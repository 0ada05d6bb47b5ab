// Exact decimals: a BigInt that counts steps of 10^-12. What leaves the range, or is divided by zero, is empty (null).

export const ONE = 10n ** 12n;
const END = 10n ** 36n; // 10^24

const size = (number) => (number < 0n ? -number : number);

/** A number in the range, else null. */
export const kept = (number) => (size(number) < END ? number : null);

/** The whole quotient, half away from zero. */
export function divided(number, by) {
  const quotient = (2n * size(number) + size(by)) / (2n * size(by));
  return number < 0n === by < 0n ? quotient : -quotient;
}

export const SIGNS = {
  "+": (a, b) => kept(a + b),
  "-": (a, b) => kept(a - b),
  "*": (a, b) => kept(divided(a * b, ONE)),
  "/": (a, b) => (b ? kept(divided(a * ONE, b)) : null),
  "%": (a, b) => (b ? a % b : null),
};

/** A whole Number of a BigInt number, its digits after the point cut off. */
export const whole = (number) => Number(number / ONE);
export const counted = (count) => BigInt(count) * ONE;

export function round(number, places = 0n) {
  const to = whole(places);
  if (to < -12 || to > 12) return null;
  const step = 10n ** BigInt(12 - to);
  return kept(divided(number, step) * step);
}

export function floor(number) {
  const rest = ((number % ONE) + ONE) % ONE;
  return kept(number - rest);
}

export const ceil = (number) => {
  const found = floor(-number);
  return found === null ? null : -found;
};

export const abs = size;

/** A number as people write it: no needless zeros, never an exponent. */
export function written(number) {
  const digits = String(size(number)).padStart(13, "0");
  const places = digits.slice(-12).replace(/0+$/, "");
  return (number < 0n ? "-" : "") + digits.slice(0, -12) + (places && `.${places}`);
}

/** What a plain text of digits says, else null. */
export function read(text) {
  const found = /^(-?)(\d{1,24})(?:\.(\d{1,12}))?$/.exec(text);
  return found && BigInt(found[1] + found[2] + (found[3] ?? "").padEnd(12, "0"));
}
