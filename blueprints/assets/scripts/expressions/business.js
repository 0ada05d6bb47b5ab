// Business time as `metadata/calendars.py` has it. A calendar: `{ week, special, zone }`, `week` from Monday: spans of
// minutes since the day began; `special`: day -> its spans instead; `zone` as in dates.js.
import { dayOf, FIRST, floored, keptMoment, LAST, local, parts, Unknown, weekdayOf } from "./dates.js";
import { counted, divided, ONE, whole } from "./numbers.js";

const YEARS = 50, SECOND = 1000000n;

const hoursOf = (calendar, day) => calendar.special[day] ?? calendar.week[weekdayOf(day) - 1];

export const is_business_day = (day, calendar) => hoursOf(calendar, day).length > 0;

/** How many business days come before a day, from the first day of all on. */
function daysBefore(calendar, day) {
  const worked = calendar.week.map((spans) => spans.length > 0), sum = (some) => some.filter(Boolean).length;
  const weeks = Math.floor((day - FIRST) / 7); // the first day of all is a Monday
  let found = weeks * sum(worked) + sum(worked.slice(0, day - FIRST - weeks * 7));
  for (const [special, spans] of Object.entries(calendar.special)) {
    if (Number(special) < day) found += (spans.length > 0) - worked[weekdayOf(Number(special)) - 1];
  }
  return found;
}

/** The first of the numbers `low` to `high` for which `test` holds; it holds for `high`. */
function first(low, high, test) {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (test(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

export function add_business_days(day, number, calendar) {
  const count = whole(number), before = (each) => daysBefore(calendar, each);
  if (count > 0) {
    const wanted = before(day + 1) + count;
    return before(LAST + 1) < wanted ? null : first(day, LAST + 1, (each) => before(each) >= wanted) - 1;
  }
  const wanted = before(day) + count;
  if (count && wanted < 0) return null;
  return count ? first(FIRST, day, (each) => before(each) > wanted) - 1 : day;
}

export function business_days_between(a, b, calendar) {
  const before = (day) => daysBefore(calendar, day), step = b >= a ? 1 : 0;
  return counted(before(b + step) - before(a + step));
}

/** A time of the clock as a moment: of two the earlier; one that is skipped as if the clock had not been changed. */
function at(day, minutes, zone) {
  const clock = day * 86400 + minutes * 60;
  let offset = zone[0][1];
  for (let each = 1; each < zone.length; each++) {
    if (zone[each][0] + Math.max(zone[each - 1][1], zone[each][1]) > clock) break;
    if (each === zone.length - 1) throw new Unknown("a day beyond the table of the zone");
    offset = zone[each][1];
  }
  return BigInt(clock - offset) * SECOND;
}

const counts = (year) => year > 1 && year < 9999;

/** The spans that begin in a year, in order, as moments; none for the first and the last year of all. */
function* spans(calendar, year) {
  if (!counts(year)) return;
  const begin = dayOf(year, 1, 1), end = dayOf(year + 1, 1, 1);
  let reached = null;
  for (let day = begin - 1; day < end; day++) {
    for (const [from, until] of hoursOf(calendar, day)) {
      let start = at(day, from, calendar.zone);
      const stop = at(day, until, calendar.zone);
      if (reached !== null && reached > start) start = reached;
      if (start < stop && day >= begin) yield [start, stop];
      if (reached === null || stop > reached) reached = stop;
    }
  }
}

const yearOf = (moment, calendar) => parts(Math.floor(local(moment, calendar.zone) / 86400))[0];

export function add_business_hours(moment, hours, calendar) {
  const seconds = divided(hours * 3600n, ONE);
  if (!seconds) return moment;
  const ahead = seconds > 0n, begin = yearOf(moment, calendar) - ahead; // a shift of the last night of a year ends in the next
  let left = (ahead ? seconds : -seconds) * SECOND;
  for (let step = 0; step <= YEARS + 1; step++) {
    const year = ahead ? begin + step : begin - step;
    if (!counts(year)) return null;
    const found = [...spans(calendar, year)];
    for (const [start, stop] of ahead ? found : found.reverse()) {
      const from = ahead && moment > start ? moment : start, until = !ahead && moment < stop ? moment : stop;
      if (from >= until) continue;
      if (until - from >= left) return keptMoment(ahead ? from + left : until - left);
      left -= until - from;
    }
  }
  return null;
}

export function business_hours_between(a, b, calendar) {
  if (b < a) {
    const found = business_hours_between(b, a, calendar);
    return found === null ? null : -found;
  }
  const begin = yearOf(a, calendar), end = yearOf(b, calendar);
  if (end - begin > YEARS) return null;
  let total = 0n;
  for (let year = begin - 1; year <= end; year++) {
    for (const [start, stop] of spans(calendar, year)) {
      const from = start > a ? start : a, until = stop < b ? stop : b;
      if (from < until) total += until - from;
    }
  }
  return divided(total * ONE, 3600n * SECOND);
}
