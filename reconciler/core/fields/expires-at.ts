// `expiresAt`: a moment that exists. Whether it is over is asked when configs are compiled, because here nobody knows the time.
import { meantOr, one, refuse } from './field.ts';

export const expiresAt = one<string>((typed, place) => {
  const date = typed.slice(0, 'YYYY-MM-DD'.length);
  if (exists(typed)) return [];
  const message = `found ${typed}, expected a moment that exists`;
  const lastDay = lastDayOf(date);
  const meant = date > lastDay && exists(typed.replace(date, lastDay)) ? typed.replace(date, lastDay) : undefined;
  const hint = meantOr(meant, 'months go from 01 to 12, hours from 00 to 23, minutes and seconds from 00 to 59');
  return [refuse(place, 'KK330', message, hint)];
});

/** Dates roll over (February 31 becomes March 3), so the moment must come back as it was typed. */
function exists(typed: string): boolean {
  const moment = new Date(typed);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(typed.slice(0, -1));
}

/** Of the month that a date stands in; what is no month answers text that no date is after. */
function lastDayOf(date: string): string {
  const [year, month] = [Number(date.slice(0, 4)), Number(date.slice(5, 7))];
  if (month < 1 || month > 12) return '~';
  return new Date(Date.UTC(year, month, 0)).toISOString().slice(0, 'YYYY-MM-DD'.length);
}
