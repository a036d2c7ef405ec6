// Judges a value by its schema, in words: what was found, what is expected, what was probably meant.
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { ANNOTATIONS, schemas } from '../../schemas/by-kind.ts';
import type { Kind } from './files.ts';
import { foreignWordHint } from './foreign-words.ts';
import { meantValue } from './meant-values.ts';
import type { RuleId } from './rules.ts';
import { shown } from './shown.ts';
import { didYouMean } from './suggest.ts';

/** A schema problem before it has a place. */
export interface SchemaFinding {
  pointer: string;
  part: 'key' | 'value';
  rule: RuleId;
  message: string;
  hint: string;
}

const KEEP_ONE = 'keep one of them';
/** Names are shown up to here. */
const SHOWN_CHARS_MAX = 60;
/** Names of properties that a message lists; the editor knows them all. */
const LISTED_MAX = 8;
/** Logins: neither values nor names are shown, because some people write passwords, hashes and names of users there. */
const LOGIN_FIELD = /(^|\.)auth(?!\.forward\b)(?!\w)/;
/** Their values are never shown either: a person may have pasted the secret itself. */
const SECRET_FIELD = /(token|key|secret|password|originTls\.ca)$|\bheaders\.(request|response)\.set\b/i;

let validators: Record<Kind, ValidateFunction> | undefined;

/**
 * Everything that the schema of `kind` refuses in `value`, in the schema's order. The values' number is bounded by the YAML reader.
 * `team`: in whose folder the file lies.
 */
export function judgeSchema(kind: Kind, value: unknown, team?: string): SchemaFinding[] {
  validators ??= compileValidators();
  const validate = validators[kind];
  if (validate(value)) return [];
  // What is wrong with a name is said by the error of the name itself.
  const errors = (validate.errors ?? []).filter(({ keyword }) => keyword !== 'propertyNames');
  return errors.map((error) => {
    const finding = toFinding(error, kind);
    const field = fieldName(error.instancePath);
    // Of auth itself only what stands in place of its block may be a password.
    const isLogin = LOGIN_FIELD.test(field) && (error.keyword === 'type' || !field.endsWith('auth'));
    const isSlip = finding.hint === KEEP_ONE || finding.hint.startsWith('did you mean');
    return isLogin && !isSlip ? { ...finding, hint: sealHint(team) } : finding;
  });
}

function sealHint(team = 'TEAM'): string {
  return `run kokoa seal --team ${team}, and paste all of what it prints; if a password or a hash was pushed, change the password`;
}

function compileValidators(): Record<Kind, ValidateFunction> {
  // Every command waits for this: a test validates the schemas themselves, and shorter code would take longer to make than it saves.
  const quick = { meta: false, validateSchema: false, code: { optimize: false } } as const;
  const ajv = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true, strictTypes: false, ...quick });
  addFormats.default(ajv);
  ajv.addVocabulary([...ANNOTATIONS]);
  for (const schema of Object.values(schemas)) ajv.addSchema(schema);
  const compiled = (kind: Kind): ValidateFunction => ajv.getSchema(schemas[kind].$id)!;
  return { route: compiled('route'), origin: compiled('origin'), edge: compiled('edge'), kokoa: compiled('kokoa') };
}

function toFinding(error: ErrorObject, kind: Kind): SchemaFinding {
  const name = error.propertyName;
  const pointer = name === undefined ? error.instancePath : `${error.instancePath}/${escaped(name)}`;
  const field = fieldName(error.instancePath);
  const at = field === '' ? '' : `${field}: `;
  const finding = (rule: RuleId, message: string, hint: string): SchemaFinding => ({
    pointer,
    part: name === undefined ? 'value' : 'key',
    rule,
    message: at + message,
    hint,
  });
  const schema = error.parentSchema as {
    description?: string;
    examples?: unknown[];
    minimum?: number;
    maximum?: number;
    properties?: Record<string, { description?: string; examples?: unknown[] }>;
  };
  const about = schema.description ?? 'see the schema';
  const found = name === undefined ? describe(error.data, field) : `the name ${describe(name, '')}`;
  const { params, keyword } = error;
  switch (keyword) {
    case 'additionalProperties':
      return unknownProperty(kind, pointer, String(params.additionalProperty), Object.keys(schema.properties ?? {}));
    case 'required': {
      const name = String(params.missingProperty);
      const example = schema.properties?.[name]?.examples?.[0];
      return finding('KK113', `found no ${name}, expected one`, missingHint(field, name, example));
    }
    case 'enum': {
      const words = (params.allowedValues as unknown[]).map(String);
      const meant = typeof error.data === 'string' ? didYouMean(error.data, words) : undefined;
      return finding(
        'KK114',
        `found ${found}, expected ${oneOf(words)}`,
        meant ? `did you mean ${meant}?` : meantHint(field, error.data, about),
      );
    }
    case 'type':
      return finding(
        'KK111',
        `found ${found}, expected ${typeWords(params.type)}`,
        typeHint(params.type, error.data, meantHint(field, error.data, ''), about),
      );
    case 'pattern':
    case 'format': {
      const example = schema.examples?.[0];
      return finding(
        'KK115',
        `found ${found}, expected text such as ${example ?? params.format ?? 'described'}`,
        meantHint(field, error.data, about),
      );
    }
    case 'minimum':
    case 'maximum':
      return finding(
        'KK116',
        `found ${found}, expected ${keyword === 'minimum' ? 'at least' : 'at most'} ${params.limit}`,
        rangeHint(schema) ?? about,
      );
    case 'uniqueItems':
      return finding(
        'KK118',
        `found entry ${Number(params.i) + 1} equal to entry ${Number(params.j) + 1}, expected different ones`,
        'delete one of them',
      );
    case 'maxProperties':
      return finding(
        'KK117',
        `found ${together(error, schema.properties)}, expected at most ${params.limit}`,
        params.limit === 1 ? KEEP_ONE : about,
      );
    default:
      // minLength, maxLength, minItems, maxItems, minProperties
      return finding(
        'KK117',
        `found ${size(error.data)}, expected ${keyword.startsWith('min') ? 'at least' : 'at most'} ${params.limit}`,
        keyword === 'minProperties' ? emptyHint(field, about) : about,
      );
  }
}

