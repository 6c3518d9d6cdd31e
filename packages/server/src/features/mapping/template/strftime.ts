/**
 * The time in UTC, in a format of `%` and a letter each: those of C's strftime, and `%f` for three digits of milliseconds.
 * `ms` counts from the epoch. Throws for a letter that means nothing and for a `%` at the end.
 */
export function formatTime(format: string, ms: number): string {
  const time = new Date(ms);
  return format.replaceAll(/%(.?)/gsu, (_, letter: string) => {
    if (letter === '') throw new Error('stray % at the end of pattern');
    const verb = verbs.get(letter);
    if (verb === undefined) throw new Error(`unknown verb %${letter}`);
    return verb(time);
  });
}

type Verb = (time: Date) => string;

const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;
const months = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
] as const;

const pad = (value: number, width = 2): string => String(value).padStart(width, '0');
const blank = (value: number): string => String(value).padStart(2);
const hourOf12 = (time: Date): number => time.getUTCHours() % 12 || 12;
const short = (name = ''): string => name.slice(0, 3);

const year: Verb = (time) => pad(time.getUTCFullYear(), 4);
const shortYear: Verb = (time) => pad(time.getUTCFullYear() % 100);
const month: Verb = (time) => pad(time.getUTCMonth() + 1);
const shortMonth: Verb = (time) => short(months[time.getUTCMonth()]);
const shortWeekday: Verb = (time) => short(weekdays[time.getUTCDay()]);
const day: Verb = (time) => pad(time.getUTCDate());
const blankDay: Verb = (time) => blank(time.getUTCDate());
const hour: Verb = (time) => pad(time.getUTCHours());
const minute: Verb = (time) => pad(time.getUTCMinutes());
const second: Verb = (time) => pad(time.getUTCSeconds());
const half: Verb = (time) => (time.getUTCHours() < 12 ? 'AM' : 'PM');
const clock: Verb = (time) => `${hour(time)}:${minute(time)}:${second(time)}`;
const slashDate: Verb = (time) => `${month(time)}/${day(time)}/${shortYear(time)}`;

const dayMs = 24 * 60 * 60 * 1000;
/** From 0 for the first of January. */
const dayOfYear = (time: Date): number => Math.floor((time.getTime() - Date.UTC(time.getUTCFullYear())) / dayMs);
const mondayFirst = (time: Date): number => (time.getUTCDay() + 6) % 7;

/** ISO 8601: the week is that of its Thursday. */
function isoWeek(time: Date): number {
  const thursday = new Date(time.getTime() + (3 - mondayFirst(time)) * dayMs);
  return Math.floor(dayOfYear(thursday) / 7) + 1;
}

const verbs: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ['A', (time) => weekdays[time.getUTCDay()] ?? ''],
  ['a', shortWeekday],
  ['B', (time) => months[time.getUTCMonth()] ?? ''],
  ['b', shortMonth],
  ['C', (time) => pad(Math.floor(time.getUTCFullYear() / 100))],
  ['c', (time) => `${shortWeekday(time)} ${shortMonth(time)} ${blankDay(time)} ${clock(time)} ${year(time)}`],
  ['D', slashDate],
  ['d', day],
  ['e', blankDay],
  ['F', (time) => `${year(time)}-${month(time)}-${day(time)}`],
  ['f', (time) => pad(time.getUTCMilliseconds(), 3)],
  ['H', hour],
  ['h', shortMonth],
  ['I', (time) => pad(hourOf12(time))],
  ['j', (time) => pad(dayOfYear(time) + 1, 3)],
  ['k', (time) => blank(time.getUTCHours())],
  ['l', (time) => blank(hourOf12(time))],
  ['M', minute],
  ['m', month],
  ['n', () => '\n'],
  ['p', half],
  ['R', (time) => `${hour(time)}:${minute(time)}`],
  ['r', (time) => `${pad(hourOf12(time))}:${minute(time)}:${second(time)} ${half(time)}`],
  ['S', second],
  ['T', clock],
  ['t', () => '\t'],
  ['U', (time) => pad(Math.floor((dayOfYear(time) + 7 - time.getUTCDay()) / 7))],
  ['u', (time) => String(mondayFirst(time) + 1)],
  ['V', (time) => pad(isoWeek(time))],
  ['v', (time) => `${blankDay(time)}-${shortMonth(time)}-${year(time)}`],
  ['W', (time) => pad(Math.floor((dayOfYear(time) + 7 - mondayFirst(time)) / 7))],
  ['w', (time) => String(time.getUTCDay())],
  ['X', clock],
  ['x', slashDate],
  ['Y', year],
  ['y', shortYear],
  ['Z', () => 'UTC'],
  ['z', () => '+0000'],
  ['%', () => '%'],
]);
