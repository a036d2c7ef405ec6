// The log. Law: no secret and no control character ever reaches the stream, whatever a caller or a stranger put into a field.
import { type DestinationStream, type Level, pino } from 'pino';

export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface LogOptions {
  /** `text`: one line for people. `json`: one object per line, as pino writes it. */
  format: 'text' | 'json';
  level?: Level | undefined;
  /** Default: standard error, so that standard output stays free for results. */
  write?: (line: string) => void;
}

const LINE_CHARS_MAX = 8192;
const HIDDEN = '[hidden]';

/** Members whose value is never written, at the top and one level below. */
const SECRET_MEMBERS = [
  'authorization',
  'token',
  'password',
  'secret',
  'cookie',
  'privateKey',
  'key',
  'x-hub-signature-256',
];

/** What a secret looks like wherever it stands: bearer values, JWTs, age and PEM private keys. */
const SECRETS =
  /\b(Bearer|Basic) +[A-Za-z0-9._~+/=-]{8,}|\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*|AGE-SECRET-KEY-1[A-Z0-9]+|\bkokoa_team_[\w-]{20,}|\b(ghp|gho|ghs|ghu|github_pat)_\w{20,}|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)/gs;

/** C0 and C1 controls, and characters that reorder or break lines on a terminal. */
const UNPRINTABLE = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

export function createLog({ format, level = 'info', write = (line) => process.stderr.write(line) }: LogOptions): Log {
  const stream: DestinationStream = {
    write(line) {
      const clean = sanitise(line.trimEnd());
      write(`${format === 'json' ? clean : textOf(clean)}\n`);
    },
  };
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: errorFields, err: errorFields },
      redact: { paths: SECRET_MEMBERS.flatMap((name) => [`["${name}"]`, `*["${name}"]`]), censor: HIDDEN },
    },
    stream,
  );
}

/** Hides what looks like a secret and escapes what a terminal would obey. Works on plain text and on a line of JSON. */
export function sanitise(text: string): string {
  return text
    .replace(SECRETS, HIDDEN)
    .replace(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function textOf(line: string): string {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line);
  } catch {
    return line.slice(0, LINE_CHARS_MAX);
  }
  const { time, level, msg, ...rest } = fields;
  const details = Object.entries(rest).map(
    ([name, value]) =>
      `${name}=${typeof value === 'string' && /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value)}`,
  );
  const text = [time, String(level).toUpperCase().padEnd(5), msg, ...details].join(' ');
  // Parsing the line brought back what its escapes stood for.
  return sanitise(text).slice(0, LINE_CHARS_MAX);
}

/** A KokoaError is for people; of anything else the stack is needed. */
function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, hint } = error as { code?: unknown; hint?: unknown };
  const known = { name: error.name, message: error.message };
  if (error.name === 'KokoaError') return { ...known, code, ...(hint === undefined ? {} : { hint }) };
  return { ...known, ...(code === undefined ? {} : { code }), stack: error.stack };
}
