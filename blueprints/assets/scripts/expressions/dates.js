// Days without the quirks of `Date`: a date is the Number of days since 1970-01-01 in the Gregorian calendar, carried on
// to both sides; a moment is a BigInt of microseconds since then, in UTC. Years 1 to 9999; what lies outside is empty.
import { counted, divided, ONE, whole } from "./numbers.js";

export const FIRST = -719162, LAST = 2932896; // 0001-01-01 and 9999-12-31
const MICROS = 1000000n, DAY = 86400n * MICROS, HOUR = 3600n * MICROS;

/** Something that cannot be known here; the server knows it. */
export class Unknown extends Error {}

const kept = (days) => (days >= FIRST && days <= LAST ? days : null);
const below = (number, by) => Math.floor(number / by);

/** The day of a year, month (1 to 12) and day. */
export function dayOf(year, month, day) {
  const shifted = month > 2 ? year : year - 1;
  const era = below(shifted, 400), of = shifted - era * 400;
  const at = below(153 * ((month + 9) % 12) + 2, 5) + day - 1;
  return era * 146097 + of * 365 + below(of, 4) - below(of, 100) + at - 719468;
}

/** Year, month and day of a day. */
export function parts(days) {
  const from = days + 719468, era = below(from, 146097), at = from - era * 146097;
  const of = below(at - below(at, 1460) + below(at, 36524) - below(at, 146096), 365);
  const inYear = at - (365 * of + below(of, 4) - below(of, 100)), turned = below(5 * inYear + 2, 153);
  const month = ((turned + 2) % 12) + 1;
  return [of + era * 400 + (month < 3 ? 1 : 0), month, inYear - below(153 * turned + 2, 5) + 1];
}

export const read = (text) => dayOf(...text.split("-").map(Number));
const two = (number, digits = 2) => String(number).padStart(digits, "0");

export function written(days) {
  const [year, month, day] = parts(days);
  return `${two(year, 4)}-${two(month)}-${two(day)}`;
}

/** The whole quotient, towards the past. */
export const floored = (number, by) => (number - (((number % by) + by) % by)) / by;

export function writtenMoment(moment) {
  const days = floored(moment, DAY), seconds = Number((moment - days * DAY) / MICROS);
  return `${written(Number(days))}T${two(below(seconds, 3600))}:${two(below(seconds, 60) % 60)}:${two(seconds % 60)}Z`;
}

export const keptMoment = (moment) => (kept(Number(floored(moment, DAY))) === null ? null : moment);

/** Where the clocks of a zone stand at a moment, in seconds since 1970. `zone`: [[from, offset], ...], then its end. */
export function local(moment, zone) {
  const seconds = Number(floored(moment, MICROS));
  let low = 0, high = zone.length - 1;
  if (seconds < zone[0][0] || seconds >= zone[high][0]) throw new Unknown("a moment beyond the table of the zone");
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (zone[middle][0] <= seconds) low = middle;
    else high = middle;
  }
  return seconds + zone[low][1];
}

export const date = (moment, zone) => kept(below(local(moment, zone), 86400));
export function hour(moment, zone) {
  const seconds = local(moment, zone), days = kept(below(seconds, 86400));
  return days === null ? null : counted(below(seconds, 3600) - 24 * days);
}

export const year = (days) => counted(parts(days)[0]);
export const month = (days) => counted(parts(days)[1]);
export const day = (days) => counted(parts(days)[2]);
export const quarter = (days) => counted(below(parts(days)[1] + 2, 3));
/** 1 is Monday. */
export const weekdayOf = (days) => ((((days + 3) % 7) + 7) % 7) + 1;
export const weekday = (days) => counted(weekdayOf(days));

export const start_of_week = (days) => kept(days - weekdayOf(days) + 1);
export const start_of_month = (days) => days - parts(days)[2] + 1;
export const end_of_month = (days) => monthLater(start_of_month(days), 1) - 1;
export function start_of_quarter(days) {
  const [year, month] = parts(days);
  return dayOf(year, month - ((month - 1) % 3), 1);
}
export const start_of_year = (days) => dayOf(parts(days)[0], 1, 1);

function monthLater(days, months) {
  const [year, month, day] = parts(days), at = year * 12 + month - 1 + months;
  const [toYear, toMonth] = [below(at, 12), (((at % 12) + 12) % 12) + 1];
  const last = dayOf(toMonth === 12 ? toYear + 1 : toYear, (toMonth % 12) + 1, 1) - dayOf(toYear, toMonth, 1);
  return dayOf(toYear, toMonth, Math.min(day, last));
}

export const add_days = (days, count) => kept(days + whole(count));
export const add_months = (days, count) => {
  const months = whole(count);
  return Math.abs(months) > 120000 ? null : kept(monthLater(days, months));
};
export const days_between = (a, b) => counted(b - a);

export function months_between(a, b) {
  if (b < a) return -months_between(b, a);
  const [from, to] = [parts(a), parts(b)];
  const months = (to[0] - from[0]) * 12 + to[1] - from[1];
  return counted(monthLater(a, months) > b ? months - 1 : months);
}

export const add_hours = (moment, hours) => keptMoment(moment + divided(hours * 3600n, ONE) * MICROS);
export const hours_between = (a, b) => divided((b - a) * ONE, HOUR);