function unknownProperty(kind: Kind, parent: string, name: string, known: string[]): SchemaFinding {
  const field = fieldName(parent);
  const meant = didYouMean(name, known);
  const foreign = kind === 'route' && /^(\/paths\/\d+)?$/.test(parent) ? foreignWordHint(name) : undefined;
  const found = LOGIN_FIELD.test(field) ? 'a property that is not one of them' : `the property ${shown(name)}`;
  return {
    pointer: `${parent}/${escaped(name)}`,
    part: 'key',
    rule: 'KK112',
    message: `${field === '' ? '' : `${field}: `}found ${found}, expected ${oneOf(known, LISTED_MAX)}`,
    hint: foreign ?? (meant === undefined ? 'delete the line, or correct the name' : `did you mean ${meant}?`),
  };
}

/** `maintenance: {}` lacks a list that may be empty, which is what most people mean. */
function missingHint(field: string, name: string, example: unknown): string {
  if (field === 'maintenance')
    return 'write maintenance: {allow: []}, which lets nobody in; addresses in the list get through';
  return example === undefined || typeof example === 'object'
    ? `add ${name}`
    : `add a line such as ${name}: ${example}`;
}

/** `certificate: {}` says that there is one, and not where. */
function emptyHint(field: string, about: string): string {
  if (field !== 'tls.certificate' && field !== 'tls') return about;
  const certificate = 'certificate: {file: app-certificate}';
  return `write ${field === 'tls' ? `tls: {${certificate}}` : certificate}, with the name under which an operator keeps it (docs/secrets.md)`;
}

function rangeHint({ minimum, maximum }: { minimum?: number; maximum?: number }): string | undefined {
  return minimum === undefined || maximum === undefined ? undefined : `write a number from ${minimum} to ${maximum}`;
}

/** The properties that must not all be there: by name, where the schema has the names. */
function together({ data }: ErrorObject, known: object | undefined): string {
  const names = Object.keys(data as object).filter((name) => known !== undefined && Object.hasOwn(known, name));
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names.at(-1)}` : size(data);
}

/** The value in its accepted spelling, where one can tell which is meant. */
function meantHint(field: string, data: unknown, otherwise: string): string {
  const meant = LOGIN_FIELD.test(field) ? undefined : meantValue(field, data);
  return meant === undefined ? otherwise : `write ${meant}`;
}

const TYPE_WORDS: Record<string, string> = {
  string: 'text',
  integer: 'a whole number',
  object: 'a block of properties',
  array: 'a list',
  boolean: 'true or false',
};

/** `type` of a schema: one word, or several of which one must hold. */
function typeWords(type: string | string[]): string {
  return [type]
    .flat()
    .map((word) => TYPE_WORDS[word] ?? word)
    .join(' or ');
}

function typeHint(type: unknown, data: unknown, meant: string, about: string): string {
  if (meant !== '' && !(type === 'integer' && /^[0-9]+$/.test(`${data}`))) return meant;
  if (type === 'string' && (typeof data === 'number' || typeof data === 'boolean')) return 'put it in quotes';
  if (type === 'integer' && typeof data === 'string' && /^[0-9]+$/.test(data)) return 'delete the quotes';
  if (type === 'array' && typeof data === 'string') return 'begin each entry on a line of its own with a dash';
  return about;
}

function describe(data: unknown, field: string): string {
  if (data === null) return 'nothing';
  if (Array.isArray(data)) return 'a list';
  if (typeof data === 'object') return 'a block of properties';
  const secret = SECRET_FIELD.test(field) || LOGIN_FIELD.test(field);
  if (typeof data !== 'string')
    return typeof data === 'number' ? (secret ? 'a number' : `the number ${data}`) : `${data}`;
  return secret ? `text of ${data.length} characters` : shown(data);
}

function size(data: unknown): string {
  if (typeof data === 'string') return `${data.length} characters`;
  if (Array.isArray(data)) return `${data.length} entries`;
  return `${Object.keys(data as object).length} properties`;
}

/** RFC 6901, 3. */
function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function oneOf(words: readonly string[], max = words.length): string {
  if (words.length <= 1) return String(words[0] ?? 'nothing');
  return `one of ${words.slice(0, max).join(', ')}${words.length > max ? ` and ${words.length - max} more` : ''}`;
}

/** `/teams/0/name` as people write it: `teams[0].name`. */
export function fieldName(pointer: string): string {
  const parts = pointer
    .split('/')
    .slice(1)
    .map((part) => part.slice(0, SHOWN_CHARS_MAX).replaceAll('~1', '/').replaceAll('~0', '~'));
  return parts.map((part, index) => (/^[0-9]+$/.test(part) ? `[${part}]` : `${index > 0 ? '.' : ''}${part}`)).join('');
}
