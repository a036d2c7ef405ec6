// What a value was probably meant to be, in the spelling that is accepted: units of other programs, a date alone, yes for true. Law:
// what is proposed for a field is valid there.
import { millisecondsOf } from './duration.ts';

/** Characters of a value that is worth a guess. */
const CHARS_MAX = 200;

type Guess = (typed: string | number | boolean, name: string) => string | undefined;

/** By the last name of a field; what is proposed is the whole of `name: value`. */
const GUESSES: Readonly<Record<string, Guess>> = {
  connect: duration,
  read: duration,
  send: duration,
  interval: duration,
  timeout: duration,
  maxBody: size,
  maxAge: seconds,
  protocol,
  sticky: yesOrNo,
  stripPrefix: yesOrNo,
  public: yesOrNo,
  keepPath: yesOrNo,
  backup: yesOrNo,
  proxyProtocol: yesOrNo,
  includeSubDomains: yesOrNo,
  preload: yesOrNo,
  tlsPassthrough: yesOrNo,
  expiresAt: moment,
  redirect: (typed) => (/^https?:\/\/[^\s@'"{},]{1,150}$/.test(`${typed}`) ? `{to: '${typed}'}` : undefined),
  hsts: (typed) => (typed === true ? '{maxAge: 31536000}' : ageBlock(typed)),
  maintenance: (typed) => (isYes(typed) ? '{allow: []}' : undefined),
  certificate: (typed) => (secretName(typed) === undefined ? undefined : `{file: ${secretName(typed)}}`),
  file: secretName,
  credential: secretName,
};

/** `read: 5s` for the number 5 in timeouts.read; undefined: nobody can tell. `field`: as `fieldName` writes it. */
export function meantValue(field: string, typed: unknown): string | undefined {
  const name = field.split('.').at(-1)!;
  if (typeof typed === 'object' || typed === undefined || `${typed}`.length > CHARS_MAX) return undefined;
  if (!Object.hasOwn(GUESSES, name)) return undefined;
  const meant = GUESSES[name]!(typed as string | number | boolean, name);
  return meant === undefined ? undefined : `${name}: ${meant}`;
}

const DURATION_UNITS: readonly [RegExp, unit: string, times: number][] = [
  [/^(?:ms|msecs?|millis|milliseconds?)$/, 'ms', 1],
  [/^(?:|s|secs?|seconds?)$/, 's', 1],
  [/^(?:m|mins?|minutes?)$/, 'm', 1],
  [/^(?:h|hrs?|hours?)$/, 'h', 1],
  [/^(?:d|days?)$/, 'h', 24],
  [/^(?:w|weeks?)$/, 'h', 168],
];

/** A bare number counts seconds, as in nginx. */
function duration(typed: string | number | boolean, name: string): string | undefined {
  const meant = withUnit(typed, DURATION_UNITS, 99_999);
  const ms = meant === undefined ? 0 : millisecondsOf(meant);
  return ms <= (name === 'connect' ? 60_000 : 86_400_000) ? meant : undefined;
}

const SIZE_UNITS: readonly [RegExp, unit: string, times: number][] = [
  [/^(?:k|kb|kib)$/, 'k', 1],
  [/^(?:m|mb|mib)$/, 'm', 1],
  [/^(?:g|gb|gib)$/, 'g', 1],
];

/** A bare number counts bytes, as in nginx; it is rounded up to whole units. */
function size(typed: string | number | boolean): string | undefined {
  const bytes = /^[0-9]{1,12}$/.test(`${typed}`) ? Number(typed) : 0;
  if (bytes === 0) return withUnit(typed, SIZE_UNITS, 999_999);
  const mib = Math.ceil(bytes / 1024 ** 2);
  return bytes <= 512 * 1024 ? `${Math.ceil(bytes / 1024)}k` : mib <= 999_999 ? `${mib}m` : undefined;
}

/** Of a file or credential: a path, or the text of a secret itself, is none that was meant. */
function secretName(typed: string | number | boolean): string | undefined {
  if (typeof typed !== 'string' || !/^[\w. -]{1,64}$/.test(typed)) return undefined;
  const name = typed.trim().toLowerCase().replace(/ +/g, '-');
  return /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/.test(name) && Number.isNaN(Number(name)) ? name : undefined;
}

const AGE_UNITS: readonly [RegExp, unit: string, times: number][] = [
  [/^(?:|s|secs?|seconds?)$/, '', 1],
  [/^(?:m|mins?|minutes?)$/, '', 60],
  [/^(?:h|hrs?|hours?)$/, '', 3_600],
  [/^(?:d|days?)$/, '', 86_400],
  [/^(?:w|weeks?)$/, '', 604_800],
  [/^(?:mo|months?)$/, '', 2_592_000],
  [/^(?:y|yrs?|years?)$/, '', 31_536_000],
];
const AGE_SECONDS_MAX = 63_072_000;

function seconds(typed: string | number | boolean): string | undefined {
  return withUnit(typed, AGE_UNITS, AGE_SECONDS_MAX);
}

function ageBlock(typed: string | number | boolean): string | undefined {
  const age = isYes(typed) ? '31536000' : seconds(typed);
  return age === undefined ? undefined : `{maxAge: ${age}}`;
}

function withUnit(
  typed: string | number | boolean,
  units: readonly (readonly [RegExp, unit: string, times: number])[],
  max: number,
): string | undefined {
  const match = /^\s*([1-9][0-9]{0,8})\s*([a-z]*)\s*$/i.exec(`${typed}`);
  const found = match && units.find(([word]) => word.test(match[2]!.toLowerCase()));
  if (!match || !found) return undefined;
  const number = Number(match[1]) * found[2];
  return number <= max ? `${number}${found[1]}` : undefined;
}

/** What services say that they speak. */
const PROTOCOLS: Readonly<Record<string, string>> = {
  grpc: 'h2c',
  'grpc-plain': 'h2c',
  http2: 'h2c',
  h2: 'h2c',
  ws: 'http',
  websocket: 'http',
  'http/1.1': 'http',
  http1: 'http',
  wss: 'https',
  ssl: 'https',
  passthrough: 'tls',
  ssh: 'tcp',
  mysql: 'tcp',
  postgres: 'tcp',
  minecraft: 'tcp',
  wireguard: 'udp',
};

function protocol(typed: string | number | boolean): string | undefined {
  const word = `${typed}`.toLowerCase().replace(/:?\/*$/, '');
  return Object.hasOwn(PROTOCOLS, word) ? PROTOCOLS[word] : undefined;
}

/** YAML 1.1 took these words for true and false, and many programs still do. */
function yesOrNo(typed: string | number | boolean): string | undefined {
  if (isYes(typed)) return 'true';
  return /^(?:no|n|off|false|0|disabled?)$/i.test(`${typed}`) ? 'false' : undefined;
}

function isYes(typed: string | number | boolean): boolean {
  return /^(?:yes|y|on|true|1|enabled?)$/i.test(`${typed}`);
}

const MOMENT = /^(20\d\d-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d{1,9})? ?(Z|[+-]\d\d:?\d\d)?)?$/i;

/** A date alone ends when it begins, in UTC; a time of another zone is converted, one without a zone is taken for UTC. */
function moment(typed: string | number | boolean): string | undefined {
  const [, date, time = '00:00', zone = 'Z'] = MOMENT.exec(`${typed}`) ?? [];
  const offset = zone.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2').toUpperCase();
  const ms = Date.parse(`${date}T${time}${offset}`);
  if (date === undefined || Number.isNaN(ms) || !existsOn(date)) return undefined;
  return `${new Date(ms).toISOString().slice(0, time.length === 'HH:MM'.length ? 16 : 19)}Z`;
}

/** February 31 would become some day of March. */
function existsOn(date: string): boolean {
  return new Date(`${date}T00:00Z`).toISOString().startsWith(date);
}
